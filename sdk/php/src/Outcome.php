<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * What a confirmation leaves for the next one in its namespace.
 *
 * @internal
 */
final class Outcome
{
    /**
     * @param ?State $state  how things were; null where that is not known
     * @param string $doubt  why nothing is known of what was sent until its end, if so
     * @param int    $began  as hrtime() has it
     * @param int    $missed how many servers there were before some of them may have been cut off, until as many have
     *                       answered again: one that comes back has not got what was sent while it was away
     */
    public function __construct(
        public readonly ?State $state = null,
        public readonly string $doubt = '',
        public readonly int $began = 0,
        public readonly int $ended = 0,
        public readonly int $missed = 0,
    ) {
    }

    /**
     * Returns what is missed behind the next confirmation, which so many servers have answered.
     *
     * @param bool $interrupted some may have been cut off since, if only behind their answers
     */
    public function missedNow(int $servers, bool $interrupted): int
    {
        return match (true) {
            !$interrupted && $servers >= $this->missed => 0,
            !$interrupted || $this->state === null => $this->missed,
            default => max($this->missed, $this->state->servers),
        };
    }
}
