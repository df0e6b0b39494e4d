<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * Asks servers, and waits for their answers. Each question has a connection for replies of its own, until it is over.
 *
 * @internal
 */
final class Asker
{
    /** How often a question is asked that changes nothing, while nobody knows whether Redis took it. */
    private const MAX_ATTEMPTS = 4;

    /** For how many seconds it is waited for Redis to take one of these. */
    private const PATIENCE = 2.0;

    /**
     * @param string $call        what the caller has called, for messages
     * @param int    $deadline    as hrtime() has it
     * @param string $consequence what it means when answers are missing
     * @param ?\Closure(int): mixed $partial what has come then, of so many servers, where that is not the answers
     */
    public function __construct(
        private readonly Settings $settings,
        private readonly Sender $sender,
        private readonly Target $target,
        private readonly string $call,
        private readonly int $deadline,
        private readonly string $consequence = '',
        private readonly ?\Closure $partial = null,
    ) {
    }

    /**
     * @return mixed what the answers add up to
     */
    public function ask(Question $question, Answers $answers): mixed
    {
        $this->settings->checkVersion4($this->call);
        $adapter = $this->settings->adapter;
        $command = $this->command($question);
        $this->checkReadsBinary($command, $answers);
        [$channels, $isShard] = $adapter->replyChannels($this->target->namespace);
        $sender = $this->sender->direct();
        $address = $sender->connection->address($channels[0]);
        $asked = Answer::serverCount($sender->connection, $adapter, $this->target->namespace);
        $subscription = Subscription::open($address, $isShard, $channels, $this->deadline);
        try {
            if ($asked === 0) { // and it is no node of a Redis Cluster, which knows its own servers only
                throw self::noServers($this->call, $this->target->namespace);
            }
            $question = $this->send($sender, $question, $command);
            return $this->await($subscription, $question, $answers, $asked);
        } catch (SioemitException $e) {
            $isAnswered = $e instanceof IncompleteException && $e->servers >= $e->asked;
            if ($question->kind === 'emitWithAck' && !$isAnswered && $e->reason !== Reason::NoServers) {
                $sender->sent->noteUnanswered($this->target->namespace);
            }
            throw $e;
        } finally {
            $subscription->close();
        }
    }

    /**
     * Before a request with binary is sent, asks the servers whether they can read it, where some may end at it. What
     * shows it is that they answer an event with acknowledgement: both came with @socket.io/redis-adapter 7.2. This one
     * goes to a room that nobody is in.
     *
     * @param non-empty-list<string> $request
     * @param ?Answers               $answers those to the request, which are none so far
     */
    public function checkReadsBinary(array $request, ?Answers $answers = null): void
    {
        if (!$this->settings->adapter instanceof Classic || !Classic::endsServers($request)) {
            return;
        }
        $consequence = '; the binary was not sent, because it is not certain that all servers can read it';
        $probe = new self(
            $this->settings,
            $this->sender,
            Target::nobody($this->target->namespace),
            $this->call,
            $this->deadline,
            $consequence,
            fn (int $asked) => $answers?->result($asked),
        );
        try {
            $probe->ask(new Question('emitWithAck', 'probe'), new ClientAnswers());
        } catch (SioemitException $e) {
            if ($e->reason !== Reason::NoServers) {
                throw $e;
            }
        }
    }

    /**
     * Sends a question, and returns the one that counts: see attempt().
     *
     * @param non-empty-list<string> $command
     */
    private function send(#[\SensitiveParameter] DirectSender $sender, Question $question, array $command): Question
    {
        $namespace = $this->target->namespace;
        $since = $sender->sent->since($namespace);
        try {
            return self::attempt(
                $sender->connection,
                $question,
                $this->deadline,
                fn (Question $q) => $q === $question ? $command : $this->command($q),
            )[0];
        } finally {
            $sender->sent->noteQuestion($namespace, $since, $command, $question);
        }
    }

    /**
     * Sends a question. One that changes nothing is asked anew when nobody knows whether it was; the one that counts is
     * returned, and what Redis replied.
     *
     * @param int                                        $deadline as hrtime() has it
     * @param \Closure(Question): non-empty-list<string> $command
     * @param mixed                                      $master   as Connection::question() takes it
     *
     * @return array{Question, mixed}
     */
    public static function attempt(
        #[\SensitiveParameter] Connection $connection,
        Question $question,
        int $deadline,
        #[\SensitiveParameter] \Closure $command,
        #[\SensitiveParameter] mixed $master = null,
    ): array {
        for ($attempt = 1;; $attempt++) {
            $left = max(0.001, ($deadline - hrtime(true)) / 1e9);
            $patience = $question->isHarmless() ? min($left / self::MAX_ATTEMPTS, self::PATIENCE) : $left;
            try {
                return [$question, $connection->question($command($question), $patience, $master)];
            } catch (SioemitException $e) {
                $mayBeAsked = $e->reason === Reason::MaybeAsked && $question->isHarmless();
                if (!$mayBeAsked || $attempt === self::MAX_ATTEMPTS || hrtime(true) >= $deadline) {
                    throw $e;
                }
                $question = $question->again();
            }
        }
    }

    public static function noServers(string $call, string $namespace): SioemitException
    {
        return new SioemitException(Reason::NoServers, "$call: no server listens on the namespace $namespace");
    }

    /**
     * @return non-empty-list<string>
     */
    private function command(Question $question): array
    {
        $left = $this->deadline - hrtime(true);
        return $this->settings->adapter->question($this->target, $question, $this->settings->maxAttachments, $left);
    }

    private function await(Subscription $subscription, Question $question, Answers $answers, int $asked): mixed
    {
        $unread = 0;
        while (!$answers->isComplete($asked)) {
            $message = $subscription->next();
            if ($message === null) {
                throw $this->incomplete($question, $answers, $asked, $unread);
            }
            try {
                $reply = Reply::find($message, $question->id);
                if ($reply !== null) {
                    $answers->add($reply);
                }
            } catch (\UnexpectedValueException) {
                $unread++;
            }
        }
        return $answers->result($asked);
    }

    private function incomplete(Question $question, Answers $answers, int $asked, int $unread): IncompleteException
    {
        $servers = $answers->servers();
        [$clients, $expected] = $answers->clients();
        return new IncompleteException(
            $this->call,
            $servers,
            $asked,
            $clients,
            $expected,
            $unread,
            $servers > 0 ? '' : $this->settings->adapter->needs($question),
            $this->partial === null ? $answers->result($asked) : ($this->partial)($asked),
            $this->consequence,
        );
    }
}
