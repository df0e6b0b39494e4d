<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * Takes the replies to one question.
 *
 * @internal
 */
abstract class Answers
{
    /** How many servers have answered. */
    protected int $servers = 0;

    /** @var array<string, true> those that say who they are, so that a reply that comes twice is known */
    private array $uids = [];

    /**
     * Takes a reply. An \UnexpectedValueException says that it cannot be read.
     */
    abstract public function add(Reply $reply): void;

    /**
     * Returns what has come.
     *
     * @param int $asked how many servers were asked
     */
    abstract public function result(int $asked): mixed;

    /**
     * Reports whether the replies of so many servers are all there.
     */
    public function isComplete(int $asked): bool
    {
        return $this->servers >= $asked;
    }

    public function servers(): int
    {
        return $this->servers;
    }

    /**
     * Returns how many clients acknowledged, and how many servers expect to.
     *
     * @return array{int, int}
     */
    public function clients(): array
    {
        return [0, 0];
    }

    protected function isKnown(Reply $reply): bool
    {
        return isset($this->uids[$reply->uid]);
    }

    /**
     * Counts the server of a reply.
     */
    protected function count(Reply $reply): void
    {
        $this->servers++;
        $this->note($reply);
    }

    protected function note(Reply $reply): void
    {
        if ($reply->uid !== '') {
            $this->uids[$reply->uid] = true;
        }
    }
}
