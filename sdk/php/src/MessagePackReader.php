<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * Reads MessagePack as a client receives it that gets it from a server. It may come from anyone: an
 * \UnexpectedValueException says what is wrong.
 *
 * @internal
 */
final class MessagePackReader
{
    /** As notepack.io 2 has it, the encoder of adapters before 8. Such a member of an object does not arrive. */
    private const UNDEFINED = "\xD4\0\0";

    private int $offset = 0;
    private readonly int $length;

    private function __construct(private readonly string $bytes, private int $budget)
    {
        $this->length = strlen($bytes);
    }

    /**
     * Returns a value that takes up all the bytes.
     *
     * @param int $budget about how much memory it may take
     */
    public static function decode(string $bytes, int $budget): mixed
    {
        $reader = new self($bytes, $budget);
        $value = $reader->value(0);
        if ($reader->offset < $reader->length) {
            throw new \UnexpectedValueException('there is more than one value');
        }
        return $value;
    }

    private function value(int $level): mixed
    {
        $type = ord($this->take(1));
        return match (true) {
            $type < 0x80 => $type,
            $type < 0x90 => $this->object($type & 0x0F, $level + 1),
            $type < 0xA0 => $this->array($type & 0x0F, $level + 1),
            $type < 0xC0 => $this->text($type & 0x1F),
            $type >= 0xE0 => $type - 0x100,
            default => match ($type) {
                0xC0 => null,
                0xC2 => false,
                0xC3 => true,
                0xC4 => $this->binary($this->number('C', 1)),
                0xC5 => $this->binary($this->number('n', 2)),
                0xC6 => $this->binary($this->number('N', 4)),
                0xC7 => $this->extension($this->number('C', 1)),
                0xC8 => $this->extension($this->number('n', 2)),
                0xC9 => $this->extension($this->number('N', 4)),
                0xCA => $this->float('G', 4),
                0xCB => $this->float('E', 8),
                0xCC => $this->number('C', 1),
                0xCD => $this->number('n', 2),
                0xCE => $this->number('N', 4),
                0xCF => $this->unsigned($this->number('J', 8)),
                0xD0 => $this->signed($this->number('C', 1), 0x80),
                0xD1 => $this->signed($this->number('n', 2), 0x8000),
                0xD2 => $this->signed($this->number('N', 4), 0x80000000),
                0xD3 => $this->number('J', 8),
                0xD4, 0xD5, 0xD6, 0xD7, 0xD8 => $this->extension(1 << ($type - 0xD4)),
                0xD9 => $this->text($this->number('C', 1)),
                0xDA => $this->text($this->number('n', 2)),
                0xDB => $this->text($this->number('N', 4)),
                0xDC => $this->array($this->number('n', 2), $level + 1),
                0xDD => $this->array($this->number('N', 4), $level + 1),
                0xDE => $this->object($this->number('n', 2), $level + 1),
                0xDF => $this->object($this->number('N', 4), $level + 1),
                default => throw new \UnexpectedValueException('no value starts with the byte ' . dechex($type)),
            },
        };
    }

    private function take(int $length): string
    {
        if ($length > $this->length - $this->offset) {
            throw new \UnexpectedValueException('it ends too early');
        }
        $bytes = substr($this->bytes, $this->offset, $length);
        $this->offset += $length;
        return $bytes;
    }

    private function number(string $format, int $length): int|float
    {
        return unpack($format, $this->take($length))[1];
    }

    private function signed(int $number, int $half): int
    {
        return $number < $half ? $number : $number - 2 * $half;
    }

    private function unsigned(int $number): int|float
    {
        return $number >= 0 ? $number : $number + 2.0 ** 64;
    }

    private function float(string $format, int $length): int|float|null
    {
        $number = $this->number($format, $length);
        return is_finite($number) ? MessagePack::number($number) : null;
    }

