<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * Waits for the names of rooms of each server of the classic adapter.
 *
 * @internal
 */
final class RoomAnswers extends Answers
{
    /** @var list<list<string|int|float>> what servers have named */
    private array $replies = [];

    public function add(Reply $reply): void
    {
        if ($reply->kind !== 'rooms') {
            return;
        }
        $rooms = self::rooms($reply->list());
        // One that names the same rooms as another came twice: each server has the ids of its sockets among them.
        if ($rooms === [] || !in_array($rooms, $this->replies, true)) {
            $this->replies[] = $rooms;
            $this->count($reply);
        }
    }

    /**
     * @return list<string>
     */
    public function result(int $asked): array
    {
        return self::names($this->replies);
    }

    /**
     * Returns the rooms in a list. What is neither text nor a number is left out: JavaScript lets a server
     * join(undefined), for which no other room must suffer.
     *
     * @return list<string|int|float>
     */
    public static function rooms(mixed $list): array
    {
        $isRoom = fn (mixed $room) => is_string($room) || is_int($room) || is_float($room);
        return array_values(array_filter(is_array($list) ? $list : [], $isRoom));
    }

    /**
     * Returns the names in lists of rooms, sorted, each once, but not the rooms that are numbers.
     *
     * @param list<list<string|int|float>> $lists
     *
     * @return list<string>
     */
    public static function names(array $lists): array
    {
        $names = array_unique(array_filter(array_merge(...$lists), is_string(...)));
        sort($names, SORT_STRING);
        return $names;
    }
}
