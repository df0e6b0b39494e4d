<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * How servers are joined. Each adapter turns a target and an event into a Redis command: its name, its channel or
 * stream, and the rest of its words.
 *
 * @internal
 */
interface Adapter
{
    /**
     * The name under which emitters sign: servers take it for no member of their cluster. Any other is counted as one,
     * and answers to fetchSockets() are then waited for in vain.
     */
    public const UID = 'emitter';

    public const NEEDS_HANDLER = 'a handler for the event';

    /**
     * Returns the command that sends an event to clients.
     *
     * @param array<mixed> $args
     *
     * @return non-empty-list<string>
     */
    public function broadcast(Target $target, string $event, array $args, int $maxAttachments): array;

    /**
     * Returns the command that changes the sockets of a target.
     *
     * @return non-empty-list<string>
     */
    public function request(Target $target, Request $request): array;

    /**
     * Returns the command that sends an event to servers.
     *
     * @param array<mixed> $args
     *
     * @return non-empty-list<string>
     */
    public function serverSideEmit(Target $target, string $event, array $args): array;

    /**
     * Returns the command that asks servers.
     *
     * @param int $left how many nanoseconds they have to answer
     *
     * @return non-empty-list<string>
     */
    public function question(Target $target, Question $question, int $maxAttachments, int $left): array;

    /**
     * Returns the command of a question to which every server says that it has none of the sockets. It goes the way of
     * the events.
     *
     * @param string $channel as listeners() has it, or that of a room
     *
     * @return non-empty-list<string>
     */
    public function confirmation(Target $nobody, Question $question, string $channel): array;

    /**
     * Returns the field of CLIENT LIST that counts what each server subscribes to for events; null where events are in
     * a stream.
     */
    public function subscription(): ?string;

    /**
     * Returns the channels on which servers answer, and whether they are shard channels.
     *
     * @return array{non-empty-list<string>, bool}
     */
    public function replyChannels(string $namespace): array;

    /**
     * Returns what a server must have to answer a question, if that is not the same for all.
     */
    public function needs(Question $question): string;

    /**
     * Returns the word of PUBSUB that counts the servers of a namespace, and the channel that each subscribes to.
     *
     * @return array{string, string}
     */
    public function listeners(string $namespace): array;
}
