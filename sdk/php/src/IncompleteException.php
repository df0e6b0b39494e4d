<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * Not all answers came in time. Those that did are in $partial.
 */
final class IncompleteException extends SioemitException
{
    /**
     * @internal
     *
     * @param string $call     the name of the method
     * @param int    $servers  that answered
     * @param int    $asked    servers that were asked
     * @param int    $clients  that acknowledged; of emitWithAck() only
     * @param int    $expected clients that servers expect to acknowledge; of emitWithAck() only
     * @param int    $unread   answers that could not be read
     * @param string $needs    what a server needs to answer this call; set when none did, as the likely reason
     * @param mixed  $partial  what the call would have returned, with the answers that came; null of confirm()
     */
    public function __construct(
        public readonly string $call,
        public readonly int $servers,
        public readonly int $asked,
        public readonly int $clients,
        public readonly int $expected,
        public readonly int $unread,
        public readonly string $needs,
        public readonly mixed $partial,
        string $consequence = '',
    ) {
        $text = "$call: $servers of $asked servers answered in time";
        if ($expected > 0) {
            $text .= ", and $clients of $expected clients";
        }
        if ($unread > 0) {
            $text .= "; $unread more could not be read";
        }
        if ($needs !== '') {
            $text .= "; servers answer it with $needs";
        }
        parent::__construct(Reason::Incomplete, $text . $consequence);
    }
}
