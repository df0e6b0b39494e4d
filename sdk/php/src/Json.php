<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * JSON as servers read it.
 *
 * @internal
 */
final class Json
{
    private const FLAGS = JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_LINE_TERMINATORS
        | JSON_THROW_ON_ERROR;

    /** A text, and the colon behind it where it is a key. */
    private const TEXT = '/"(?:[^"\\\\]++|\\\\.)*+"(?:\s*:)?/s';

    /** Of an answer: an argument of the greatest depth that servers read, and what is around it. */
    public const MAX_LEVELS = 1010;

    /** About what decoded values take, in bytes. */
    public const OBJECT_COST = 416;
    public const ARRAY_COST = 184;
    public const ITEM_COST = 64;
    public const TEXT_COST = 32;

    private int $offset = 0;

    /** @var list<string> in place of which there are placeholders */
    private array $binaries = [];

    private function __construct(private readonly string $bytes)
    {
    }

    public static function encode(mixed $value): string
    {
        return json_encode($value, self::FLAGS);
    }

    /**
     * Reports whether a message is an object, of JSON or of MessagePack.
     */
    public static function isObject(string $bytes): bool
    {
        return preg_match('/^[{\x80-\x8F\xDE\xDF]/', $bytes) === 1;
    }

    /**
     * Returns such a message of a server: what is an object is one, and binary is Binary. It may come from anyone. An
     * \UnexpectedValueException says what is wrong, also when it would take far more memory than its size justifies,
     * which no server's answer does.
     */
    public static function message(string $bytes): \stdClass
    {
        $budget = 64 * 1024 * 1024 + 16 * strlen($bytes);
        if (!str_starts_with($bytes, '{')) {
            return MessagePackReader::decode($bytes, $budget);
        }
        if (self::cost($bytes) > $budget && self::cost((string) preg_replace(self::TEXT, '""', $bytes)) > $budget) {
            throw new \UnexpectedValueException('it would take far more memory than its size justifies');
        }
        return self::buffers(self::decode($bytes));
    }

    /**
     * Returns a key as an object can have it: that of PHP has none that starts with a NUL.
     */
    public static function key(string $key): string
    {
        return str_starts_with($key, "\0") ? "\u{FFFD}" . substr($key, 1) : $key;
    }

    /**
     * Reads what JSON.stringify() writes, also where PHP has no such thing: half a surrogate pair, and a key that
     * starts with a NUL. One client that sends them must not hide the others.
     */
    private static function decode(string $json): mixed
    {
        $value = json_decode($json, false, self::MAX_LEVELS, JSON_INVALID_UTF8_SUBSTITUTE);
        if (json_last_error() === JSON_ERROR_UTF16) {
            $json = (string) preg_replace_callback(
                '/\\\\(?:u(?:(d[89ab][0-9a-f]{2}\\\\ud[c-f][0-9a-f]{2})|(d[89a-f][0-9a-f]{2}))|.)/is',
                fn (array $escape) => isset($escape[2]) ? '\ufffd' : $escape[0],
                $json,
            );
            $value = json_decode($json, false, self::MAX_LEVELS, JSON_INVALID_UTF8_SUBSTITUTE);
        }
        if (json_last_error() === JSON_ERROR_INVALID_PROPERTY_NAME) {
            $json = (string) preg_replace_callback(
                self::TEXT,
                fn (array $text) => str_ends_with($text[0], ':') && str_starts_with($text[0], '"\u0000')
                    ? '"\ufffd' . substr($text[0], strlen('"\u0000'))
                    : $text[0],
                $json,
            );
            $value = json_decode($json, false, self::MAX_LEVELS, JSON_INVALID_UTF8_SUBSTITUTE);
        }
        return json_last_error() === JSON_ERROR_NONE
            ? $value
            : throw new \UnexpectedValueException(json_last_error_msg());
    }

    /**
     * Returns about how much memory JSON takes when it is decoded, and more when its texts look like it.
     */
    private static function cost(string $json): int
    {
        return strlen($json)
            + self::OBJECT_COST * substr_count($json, '{') + self::ARRAY_COST * substr_count($json, '[')
            + self::ITEM_COST * substr_count($json, ',') + intdiv(self::TEXT_COST, 2) * substr_count($json, '"');
    }

