<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * All servers have answered confirm(), and it is not certain all the same that they have taken everything: a server's
 * connection to Redis was cut, and may have come back without what was on its way; a Redis, or a link between two, was
 * replaced; a stream was trimmed before it was read; or Redis does not let this user look. The next confirm() begins
 * anew.
 */
final class UnconfirmedException extends SioemitException
{
    /**
     * @internal
     *
     * @param int    $servers that answered
     * @param string $doubt   which of it
     */
    public function __construct(
        public readonly int $servers,
        public readonly string $doubt,
        ?\Throwable $previous = null,
    ) {
        $text = "confirm: whether the servers have taken everything cannot be known: $doubt";
        parent::__construct(Reason::Unconfirmed, $text, $previous);
    }
}
