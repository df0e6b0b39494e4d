<?php

declare(strict_types=1);

namespace Sioemit\Tests;

use PHPUnit\Framework\TestCase;
use Sioemit\Binary;
use Sioemit\Json;
use Sioemit\MessagePack;
use Sioemit\Reason;
use Sioemit\SioemitException;

/**
 * What a value becomes: as json_encode() has it, but for Binary.
 */
final class ValuesTest extends TestCase
{
    private const UNESCAPED = JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_LINE_TERMINATORS;

    private static function arrives(mixed $value, ?int $maxBinaries = 10): mixed
    {
        [$event, $arrived] = Decoder::decode(MessagePack::event('ev', [$value], $maxBinaries)->bytes);
        self::assertSame('ev', $event);
        return $arrived;
    }

    private static function nested(int $levels): mixed
    {
        $value = null;
        for (; $levels > 0; $levels--) {
            $value = [$value];
        }
        return $value;
    }

    /**
     * @dataProvider sameAsJson
     */
    public function testArrivesAsJsonHasIt(mixed $value): void
    {
        $json = json_encode($value, JSON_THROW_ON_ERROR | self::UNESCAPED);
        $bytes = MessagePack::event('ev', [$value], 10)->bytes;
        self::assertSame("[\"ev\",$json]", Json::fromMessagePack($bytes));
        $decoded = json_encode(Decoder::decode($bytes), self::UNESCAPED);
        if (!str_contains($json, '{}') && !str_contains($json, '"0":')) { // which PHP's arrays do not tell from lists
            self::assertSame("[\"ev\",$json]", $decoded);
        }
    }

    /**
     * @return iterable<string, array{mixed}>
     */
    public static function sameAsJson(): iterable
    {
        $object = new \stdClass();
        $object->b = [1, ['c' => null]];
        $object->{'0'} = 'zero';
        $values = [
            null, true, false, '', 'é €😀 "\\/', "\u{2028}\0\n", [], new \stdClass(), $object, ['a' => []],
            [1, 2, 3], ['b' => 1, 'a' => 2], [1 => 'b', 0 => 'a'], [5 => 'x'], ['' => 1], ["\0a" => 1],
            0, 127, 128, 255, 256, 65535, 65536, 4294967295, 4294967296, 2 ** 53,
            -1, -32, -33, -128, -129, -32768, -32769, -2147483648, -2147483649, -(2 ** 53),
            0.1, -0.5, 19.99, 1.0e-7, 5e-324, 1.7976931348623157e308,
            str_repeat('x', 31), str_repeat('x', 32), str_repeat('x', 255), str_repeat('x', 256),
            range(1, 15), range(1, 16),
            array_combine(range(1, 15), range(1, 15)), array_combine(range(1, 16), range(1, 16)),
            Level::High, new \ArrayObject(['a' => 1]), new \ArrayObject(), new \ArrayIterator([1, 2]),
            new WithProperties(), new WithJson(['x' => [new WithJson(1)]]), new WithJson(null), new Itself(),
            \SplFixedArray::fromArray([1, 2]),
            new \ArrayObject(new WithProperties()), new \ArrayIterator(new WithProperties()),
            (object) ["\0a" => 1, 'b' => 2], new \ArrayObject(["\0a" => 1]), new \SimpleXMLElement('<a><b>1</b></a>'),
            [$object, $object], // twice is no cycle
        ];
        foreach ($values as $i => $value) {
            yield "$i " . get_debug_type($value) => [$value];
        }
    }

    public function testWhatIsLong(): void
    {
        $numbers = range(1, 65536);
        $values = [str_repeat('x', 65536), $numbers, array_combine($numbers, $numbers)];
        foreach ($values as $value) {
            self::assertTrue(self::arrives($value) === $value);
            $json = Json::fromMessagePack(MessagePack::event('ev', [$value], 10)->bytes);
            self::assertTrue($json === '["ev",' . json_encode($value) . ']');
        }
        self::assertTrue(self::arrives(new Binary($values[0]))->bytes === $values[0]);
    }

    /**
     * @dataProvider arriving
     */
    public function testArrives(mixed $value, mixed $want): void
    {
        $got = self::arrives($value);
        if ($want instanceof Binary) {
            self::assertEquals($want, $got);
        } else {
            self::assertSame($want, $got);
        }
    }

    /**
     * @return iterable<array{mixed, mixed}>
     */
    public static function arriving(): iterable
    {
        yield [1.0, 1];
        yield [-0.0, 0];
        yield [2.0 ** 53, 2 ** 53];
        yield [2 ** 53 + 1, 2.0 ** 53];
        yield [PHP_INT_MAX, 2.0 ** 63];
        yield [PHP_INT_MIN, -(2.0 ** 63)];
        yield [1e300, 1e300];
        yield [new \DateTimeImmutable('2026-01-02T03:04:05Z'), '2026-01-02T03:04:05Z'];
        yield [new \DateTime('2026-01-02T03:04:05.06-03:30'), '2026-01-02T03:04:05.06-03:30'];
        yield [new \DateTimeImmutable('1900-01-01T00:00:00+00:19:32'), '1899-12-31T23:40:28Z'];
        yield [new Binary("\x00\xFF"), new Binary("\x00\xFF")];
        yield [new Binary(''), new Binary('')];
        yield [new Binary(str_repeat('x', 256)), new Binary(str_repeat('x', 256))];
        yield [new WithJson(new Binary('a')), new Binary('a')];
    }

