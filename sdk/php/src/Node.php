<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * One Redis, and the connections that it has, at one time.
 *
 * @internal
 */
final class Node
{
    /**
     * @param array<string, int> $subscribers the connections that may be those of servers, with the whole seconds that
     *                                        each has been there: one that was cut comes back as another
     * @param array<string, int> $links       the connections of the cluster bus to other nodes, with the millisecond at
     *                                        which each was made: what Redis passes on goes along one of them, in
     *                                        order, and is lost when it is cut
     * @param string             $slots       those of a Redis Cluster, with their masters, as this node knows them,
     *                                        where there are shard channels: the subscription to one ends when its slot
     *                                        moves, and not the connection
     * @param int                $clock       the time of Redis, in nanoseconds
     * @param int                $seen        the same time as hrtime() has it, or a little later
     */
    public function __construct(
        public readonly bool $isMaster = true,
        public readonly array $subscribers = [],
        public readonly array $links = [],
        public readonly string $slots = '',
        public readonly int $clock = 0,
        public readonly int $seen = 0,
    ) {
    }

    /**
     * Reports whether a connection of this age, in whole seconds of the clock of Redis, was there at a time.
     */
    public function isOlder(int $age, int $since): bool
    {
        $connected = $this->clock - $this->clock % 1_000_000_000 - $age * 1_000_000_000; // or up to a second later
        return $connected + 1_000_000_000 <= $this->then($since);
    }

    /**
     * Returns a time of here by the clock of Redis, or a little before it.
     */
    public function then(int $here): int
    {
        return $this->clock - ($this->seen - $here);
    }
}
