<?php

declare(strict_types=1);

namespace Sioemit\Conformance;

use Sioemit\BroadcastOperator;
use Sioemit\Emitter;
use Sioemit\IncompleteException;
use Sioemit\Python;
use Sioemit\Sharded;
use Sioemit\SioemitException;
use Sioemit\Streams;

/**
 * Reads calls, a line of JSON each, and makes them.
 */
final class Driver
{
    private const FEATURES = [
        'classic', 'sharded', 'streams', 'python', 'cluster', 'pipeline', 'server-count', 'numbers', 'replies',
        'confirm',
    ];
    private const OPTIONS = ['key', 'serverVersion', 'codec', 'maxAttachments', 'socketIds'];

    private Clients $clients;

    public function __construct(private readonly string $variant)
    {
        $this->clients = new Clients($variant);
    }

    /**
     * @param resource $input
     */
    public function run($input): void
    {
        self::say([
            'language' => 'php',
            'variant' => $this->variant,
            'version' => '0.1.0',
            'features' => self::FEATURES,
        ]);
        while (($line = fgets($input)) !== false) {
            $call = Values::decode($line);
            self::say(['id' => $call->id] + self::answer(fn () => $this->call($call)));
            Values::release();
        }
    }

    /**
     * @return array<string, mixed>
     */
    private static function answer(\Closure $call): array
    {
        try {
            $result = $call();
        } catch (IncompleteException $e) {
            $missing = [
                'servers' => $e->servers,
                'asked' => $e->asked,
                'clients' => $e->clients,
                'expected' => $e->expected,
                'unread' => $e->unread,
            ];
            return ['error' => $e->reason->value, 'message' => $e->getMessage(), 'missing' => $missing]
                + ($e->call === 'confirm' ? [] : ['result' => Values::result($e->partial)]);
        } catch (SioemitException $e) {
            return ['error' => $e->reason->value, 'message' => $e->getMessage()];
        } catch (\Throwable $e) {
            return ['error' => 'unknown', 'message' => (string) $e];
        }
        return ['ok' => true] + ($result === null ? [] : ['result' => Values::result($result)]);
    }

    private function call(\stdClass $call): mixed
    {
        $redis = $this->clients->client($call->redis, $call->cluster);
        $options = self::options((array) ($call->options ?? []));
        if ($redis instanceof \RedisCluster) {
            $options['context'] = $this->clients->context($call->redis);
        }
        $io = new Emitter($redis, ...$options);
        return isset($call->sequence)
            ? array_map(fn (\stdClass $step) => self::answer(fn () => self::make($io, $step)), $call->sequence)
            : self::make($io, $call);
    }

    /**
     * Makes one call, or those of a pipeline.
     */
    private static function make(Emitter $io, \stdClass $call): mixed
    {
        if (!isset($call->pipeline)) {
            return self::step($io, $call);
        }
        $given = null;
        $io->pipeline(function (BroadcastOperator $io) use ($call, &$given) {
            $given = $io;
            foreach ($call->pipeline as $step) {
                self::step($io, $step);
            }
        });
        return isset($call->after) ? self::step($given, $call->after) : null;
    }

    private static function step(BroadcastOperator $io, \stdClass $step): mixed
    {
        foreach ($step->chain ?? [] as [$name, $words]) {
            $io = $name === 'timeout' ? $io->timeout($words[0] / 1000) : $io->$name(...$words);
        }
        [$name, $words] = $step->call;
        return $io->$name(...$words);
    }

    /**
     * @param array<string, mixed> $given
     *
     * @return array<string, mixed>
     */
    private static function options(array $given): array
    {
        $adapter = $given['adapter'] ?? 'classic';
        unset($given['adapter']);
        if (isset($given['socketIds'])) {
            $given['socketIds'] = '~' . $given['socketIds'] . '~';
        }
        $options = array_intersect_key($given, array_flip(self::OPTIONS));
        $ofAdapter = array_diff_key($given, $options);
        return $options + match ($adapter) {
            'classic' => $ofAdapter,
            'sharded' => ['adapter' => new Sharded(...$ofAdapter)],
            'python' => ['adapter' => new Python(...$ofAdapter)],
            'streams' => ['adapter' => new Streams(...$ofAdapter)],
        };
    }

    /**
     * @param array<string, mixed> $line
     */
    private static function say(array $line): void
    {
        echo json_encode($line, JSON_THROW_ON_ERROR), "\n";
    }
}
