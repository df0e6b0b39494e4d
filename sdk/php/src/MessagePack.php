<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * Writes values as MessagePack: what json_encode() would have sent, except that Binary arrives as binary. Values are
 * checked on the way.
 *
 * @internal
 */
final class MessagePack
{
    /** Servers end, or go deaf, on values nested deeper than about 2,500. */
    private const MAX_LEVELS = 1000;

    /** Up to this level nobody looks for arrays that hold themselves: such an array goes on for ever. */
    private const SHALLOW = 100;

    /** Up to here every whole number is a float64, too. */
    private const MAX_INT = 2 ** 53;

    /** Programs have few keys. The bounds are for those that make them up. */
    private const MAX_KEYS = 1000;
    private const MAX_KEY_LENGTH = 100;

    /** What has been written. */
    public string $bytes = '';

    /** How many binary values were written. */
    public int $binaries = 0;

    /** A key that beside binary is a trap for the parsers of clients. */
    private ?string $trap = null;

    /** @var array<int|string, true> the objects, and deep down the references, that are being written */
    private array $open = [];

    /** @var array<string> keys that need no further look, as they are written */
    private static array $keys = [];

    private function __construct(private readonly int $maxLevels)
    {
    }

    /**
     * Writes the data of an event's packet: an array of its name and its arguments.
     *
     * @param array<mixed> $args
     * @param ?int         $maxBinaries how many binary values clients take; null for servers, who take any number
     * @param int          $maxLevels   how many levels of an argument servers read
     */
    public static function event(
        string $event,
        array $args,
        ?int $maxBinaries,
        int $maxLevels = self::MAX_LEVELS,
    ): self {
        $writer = new self($maxLevels);
        $writer->bytes = self::arrayHeader(1 + count($args)) . self::text($event);
        $n = 0;
        foreach ($args as $arg) {
            $n++;
            try {
                $writer->write($arg, 0);
                $writer->checkBinaries($maxBinaries);
            } catch (SioemitException $e) {
                throw new SioemitException($e->reason, "argument $n of the event \"$event\": {$e->getMessage()}");
            }
        }
        if ($writer->binaries > 0 && $writer->trap !== null && $maxBinaries !== null) {
            throw self::unencodable("the event \"$event\": the key \"$writer->trap\" beside binary is a trap for the "
                . 'parsers of clients');
        }
        return $writer;
    }

    public static function text(string $text): string
    {
        $length = strlen($text);
        return match (true) {
            $length < 0x20 => chr(0xA0 | $length),
            $length < 0x100 => "\xD9" . chr($length),
            $length < 0x10000 => pack('Cn', 0xDA, $length),
            default => pack('CN', 0xDB, $length),
        } . $text;
    }

    /**
     * @param list<string|int|float> $rooms
     */
    public static function rooms(array $rooms): string
    {
        $bytes = self::arrayHeader(count($rooms));
        foreach ($rooms as $room) {
            $bytes .= is_string($room) ? self::text($room) : self::int($room);
        }
        return $bytes;
    }

    /**
     * @param array<string, bool|int> $flags
     */
    public static function flags(array $flags): string
    {
        return self::members(array_map(fn (bool|int $flag) => match ($flag) {
            true => "\xC3",
            false => "\xC2",
            default => self::int($flag),
        }, $flags));
    }

    /**
     * Returns an object of few members, which are written already.
     *
     * @param array<string, string> $members
     */
    public static function members(array $members): string
    {
        $bytes = chr(0x80 | count($members));
        foreach ($members as $name => $value) {
            $bytes .= self::text($name) . $value;
        }
        return $bytes;
    }

    /**
     * Returns a number as JavaScript has it: a whole one as an integer, up to 2^53 in size, any other as a float.
     */
    public static function number(int|float $number): int|float
    {
        if ($number >= -self::MAX_INT && $number <= self::MAX_INT) {
            return $number == (int) $number ? (int) $number : $number;
        }
        return (float) $number;
    }

