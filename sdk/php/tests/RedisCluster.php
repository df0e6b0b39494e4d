<?php

declare(strict_types=1);

namespace Sioemit\Tests;

/**
 * A Redis Cluster of three masters, and of replicas where a test needs them.
 */
final class RedisCluster
{
    /** @var list<RedisServer> */
    public readonly array $nodes;

    /**
     * @param bool         $withReplica one master has a replica
     * @param list<string> $options     of each redis-server
     */
    public function __construct(bool $withReplica = false, array $options = [])
    {
        $nodes = [];
        for ($i = 0; $i < ($withReplica ? 4 : 3); $i++) {
            $nodes[] = new RedisServer(['--cluster-enabled', 'yes', ...$options]);
        }
        $this->nodes = $nodes;
        $clients = array_map(fn (RedisServer $node) => $node->client(), $nodes);
        foreach ($clients as $i => $client) {
            $client->rawCommand('CLUSTER', 'MEET', '127.0.0.1', (string) $nodes[0]->port);
            if ($i < 3) {
                $first = intdiv(16384 * $i, 3);
                $last = intdiv(16384 * ($i + 1), 3) - 1;
                $client->rawCommand('CLUSTER', 'ADDSLOTSRANGE', (string) $first, (string) $last);
            }
        }
        if ($withReplica) {
            $master = $clients[0]->rawCommand('CLUSTER', 'MYID');
            RedisServer::waitFor(
                fn () => $clients[3]->rawCommand('CLUSTER', 'REPLICATE', $master) === true,
                'a node becomes a replica',
            );
        }
        foreach ($clients as $client) {
            RedisServer::waitFor(function () use ($client, $withReplica) {
                $info = $client->rawCommand('CLUSTER', 'INFO');
                $slots = $client->rawCommand('CLUSTER', 'SLOTS');
                return str_contains($info, 'cluster_state:ok') && count($slots) === 3
                    && max(array_map(count(...), $slots)) === ($withReplica ? 4 : 3)
                    && self::isLinked($client->rawCommand('CLUSTER', 'NODES'));
            }, 'the nodes know each other');
        }
    }

    /**
     * Tells whether a node passes on what is published to it: it forgets those to whom it has no link.
     */
    private static function isLinked(string $nodes): bool
    {
        $linked = fn (string $node) => str_contains($node, ' connected') && !str_contains($node, 'handshake');
        return array_filter(explode("\n", trim($nodes)), $linked) === explode("\n", trim($nodes));
    }

    /**
     * @return list<string>
     */
    public function seeds(): array
    {
        return ["127.0.0.1:{$this->nodes[1]->port}"];
    }

    public function phpredis(): \RedisCluster
    {
        return new \RedisCluster(null, $this->seeds(), 10, 10);
    }

    /**
     * @param array<string, mixed> $options
     */
    public function predis(array $options = []): \Predis\Client
    {
        return new \Predis\Client($this->seeds(), ['cluster' => 'redis'] + $options);
    }

    public function stop(): void
    {
        foreach ($this->nodes as $node) {
            $node->stop();
        }
    }
}
