<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * Waits for what each server answers to an event for servers.
 *
 * @internal
 */
final class ServerAnswers extends Answers
{
    /** @var list<mixed> */
    private array $values = [];

    public function add(Reply $reply): void
    {
        if ($reply->kind === 'server' && !$this->isKnown($reply)) {
            $this->values[] = $reply->content;
            $this->count($reply);
        }
    }

    /**
     * @return list<mixed>
     */
    public function result(int $asked): array
    {
        return $this->values;
    }
}
