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
     * Sends a command, once.
     *
     * @param non-empty-list<string> $command
     */
    public function send(array $command): void;

    /**
     * Sends commands, those of one channel in their order. All of them are sent, also when one fails.
     *
     * @param list<non-empty-list<string>> $commands
     */
    public function sendAll(array $commands): void;

    /**
     * Sends a command to every node where servers may have subscribed, and returns the replies.
     *
     * @param non-empty-list<string> $command
     *
     * @return list<mixed>
     */
    public function askAll(array $command): array;

    /**
     * Returns where what is published on a channel can be received.
     */
    public function address(string $channel): RedisAddress;

    /**
     * Sends a command that asks servers. Where nobody knows whether Redis took it, the reason is MaybeAsked.
     *
     * @param non-empty-list<string> $command
     * @param float                  $patience how many seconds it may wait for Redis, where the client can be told
     */
    public function question(array $command, float $patience): void;
}