    private function text(int $length): string
    {
        $text = $this->take($length);
        $this->spend(Message::TEXT_COST + $length);
        return preg_match('//u', $text) === 1 ? $text : json_decode(json_encode($text, JSON_INVALID_UTF8_SUBSTITUTE));
    }

    private function binary(int $length): Binary
    {
        $this->spend(Message::OBJECT_COST + $length);
        return new Binary($this->take($length));
    }

    /**
     * @return list<mixed>
     */
    private function array(int $count, int $level): array
    {
        $this->enter($level, Message::ARRAY_COST);
        $items = [];
        for (; $count > 0; $count--) {
            $this->spend(Message::ITEM_COST);
            $items[] = $this->value($level);
        }
        return $items;
    }

    private function object(int $count, int $level): \stdClass
    {
        $this->enter($level, Message::OBJECT_COST);
        $members = [];
        for (; $count > 0; $count--) {
            $this->spend(Message::ITEM_COST);
            $key = $this->value($level);
            if ($key instanceof Binary) {
                $key = $key->bytes;
            } elseif (!is_string($key) && !is_int($key)) {
                throw new \UnexpectedValueException('a key is neither text nor a number');
            }
            if (substr_compare($this->bytes, self::UNDEFINED, $this->offset, strlen(self::UNDEFINED)) === 0) {
                $this->offset += strlen(self::UNDEFINED);
            } else {
                $members[Message::key((string) $key)] = $this->value($level);
            }
        }
        return (object) $members;
    }

    private function enter(int $level, int $cost): void
    {
        if ($level > Message::MAX_LEVELS) {
            throw new \UnexpectedValueException('it is nested too deep');
        }
        $this->spend($cost);
    }

    private function spend(int $cost): void
    {
        $this->budget -= $cost;
        if ($this->budget < 0) {
            throw new \UnexpectedValueException('it would take far more memory than its size justifies');
        }
    }

    /**
     * Reads a Date, or what notepack.io 2 writes with the type 0: undefined, a Date, or an ArrayBuffer. Any other
     * extension arrives as an array of its type and its bytes.
     */
    private function extension(int $length): mixed
    {
        $type = $this->signed(ord($this->take(1)), 0x80);
        $data = $this->take($length);
        return match (true) {
            $type === -1 && $length === 4 => self::date(unpack('N', $data)[1], 0),
            $type === -1 && $length === 8 => self::date(
                unpack('J', $data)[1] & (2 ** 34 - 1),
                (unpack('J', $data)[1] >> 34) & (2 ** 30 - 1),
            ),
            $type === -1 && $length === 12 => self::date(unpack('J', $data, 4)[1], unpack('N', $data)[1]),
            $type === 0 && $data === "\0" => null,
            $type === 0 && $length === 8 => self::dateOfMilliseconds(unpack('J', $data)[1]) ?? new Binary($data),
            $type === 0 => new Binary($data),
            default => [$type, new Binary($data)],
        };
    }

    private static function date(int $seconds, int $nanoseconds): ?string
    {
        $isDate = abs($seconds) <= 8_640_000_000_000;
        return $isDate ? self::dateOfMilliseconds($seconds * 1000 + intdiv($nanoseconds, 1_000_000)) : null;
    }

    /**
     * Returns the text that JSON.stringify() makes of a Date.
     */
    private static function dateOfMilliseconds(int $milliseconds): ?string
    {
        if ($milliseconds < -8_640_000_000_000_000 || $milliseconds > 8_640_000_000_000_000) {
            return null;
        }
        $seconds = (int) floor($milliseconds / 1000);
        $date = new \DateTimeImmutable("@$seconds");
        $year = (int) $date->format('Y');
        $text = match (true) {
            $year < 0 => sprintf('-%06d', -$year),
            $year > 9999 => sprintf('+%06d', $year),
            default => sprintf('%04d', $year),
        };
        return $text . $date->format('-m-d\TH:i:s') . sprintf('.%03dZ', $milliseconds - 1000 * $seconds);
    }
}
