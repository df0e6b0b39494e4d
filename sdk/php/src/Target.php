<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * Who gets an event, and how.
 *
 * @internal
 */
final class Target
{
    /**
     * @param list<string|int|float> $rooms
     * @param list<string|int|float> $except
     */
    public function __construct(
        public readonly string $namespace = '/',
        public readonly array $rooms = [],
        public readonly array $except = [],
        public readonly bool $volatile = false,
        public readonly ?bool $compress = null,
    ) {
    }

    /**
     * Returns the target of a question that changes nothing: a room that nobody is in, and that looks like the id of no
     * socket.
     */
    public static function nobody(string $namespace): self
    {
        return new self($namespace, ['nobody-' . bin2hex(random_bytes(16))]);
    }

    /**
     * Returns the only room, where it can have a channel of its own. A number has none: servers look up the text in the
     * channel among their rooms.
     */
    public function onlyRoom(): ?string
    {
        return count($this->rooms) === 1 && is_string($this->rooms[0]) ? $this->rooms[0] : null;
    }

    /**
     * Returns what is set, as servers read it.
     *
     * @return array<string, bool>
     */
    public function flags(): array
    {
        $flags = [];
        if ($this->volatile) {
            $flags['volatile'] = true;
        }
        if ($this->compress !== null) {
            $flags['compress'] = $this->compress;
        }
        return $flags;
    }
}
