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

    public function __construct(private readonly \Redis $redis)
    {
        self::$astray ??= new \WeakMap();
    }

    public function send(array $command): void
    {
        $this->check($command, $this->ask($command));
    }

    public function sendAll(array $commands): void
    {
        if ($this->isQueueing()) {
            foreach ($commands as $command) {
                $this->ask($command);
            }
            return;
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
    }

    public function askAll(array $command): array
    {
        if ($this->isQueueing()) {
            throw Answer::inTransaction();
        }
        return [$this->ask($command)];
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
     */
    private function ask(array $command): mixed
    {
        try {
            $this->prepare();
            $reply = @$this->redis->rawCommand(...$command);
        } catch (\Throwable $e) {
            throw self::failure($command[0], $this->recover($e), $e);
        }
        return $reply !== false ? $reply : throw self::failure($command[0], $this->recover());
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
     */
    private function recover(?\Throwable $thrown = null, bool $inPipeline = false): string
    {
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

    private static function failure(string $what, string $error, ?\Throwable $e = null): SioemitException
    {
        if (preg_match('/^(MOVED|ASK) /', $error) === 1) {
            $error .= ': this Redis is a node of a Redis Cluster, which takes a \RedisCluster';
        }
        return SioemitException::fromRedis($what, $error, $e);
    }
}
