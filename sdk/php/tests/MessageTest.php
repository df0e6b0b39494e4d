<?php

declare(strict_types=1);

namespace Sioemit\Tests;

use PHPUnit\Framework\TestCase;
use Sioemit\Binary;
use Sioemit\Message;

/**
 * What servers write, and what anybody else may.
 */
final class MessageTest extends TestCase
{
    /**
     * Returns what a message holds.
     */
    private static function read(string $value, bool $isJson = false): mixed
    {
        return Message::read($isJson ? "{\"a\":$value}" : "\x81\xA1a$value")->a;
    }

    /**
     * @return iterable<array{string, mixed}>
     */
    public static function packed(): iterable
    {
        yield from [
            ["\x7F", 127], ["\xE0", -32], ["\xC0", null], ["\xC2", false], ["\xC3", true],
            ["\xCC\xFF", 255], ["\xCD\xFF\xFF", 65_535], ["\xCE\xFF\xFF\xFF\xFF", 4_294_967_295],
            ["\xCF\0\x20\0\0\0\0\0\0", 2 ** 53], ["\xCF" . str_repeat("\xFF", 8), 2.0 ** 64],
            ["\xD0\x80", -128], ["\xD1\x80\0", -32_768], ["\xD2\x80\0\0\0", -2_147_483_648],
            ["\xD3\xFF\xE0\0\0\0\0\0\0", -2 ** 53], ["\xD0\x7F", 127], ["\xD1\x7F\xFF", 32_767],
            ["\xCA\x3F\0\0\0", 0.5], ["\xCB\x3F\xF8\0\0\0\0\0\0", 1.5], ["\xCB\x40\x45\0\0\0\0\0\0", 42],
            ["\xCB\x7F\xF8\0\0\0\0\0\0", null], ["\xCB\x7F\xF0\0\0\0\0\0\0", null],
            ["\xA2\xC3\xA9", 'é'], ["\xA1\xFF", "\u{FFFD}"], ["\xD9\x01x", 'x'], ["\xDA\0\x01x", 'x'],
            ["\xDB\0\0\0\x01x", 'x'],
            ["\xC4\x01\xFF", new Binary("\xFF")], ["\xC5\0\x01\xFF", new Binary("\xFF")],
            ["\xC6\0\0\0\x01\xFF", new Binary("\xFF")],
            ["\x92\x01\xA0", [1, '']], ["\xDC\0\x01\x01", [1]], ["\xDD\0\0\0\x01\x01", [1]],
            ["\x80", new \stdClass()], ["\x82\xA0\x01\x05\x02", (object) ['' => 1, '5' => 2]],
            ["\xDE\0\x01\xC4\x01k\x01", (object) ['k' => 1]],
            ["\xDF\0\0\0\x01\xA2\0k\x01", (object) ["\u{FFFD}k" => 1]],
            ["\x82\xA1u\xD4\0\0\xA1v\x01", (object) ['v' => 1]], ["\x91\xD4\0\0", [null]],
            ["\xD6\xFF\0\0\0\0", '1970-01-01T00:00:00.000Z'],
            ["\xD7\xFF" . pack('J', (500_000_000 << 34) + 1), '1970-01-01T00:00:01.500Z'],
            ["\xC7\x0C\xFF\x1D\xCD\x65\0" . pack('J', -1), '1969-12-31T23:59:59.500Z'],
            ["\xC7\x0C\xFF\0\0\0\0" . pack('J', 253_402_300_800), '+010000-01-01T00:00:00.000Z'],
            ["\xC7\x0C\xFF\0\0\0\0" . pack('J', PHP_INT_MAX), null],
            ["\xD7\0" . pack('J', 1), '1970-01-01T00:00:00.001Z'],
            ["\xD5\0ab", new Binary('ab')], ["\xC8\0\x01\x05x", [5, new Binary('x')]],
            ["\xC9\0\0\0\x01\x80x", [-128, new Binary('x')]], ["\xD8\x07" . str_repeat('x', 16), [
                7, new Binary(str_repeat('x', 16)),
            ]],
        ];
    }

