<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * What an emitter has sent and is not confirmed yet, and what became of confirmations. Notes are made when Redis has
 * answered, or may not have: what is still on its way then belongs to no confirmation that has begun.
 *
 * @internal
 */
final class Sent
{
    public const TOO_MANY = 'events went to more rooms or namespaces than are kept in mind';
    private const BESIDE = 'what is for the servers themselves goes beside the stream';
    private const UNKNOWN_ENTRY = 'it is not known which entries a transaction, or a pipeline that failed, has added';
    private const MAX_NAMESPACES = 1000;

    /** @var array<string, Notes> by namespace */
    private array $notes = [];

    /** @var array<string, Outcome> of the last confirmation, by namespace */
    private array $last = [];

    /** When something was sent of which there is no note. */
    private ?int $lost = null;

    /** @var array<string, Heartbeats> by namespace */
    private array $heartbeats = [];

    private readonly bool $isInStream;
    private readonly bool $isByRoom;

    public function __construct(Adapter $adapter, bool $inCluster)
    {
        $this->isInStream = $adapter instanceof Streams;
        $this->isByRoom = $adapter instanceof Sharded && $inCluster;
    }

    /**
     * Returns since when there are notes of a namespace, which is now if there are none.
     */
    public function since(string $namespace): int
    {
        return isset($this->notes[$namespace]) ? $this->notes[$namespace]->since : hrtime(true);
    }

    /**
     * Notes that a command was sent, or may have been.
     *
     * @param int                    $since   since() before it
     * @param non-empty-list<string> $command
     * @param mixed                  $reply   null where there was none
     */
    public function note(string $namespace, int $since, array $command, mixed $reply): void
    {
        if (!isset($this->notes[$namespace])) {
            if (count($this->notes) >= self::MAX_NAMESPACES) {
                $this->lost = hrtime(true);
                return;
            }
            $this->notes[$namespace] = new Notes($since);
        }
        if ($this->isByRoom) {
            $this->notes[$namespace]->addChannel($command[1]);
        } elseif ($this->isInStream && $command[0] !== 'XADD') {
            $this->notes[$namespace]->doubt = self::BESIDE;
        } elseif ($this->isInStream && $reply !== null) {
            if (is_string($reply) && preg_match('/^\d+-\d+$/', $reply) === 1) {
                $this->notes[$namespace]->addEntry($reply);
            } else {
                $this->notes[$namespace]->doubt = self::UNKNOWN_ENTRY;
            }
        }
    }

    /**
     * Notes that a question with an event was sent, or may have been. What asks clients beside the stream is known by
     * their answers only.
     *
     * @param non-empty-list<string> $command
     */
    public function noteQuestion(string $namespace, int $since, array $command, Question $question): void
    {
        if (!$question->isHarmless() && ($question->kind !== 'emitWithAck' || !$this->isInStream)) {
            $this->note($namespace, $since, $command, null);
        }
    }

    /**
     * Notes an event that servers have not answered, or may not have got. With the streams adapter it went beside the
     * stream, of which a confirmation cannot know.
     */
    public function noteUnanswered(string $namespace): void
    {
        if ($this->isInStream) {
            $this->note($namespace, $this->since($namespace), ['PUBLISH'], null);
        }
    }

    /**
     * Notes commands that were sent together.
     *
     * @param list<string>                 $namespaces of each command
     * @param list<non-empty-list<string>> $commands
     * @param ?list<mixed>                 $replies    null where they are not known
     */
    public function noteAll(array $namespaces, int $since, array $commands, ?array $replies): void
    {
        $isPlain = !$this->isByRoom && !$this->isInStream;
        foreach ($namespaces as $i => $namespace) {
            if (!$isPlain || !isset($this->notes[$namespace])) {
                $this->note($namespace, $since, $commands[$i], $replies[$i] ?? false);
            }
        }
    }

    /**
     * Takes what was sent to a namespace so far; null is nothing. What is noted from now on belongs to the next
     * confirmation.
     */
    public function begin(string $namespace): ?Notes
    {
        $last = $this->last($namespace);
        $notes = $this->notes[$namespace] ?? null;
        unset($this->notes[$namespace]);
        if ($this->lost !== null && $this->lost >= $last->began) {
            $notes ??= new Notes($this->lost);
            $notes->doubt = self::TOO_MANY;
        } elseif ($notes !== null && $notes->doubt === '' && $notes->since <= $last->ended) {
            $notes->doubt = $last->doubt; // it was sent meanwhile
        }
        return $notes;
    }

    public function last(string $namespace): Outcome
    {
        return $this->last[$namespace] ?? new Outcome();
    }

    /**
     * Takes back what was not confirmed: the next confirmation is about it, too.
     */
    public function restore(string $namespace, ?Notes $notes): void
    {
        if ($notes !== null) {
            $meanwhile = $this->notes[$namespace] ?? null;
            if ($meanwhile !== null) {
                $notes->add($meanwhile);
            }
            $this->notes[$namespace] = $notes;
        }
    }

    /**
     * Ends a confirmation: what it was about will not be asked about again.
     */
    public function end(string $namespace, Outcome $outcome): void
    {
        if (count($this->last) >= self::MAX_NAMESPACES) {
            $this->last = [];
        }
        $this->last[$namespace] = $outcome;
    }

    /**
     * Returns what has been heard of servers that show themselves in the stream only.
     */
    public function heartbeats(string $namespace): Heartbeats
    {
        if (count($this->heartbeats) >= self::MAX_NAMESPACES) {
            $this->heartbeats = [];
        }
        return $this->heartbeats[$namespace] ??= new Heartbeats();
    }
}
