<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * Asks the servers of a namespace whether they have taken what was sent there, and proves that their answers mean it.
 *
 * @internal
 */
final class Confirmer
{
    private const CALL = 'confirm';

    /**
     * @param int $deadline as hrtime() has it
     */
    public function __construct(
        private readonly Settings $settings,
        private readonly Sender $sender,
        private readonly string $namespace,
        private readonly int $deadline,
    ) {
    }

    /**
     * @return int how many servers have taken it
     */
    public function confirm(): int
    {
        $this->settings->checkVersion4(self::CALL);
        $this->settings->adapter->subscription(); // refuses servers in Python
        $direct = $this->sender->direct();
        $began = hrtime(true);
        $notes = $direct->sent->begin($this->namespace);
        try {
            $servers = $this->ask($direct, $notes?->channels() ?? []);
        } catch (\Throwable $e) {
            $direct->sent->restore($this->namespace, $notes);
            throw $e;
        }
        return $this->prove($direct, $notes, $began, $servers);
    }

    /**
     * Looks whether all that carried the events is still in place, now that so many servers have answered.
     */
    private function prove(
        #[\SensitiveParameter] DirectSender $direct,
        ?Notes $notes,
        int $began,
        int $servers,
    ): int {
        $last = $direct->sent->last($this->namespace);
        $state = $error = null;
        $why = '';
        try {
            $state = State::look($direct->connection, $this->settings->adapter->subscription(), $servers);
            $why = $state->interrupted($last->state, $notes?->since, $last->missed > 0)
                ?: $this->missing($direct->connection, $notes);
        } catch (SioemitException $error) {
            $why = $state === null ? 'Redis did not let us look' : '';
        }
        $missed = $last->missedNow($servers, $why !== '');
        // What cannot be known now never will be: the next confirmation begins anew.
        $direct->sent->end($this->namespace, new Outcome($state, $why, $began, hrtime(true), $missed));
        $doubt = $error?->getMessage() ?: $why ?: $notes?->doubt ?: '';
        if ($notes !== null && $doubt !== '') {
            throw new UnconfirmedException($servers, $doubt, $error);
        }
        return $servers;
    }

