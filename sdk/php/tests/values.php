<?php

declare(strict_types=1);

namespace Sioemit\Tests;

enum Level: int
{
    case High = 3;
}

enum Suit
{
    case Hearts;
}

class WithProperties
{
    public int $a = 1;
    public ?self $none = null;
    public string $unset;
    protected int $hidden = 2;
    private int $own = 3;
}

class WithJson implements \JsonSerializable
{
    public function __construct(private mixed $value)
    {
    }

    public function jsonSerialize(): mixed
    {
        return $this->value;
    }
}

class Itself implements \JsonSerializable
{
    public int $a = 1;

    public function jsonSerialize(): mixed
    {
        return $this;
    }
}

class Endless implements \JsonSerializable
{
    public function jsonSerialize(): mixed
    {
        return new self();
    }
}

class Throwing implements \JsonSerializable
{
    public function jsonSerialize(): mixed
    {
        throw new \DomainException('it has none');
    }
}

/** @implements \IteratorAggregate<int> */
class Unseen implements \IteratorAggregate
{
    public function getIterator(): \Traversable
    {
        yield 1;
    }
}
