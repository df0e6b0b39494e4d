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
    public function __construct(private readonly \Redis $redis)
    {
    }

    public function send(array $command): void
    {
        $this->ask($command);
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
            $this->redis->pipeline();
            foreach ($commands as $command) {
                $this->redis->rawCommand(...$command);
            }
            $replies = @$this->redis->exec(); // what it warns of, it also throws or returns
        } catch (\Throwable $e) {
            // It throws for some errors that Redis answers, too; how many there were it does not say then.
            throw self::failure(sprintf('a pipeline of %d commands', count($commands)), $e->getMessage(), $e);
        }
        $failed = is_array($replies) ? count(array_keys($replies, false, true)) : count($commands);
        if ($failed > 0) {
            $what = sprintf('%d of %d commands failed, the last with', $failed, count($commands));
            throw self::failure($what, $this->lastError());
        }
    }

    public function askAll(array $command): array
    {
        if ($this->isQueueing()) {
            throw self::inTransaction();
        }
        return [$this->ask($command)];
    }

    public static function inTransaction(): SioemitException
    {
        return new SioemitException(
            Reason::InPipeline,
            'serverCount needs an answer, which the transaction or pipeline of the client has only at its end',
        );
    }

    /**
     * Reports whether the caller has begun a transaction or a pipeline. What is sent belongs to it then, and so do the
     * answers.
     */
    private function isQueueing(): bool
    {
        return $this->redis->getMode() !== \Redis::ATOMIC;
    }

    /**
     * @param non-empty-list<string> $command
     */
    private function ask(array $command): mixed
    {
        try {
            $reply = @$this->redis->rawCommand(...$command);
        } catch (\Throwable $e) {
            throw self::failure($command[0], $e->getMessage(), $e);
        }
        return $reply !== false ? $reply : throw self::failure($command[0], $this->lastError());
    }

    private function lastError(): string
    {
        return $this->redis->getLastError() ?? 'no answer';
    }

    private static function failure(string $what, string $error, ?\Throwable $e = null): SioemitException
    {
        if (preg_match('/^(MOVED|ASK) /', $error) === 1) {
            $error .= ': this Redis is a node of a Redis Cluster, which takes a \RedisCluster';
        }
        return SioemitException::fromRedis($what, $error, $e);
    }
}