    public function testBinaryAtAnyDepth(): void
    {
        $value = ['a' => [(object) ['b' => new Binary("\x00")]]];
        self::assertEquals(['a' => [['b' => new Binary("\x00")]]], self::arrives($value));
    }

    /**
     * @dataProvider refused
     */
    public function testRefused(mixed $value, Reason $reason, string $says): void
    {
        try {
            self::arrives($value);
        } catch (SioemitException $e) {
            self::assertSame($reason, $e->reason, $e->getMessage());
            self::assertStringContainsString('argument 1 of the event "ev"', $e->getMessage());
            self::assertStringContainsString($says, $e->getMessage());
            return;
        }
        self::fail('it was taken');
    }

    /**
     * @return iterable<array{mixed, Reason, string}>
     */
    public static function refused(): iterable
    {
        $bad = Reason::Unencodable;
        yield [NAN, $bad, 'NAN'];
        yield [['a' => [-INF]], $bad, '-INF'];
        yield ["a\xFF", $bad, 'UTF-8'];
        yield [["a\xED\xA0\x80"], $bad, 'UTF-8'];
        yield [["a\xFF" => 1], $bad, 'UTF-8'];
        yield [STDIN, $bad, 'resource'];
        yield [fn () => 1, $bad, 'Closure'];
        yield [(fn () => yield 1)(), $bad, 'Generator'];
        yield [new \SplObjectStorage(), $bad, 'SplObjectStorage'];
        yield [new Unseen(), $bad, 'Unseen'];
        yield [new \SimpleXMLElement('<a/>'), $bad, 'SimpleXMLElement has no public properties'];
        yield [new \DateTimeZone('UTC'), $bad, 'DateTimeZone has no public properties'];
        yield [Suit::Hearts, $bad, 'enum'];
        yield [['__proto__' => 1], $bad, '__proto__'];
        yield [[['__proto__' => new Binary('')]], $bad, '__proto__'];
        yield [array_fill(0, 11, new Binary('')), $bad, 'maxAttachments'];
        yield [new Endless(), $bad, 'ever new'];
    }

    public function testCycles(): void
    {
        $array = [1];
        $array['again'] = [&$array];
        $object = new \stdClass();
        $object->list = [$object];
        $inObject = new \stdClass();
        $inObject->list = ['a' => 1];
        $inObject->list['b'] = &$inObject->list;
        foreach ([$array, $object, $inObject] as $cycle) {
            try {
                self::arrives($cycle);
                self::fail('it was taken');
            } catch (SioemitException $e) {
                self::assertSame(Reason::Unencodable, $e->reason);
                self::assertStringContainsString('holds itself', $e->getMessage());
            }
        }
    }

    /**
     * @dataProvider trapsBesideBinary
     */
    public function testTrapsBesideBinary(mixed $value): void
    {
        self::arrives($value); // harmless by itself
        self::arrives([$value, new Binary('')], null); // and for servers
        $this->expectExceptionMessage('beside binary');
        MessagePack::event('ev', [$value, new Binary('')], 10);
    }

    /**
     * @return iterable<array{mixed}>
     */
    public static function trapsBesideBinary(): iterable
    {
        yield [['_placeholder' => true]];
        yield [['a' => (object) ['_placeholder' => []]]];
        yield [['_placeholder' => '0']];
        yield [['hasOwnProperty' => null]];
        yield [(object) ['hasOwnProperty' => 1]];
    }

    public function testWhatIsHarmlessBesideBinary(): void
    {
        foreach ([false, null, 0, 0.0, ''] as $false) {
            self::arrives([['_placeholder' => $false], new Binary('')]);
        }
        self::arrives(array_fill(0, 10, new Binary('')));
        self::arrives(array_fill(0, 11, new Binary('')), null);
        self::arrives(array_fill(0, 11, new Binary('')), 11);
        self::assertTrue(true);
    }

    public function testDeep(): void
    {
        foreach ([99, 100, 101, 102, 1000] as $levels) {
            $bytes = MessagePack::event('ev', [self::nested($levels)], 10)->bytes;
            self::assertSame("\x92\xA2ev" . str_repeat("\x91", $levels) . "\xC0", $bytes);
            $json = '["ev",' . str_repeat('[', $levels) . 'null' . str_repeat(']', $levels) . ']';
            self::assertSame($json, Json::fromMessagePack($bytes));
        }
    }

    public function testTooDeep(): void
    {
        foreach ([1001, 100_000] as $levels) {
            try {
                self::arrives(self::nested($levels));
                self::fail('it was taken');
            } catch (SioemitException $e) {
                self::assertSame(Reason::TooDeep, $e->reason);
                self::assertStringContainsString('1,000', $e->getMessage());
            }
        }
    }

    public function testAReferenceTwiceIsNoCycle(): void
    {
        $leaf = ['x'];
        $value = [&$leaf, &$leaf];
        for ($i = 0; $i < 150; $i++) {
            $value = [$value];
        }
        self::assertStringEndsWith("\x92\x91\xA1x\x91\xA1x", MessagePack::event('ev', [$value], 10)->bytes);
    }

    public function testWhatJsonSerializeThrowsIsThrown(): void
    {
        $this->expectException(\DomainException::class);
        self::arrives(new Throwing());
    }

    public function testARoomThatIsANumber(): void
    {
        $numbers = array_map(MessagePack::number(...), [5.0, -0.0, 1.5, 1e21, PHP_INT_MAX]);
        self::assertSame([5, 0, 1.5, 1e21, 2.0 ** 63], $numbers);
    }
}
