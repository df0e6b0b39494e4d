<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * A \RedisCluster of phpredis. It has no pipelines, so each command is a round trip.
 *
 * @internal
 */
final class PhpRedisCluster implements Connection
{
    /**
     * @param array<string, mixed> $context what the client does not tell
     */
    public function __construct(
        private readonly \RedisCluster $cluster,
        #[\SensitiveParameter] private readonly array $context,
    ) {
    }

    public function send(array $command): mixed
    {
        return $this->sendAll([$command])[0];
    }

    public function sendAll(array $commands): array
    {
        $failures = new Failures();
        $replies = [];
        $this->withoutPrefix(function () use ($commands, $failures, &$replies) {
            foreach ($commands as $command) {
                try {
                    $replies[] = $reply = $this->sendToHome($command[1], $command);
                    if ($reply === false) {
                        $failures->add($this->lastError());
                    } elseif (!Answer::fits($command, $reply) && !$this->isQueued($reply)) {
                        $failures->add(Answer::NOT_OURS);
                    }
                } catch (\Throwable $e) {
                    $failures->add($e->getMessage(), $e);
                }
            }
        });
        $failures->throw($commands);
        return $replies;
    }

    /**
     * Of a command that fails, phpredis does not say whether a node has refused it, so that it learns the way before.
     */
    public function question(array $command, float $patience, mixed $master = null): mixed
    {
        return $this->withoutPrefix(function () use ($command, $master) {
            $channel = $command[1];
            if ($command[0] !== 'PUBLISH' && $this->hasMoved($channel)) {
                $this->cluster->exists($channel); // which it follows, and so learns the way
            }
            try {
                $reply = $this->call($master ?? $channel, $command);
            } catch (\Throwable $e) {
                $this->cluster->close();
                throw SioemitException::fromRedis($command[0], $e->getMessage(), $e, Reason::MaybeAsked);
            }
            if (!Answer::fits($command, $reply)) {
                $why = $reply === false ? $this->lastError() : Answer::NOT_OURS;
                throw SioemitException::fromRedis($command[0], $why);
            }
            return $reply;
        });
    }

    /**
     * Calls a function: phpredis finds the node of a channel as that of a key, before which it puts its prefix.
     *
     * @param callable(): mixed $call
     */
    private function withoutPrefix(#[\SensitiveParameter] callable $call): mixed
    {
        $prefix = (string) $this->cluster->getOption(\Redis::OPT_PREFIX);
        $this->cluster->setOption(\Redis::OPT_PREFIX, '');
        try {
            return $call();
        } finally {
            $this->cluster->setOption(\Redis::OPT_PREFIX, $prefix);
        }
    }

    public function address(string $channel): RedisAddress
    {
        $this->checkMode();
        $slot = $this->ask('', ['CLUSTER', 'KEYSLOT', $channel]);
        foreach ($this->ask('', ['CLUSTER', 'SLOTS']) as [$first, $last, [$host, $port]]) {
            if ($first <= $slot && $slot <= $last) {
                $host = (string) $host !== '' ? $host : $this->cluster->_masters()[0][0]; // it does not know its own
                return RedisAddress::fromPhpRedis($host, $port, null, $this->context, true);
            }
        }
        throw SioemitException::fromRedis('the connection for replies', "no node has the slot of $channel");
    }

    public function askAll(array ...$commands): array
    {
        $this->checkMode();
        $masters = $this->masters();
        foreach ($this->ask('', ['CLUSTER', 'SLOTS']) as $range) {
            if (count($range) > 3) {
                throw new SioemitException(Reason::Client, 'a \RedisCluster cannot ask replicas, where servers may '
                    . 'have subscribed, too; Predis can');
            }
            [$host, $port] = $range[2];
            if ((string) $host !== '' && !in_array([$host, $port], $masters)) {
                throw new SioemitException(Reason::Client, "the \RedisCluster does not know the node $host:$port yet, "
                    . 'where servers may have subscribed, too; a new one does');
            }
        }
        $replies = [];
        foreach ($masters as $i => $node) {
            foreach ($commands as $command) {
                $replies[$i][] = $this->ask($node, $command);
            }
        }
        return $replies;
    }

    public function askAt(string $name, array $command): mixed
    {
        $this->checkMode();
        return $this->withoutPrefix(function () use ($name, $command) {
            try {
                $reply = $this->sendToHome($name, $command);
            } catch (\Throwable $e) {
                throw SioemitException::fromRedis(Answer::name($command), $e->getMessage(), $e);
            }
            return $this->checked($command, $reply);
        });
    }

    public function inCluster(): bool
    {
        return true;
    }

    /**
     * phpredis publishes to those that it knows, also when they have no slots any more.
     */
    public function masters(): array
    {
        return $this->cluster->_masters();
    }

    private function checkMode(): void
    {
        if ($this->cluster->getMode() !== \Redis::ATOMIC) {
            throw Answer::inTransaction();
        }
    }

    private function isQueued(mixed $reply): bool
    {
        return in_array($reply, [true, 'QUEUED', $this->cluster], true);
    }

    /**
     * Sends a command to the node of a channel or stream. phpredis does not follow a raw command that Redis redirects,
     * and does not say that this was why it failed. When it could not read an answer, which may still come, it keeps
     * the connection, and would take that answer for the next command's.
     *
     * @param non-empty-list<string> $command
     */
    private function sendToHome(string $channel, array $command): mixed
    {
        try {
            return $this->call($channel, $command);
        } catch (\RedisClusterException $e) {
            if ($command[0] === 'PUBLISH' || !$this->hasMoved($channel)) {
                $this->cluster->close();
                throw $e;
            }
            $this->cluster->exists($channel); // which it follows, and so learns the way
            return $this->call($channel, $command);
        }
    }

    /**
     * Reports whether the node that phpredis takes for that of a channel says that it is not.
     */
    private function hasMoved(string $channel): bool
    {
        $id = $this->ask($channel, ['CLUSTER', 'MYID']);
        if (preg_match('/^[0-9a-f]{40}$/', is_string($id) ? $id : '') !== 1) {
            return false; // it is the answer that could not be read
        }
        $slot = $this->ask($channel, ['CLUSTER', 'KEYSLOT', $channel]);
        foreach ($this->ask($channel, ['CLUSTER', 'SLOTS']) as [$first, $last, $master]) {
            if ($first <= $slot && $slot <= $last) {
                return $master[2] !== $id;
            }
        }
        return false;
    }

    /**
     * @param string|array{string, int} $node    a key of its, or its address
     * @param non-empty-list<string>    $command
     */
    private function ask(string|array $node, array $command): mixed
    {
        try {
            $reply = $this->call($node, $command);
        } catch (\Throwable $e) {
            $this->cluster->close();
            throw SioemitException::fromRedis(Answer::name($command), $e->getMessage(), $e);
        }
        return $this->checked($command, $reply);
    }

    /**
     * @param non-empty-list<string> $command
     */
    private function checked(array $command, mixed $reply): mixed
    {
        return $reply !== false
            ? $reply
            : throw SioemitException::fromRedis(Answer::name($command), $this->lastError());
    }

    /**
     * @param string|array{string, int} $node
     * @param non-empty-list<string>    $command
     */
    private function call(string|array $node, array $command): mixed
    {
        $this->cluster->clearLastError(); // or it would pass for the next one
        return @$this->cluster->rawCommand($node, ...$command); // what it warns of, it also throws or returns
    }

    private function lastError(): string
    {
        return $this->cluster->getLastError() ?? 'no answer';
    }
}
