<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * What went wrong with some of many commands.
 *
 * @internal
 */
final class Failures
{
    private int $count = 0;
    private string $first = '';
    private ?\Throwable $cause = null;

    public function add(string $text, ?\Throwable $cause = null): void
    {
        if ($this->count++ === 0) {
            $this->first = $text;
            $this->cause = $cause;
        }
    }

    /**
     * Throws if there are any.
     *
     * @param list<non-empty-list<string>> $commands all that were to be sent
     */
    public function throw(array $commands): void
    {
        if ($this->count > 0) {
            $what = count($commands) === 1
                ? $commands[0][0]
                : sprintf('%d of %d commands failed, the first with', $this->count, count($commands));
            throw SioemitException::fromRedis($what, $this->first, $this->cause);
        }
    }
}
