<?php

declare(strict_types=1);

namespace Sioemit\Conformance;

use Sioemit\Binary;
use Sioemit\Socket;

/**
 * The values of a line: what JSON has, and what its tags stand for.
 */
final class Values
{
    /** Half a surrogate pair, for which PHP's JSON has no form, is half a surrogate pair in UTF-8: broken text. */
    private const BROKEN = "\x01broken\x01";

    /** @var list<\stdClass> */
    private static array $nested = [];

    /**
     * Takes apart what nested objects were made: PHP ends when it frees 100,000 of them at once.
     */
    public static function release(): void
    {
        foreach (self::$nested as $object) {
            while ($object !== null) {
                [$object->a, $object] = [null, $object->a];
            }
        }
        self::$nested = [];
    }

    /**
     * Returns a line with its words as PHP has them. What the tags stand for is in the words of calls.
     */
    public static function decode(string $line): \stdClass
    {
        $half = '/(\\\\ud[89ab][0-9a-f]{2}\\\\ud[c-f][0-9a-f]{2})|\\\\ud[89a-f][0-9a-f]{2}/i';
        $line = preg_replace_callback($half, fn ($found) => $found[1] ?? trim(json_encode(self::BROKEN), '"'), $line);
        $call = json_decode($line, false, 100_000, JSON_THROW_ON_ERROR);
        foreach ($call->sequence ?? [$call] as $part) {
            foreach ([...$part->pipeline ?? [$part], ...isset($part->after) ? [$part->after] : []] as $step) {
                $step->call = self::words($step->call);
                $step->chain = array_map(self::words(...), $step->chain ?? []);
            }
        }
        return $call;
    }

    /**
     * Returns what a call has returned, with tags.
     */
    public static function result(mixed $value): mixed
    {
        if ($value instanceof Binary) {
            return ['$binary' => base64_encode($value->bytes)];
        }
        if ($value instanceof Socket) {
            $rooms = array_values(array_filter($value->rooms, is_string(...)));
            $numberRooms = array_values(array_filter($value->rooms, fn (mixed $room) => !is_string($room)));
            $value = (object) (compact('rooms', 'numberRooms') + get_object_vars($value));
        }
        if (is_array($value)) {
            return array_map(self::result(...), $value);
        }
        if (!is_object($value)) {
            return $value;
        }
        $members = (object) array_map(self::result(...), get_object_vars($value));
        $isLiteral = preg_grep('/^\$/', array_map(strval(...), array_keys((array) $members))) !== [];
        return $isLiteral ? ['$literal' => $members] : $members;
    }

    /**
     * @param non-empty-list<mixed> $words
     *
     * @return array{string, list<mixed>}
     */
    private static function words(array $words): array
    {
        return [$words[0], array_map(self::value(...), array_slice($words, 1))];
    }

    private static function value(mixed $value): mixed
    {
        if (is_string($value)) {
            return str_replace(self::BROKEN, "\xED\xA0\x80", $value);
        }
        if (is_array($value)) {
            return array_map(self::value(...), $value);
        }
        if (!$value instanceof \stdClass) {
            return $value;
        }
        $members = get_object_vars($value);
        $tag = (string) array_key_first($members);
        if (count($members) === 1 && str_starts_with($tag, '$')) {
            return self::tagged($tag, $members[$tag]);
        }
        return (object) array_map(self::value(...), $members);
    }

    private static function tagged(string $tag, mixed $value): mixed
    {
        return match ($tag) {
            '$binary' => new Binary(base64_decode($value)),
            '$date' => new \DateTimeImmutable($value),
            '$bigint' => json_decode($value), // an integer, where PHP has one of that size
            '$float' => self::float($value),
            '$object' => (object) array_map(self::value(...), array_column($value, 1, 0)),
            '$literal' => (object) array_map(self::value(...), get_object_vars($value)),
            '$cycle' => self::cycle($value),
            '$repeat' => isset($value->nest) ? self::nest($value->nest, $value->count) : self::repeat($value),
        };
    }

    private static function float(string $text): float
    {
        return match ($text) {
            'NaN' => NAN,
            'Infinity' => INF,
            '-Infinity' => log(0),
            default => (float) $text,
        };
    }

    private static function cycle(string $kind): mixed
    {
        if ($kind === 'array') {
            $array = [];
            $array[] = &$array;
            return $array;
        }
        $object = new \stdClass();
        $object->self = $object;
        return $object;
    }

    private static function nest(string $kind, int $count): mixed
    {
        $value = null;
        for (; $count > 0; $count--) {
            $value = $kind === 'array' ? [$value] : (object) ['a' => $value];
        }
        if ($value instanceof \stdClass) {
            self::$nested[] = $value;
        }
        return $value;
    }

    private static function repeat(\stdClass $repeat): mixed
    {
        $value = self::value($repeat->value);
        return match (true) {
            is_string($value) => str_repeat($value, $repeat->count),
            $value instanceof Binary => new Binary(str_repeat($value->bytes, $repeat->count)),
            default => array_merge(...array_fill(0, $repeat->count, $value)),
        };
    }
}
