<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * Waits for the sockets of each server.
 *
 * @internal
 */
class SocketAnswers extends Answers
{
    /** @var array<string, Socket> by their ids, with something before them: PHP makes numbers of some keys */
    private array $sockets = [];

    public function add(Reply $reply): void
    {
        if ($reply->kind !== 'sockets' || $this->isKnown($reply)) {
            return;
        }
        $sockets = array_map(self::socket(...), $reply->list());
        $before = count($this->sockets);
        foreach ($sockets as $socket) {
            $this->sockets["id $socket->id"] ??= $socket;
        }
        // One that names known sockets only came twice: no two servers have the same socket.
        if ($sockets === [] || count($this->sockets) > $before) {
            $this->count($reply);
        } else {
            $this->note($reply);
        }
    }

    /**
     * @return list<mixed>
     */
    public function result(int $asked): array
    {
        return array_values($this->sockets);
    }

    private static function socket(mixed $socket): Socket
    {
        if (!$socket instanceof \stdClass || !is_string($socket->id ?? null) || $socket->id === '') {
            throw new \UnexpectedValueException('a socket has no id');
        }
        $rooms = RoomAnswers::rooms($socket->rooms ?? null);
        return new Socket($socket->id, $rooms, $socket->data ?? null, $socket->handshake ?? null);
    }
}
