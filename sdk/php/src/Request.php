<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * What servers are asked to do with the sockets of a target.
 *
 * @internal
 */
final class Request
{
    /**
     * @param 'join'|'leave'|'disconnect' $kind
     * @param array<string, mixed>        $members what stands behind the target: the rooms, or close
     */
    private function __construct(public readonly string $kind, public readonly array $members)
    {
    }

    /**
     * @param list<string|int|float> $rooms
     */
    public static function join(array $rooms): self
    {
        return new self('join', ['rooms' => $rooms]);
    }

    /**
     * @param list<string|int|float> $rooms
     */
    public static function leave(array $rooms): self
    {
        return new self('leave', ['rooms' => $rooms]);
    }

    public static function disconnect(bool $close): self
    {
        return new self('disconnect', ['close' => $close]);
    }
}
