<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * What Redis says to the commands of an emitter.
 *
 * @internal
 */
final class Answer
{
    public const NOT_OURS = 'the answer belongs to something else: the client is subscribed, or had an answer that '
        . 'nobody read';

    /**
     * Reports whether a reply can be that to a command which sends. It is a number of listeners, or the id of an entry.
     * Clients that are subscribed read a message instead.
     *
     * @param non-empty-list<string> $command
     */
    public static function fits(array $command, mixed $reply): bool
    {
        return $command[0] === 'XADD' ? is_string($reply) : is_int($reply);
    }

    /**
     * Returns the count in a reply to PUBSUB NUMSUB.
     */
    private static function count(string $channel, mixed $reply): int
    {
        if (!is_array($reply)) { // but QUEUED
            throw self::inTransaction();
        }
        $isOurs = ($reply[0] ?? $channel) === $channel;
        $count = $reply[1] ?? $reply[$channel] ?? null; // RESP 2, and 3
        return $isOurs && is_int($count) ? $count : throw SioemitException::fromRedis('PUBSUB', self::NOT_OURS);
    }

    /**
     * Returns how many servers listen on a namespace.
     */
    public static function serverCount(
        #[\SensitiveParameter] Connection $connection,
        Adapter $adapter,
        string $namespace,
    ): int {
        [$ask, $channel] = $adapter->listeners($namespace);
        $count = 0;
        foreach ($connection->askAll(['PUBSUB', $ask, $channel]) as $reply) {
            $count += self::count($channel, $reply);
        }
        return $count;
    }

    public static function inTransaction(): SioemitException
    {
        return new SioemitException(
            Reason::InPipeline,
            'this call needs an answer, which the transaction or pipeline of the client has only at its end',
        );
    }
}
