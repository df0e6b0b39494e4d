<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * The names of events, rooms and namespaces: what servers can have, and what clients survive.
 *
 * @internal
 */
final class Names
{
    /** What Socket.IO emits itself: a client that gets one of these drops its connection. */
    public const RESERVED = [
        'connect' => true,
        'connect_error' => true,
        'disconnect' => true,
        'disconnecting' => true,
        'newListener' => true,
        'removeListener' => true,
    ];

    /** To servers these would call handlers with no socket; without a listener, "error" ends a server. */
    public const RESERVED_SERVER_SIDE = [
        'connect' => true,
        'connection' => true,
        'new_namespace' => true,
        'error' => true,
    ];

    /**
     * Refuses what is no name of an event.
     *
     * @param array<string, true> $reserved
     */
    public static function checkEvent(string $event, array $reserved): void
    {
        if ($event === '') {
            throw new SioemitException(Reason::EmptyEvent, 'the name of the event is empty');
        }
        if (isset($reserved[$event])) {
            throw new SioemitException(Reason::ReservedEvent, "the event \"$event\" is reserved by Socket.IO");
        }
        self::checkText('the event', $event);
    }

    /** Refuses what is not valid UTF-8: no server can have it. */
    public static function checkText(string $what, string $text): void
    {
        if (preg_match('//u', $text) !== 1) {
            $shown = addcslashes($text, "\0..\37\177..\377");
            throw new SioemitException(Reason::InvalidText, "$what \"$shown\" is not valid UTF-8");
        }
    }

    /**
     * Returns the rooms of both lists, each once, in order. More of none is refused: it must not reach everyone.
     *
     * @param list<string|int|float>       $rooms
     * @param array<string|int|float|bool> $more
     *
     * @return list<string|int|float>
     */
    public static function addRooms(string $call, array $rooms, array $more): array
    {
        if ($more === []) {
            throw new SioemitException(Reason::EmptyRoom, "$call without a room; give it one, or leave it out");
        }
        $all = [];
        foreach ([...$rooms, ...array_values($more)] as $room) {
            $room = match (true) {
                is_string($room) => self::roomName($room),
                is_bool($room) => throw new SioemitException(Reason::InvalidText, "$call with a boolean as a room"),
                default => self::roomNumber($room),
            };
            $all[gettype($room) . (is_float($room) ? pack('E', $room) : $room)] = $room; // "5" is not 5
        }
        return array_values($all);
    }

    private static function roomName(string $room): string
    {
        if ($room === '') {
            throw new SioemitException(Reason::EmptyRoom, 'the name of the room is empty; was a variable not set?');
        }
        self::checkText('the room', $room);
        return $room;
    }

    private static function roomNumber(int|float $room): int|float
    {
        if (!is_finite($room)) {
            throw new SioemitException(Reason::InvalidText, "no server can have the room $room");
        }
        return MessagePack::number($room);
    }
}
