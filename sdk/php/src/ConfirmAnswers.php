<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * Waits until each server has answered that it has none of the sockets.
 *
 * @internal
 */
final class ConfirmAnswers extends Answers
{
    /** How one signs who answers as a server, and only listens: the command sioemit does. */
    private const LISTENER = 'listen-';

    /** Those who answer, and are no servers. */
    private int $listeners = 0;

    public function add(Reply $reply): void
    {
        if ($reply->kind !== 'sockets' || $this->isKnown($reply)) {
            return;
        }
        if (str_starts_with($reply->uid, self::LISTENER)) {
            $this->listeners++;
            $this->note($reply);
        } else {
            $this->count($reply);
        }
    }

    public function isComplete(int $asked): bool
    {
        return parent::isComplete($asked - $this->listeners);
    }

    /**
     * Returns how many servers were asked.
     */
    public function result(int $asked): int
    {
        return $asked - $this->listeners;
    }
}
