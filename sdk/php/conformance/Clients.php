<?php

declare(strict_types=1);

namespace Sioemit\Conformance;

/**
 * The Redis clients of a variant, each of which is kept.
 */
final class Clients
{
    /** @var array<string, \Redis|\RedisCluster|\Predis\Client> */
    private array $clients = [];

    public function __construct(private readonly string $variant)
    {
    }

    public function client(string $url, bool $cluster): \Redis|\RedisCluster|\Predis\Client
    {
        return $this->clients[($cluster ? 'cluster ' : '') . $url] ??= match (true) {
            $this->variant === 'predis' => self::predis($url, $cluster),
            $cluster => self::phpredisCluster($url),
            default => self::phpredis($url),
        };
    }

    /**
     * Returns what a client of phpredis for a cluster does not tell.
     *
     * @return array<string, mixed>
     */
    public function context(string $url): array
    {
        return ['auth' => self::auth($url)];
    }

    private static function predis(string $url, bool $cluster): \Predis\Client
    {
        if (!$cluster) {
            return new \Predis\Client($url);
        }
        // Predis 1.1 connects to the nodes that it finds with the parameters of its options only.
        [$username, $password] = self::auth($url) ?: [null, null];
        return new \Predis\Client([$url], ['cluster' => 'redis', 'parameters' => compact('username', 'password')]);
    }

    private static function phpredis(string $url): \Redis
    {
        $redis = new \Redis();
        $redis->connect(self::part($url, PHP_URL_HOST), (int) self::part($url, PHP_URL_PORT));
        $auth = self::auth($url);
        if ($auth !== []) {
            $redis->auth($auth);
        }
        return $redis;
    }

    private static function phpredisCluster(string $url): \RedisCluster
    {
        $seed = self::part($url, PHP_URL_HOST) . ':' . self::part($url, PHP_URL_PORT);
        $auth = self::auth($url);
        return new \RedisCluster(null, [$seed], 10, 10, false, $auth === [] ? null : $auth);
    }

    /**
     * @return list<string>
     */
    private static function auth(string $url): array
    {
        return array_values(array_filter([self::part($url, PHP_URL_USER), self::part($url, PHP_URL_PASS)]));
    }

    private static function part(string $url, int $part): string
    {
        return rawurldecode((string) parse_url($url, $part));
    }
}
