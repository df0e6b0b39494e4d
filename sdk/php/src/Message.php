<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * Reads what servers write to each other, JSON or MessagePack.
 *
 * @internal
 */
final class Message
{
    /** A text, and the colon behind it where it is a key. */
    private const TEXT = '/"(?:[^"\\\\]++|\\\\.)*+"(?:\s*:)?/s';

    /** Of an answer: an argument of the greatest depth that servers read, and what is around it. */
    public const MAX_LEVELS = 1010;

    /** About what decoded values take, in bytes. */
    public const OBJECT_COST = 416;
    public const ARRAY_COST = 184;
    public const ITEM_COST = 64;
    public const TEXT_COST = 32;

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
    public static function read(string $bytes): \stdClass
    {
        $budget = 64 * 1024 * 1024 + 16 * strlen($bytes);
        if (!str_starts_with($bytes, '{')) {
            return MessagePackReader::decode($bytes, $budget);
        }
        if (self::cost($bytes) > $budget && self::cost(preg_replace(self::TEXT, '""', $bytes) ?? $bytes) > $budget) {
            throw new \UnexpectedValueException('it would take far more memory than its size justifies');
        }
        $message = self::buffers(self::decode($bytes));
        return $message instanceof \stdClass ? $message : throw new \UnexpectedValueException('it is binary');
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
}
