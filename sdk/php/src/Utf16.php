<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * Text as JavaScript counts it: in code units of 16 bits.
 *
 * @internal
 */
final class Utf16
{
    /**
     * Returns the length of valid UTF-8.
     */
    public static function length(string $text): int
    {
        // A byte that begins a character counts once, and twice where four bytes follow from it, which are a pair.
        return preg_match_all('/[\x00-\x7F\xC0-\xFF]/', $text) + preg_match_all('/[\xF0-\xFF]/', $text);
    }

    /**
     * Returns the code units of valid UTF-8.
     *
     * @return list<int>
     */
    public static function units(string $text): array
    {
        $units = [];
        preg_match_all('/./su', $text, $characters);
        foreach ($characters[0] as $character) {
            $code = self::codePoint($character);
            if ($code < 0x10000) {
                $units[] = $code;
            } else {
                $units[] = 0xD800 + (($code - 0x10000) >> 10);
                $units[] = 0xDC00 + (($code - 0x10000) & 0x3FF);
            }
        }
        return $units;
    }

    private static function codePoint(string $character): int
    {
        $bytes = array_map(ord(...), str_split($character));
        $code = $bytes[0] & [0x7F, 0x7F, 0x1F, 0x0F, 0x07][count($bytes)];
        foreach (array_slice($bytes, 1) as $byte) {
            $code = $code << 6 | $byte & 0x3F;
        }
        return $code;
    }
}
