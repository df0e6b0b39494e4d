<?php

declare(strict_types=1);

namespace Sioemit\Tests;

use PHPUnit\Framework\TestCase;
use Sioemit\BroadcastOperator;
use Sioemit\Emitter;
use Sioemit\Reason;
use Sioemit\SioemitException;
use Sioemit\Streams;

/**
 * A master with a replica, and a Sentinel that watches them.
 */
final class SentinelTest extends TestCase
{
    /** @var list<RedisServer> */
    private array $servers = [];

    protected function tearDown(): void
    {
        foreach (array_reverse($this->servers) as $server) {
            $server->stop();
        }
    }

    private function sentinel(): RedisServer
    {
        $master = $this->servers[] = new RedisServer();
        $replica = $this->servers[] = new RedisServer(['--replicaof', '127.0.0.1', (string) $master->port]);
        $client = $replica->client();
        RedisServer::waitFor(fn () => $client->info('replication')['master_link_status'] === 'up', 'a replica follows');
        $sentinel = $this->servers[] = new RedisServer(sentinel: <<<CONF
            sentinel monitor mymaster 127.0.0.1 $master->port 1
            sentinel down-after-milliseconds mymaster 1000
            sentinel failover-timeout mymaster 2000
            CONF);
        $ask = $sentinel->client();
        RedisServer::waitFor(
            fn () => count($ask->rawCommand('SENTINEL', 'REPLICAS', 'mymaster')) === 1,
            'Sentinel knows the replica',
        );
        return $sentinel;
    }

    private function predis(RedisServer $sentinel): \Predis\Client
    {
        return new \Predis\Client(
            ["tcp://127.0.0.1:$sentinel->port"],
            ['replication' => 'sentinel', 'service' => 'mymaster', 'prefix' => 'laravel_'],
        );
    }

    public function testEmit(): void
    {
        $sentinel = $this->sentinel();
        // phpredis 6 takes an array.
        $where = ['host' => '127.0.0.1', 'port' => $sentinel->port];
        $words = version_compare((string) phpversion('redis'), '6', '<') ? array_values($where) : [$where];
        [$host, $port] = (new \RedisSentinel(...$words))->getMasterAddrByName('mymaster');
        $redis = new \Redis();
        $redis->connect($host, (int) $port);
        foreach ([$redis, $this->predis($sentinel)] as $client) {
            $atMaster = new Listener($this->servers[0]->port);
            $atReplica = new Listener($this->servers[1]->port); // where a server may have subscribed
            $io = new Emitter($client);
            $io->emit('one');
            $io->pipeline(function (BroadcastOperator $io) {
                $io->emit('two');
                $io->emit('three');
            });
            foreach (['one', 'two', 'three'] as $event) {
                self::assertSame([$event], $atMaster->event());
                self::assertSame([$event], $atReplica->event());
            }
            $server = new Listener($this->servers[0]->port, 'SUBSCRIBE', 'socket.io-request#/#');
            self::assertSame(1, $io->serverCount());
            $servers = new SocketServers($this->servers[0]->port, fn (array $request) => [
                $request['type'] === 6
                    ? ['type' => 6, 'requestId' => $request['requestId'], 'data' => $request['data'][1]]
                    : ['requestId' => $request['requestId'], 'sockets' => []],
            ], 1, 'socket.io-request#/ask#', 'socket.io-response#/ask#');
            $carrier = new Listener($this->servers[0]->port, 'PSUBSCRIBE', 'socket.io#/ask#*');
            $target = $io->of('/ask')->timeout(RedisServer::DEADLINE);
            try {
                self::assertSame(1, $target->confirm());
                self::assertSame([5], $target->serverSideEmitWithAck('ev', 5));
                $target->emit('ev');
                self::assertSame(1, $target->confirm());
            } finally {
                unset($carrier);
                $servers->stop();
            }
        }
    }

    public function testAnotherMaster(): void
    {
        $sentinel = $this->sentinel();
        $io = new Emitter($this->predis($sentinel), adapter: new Streams(streamName: 'events'));
        $io->emit('before');
        $replica = $this->servers[1]->client();
        RedisServer::waitFor(fn () => $replica->xLen('events') === 1, 'the replica has the first event');
        $this->servers[0]->kill();
        $failed = 0;
        RedisServer::waitFor(function () use ($io, &$failed) {
            try {
                $io->pipeline(fn (BroadcastOperator $io) => $io->emit('after'));
                return true;
            } catch (SioemitException $e) {
                self::assertSame(Reason::Redis, $e->reason);
                $failed++;
                return false;
            }
        }, 'Predis finds the new master');
        $io->emit('last');
        $events = array_map(
            fn (array $entry) => json_decode($entry['data'])->packet->data,
            array_values($this->servers[1]->client()->xRange('events', '-', '+')),
        );
        self::assertSame([['before'], ['after'], ['last']], $events);
        self::assertGreaterThan(0, $failed); // what broke was told
    }

    /**
     * Predis by itself would send it 21 times.
     */
    public function testAnEventIsSentOnceWhenTheConnectionBreaks(): void
    {
        $fake = new FakeRedis(fn (array $command, int $count, int $port) => match (strtoupper($command[0])) {
            'SENTINEL' => "*2\r\n$9\r\n127.0.0.1\r\n$" . strlen((string) $port) . "\r\n$port\r\n",
            'ROLE' => "*1\r\n$6\r\nmaster\r\n",
            'PUBLISH' => null,
            default => "+OK\r\n",
        });
        try {
            $predis = new \Predis\Client(
                ["tcp://127.0.0.1:$fake->port"],
                ['replication' => 'sentinel', 'service' => 'mymaster'],
            );
            try {
                (new Emitter($predis))->emit('ev');
                self::fail('nothing was thrown');
            } catch (SioemitException $e) {
                self::assertSame(Reason::Redis, $e->reason);
            }
            self::assertSame(1, $fake->count('PUBLISH'));
        } finally {
            $fake->stop();
        }
    }
}