    private function write(mixed $value, int $level): void
    {
        if (is_string($value)) {
            if (preg_match('//u', $value) !== 1) {
                throw self::unencodable('text that is not valid UTF-8 has no JSON form; for bytes there is Binary');
            }
            $this->bytes .= self::text($value);
        } elseif (is_int($value)) {
            $this->bytes .= self::int($value);
        } elseif (is_array($value)) {
            $this->array($value, $level + 1);
        } elseif (is_object($value)) {
            $this->object($value, $level);
        } elseif (is_float($value)) {
            $this->bytes .= self::float($value);
        } else {
            $this->bytes .= match ($value) {
                null => "\xC0",
                false => "\xC2",
                true => "\xC3",
                default => throw self::unencodable('a ' . get_debug_type($value) . ' has no JSON form'),
            };
        }
    }

    /**
     * @param array<mixed> $array
     */
    private function array(array $array, int $level): void
    {
        if (!array_is_list($array)) {
            $this->map($array, $level);
            return;
        }
        $this->checkLevel($level);
        $this->bytes .= self::arrayHeader(count($array));
        foreach ($array as $i => $item) {
            if ($level > self::SHALLOW && is_array($item)) {
                $this->deep($array, $i, $level);
            } else {
                $this->write($item, $level);
            }
        }
    }

    /**
     * @param array<mixed> $members
     */
    private function map(array $members, int $level): void
    {
        $this->checkLevel($level);
        $count = count($members);
        $this->bytes .= match (true) {
            $count < 0x10 => chr(0x80 | $count),
            $count < 0x10000 => pack('Cn', 0xDE, $count),
            default => pack('CN', 0xDF, $count),
        };
        foreach ($members as $key => $value) {
            $this->bytes .= self::$keys[$key] ?? $this->key((string) $key, $value);
            if ($level > self::SHALLOW && is_array($value)) {
                $this->deep($members, $key, $level);
            } else {
                $this->write($value, $level);
            }
        }
    }

    /**
     * Writes an array in an array. Where PHP has it as a reference, it may be the one that it is in.
     *
     * @param array<mixed> $array
     */
    private function deep(array $array, int|string $key, int $level): void
    {
        $reference = \ReflectionReference::fromArrayElement($array, $key)?->getId();
        if ($reference !== null) {
            $this->open($reference);
        }
        $this->write($array[$key], $level);
        unset($this->open[$reference ?? '']);
    }

    private function object(object $object, int $level): void
    {
        if ($object instanceof Binary) {
            $this->binaries++;
            $this->bytes .= self::binary($object->bytes);
            return;
        }
        $id = spl_object_id($object);
        $this->open($id);
        if ($object instanceof \JsonSerializable) {
            $value = $object->jsonSerialize();
            if ($value === $object) {
                $this->map(self::membersOf($object), $level + 1);
            } else {
                $this->write($value, $level);
            }
        } elseif ($object instanceof \DateTimeInterface) {
            $this->bytes .= self::text(self::time($object));
        } elseif ($object instanceof \BackedEnum) {
            $this->write($object->value, $level);
        } elseif ($object instanceof \UnitEnum) {
            throw self::unencodable('an enum without values has no JSON form');
        } else {
            $this->map(self::membersOf($object), $level + 1);
        }
        unset($this->open[$id]);
    }

    private function open(int|string $id): void
    {
        if (isset($this->open[$id])) {
            throw self::unencodable('it holds itself, which JSON cannot');
        }
        if (count($this->open) > 3 * self::MAX_LEVELS) {
            throw self::unencodable('its jsonSerialize() returns ever new objects');
        }
        $this->open[$id] = true;
    }

    /**
     * Returns what json_encode() sees of an object. Where that is nothing, because the object is not made of
     * properties, it is refused: {} is not what anybody meant.
     *
     * @return array<mixed>
     */
    private static function membersOf(object $object): array
    {
        if ($object instanceof \ArrayObject || $object instanceof \ArrayIterator) {
            return self::visible((array) $object); // around an object, also what is private
        }
        $members = self::visible(get_object_vars($object));
        if (
            $members === [] && !$object instanceof \stdClass
            && ($object instanceof \Traversable || (new \ReflectionClass($object))->isInternal())
        ) {
            throw self::unencodable('a ' . get_debug_type($object) . ' has no public properties, and could arrive as '
                . '{}, without what is in it; send an array of that');
        }
        return $members;
    }

