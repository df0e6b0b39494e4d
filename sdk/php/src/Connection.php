<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * The way to Redis: a client of the user's, or a pipeline. It takes commands as they are, so that no prefix, serializer
 * or compression of the client changes them. What goes wrong is a SioemitException with the reason Redis.
 *
 * The second word of a command is its channel or stream. On a Redis Cluster it says which node takes the command: any
 * node takes a PUBLISH, but events that go by different ones can overtake each other.
 *
 * @internal
 */
interface Connection
{
    /**
     * Sends a command, once, and returns the reply. In a transaction or pipeline of the caller's, that is none yet.
     *
     * @param non-empty-list<string> $command
     */
    public function send(array $command): mixed;

    /**
     * Sends commands, those of one channel in their order. All of them are sent, also when one fails. Returns the
     * replies, which are none in a transaction or pipeline of the caller's.
     *
     * @param list<non-empty-list<string>> $commands
     *
     * @return list<mixed>
     */
    public function sendAll(array $commands): array;

    /**
     * Sends commands to every node where servers may have subscribed, and returns the replies of each.
     *
     * @param non-empty-list<string> ...$commands
     *
     * @return list<list<mixed>>
     */
    public function askAll(array ...$commands): array;

    /**
     * Sends a command to the node of a channel or stream, and returns the reply.
     *
     * @param non-empty-list<string> $command
     */
    public function askAt(string $name, array $command): mixed;

    public function inCluster(): bool;

    /**
     * Returns the masters of a Redis Cluster, each as question() takes it; otherwise null is the only one.
     *
     * @return list<mixed>
     */
    public function masters(): array;

    /**
     * Returns where what is published on a channel can be received.
     */
    public function address(string $channel): RedisAddress;

    /**
     * Sends a command that asks servers, and returns the reply. Where nobody knows whether Redis took it, the reason is
     * MaybeAsked.
     *
     * @param non-empty-list<string> $command
     * @param float                  $patience how many seconds it may wait for Redis, where the client can be told
     * @param mixed                  $master   one of masters(), where it is not the node of the channel
     */
    public function question(array $command, float $patience, mixed $master = null): mixed;
}