    /**
     * Says what is not in the stream any more, now that every server has read beyond it: entries that were trimmed
     * before they were read, or that a Redis has lost which took the place of another. While the first one is there,
     * none behind it has been trimmed.
     */
    private function missing(#[\SensitiveParameter] Connection $connection, ?Notes $notes): string
    {
        foreach (array_filter([$notes?->first, $notes?->last], is_string(...)) as $id) {
            $stream = $this->command(new Question(self::CALL))[1];
            if ($connection->askAt($stream, ['XRANGE', $stream, $id, $id]) === []) {
                return 'an entry is no longer in the stream, and may have been trimmed before it was read';
            }
        }
        return '';
    }

    /**
     * Asks all servers, and returns how many there are. It asks again when servers have come meanwhile: one of them may
     * have answered in the place of another.
     *
     * @param list<string> $rooms their channels
     */
    private function ask(#[\SensitiveParameter] DirectSender $direct, array $rooms): int
    {
        $connection = $direct->connection;
        $adapter = $this->settings->adapter;
        [$word, $channel] = $adapter->listeners($this->namespace);
        $channels = array_values(array_unique([$channel, ...$rooms]));
        [$replies, $isShard] = $adapter->replyChannels($this->namespace);
        $address = $connection->address($replies[0]);
        $counts = Answer::counts($connection, $word, $channels);
        $subscription = Subscription::open($address, $isShard, $replies, $this->deadline);
        try {
            do {
                if ($counts[0] === 0) {
                    $servers = $adapter instanceof Streams ? $this->askOld($direct) : 0;
                    break;
                }
                $servers = $this->askThese($subscription, $connection, $channels, $counts);
                $before = $counts;
                $counts = Answer::counts($connection, $word, $channels);
                $growth = array_map(fn (int $now, int $then) => $now - $then, $counts, $before);
            } while (max($growth) > 0);
        } finally {
            $subscription->close();
        }
        // None are those who only listen, as the command sioemit does.
        return $servers > 0 ? $servers : throw Asker::noServers(self::CALL, $this->namespace);
    }

    /**
     * Asks on channels, on each so many servers, and returns how many have answered on the first one.
     *
     * @param non-empty-list<string> $channels
     * @param non-empty-list<int>    $counts
     */
    private function askThese(
        Subscription $subscription,
        #[\SensitiveParameter] Connection $connection,
        array $channels,
        array $counts,
    ): int {
        // Events of one namespace went by way of several masters, and are in order on their way from each.
        $masters = $this->settings->adapter instanceof Classic ? $connection->masters() : [null];
        $first = null;
        $open = [];
        foreach (array_filter($counts) as $i => $count) { // of a room that everyone has left there is none
            foreach ($masters as $master) {
                [$question] = $this->send($connection, $channels[$i], $master);
                $open[] = [$question, $answers = new ConfirmAnswers(), $count];
                $first ??= $answers;
            }
        }
        while ($open !== []) {
            $message = $subscription->next();
            if ($message === null) {
                throw $this->incomplete($open);
            }
            foreach ($open as $i => [$question, $answers, $count]) {
                try {
                    $reply = Reply::find($message, $question->id);
                } catch (\UnexpectedValueException) {
                    continue; // it cannot be read
                }
                if ($reply !== null) {
                    $answers->add($reply);
                }
                if ($answers->isComplete($count)) {
                    unset($open[$i]);
                }
            }
        }
        return $first->servers();
    }

    /**
     * @param non-empty-array<array{Question, ConfirmAnswers, int}> $open what is not answered by all
     */
    private function incomplete(array $open): IncompleteException
    {
        $missing = fn (array $asked) => $asked[1]->result($asked[2]) - $asked[1]->servers();
        usort($open, fn (array $one, array $other) => $missing($other) <=> $missing($one));
        [$question, $answers, $count] = $open[0];
        return $this->missed($question, $answers->servers(), $answers->result($count));
    }

    private function missed(Question $question, int $servers, int $asked): IncompleteException
    {
        $needs = $servers > 0 ? '' : $this->settings->adapter->needs($question);
        return new IncompleteException(self::CALL, $servers, $asked, 0, 0, 0, $needs, null);
    }

    /**
     * Asks servers that nothing but their entries in the stream shows. It returns 0 where there are none of these.
     */
    private function askOld(#[\SensitiveParameter] DirectSender $direct): int
    {
        $connection = $direct->connection;
        $heartbeats = $direct->sent->heartbeats($this->namespace);
        [, $stream, , , $maxLen] = $this->command(new Question(self::CALL));
        $count = $heartbeats->count($connection, $this->namespace, $stream, (int) $maxLen, $this->deadline);
        if (hrtime(true) >= $this->deadline) {
            throw $this->missed(new Question(self::CALL), 0, $count);
        }
        if ($count === 0) {
            return 0;
        }
        [$question, $entry] = $this->send($connection, $stream);
        $servers = $heartbeats->await($connection, $stream, $entry, $question->id, $this->deadline);
        return $servers >= $count ? $servers : throw $this->missed($question, $servers, $count);
    }

    /**
     * @return array{Question, mixed} the one that counts, and what Redis replied
     */
    private function send(
        #[\SensitiveParameter] Connection $connection,
        string $channel,
        #[\SensitiveParameter] mixed $master = null,
    ): array {
        $command = fn (Question $question) => $this->command($question, $channel);
        return Asker::attempt($connection, new Question(self::CALL), $this->deadline, $command, $master);
    }

    /**
     * @return non-empty-list<string>
     */
    private function command(Question $question, string $channel = ''): array
    {
        return $this->settings->adapter->confirmation(Target::nobody($this->namespace), $question, $channel);
    }
}
