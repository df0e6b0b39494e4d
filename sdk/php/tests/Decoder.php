<?php

declare(strict_types=1);

namespace Sioemit\Tests;

use Sioemit\Binary;

/**
 * Reads MessagePack, all of it. Maps become arrays, and an empty one a \stdClass; binary is Binary.
 */
final class Decoder
{
    private int $offset = 0;

    private function __construct(private readonly string $bytes)
    {
    }

    public static function decode(string $bytes): mixed
    {
        $decoder = new self($bytes);
        $value = $decoder->value();
        if ($decoder->offset !== strlen($bytes)) {
            throw new \RuntimeException('there are bytes behind the value');
        }
        return $value;
    }

    private function value(): mixed
    {
        $type = ord($this->take(1));
        return match (true) {
            $type < 0x80 => $type,
            $type < 0x90 => $this->map($type & 0x0F),
            $type < 0xA0 => $this->array($type & 0x0F),
            $type < 0xC0 => $this->take($type & 0x1F),
            $type >= 0xE0 => $type - 0x100,
            default => match ($type) {
                0xC0 => null,
                0xC2 => false,
                0xC3 => true,
                0xC4 => new Binary($this->take($this->number('C', 1))),
                0xC5 => new Binary($this->take($this->number('n', 2))),
                0xC6 => new Binary($this->take($this->number('N', 4))),
                0xCB => $this->number('E', 8),
                0xCC => $this->number('C', 1),
                0xCD => $this->number('n', 2),
                0xCE => $this->number('N', 4),
                0xCF, 0xD3 => $this->number('J', 8),
                0xD0 => $this->number('c', 1),
                0xD1 => $this->number('n', 2) - 0x10000,
                0xD2 => $this->number('N', 4) - 0x100000000,
                0xD9 => $this->take($this->number('C', 1)),
                0xDA => $this->take($this->number('n', 2)),
                0xDB => $this->take($this->number('N', 4)),
                0xDC => $this->array($this->number('n', 2)),
                0xDD => $this->array($this->number('N', 4)),
                0xDE => $this->map($this->number('n', 2)),
                0xDF => $this->map($this->number('N', 4)),
            },
        };
    }

    private function take(int $length): string
    {
        $bytes = substr($this->bytes, $this->offset, $length);
        $this->offset += $length;
        return $bytes;
    }

    private function number(string $format, int $length): int|float
    {
        return unpack($format, $this->take($length))[1];
    }

    /**
     * @return list<mixed>
     */
    private function array(int $count): array
    {
        $items = [];
        for (; $count > 0; $count--) {
            $items[] = $this->value();
        }
        return $items;
    }

    /**
     * @return array<mixed>|\stdClass
     */
    private function map(int $count): array|\stdClass
    {
        $members = [];
        for (; $count > 0; $count--) {
            $key = $this->value();
            $members[$key] = $this->value();
        }
        return $members === [] ? new \stdClass() : $members;
    }
}
