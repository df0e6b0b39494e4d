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
     * Returns a command as messages name it.
     *
     * @param non-empty-list<string> $command
     */
    public static function name(array $command): string
    {
        return in_array($command[0], ['CLIENT', 'CLUSTER'], true) ? "$command[0] $command[1]" : $command[0];
    }

    /**
     * Returns how many subscribe to each of some channels.
     *
     * @param string       $ask      a word of PUBSUB
     * @param list<string> $channels
     *
     * @return list<int>
     */
    public static function counts(
        #[\SensitiveParameter] Connection $connection,
        string $ask,
        array $channels,
    ): array {
        $counts = array_fill(0, count($channels), 0);
        foreach ($connection->askAll(['PUBSUB', $ask, ...$channels]) as [$reply]) {
            if (!is_array($reply)) { // but QUEUED
                throw self::inTransaction();
            }
            if (array_is_list($reply)) { // RESP 2, where it is no map
                $reply = array_column(array_chunk($reply, 2), 1, 0);
            }
            foreach ($channels as $i => $channel) {
                if (!is_int($reply[$channel] ?? null)) {
                    throw SioemitException::fromRedis('PUBSUB', self::NOT_OURS);
                }
                $counts[$i] += $reply[$channel];
            }
        }
        return $counts;
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
        return self::counts($connection, $ask, [$channel])[0];
    }

    public static function inTransaction(): SioemitException
    {
        return new SioemitException(
            Reason::InPipeline,
            'this call needs an answer, which the transaction or pipeline of the client has only at its end',
        );
    }
}
