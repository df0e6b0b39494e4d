<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * A \Redis of phpredis. For some errors that Redis answers it throws, for others it returns false.
 *
 * @internal
 */
final class PhpRedis implements Connection
{
    /** @var \WeakMap<\Redis, true> those whose database is still to be selected anew, whichever emitter has them */
    private static \WeakMap $astray;

    /**
     * @param array<string, mixed> $context what the client does not tell
     */
    public function __construct(
        private readonly \Redis $redis,
        #[\SensitiveParameter] private readonly array $context,
    ) {
        self::$astray ??= new \WeakMap();
    }

    public function send(array $command): mixed
    {
        $reply = $this->ask($command);
        $this->check($command, $reply);
        return $reply;
    }

    public function sendAll(array $commands): array
    {
        if ($this->isQueueing()) {
            $replies = [];
            foreach ($commands as $command) {
                $replies[] = $this->ask($command);
            }
            return $replies;
        }
        try {
            $this->prepare();
            $this->redis->pipeline();
            foreach ($commands as $command) {
                $this->redis->rawCommand(...$command);
            }
            $replies = @$this->redis->exec(); // what it warns of, it also throws or returns
        } catch (\Throwable $e) {
            $error = $this->recover($e, true);
            // It throws for some errors that Redis answers, too; how many there were it does not say then.
            throw self::failure(sprintf('a pipeline of %d commands', count($commands)), $error, $e);
        }
        $failed = is_array($replies) ? count(array_keys($replies, false, true)) : count($commands);
        if ($failed > 0) {
            $what = sprintf('%d of %d commands failed, the last with', $failed, count($commands));
            throw self::failure($what, $this->recover());
        }
        foreach ($commands as $i => $command) {
            $this->check($command, $replies[$i] ?? null);
        }
        return $replies;
    }

    public function askAll(array ...$commands): array
    {
        $replies = [];
        foreach ($commands as $command) {
            $replies[] = $this->askAt('', $command);
        }
        return [$replies];
    }

    public function askAt(string $name, array $command): mixed
    {
        if ($this->isQueueing()) {
            throw Answer::inTransaction();
        }
        return $this->ask($command);
    }

    public function inCluster(): bool
    {
        return false;
    }

    public function masters(): array
    {
        return [null];
    }

    public function address(string $channel): RedisAddress
    {
        $redis = $this->redis;
        try {
            return RedisAddress::fromPhpRedis(
                (string) $redis->getHost(),
                (int) $redis->getPort(),
                $redis->getAuth(),
                $this->context,
                false,
            );
        } catch (\RedisException $e) {
            throw self::failure('the connection for replies', $e->getMessage(), $e);
        }
    }

    /**
     * When a connection breaks before it reads, phpredis connects anew and waits there, in vain, for its read timeout.
     */
    public function question(array $command, float $patience, mixed $master = null): mixed
    {
        $timeout = (float) $this->redis->getOption(\Redis::OPT_READ_TIMEOUT);
        if ($timeout === 0.0) { // which, set once more, would mean no time at all
            $timeout = (float) ini_get('default_socket_timeout');
        }
        $this->redis->setOption(\Redis::OPT_READ_TIMEOUT, $timeout > 0 ? min($timeout, $patience) : $patience);
        try {
            $reply = $this->ask($command, Reason::MaybeAsked);
        } finally {
            $this->redis->setOption(\Redis::OPT_READ_TIMEOUT, $timeout);
        }
        $this->check($command, $reply);
        return $reply;
    }

    /**
     * Reports whether the caller has begun a transaction or a pipeline. What is sent belongs to it then, and so do the
     * answers.
     */
    private function isQueueing(): bool
    {
        try {
            return $this->redis->getMode() !== \Redis::ATOMIC;
        } catch (\RedisException) { // it was never connected
            return false;
        }
    }

    /**
     * @param non-empty-list<string> $command
     * @param Reason                 $unanswered why it fails when Redis has not answered
     */
    private function ask(array $command, Reason $unanswered = Reason::Redis): mixed
    {
        try {
            $this->prepare();
            $reply = @$this->redis->rawCommand(...$command);
        } catch (\Throwable $e) {
            $error = $this->recover($e, false, $isAnswer);
            throw self::failure(Answer::name($command), $error, $e, $isAnswer ? Reason::Redis : $unanswered);
        }
        if ($reply === false) {
            $error = $this->recover(null, false, $isAnswer);
            throw self::failure(Answer::name($command), $error, null, $isAnswer ? Reason::Redis : $unanswered);
        }
        return $reply;
    }

    private function prepare(): void
    {
        if (isset(self::$astray[$this->redis]) && !$this->isQueueing()) {
            $this->redis->select((int) $this->redis->getDbNum());
            unset(self::$astray[$this->redis]);
        }
        $this->redis->clearLastError(); // or it would pass for the next one
    }

    /**
     * Refuses what is no answer to a command. In a transaction of the caller's it is the client itself, or, when
     * phpredis does not know of it, true or "QUEUED".
     *
     * @param non-empty-list<string> $command
     */
    private function check(array $command, mixed $reply): void
    {
        if (!Answer::fits($command, $reply) && !in_array($reply, [true, 'QUEUED', $this->redis], true)) {
            throw self::failure($command[0], Answer::NOT_OURS);
        }
    }

    /**
     * Returns what went wrong, and leaves the client fit for the next command. When it could not read an answer, which
     * may still come, phpredis keeps the connection, and would take that answer for the next command's.
     *
     * @param ?bool $isInStep whether it is what Redis has answered
     */
    private function recover(
        ?\Throwable $thrown = null,
        bool $inPipeline = false,
        ?bool &$isInStep = false,
    ): string {
        $isInStep = false;
        try {
            if ($inPipeline && $this->isQueueing()) {
                $this->redis->discard(); // of what was thrown before all were sent: none was
            }
            $answer = $this->redis->getLastError();
            $isInStep = $answer !== null;
            for ($e = $thrown; $e !== null; $e = $e->getPrevious()) {
                $isInStep = $isInStep && $e->getMessage() === $answer;
            }
            if (!$isInStep) {
                $this->redis->close();
                if ((int) $this->redis->getDbNum() !== 0) { // which phpredis knows, and yet does not select
                    self::$astray[$this->redis] = true;
                    $this->prepare();
                }
            }
        } catch (\Throwable) {
            // It has no connection, then, which the next command says.
        }
        return $thrown?->getMessage() ?? $answer ?? 'no answer';
    }

    private static function failure(
        string $what,
        string $error,
        ?\Throwable $e = null,
        Reason $reason = Reason::Redis,
    ): SioemitException {
        if (preg_match('/^(MOVED|ASK) /', $error) === 1) {
            $error .= ': this Redis is a node of a Redis Cluster, which takes a \RedisCluster';
        }
        return SioemitException::fromRedis($what, $error, $e, $reason);
    }
}
