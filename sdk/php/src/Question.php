<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * What servers are asked, and answer.
 *
 * @internal
 */
final class Question
{
    /** It travels to servers, whose timers know no more than this. */
    private const MAX_TIMEOUT = 2 ** 31 - 1;

    /** Under which servers answer. An answer to anything else does not hold it. */
    public readonly string $id;

    /**
     * @param 'emitWithAck'|'fetchSockets'|'serverSideEmitWithAck'|'rooms'|'confirm' $kind
     * @param array<mixed>                                                           $args
     */
    public function __construct(
        public readonly string $kind,
        public readonly string $event = '',
        public readonly array $args = [],
    ) {
        $this->id = bin2hex(random_bytes(16));
    }

    /**
     * Returns the same under another id: the answers to both cannot be taken for those of more servers.
     */
    public function again(): self
    {
        return new self($this->kind, $this->event, $this->args);
    }

    /**
     * Reports whether it may be asked twice.
     */
    public function isHarmless(): bool
    {
        return in_array($this->kind, ['fetchSockets', 'rooms', 'confirm'], true);
    }

    /**
     * Writes the flags of a target, and, for those who wait for clients, how many nanoseconds they have.
     */
    public static function flags(Target $target, int $left): string
    {
        $milliseconds = max(1, min(intdiv($left, 1_000_000), self::MAX_TIMEOUT));
        return MessagePack::flags($target->flags() + ['timeout' => $milliseconds]);
    }
}
