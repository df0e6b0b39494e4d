<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * The acknowledgements of one event.
 */
final class Acks
{
    /**
     * @internal
     *
     * @param list<mixed> $values    what the clients answered, in the order of arrival: the first argument of each
     *                               acknowledgement, null when it had none
     * @param int         $clients   how many clients the servers sent the event to
     * @param list<int>   $perServer the same, for each server that said so
     * @param int         $servers   how many servers were asked
     */
    public function __construct(
        public readonly array $values,
        public readonly int $clients,
        public readonly array $perServer,
        public readonly int $servers,
    ) {
    }
}