    /**
     * @dataProvider packed
     */
    public function testMessagePack(string $bytes, mixed $want): void
    {
        $got = self::read($bytes);
        self::assertEquals($want, $got);
        self::assertSame(get_debug_type($want), get_debug_type($got));
        for ($length = 0; $length < strlen($bytes); $length++) { // cut short
            self::assertUnreadable("\x81\xA1a" . substr($bytes, 0, $length));
        }
        self::assertUnreadable("\x81\xA1a$bytes\xC0");
    }

    public function testJson(): void
    {
        foreach (
            [
                ['"\ud83d\ude00 \\\\ud800"', "\u{1F600} \\ud800"],
                ['"\ud800 \udc00 \ud83d\ude00"', "\u{FFFD} \u{FFFD} \u{1F600}"],
                ['{"\u0000k":"\u0000v"}', (object) ["\u{FFFD}k" => "\0v"]],
                ["\"\xFF\"", "\u{FFFD}"],
                ['{"type":"Buffer","data":[0,255]}', new Binary("\0\xFF")],
                ['[[{"b":{"type":"Buffer","data":[]}}]]', [[(object) ['b' => new Binary('')]]]],
                ['{"type":"Buffer","data":[256]}', (object) ['type' => 'Buffer', 'data' => [256]]],
                ['{"type":"Buffer","data":[0],"x":1}', (object) ['type' => 'Buffer', 'data' => [0], 'x' => 1]],
                ['{"type":"Buffer"}', (object) ['type' => 'Buffer']],
                ['{}', new \stdClass()],
                ['18446744073709551616', 2.0 ** 64],
            ] as [$json, $want]
        ) {
            self::assertEquals($want, self::read($json, true), $json);
        }
        self::assertUnreadable('{"a":1');
        self::assertUnreadable('{"a":1}x');
        self::assertUnreadable('{"type":"Buffer","data":[]}');
    }

    public function testBounds(): void
    {
        $nested = fn (string $open, string $close, int $levels) => str_repeat($open, $levels)
            . str_repeat($close, $levels);
        self::read($nested('[', ']', 1000), true);
        self::read($nested('{"a":', '', 999) . '{}' . $nested('', '}', 999), true);
        self::read($nested("\x91", '', 1000) . "\xC0");
        self::assertUnreadable('{"a":' . $nested('[', ']', 2000) . '}');
        self::assertUnreadable("\x81\xA1a" . $nested("\x91", '', 2000) . "\xC0");
        self::assertUnreadable("\x81\xA1a" . $nested("\x81\xA1a", '', 2000) . "\xC0");

        // What takes far more memory than its size justifies.
        $million = 1_048_576;
        foreach (
            [
                '{"a":[' . str_repeat('{},', $million) . '{}]}',
                '{"a":[' . str_repeat('[],', $million) . '[]]}',
                "\x81\xA1a\xDD" . pack('N', $million) . str_repeat("\x80", $million),
                "\x81\xA1a\xDD" . pack('N', $million) . str_repeat("\x90", $million),
            ] as $message
        ) {
            $before = memory_get_peak_usage();
            self::assertUnreadable($message);
            self::assertLessThan($before + 200 * $million, memory_get_peak_usage());
        }
        $text = str_repeat('{[,', 2 * $million); // which only looks like it
        self::assertSame($text, self::read("\"$text\"", true));

        foreach (["\xC6", "\xDB", "\xDD", "\xDF", "\xC9"] as $type) { // what is announced, and does not come
            self::assertUnreadable("\x81\xA1a$type\xFF\xFF\xFF\xFF");
        }
    }

    private static function assertUnreadable(string $message): void
    {
        try {
            Message::read($message);
        } catch (\UnexpectedValueException $e) {
            self::assertNotSame('', $e->getMessage());
            return;
        }
        self::fail('it was read');
    }
}
