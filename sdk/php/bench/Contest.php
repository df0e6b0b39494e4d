<?php

declare(strict_types=1);

namespace Sioemit\Bench;

/**
 * Two pieces of work that take turns, compared by the CPU time of the client, user and system.
 */
final class Contest
{
    /**
     * @param string             $ratio "rate": how many times as fast, or "time": how many times as long
     * @param callable(int): void $work  does something so many times
     */
    public function __construct(
        private readonly string $client,
        private readonly string $what,
        private readonly \Closure $work,
        private readonly string $against,
        private readonly \Closure $reference,
        private readonly string $ratio,
        private readonly ?float $bar = null,
    ) {
    }

    /**
     * Returns the figure, as bench/ at the top reads it.
     *
     * @return array<string, mixed>
     */
    public function figure(int $times, int $rounds): array
    {
        self::cpu($this->work, $times);
        self::cpu($this->reference, $times);
        $cost = $ratios = [];
        for ($round = 0; $round < $rounds; $round++) {
            $cost[] = $work = self::cpu($this->work, $times);
            $reference = self::cpu($this->reference, $times);
            $ratios[] = $this->ratio === 'rate' ? $reference / $work : $work / $reference;
        }
        sort($cost);
        return [
            'language' => 'php',
            'client' => $this->client,
            'what' => $this->what,
            'nanoseconds' => $cost[intdiv($rounds, 2)],
            'against' => $this->against,
            'ratio' => $this->ratio,
            'rounds' => $ratios,
        ] + ($this->bar === null ? [] : [$this->ratio === 'rate' ? 'atLeast' : 'atMost' => $this->bar]);
    }

    /**
     * Returns what one time costs, in nanoseconds.
     */
    private static function cpu(\Closure $work, int $times): float
    {
        $before = self::used();
        $work($times);
        return max(self::used() - $before, 1000) / $times; // the clock ticks once in a microsecond
    }

    private static function used(): float
    {
        $usage = getrusage();
        return 1e9 * ($usage['ru_utime.tv_sec'] + $usage['ru_stime.tv_sec'])
            + 1e3 * ($usage['ru_utime.tv_usec'] + $usage['ru_stime.tv_usec']);
    }
}
