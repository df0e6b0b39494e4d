<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * What was sent to a namespace, and is not confirmed yet.
 *
 * @internal
 */
final class Notes
{
    private const MAX_ROOMS = 1000;

    /** @var array<string, true> of rooms; on a Redis Cluster what goes to them comes by other connections */
    private array $channels = [];

    /** The first and the last entry that Redis has added to the stream. */
    public ?string $first = null;
    public ?string $last = null;

    /** Why nothing can be known of a part of it, if so. */
    public string $doubt = '';

    /**
     * @param int $since when the first of it was sent, as hrtime() has it
     */
    public function __construct(public int $since)
    {
    }

    public function addChannel(string $channel): void
    {
        if (count($this->channels) < self::MAX_ROOMS || isset($this->channels[$channel])) {
            $this->channels[$channel] = true;
        } else {
            $this->doubt = Sent::TOO_MANY;
        }
    }

    /**
     * @return list<string>
     */
    public function channels(): array
    {
        return array_map(strval(...), array_keys($this->channels));
    }

    public function addEntry(string $id): void
    {
        if ($this->first === null || self::compare($id, $this->first) < 0) {
            $this->first = $id;
        }
        if ($this->last === null || self::compare($id, $this->last) > 0) {
            $this->last = $id;
        }
    }

    /**
     * Compares the ids of entries, <milliseconds>-<number>, or the beginning of one.
     */
    public static function compare(string $one, string $other): int
    {
        [$ms, $number] = explode('-', "$one-0");
        [$otherMs, $otherNumber] = explode('-', "$other-0");
        return [(int) $ms, (int) $number] <=> [(int) $otherMs, (int) $otherNumber];
    }

    /**
     * Adds what was sent at another time.
     */
    public function add(self $other): void
    {
        $this->since = min($this->since, $other->since);
        $this->doubt = $this->doubt !== '' ? $this->doubt : $other->doubt;
        array_map($this->addChannel(...), $other->channels());
        array_map($this->addEntry(...), array_filter([$other->first, $other->last], is_string(...)));
    }
}
