<?php

declare(strict_types=1);

namespace Sioemit\Laravel;

use Illuminate\Broadcasting\Broadcasters\RedisBroadcaster;
use Sioemit\BroadcastOperator;

/**
 * Lets Laravel's broadcast() reach the clients of Socket.IO servers: a channel is a room, and the payload of an event
 * is its one argument.
 *
 * Channels are authorized as with Laravel's own Redis broadcaster: a Socket.IO server may ask /broadcasting/auth before
 * it lets a client join a room.
 */
final class Broadcaster extends RedisBroadcaster
{
    public function __construct(private readonly BroadcastOperator $io)
    {
        // Of the parent, which would publish in a way of its own, only the authorization is used.
    }

    /**
     * @param array<mixed>         $channels
     * @param string               $event
     * @param array<string, mixed> $payload
     */
    public function broadcast(array $channels, $event, array $payload = []): void
    {
        if ($channels === []) {
            return;
        }
        $io = $this->io->to(...array_map(strval(...), array_values($channels)));
        $socket = $payload['socket'] ?? null; // whom toOthers() leaves out
        unset($payload['socket']);
        if ($socket !== null) {
            $io = $io->except($socket);
        }
        $io->emit($event, (object) $payload);
    }
}
