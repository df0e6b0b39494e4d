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