    /**
     * Turns {"type":"Buffer","data":[...]}, which JSON.stringify() makes of binary, at any depth back into it.
     */
    private static function buffers(mixed $value): mixed
    {
        if (is_array($value)) {
            foreach ($value as $i => $item) {
                if (is_array($item) || is_object($item)) {
                    $value[$i] = self::buffers($item);
                }
            }
        } elseif ($value instanceof \stdClass) {
            $members = get_object_vars($value);
            $isBuffer = count($members) === 2 && ($members['type'] ?? null) === 'Buffer';
            $bytes = $isBuffer ? self::bytes($members['data'] ?? null) : null;
            if ($bytes !== null) {
                return new Binary($bytes);
            }
            foreach ($members as $key => $member) {
                if (is_array($member) || is_object($member)) {
                    $value->{$key} = self::buffers($member);
                }
            }
        }
        return $value;
    }

    private static function bytes(mixed $list): ?string
    {
        if (!is_array($list)) {
            return null;
        }
        $bytes = '';
        foreach ($list as $byte) {
            if (!is_int($byte) || $byte < 0 || $byte > 255) {
                return null;
            }
            $bytes .= chr($byte);
        }
        return $bytes;
    }

    /**
     * Returns as JSON what MessagePack has written, so that what a value becomes is said in one place.
     */
    public static function fromMessagePack(string $bytes): string
    {
        return (new self($bytes))->value();
    }

    /**
     * Does as fromMessagePack(), with a placeholder for each binary value, as the packets of Socket.IO have it. Those
     * values are the second that it returns.
     *
     * @return array{string, list<string>}
     */
    public static function detached(string $bytes): array
    {
        $reader = new self($bytes);
        return [$reader->value(), $reader->binaries];
    }

    private function value(): string
    {
        $type = ord($this->bytes[$this->offset++]);
        return match (true) {
            $type < 0x80 => (string) $type,
            $type < 0x90 => $this->object($type & 0x0F),
            $type < 0xA0 => $this->array($type & 0x0F),
            $type < 0xC0 => $this->text($type & 0x1F),
            $type >= 0xE0 => (string) ($type - 0x100),
            default => match ($type) {
                0xC0 => 'null',
                0xC2 => 'false',
                0xC3 => 'true',
                0xC4 => $this->placeholder($this->number('C', 1)),
                0xC5 => $this->placeholder($this->number('n', 2)),
                0xC6 => $this->placeholder($this->number('N', 4)),
                0xCB => self::encode($this->number('E', 8)),
                0xCC => (string) $this->number('C', 1),
                0xCD => (string) $this->number('n', 2),
                0xCE => (string) $this->number('N', 4),
                0xCF, 0xD3 => (string) $this->number('J', 8),
                0xD0 => (string) ($this->number('C', 1) - 0x100),
                0xD1 => (string) ($this->number('n', 2) - 0x10000),
                0xD2 => (string) ($this->number('N', 4) - 0x100000000),
                0xD9 => $this->text($this->number('C', 1)),
                0xDA => $this->text($this->number('n', 2)),
                0xDB => $this->text($this->number('N', 4)),
                0xDC => $this->array($this->number('n', 2)),
                0xDD => $this->array($this->number('N', 4)),
                0xDE => $this->object($this->number('n', 2)),
                0xDF => $this->object($this->number('N', 4)),
            },
        };
    }

    private function number(string $format, int $length): int|float
    {
        $number = unpack($format, $this->bytes, $this->offset)[1];
        $this->offset += $length;
        return $number;
    }

    private function text(int $length): string
    {
        $text = substr($this->bytes, $this->offset, $length);
        $this->offset += $length;
        return self::encode($text);
    }

    private function placeholder(int $length): string
    {
        $this->binaries[] = substr($this->bytes, $this->offset, $length);
        $this->offset += $length;
        return '{"_placeholder":true,"num":' . (count($this->binaries) - 1) . '}';
    }

    private function array(int $count): string
    {
        $items = [];
        for (; $count > 0; $count--) {
            $items[] = $this->value();
        }
        return '[' . implode(',', $items) . ']';
    }

    private function object(int $count): string
    {
        $members = [];
        for (; $count > 0; $count--) {
            $members[] = $this->value() . ':' . $this->value();
        }
        return '{' . implode(',', $members) . '}';
    }
}
