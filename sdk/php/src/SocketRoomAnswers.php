<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * Waits for the sockets of each server, and returns the names of their rooms.
 *
 * @internal
 */
final class SocketRoomAnswers extends SocketAnswers
{
    /**
     * @return list<string>
     */
    public function result(int $asked): array
    {
        return RoomAnswers::names(array_column(parent::result($asked), 'rooms'));
    }
}
