<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * The servers of a namespace that subscribe to nothing, and answer by an entry: those of the streams adapter before
 * 0.3. They add a heartbeat when they have added nothing else for five seconds, and take one who is silent for ten for
 * gone.
 *
 * @internal
 */
final class Heartbeats
{
    /** Milliseconds. */
    private const SILENCE = 11_000;

    /** How many entries are read at once. */
    private const PAGE = 500;

    private const SOCKETS = '8';
    private const CLOSE = '13';

    /** How these servers name themselves. */
    private const UID = '/^[0-9a-f]{16}$/D';

    /** Until which entry all that were heard are known. */
    private string $until = '0-0';

    /** @var array<array-key, int> when each server was heard, in milliseconds of the clock of Redis */
    private array $heard = [];

    /**
     * Returns how many servers have been heard in the last seconds; at the deadline it is not known of all.
     *
     * @param int $deadline as hrtime() has it
     */
    public function count(
        #[\SensitiveParameter] Connection $connection,
        string $namespace,
        string $stream,
        int $maxLen,
        int $deadline,
    ): int {
        [$seconds, $microseconds] = $connection->askAt($stream, ['TIME']);
        $now = (int) $seconds * 1000 + intdiv((int) $microseconds, 1000);
        $since = $now - self::SILENCE;
        $isKnown = self::milliseconds($this->until) > $since;
        $from = $isKnown ? $this->until : (string) $since;
        $heard = $isKnown ? array_filter($this->heard, fn (int $at) => $at >= $since) : [];
        $start = $from;
        do {
            $entries = self::entries($connection, $stream, $start, self::PAGE);
            foreach ($entries as $id => $entry) {
                $uid = $entry['uid'] ?? '';
                if (($entry['nsp'] ?? '') !== $namespace || preg_match(self::UID, $uid) !== 1) {
                    continue;
                }
                if (($entry['type'] ?? '') === self::CLOSE) {
                    unset($heard[$uid]);
                } else {
                    $heard[$uid] = self::milliseconds($id);
                }
            }
            $start = '(' . array_key_last($entries);
        } while (count($entries) === self::PAGE && hrtime(true) < $deadline);
        $this->heard = $heard;
        if ($heard !== []) {
            $this->checkAllWereRead($connection, $stream, $maxLen, $from, $now);
        }
        return count($heard);
    }

    /**
     * Waits until those that were heard have answered, and returns how many have by the deadline.
     *
     * @param string $question the entry, behind which they answer
     * @param string $id       which their answers hold
     * @param int    $deadline as hrtime() has it
     */
    public function await(
        #[\SensitiveParameter] Connection $connection,
        string $stream,
        string $question,
        string $id,
        int $deadline,
    ): int {
        $missing = $this->heard;
        $answered = [];
        $at = $question;
        for ($pause = 1000; $missing !== [] && hrtime(true) < $deadline; $pause = min(2 * $pause, 50_000)) {
            $entries = self::entries($connection, $stream, "($at", self::PAGE);
            foreach ($entries as $at => $entry) {
                $uid = $entry['uid'] ?? '';
                $isAnswer = ($entry['type'] ?? '') === self::SOCKETS && str_contains($entry['data'] ?? '', $id);
                if ($isAnswer && preg_match(self::UID, $uid) === 1) {
                    $answered[$uid] = self::milliseconds($question);
                    unset($missing[$uid]);
                }
            }
            if ($entries === []) {
                usleep($pause);
            } else {
                $pause = 500;
            }
        }
        if ($missing === []) {
            $this->heard = $answered;
            $this->until = $question;
        }
        return count($answered);
    }

    /**
     * What was trimmed has not been heard.
     */
    private function checkAllWereRead(
        #[\SensitiveParameter] Connection $connection,
        string $stream,
        int $maxLen,
        string $from,
        int $now,
    ): void {
        $oldest = (string) array_key_first(self::entries($connection, $stream, '-', 1));
        if (
            $oldest !== '' && Notes::compare($oldest, $from) > 0
            && $connection->askAt($stream, ['XLEN', $stream]) >= $maxLen
        ) {
            $held = ($now - self::milliseconds($oldest)) / 1000;
            throw new UnconfirmedException(
                0,
                "the stream holds no more than the last {$held}s, in which a server may have said nothing",
            );
        }
    }

    /**
     * @return array<string, array<string, string>> by their ids
     */
    private static function entries(
        #[\SensitiveParameter] Connection $connection,
        string $stream,
        string $start,
        int $count,
    ): array {
        $entries = [];
        foreach ($connection->askAt($stream, ['XRANGE', $stream, $start, '+', 'COUNT', (string) $count]) as $entry) {
            $entries[$entry[0]] = array_column(array_chunk($entry[1], 2), 1, 0);
        }
        return $entries;
    }

    private static function milliseconds(string $id): int
    {
        return (int) $id;
    }
}
