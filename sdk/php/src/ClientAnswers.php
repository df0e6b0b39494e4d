<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * Waits for a number of clients from each server, and for as many acknowledgements as these add up to. An
 * acknowledgement may overtake the number.
 *
 * @internal
 */
final class ClientAnswers extends Answers
{
    private const MAX_CLIENTS = 2 ** 31 - 1;

    /** @var list<mixed> */
    private array $values = [];

    /** @var list<int> */
    private array $perServer = [];

    public function add(Reply $reply): void
    {
        if ($reply->kind === 'ack') {
            $this->values[] = $reply->content;
        } elseif ($reply->kind === 'count' && !$this->isKnown($reply)) {
            $clients = $reply->content;
            if (!is_int($clients) || $clients < 0 || $clients > self::MAX_CLIENTS) {
                throw new \UnexpectedValueException('it is no number of clients');
            }
            $this->perServer[] = $clients;
            $this->count($reply);
        }
    }

    public function result(int $asked): Acks
    {
        return new Acks($this->values, array_sum($this->perServer), $this->perServer, $asked);
    }

    public function isComplete(int $asked): bool
    {
        [$clients, $expected] = $this->clients();
        return parent::isComplete($asked) && $clients >= $expected;
    }

    public function clients(): array
    {
        return [count($this->values), array_sum($this->perServer)];
    }
}