    /**
     * Returns members without those that PHP marks as hidden by a NUL.
     *
     * @param array<mixed> $members
     *
     * @return array<mixed>
     */
    private static function visible(array $members): array
    {
        foreach ($members as $key => $_) {
            if (is_string($key) && ($key[0] ?? '') === "\0") {
                unset($members[$key]);
            }
        }
        return $members;
    }

    private function key(string $key, mixed $value): string
    {
        if ($key === '__proto__') {
            throw self::unencodable('the key "__proto__" replaces the prototype of its object, and may end servers');
        }
        if (preg_match('//u', $key) !== 1) {
            throw self::unencodable('a key that is not valid UTF-8 has no JSON form');
        }
        $text = self::text($key);
        // Parsers take the object of a true _placeholder for a binary, and call hasOwnProperty.
        if ($key === 'hasOwnProperty') {
            $this->trap = $key;
        } elseif ($key === '_placeholder') {
            if (!in_array($value, [null, false, 0, 0.0, ''], true)) {
                $this->trap = $key;
            }
        } elseif (strlen($key) < self::MAX_KEY_LENGTH && count(self::$keys) < self::MAX_KEYS) {
            self::$keys[$key] = $text;
        }
        return $text;
    }

    private function checkLevel(int $level): void
    {
        if ($level > $this->maxLevels) {
            throw new SioemitException(
                Reason::TooDeep,
                'it is nested deeper than ' . number_format($this->maxLevels) . ' levels, which servers cannot read',
            );
        }
    }

    private function checkBinaries(?int $max): void
    {
        if ($max === null || $this->binaries <= $max) {
            return;
        }
        throw $max === 0
            ? new SioemitException(Reason::BinaryInJson, 'JSON cannot carry binary')
            : self::unencodable("more than $max binary values in one event disconnect clients with socket.io-parser "
                . '4.2.6 or later; send fewer, or set maxAttachments if yours take more');
    }

    private static function arrayHeader(int $count): string
    {
        return match (true) {
            $count < 0x10 => chr(0x90 | $count),
            $count < 0x10000 => pack('Cn', 0xDC, $count),
            default => pack('CN', 0xDD, $count),
        };
    }

    private static function binary(string $bytes): string
    {
        $length = strlen($bytes);
        return match (true) {
            $length < 0x100 => "\xC4" . chr($length),
            $length < 0x10000 => pack('Cn', 0xC5, $length),
            default => pack('CN', 0xC6, $length),
        } . $bytes;
    }

    private static function int(int|float $int): string
    {
        if (is_float($int) || $int > self::MAX_INT || $int < -self::MAX_INT) {
            return pack('CE', 0xCB, $int);
        }
        if ($int >= 0) {
            return match (true) {
                $int < 0x80 => chr($int),
                $int < 0x100 => "\xCC" . chr($int),
                $int < 0x10000 => pack('Cn', 0xCD, $int),
                $int < 0x100000000 => pack('CN', 0xCE, $int),
                default => pack('CJ', 0xCF, $int),
            };
        }
        return match (true) {
            $int >= -0x20 => chr($int & 0xFF),
            $int >= -0x80 => "\xD0" . chr($int & 0xFF),
            $int >= -0x8000 => pack('Cn', 0xD1, $int),
            $int >= -0x80000000 => pack('CN', 0xD2, $int),
            default => pack('CJ', 0xD3, $int),
        };
    }

    private static function float(float $float): string
    {
        if (!is_finite($float)) {
            throw self::unencodable("$float has no JSON form");
        }
        return self::int(self::number($float));
    }

    private static function time(\DateTimeInterface $time): string
    {
        $year = (int) $time->format('Y');
        if ($year < 0 || $year > 9999) {
            throw self::unencodable("RFC 3339 has no form for the year $year");
        }
        if ($time->getOffset() % 60 !== 0) { // nor for an offset with seconds, which local mean times have
            $time = \DateTimeImmutable::createFromInterface($time)->setTimezone(new \DateTimeZone('UTC'));
        }
        $fraction = rtrim($time->format('u'), '0'); // the precision that it has
        return $time->format('Y-m-d\TH:i:s') . ($fraction === '' ? '' : ".$fraction") . $time->format('p');
    }

    private static function unencodable(string $message): SioemitException
    {
        return new SioemitException(Reason::Unencodable, $message);
    }
}
