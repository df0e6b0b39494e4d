<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * A connected client, as its server describes it.
 */
final class Socket
{
    /**
     * @internal
     *
     * @param list<string|int|float> $rooms     with the socket's own id; 5 is not "5"
     * @param mixed                  $data      what the server has stored in socket.data
     * @param mixed                  $handshake how it connected, an object; it holds cookies and tokens: do not log it
     */
    public function __construct(
        public readonly string $id,
        public readonly array $rooms,
        public readonly mixed $data,
        public readonly mixed $handshake,
    ) {
    }
}
