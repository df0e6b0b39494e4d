<?php

declare(strict_types=1);

namespace Sioemit\Tests;

use PHPUnit\Framework\TestCase;
use Sioemit\BroadcastOperator;
use Sioemit\Emitter;
use Sioemit\Reason;
use Sioemit\RedisAddress;
use Sioemit\Sharded;
use Sioemit\SioemitException;
use Sioemit\Streams;
use Sioemit\UnconfirmedException;

/**
 * On a Redis Cluster of three masters.
 */
final class ClusterTest extends TestCase
{
    private static RedisCluster $cluster;

    public static function setUpBeforeClass(): void
    {
        self::$cluster = new RedisCluster(options: ['--enable-debug-command', 'yes']);
    }

    public static function tearDownAfterClass(): void
    {
        self::$cluster->stop();
    }

    /**
     * @return iterable<string, array{callable(): (\RedisCluster|\Predis\Client)}>
     */
    public static function clients(): iterable
    {
        yield 'phpredis' => [fn () => self::$cluster->phpredis()];
        yield 'phpredis, all set' => [function () {
            $redis = self::$cluster->phpredis();
            $redis->setOption(\Redis::OPT_PREFIX, 'laravel_');
            $redis->setOption(\Redis::OPT_SERIALIZER, \Redis::SERIALIZER_IGBINARY);
            $redis->setOption(\Redis::OPT_COMPRESSION, \Redis::COMPRESSION_ZSTD);
            return $redis;
        }];
        yield 'phpredis, a prefix of braces' => [function () {
            $redis = self::$cluster->phpredis();
            $redis->setOption(\Redis::OPT_PREFIX, '{app}:');
            return $redis;
        }];
        yield 'Predis' => [fn () => self::$cluster->predis()];
        yield 'Predis, prefix' => [fn () => self::$cluster->predis(['prefix' => 'laravel_'])];
    }

    /**
     * @dataProvider clients
     */
    public function testEventsArriveInOrder(callable $client): void
    {
        $io = new Emitter($client());
        $listeners = array_map( // a server subscribes on any node
            fn (RedisServer $node) => new Listener($node->port),
            self::$cluster->nodes,
        );
        $io->pipeline(function (BroadcastOperator $io) {
            for ($i = 0; $i < 300; $i++) {
                $io->to('r' . $i % 3)->emit('ev', $i);
            }
        });
        foreach ($listeners as $listener) {
            $got = [];
            for ($i = 0; $i < 300; $i++) {
                [$channel, [, $packet]] = $listener->next();
                $got[$channel][] = $packet['data'][1];
            }
            ksort($got);
            $want = [range(0, 299, 3), range(1, 299, 3), range(2, 299, 3)];
            self::assertSame($want, array_values($got));
            self::assertSame(['socket.io#/#r0#', 'socket.io#/#r1#', 'socket.io#/#r2#'], array_keys($got));
        }
    }

    /**
     * @dataProvider clients
     */
    public function testShardedAndStreams(callable $client): void
    {
        $redis = $client();
        $sharded = new Emitter($redis, adapter: new Sharded());
        $streams = new Emitter($redis, adapter: new Streams(streamName: 'events', streamCount: 1));
        foreach (['r0', 'r1', 'r2', 'r3', 'a{b}c', '}{', '{x', '{}'] as $room) {
            $channel = "socket.io#/#$room#";
            $listener = new Listener($this->home($channel)->port, 'SSUBSCRIBE', $channel);
            $sharded->to($room)->emit('one');
            $sharded->pipeline(function (BroadcastOperator $io) use ($room) {
                $io->to($room)->emit('two');
                $io->to($room)->emit('three');
            });
            foreach (['one', 'two', 'three'] as $event) {
                self::assertSame([$event], $listener->next()[1]['data']['packet']['data']);
            }
        }
        $stream = $this->home('events')->client();
        $stream->del('events');
        $streams->emit('one');
        $streams->pipeline(fn (BroadcastOperator $io) => $io->emit('two'));
        self::assertSame(2, $stream->xLen('events'));
    }

    /**
     * Servers that are asked, and answer, at the nodes of their shard channels, and at any other.
     *
     * @dataProvider clients
     */
    public function testAsk(callable $client): void
    {
        $redis = $client();
        $answers = fn (array $request) => [
            ['uid' => 's1', 'nsp' => '/', 'type' => 10, 'data' => [
                'requestId' => $request['data']['requestId'],
                'packet' => $request['data']['packet'][1],
            ]],
        ];
        foreach (['a', 'b', 'c', 'd'] as $prefix) {
            foreach ([true, false] as $shard) {
                $port = $this->home("$prefix#/#")->port;
                $replies = $this->home("$prefix#/#emitter#")->port;
                if (!$shard) {
                    [$port, $replies] = [$replies, $port];
                }
                $servers = new SocketServers(
                    $port,
                    $answers,
                    1,
                    "$prefix#/#",
                    "$prefix#/#emitter#",
                    $shard,
                    $replies,
                );
                $adapter = $shard ? new Sharded($prefix) : new Streams(channelPrefix: $prefix);
                $io = (new Emitter($redis, adapter: $adapter))->timeout(RedisServer::DEADLINE);
                try {
                    self::assertSame([$prefix], $io->serverSideEmitWithAck('ev', $prefix));
                    self::assertSame([7], $io->serverSideEmitWithAck('ev', 7));
                    self::assertCount(2, $servers->ids());
                } finally {
                    $servers->stop();
                }
            }
        }
    }

    /**
     * Events go by way of several masters, and so do the questions behind them.
     *
     * @dataProvider clients
     */
    public function testConfirmClassic(callable $client): void
    {
        $subscribers = array_map(
            fn (RedisServer $node) => new Listener($node->port, 'PSUBSCRIBE', 'confirm#/#*'),
            self::$cluster->nodes,
        );
        $servers = new SocketServers(
            self::$cluster->nodes[1]->port,
            fn (array $request) => [['requestId' => $request['requestId'], 'sockets' => []]],
            1,
            'confirm-request#/#',
            'confirm-response#/#',
        );
        try {
            $io = (new Emitter($client(), key: 'confirm'))->timeout(RedisServer::DEADLINE);
            self::assertSame(1, $io->confirm());
            $io->to('r0')->emit('ev');
            self::assertSame(1, $io->confirm());
            self::assertCount(6, array_unique($servers->ids()));
            $io->to('r1')->emit('ev');
            $this->killSubscriber(self::$cluster->nodes[2]);
            $subscribers[] = new Listener(self::$cluster->nodes[2]->port, 'PSUBSCRIBE', 'confirm#/#*');
            self::assertUnconfirmed("a subscriber's connection to Redis was cut", fn () => $io->confirm());
        } finally {
            $servers->stop();
        }
    }

    private function killSubscriber(RedisServer $node): void
    {
        $admin = $node->client();
        $list = $admin->rawCommand('CLIENT', 'LIST', 'TYPE', 'pubsub');
        self::assertSame(1, preg_match('/^id=(\d+) .* psub=1 /m', $list, $found));
        $admin->rawCommand('CLIENT', 'KILL', 'ID', $found[1]);
    }

    private static function assertUnconfirmed(string $doubt, callable $call): void
    {
        try {
            $call();
            self::fail('nothing was thrown');
        } catch (UnconfirmedException $e) {
            self::assertStringContainsString($doubt, $e->doubt);
        }
    }

    /**
     * Rooms have channels of their own, on other nodes. A slot that moves takes them along.
     *
     * @dataProvider clients
     */
    public function testConfirmSharded(callable $client): void
    {
        $redis = $client();
        foreach (['confirm', 'other'] as $prefix) { // whose own channels are on several nodes
            $replies = "$prefix#/#emitter#";
            $answers = function (array $request) use ($replies) {
                $list = $this->home($replies)->client()->rawCommand('CLIENT', 'LIST', 'TYPE', 'pubsub');
                $id = $request['data']['requestId'] ?? null; // of an event there is none
                $isAnswered = $id !== null && str_contains($list, ' name=sioemit-replies '); // as no server has it
                $data = ['requestId' => $id, 'sockets' => []];
                return $isAnswered ? [['uid' => 's1', 'nsp' => '/', 'type' => 8, 'data' => $data]] : [];
            };
            $servers = array_map(fn (string $channel) => new SocketServers(
                $this->home($channel)->port,
                $answers,
                1,
                $channel,
                $replies,
                true,
                $this->home($replies)->port,
            ), ["$prefix#/#", "$prefix#/#r0#", "$prefix#/#r1#"]);
            try {
                $emitter = new Emitter($redis, adapter: new Sharded($prefix));
                $io = $emitter->timeout(RedisServer::DEADLINE);
                self::assertSame(1, $io->confirm());
                $io->to('r0')->emit('ev');
                $emitter->pipeline(fn (BroadcastOperator $io) => $io->to('r2')->emit('nobody is there'));
                self::assertSame(1, $io->confirm());
                $questions = fn (SocketServers $server) => count(array_filter($server->ids())); // and no events
                $counts = fn () => array_map($questions, $servers);
                self::assertSame([2, 1, 0], $counts());
                $io->to('r1')->emit('ev');
                $this->withMovedSlot("$prefix#/#r2#", function () use ($io) {
                    self::assertUnconfirmed('a slot of the Redis Cluster was moved', fn () => $io->confirm());
                });
                self::assertSame([3, 1, 1], $counts());
            } finally {
                foreach ($servers as $server) {
                    $server->stop();
                }
            }
        }
    }

    /**
     * A stream that moves takes its entries along.
     *
     * @dataProvider clients
     */
    public function testConfirmFollowsAStream(callable $client): void
    {
        $streams = new Streams(streamName: 'followed', channelPrefix: 'followed');
        $io = (new Emitter($client(), adapter: $streams))->timeout(RedisServer::DEADLINE);
        $io->emit('ev');
        $node = $this->home('followed')->client();
        $entry = array_key_first($node->xRange('followed', '-', '+'));
        $node->del('followed');
        $this->withMovedSlot('followed', function (RedisServer $new) use ($io, $entry) {
            $stream = $new->client();
            $stream->xAdd('followed', $entry, ['uid' => 'moved', 'nsp' => '/']);
            $server = new StreamServer($new->port, '0123456789abcdef', true, 'followed');
            try {
                self::assertSame(1, $io->confirm());
            } finally {
                $server->stop();
                $stream->del('followed');
            }
        });
    }

    /**
     * A client for one node knows nothing of servers that have subscribed at others.
     */
    public function testANodeCannotBeAsked(): void
    {
        $node = self::$cluster->nodes[0];
        foreach ([$node->client(), $node->predis()] as $client) {
            try {
                (new Emitter($client))->fetchSockets();
                self::fail('nothing was thrown');
            } catch (SioemitException $e) {
                self::assertSame(Reason::Client, $e->reason);
                self::assertStringContainsString('is a node of a Redis Cluster', $e->getMessage());
            }
        }
    }

    public function testAClusterWithAPassword(): void
    {
        $cluster = new RedisCluster();
        try {
            foreach ($cluster->nodes as $node) {
                $node->client()->rawCommand('CONFIG', 'SET', 'requirepass', 'S3cr3t');
            }
            $redis = new \RedisCluster(null, $cluster->seeds(), 10, 10, false, 'S3cr3t');
            $predis = $cluster->predis(['parameters' => ['password' => 'S3cr3t']]);
            foreach (
                [
                    [new Emitter($redis, context: ['auth' => 'S3cr3t']), Reason::NoServers],
                    [new Emitter($predis), Reason::NoServers],
                    [new Emitter($redis), Reason::Subscription],
                ] as [$io, $reason]
            ) {
                try {
                    $io->fetchSockets();
                    self::fail('nothing was thrown');
                } catch (SioemitException $e) {
                    self::assertSame($reason, $e->reason, $e->getMessage());
                }
            }
            self::assertStringContainsString('its option context', $e->getMessage());
        } finally {
            $cluster->stop();
        }
    }

    /**
     * @dataProvider clients
     */
    public function testAQuestionFollowsASlotThatHasMoved(callable $client): void
    {
        $io = (new Emitter($client(), adapter: new Sharded('moving')))->timeout(RedisServer::DEADLINE);
        $io->emit('before');
        $channel = 'moving#/#';
        $this->withMovedSlot($channel, function (RedisServer $new) use ($io, $channel) {
            $servers = new SocketServers($new->port, fn (array $request) => [
                ['uid' => 's1', 'nsp' => '/', 'type' => 10, 'data' => [
                    'requestId' => $request['data']['requestId'],
                    'packet' => 1,
                ]],
            ], 1, $channel, "{$channel}emitter#", true, $this->home("{$channel}emitter#")->port);
            try {
                self::assertSame([1], $io->serverSideEmitWithAck('ev'));
                self::assertCount(1, $servers->ids());
            } finally {
                $servers->stop();
            }
        });
    }

    /**
     * A node that has not heard where a slot is by now names one that names another.
     *
     * @dataProvider clients
     */
    public function testAQuestionAndItsAnswersGoFromNodeToNode(callable $client): void
    {
        [$first, $second, $third] = self::$cluster->nodes;
        $prefix = $this->tagOf($first); // and so both channels have one slot
        $slot = (string) $first->client()->rawCommand('CLUSTER', 'KEYSLOT', $prefix);
        $redis = $client();
        $kept = new Emitter($redis, adapter: new Sharded($prefix));
        $kept->emit('before');
        self::setGossip(false);
        try {
            self::move($slot, $second, $first);
            self::move($slot, $third, $second);
            $servers = new SocketServers($third->port, fn (array $request) => [
                ['uid' => 's1', 'nsp' => '/', 'type' => 10, 'data' => [
                    'requestId' => $request['data']['requestId'],
                    'packet' => 1,
                ]],
            ], 1, "$prefix#/#", "$prefix#/#emitter#", true);
            try {
                foreach ([$kept, new Emitter($redis, adapter: new Sharded($prefix))] as $io) {
                    self::assertSame([1], $io->timeout(RedisServer::DEADLINE)->serverSideEmitWithAck('ev'));
                }
                self::assertCount(2, $servers->ids());
            } finally {
                $servers->stop();
            }
        } finally {
            self::move($slot, ...self::$cluster->nodes);
            self::setGossip(true);
        }
    }

    /**
     * @dataProvider clients
     */
    public function testNodesThatNameEachOtherAreLeftInTheEnd(callable $client): void
    {
        [$first, $second] = self::$cluster->nodes;
        $prefix = $this->tagOf($first);
        $slot = (string) $first->client()->rawCommand('CLUSTER', 'KEYSLOT', $prefix);
        $io = (new Emitter($client(), adapter: new Sharded($prefix)))->timeout(RedisServer::DEADLINE);
        self::setGossip(false);
        try {
            $id = $second->client()->rawCommand('CLUSTER', 'MYID');
            $first->client()->rawCommand('CLUSTER', 'SETSLOT', $slot, 'NODE', $id);
            $before = self::redirections();
            $io->fetchSockets();
            self::fail('nothing was thrown');
        } catch (SioemitException $e) {
            self::assertSame(Reason::Subscription, $e->reason);
            self::assertStringContainsString(' MOVED ', $e->getMessage());
            self::assertSame(6, self::redirections() - $before);
        } finally {
            self::move($slot, ...self::$cluster->nodes);
            self::setGossip(true);
        }
    }

    public function testAnotherNodeIsReachedAsTheOneThatNamesIt(): void
    {
        $context = ['auth' => ['u', 'p'], 'stream' => ['peer_name' => 'n']];
        $here = RedisAddress::fromPhpRedis('h', 1, null, $context, true);
        foreach ([['i', 'tls://i:2'], ['::1', 'tls://[::1]:2'], ['', 'tls://h:2']] as [$host, $remote]) {
            self::assertEquals(new RedisAddress($remote, ['u', 'p'], ['peer_name' => 'n'], true), $here->at($host, 2));
        }
    }

    /**
     * Returns what is in braces, and has its slot at a node.
     */
    private function tagOf(RedisServer $node): string
    {
        for ($i = 0; $this->home("{{$i}}") !== $node;) {
            $i++;
        }
        return "{{$i}}";
    }

    private static function setGossip(bool $isOn): void
    {
        foreach (self::$cluster->nodes as $node) {
            $node->client()->rawCommand('DEBUG', 'PAUSE-CRON', $isOn ? '0' : '1');
        }
    }

    public function testPredisNeedsNoRedirection(): void
    {
        $before = self::redirections();
        $io = new Emitter(self::$cluster->predis(), adapter: new Sharded());
        foreach (range(1, 9) as $n) {
            $io->to("r$n")->emit('ev');
        }
        self::assertSame($before, self::redirections());
    }

    /**
     * Returns how often nodes have said that a slot is at another one.
     */
    private static function redirections(): int
    {
        $count = fn (RedisServer $node) => $node->client()->info('errorstats')['errorstat_MOVED'] ?? 'count=0';
        return array_sum(array_map(fn ($node) => (int) substr($count($node), 6), self::$cluster->nodes));
    }

    private function home(string $channel): RedisServer
    {
        $slot = self::$cluster->nodes[0]->client()->rawCommand('CLUSTER', 'KEYSLOT', $channel);
        return self::$cluster->nodes[intdiv(3 * $slot + 2, 16384)];
    }

    /**
     * @dataProvider clients
     */
    public function testServerCountAsksAllNodes(callable $client): void
    {
        $io = new Emitter($client());
        $servers = [];
        self::assertSame(0, $io->serverCount());
        foreach (self::$cluster->nodes as $i => $node) {
            $servers[] = new Listener($node->port, 'SUBSCRIBE', 'socket.io-request#/#');
            self::assertSame($i + 1, $io->serverCount());
        }
    }

    /**
     * @dataProvider clients
     */
    public function testErrorsAreSeen(callable $client): void
    {
        $redis = $client();
        $io = new Emitter($redis, adapter: new Sharded());
        $io->emit('ev');
        $each = function (string ...$rule) {
            foreach (self::$cluster->nodes as $node) {
                $node->client()->rawCommand('ACL', 'SETUSER', 'default', ...$rule);
            }
        };
        $each('-spublish', '-pubsub');
        try {
            foreach (
                [
                    fn () => $io->emit('ev'),
                    fn () => $io->serverCount(),
                    fn () => $io->pipeline(function (BroadcastOperator $io) {
                        $io->to('a')->emit('ev');
                        $io->to('b')->emit('ev');
                    }),
                ] as $call
            ) {
                try {
                    $call();
                    self::fail('nothing was thrown');
                } catch (SioemitException $e) {
                    self::assertSame(Reason::Redis, $e->reason);
                    self::assertStringContainsString('NOPERM', $e->getMessage());
                }
            }
            self::assertStringContainsString('2 of 2 commands failed', $e->getMessage());
        } finally {
            $each('+@all');
        }
        $io->emit('ev'); // as good as before
    }

    /**
     * @dataProvider clients
     */
    public function testASlotThatHasMovedIsFollowed(callable $client): void
    {
        $io = new Emitter($client(), adapter: new Streams(streamName: 'moving'));
        $io->emit('before');
        $this->home('moving')->client()->del('moving');
        $this->withMovedSlot('moving', function (RedisServer $node) use ($io) {
            $io->emit('one');
            $io->pipeline(function (BroadcastOperator $io) {
                $io->emit('two');
                $io->emit('three');
            });
            $new = $node->client();
            $events = array_map(
                fn (array $entry) => json_decode($entry['data'])->packet->data[0],
                array_values($new->xRange('moving', '-', '+')),
            );
            $new->del('moving');
            self::assertSame(['one', 'two', 'three'], $events);
        });
    }

    /**
     * Calls a function with the node to which the slot of a name has moved meanwhile.
     *
     * @param callable(RedisServer): void $call
     */
    private function withMovedSlot(string $name, callable $call): void
    {
        $home = $this->home($name);
        $slot = (string) $home->client()->rawCommand('CLUSTER', 'KEYSLOT', $name);
        $others = array_filter(self::$cluster->nodes, fn (RedisServer $node) => $node !== $home);
        $new = array_values($others)[0];
        self::move($slot, $new, ...self::$cluster->nodes);
        try {
            $call($new);
        } finally {
            self::move($slot, $home, ...self::$cluster->nodes);
        }
    }

    /**
     * Moves a slot to a node, and tells others of it.
     */
    private static function move(string $slot, RedisServer $to, RedisServer ...$others): void
    {
        $id = $to->client()->rawCommand('CLUSTER', 'MYID');
        foreach ([$to, ...$others] as $node) {
            $node->client()->rawCommand('CLUSTER', 'SETSLOT', $slot, 'NODE', $id);
        }
    }

    /**
     * The answers of Redis come after all, and must not be taken for those to what is sent next.
     */
    public function testAClientIsInStepAfterATimeout(): void
    {
        $home = $this->home('text');
        $home->client()->set('text', 'no stream');
        foreach (
            [
                new \RedisCluster(null, self::$cluster->seeds(), 10, 0.3),
                self::$cluster->predis(['parameters' => ['read_write_timeout' => 0.3]]),
            ] as $redis
        ) {
            self::assertSame('no stream', $redis->get('text'));
            $streams = new Emitter($redis, adapter: new Streams(streamName: 'text'));
            $sharded = new Emitter($redis, adapter: new Sharded(channelPrefix: '{text}'));
            foreach (
                [
                    fn () => $sharded->emit('late'),
                    fn () => $streams->emit('late'),
                    fn () => (new Emitter($redis, key: '{text}'))->emit('late'),
                    fn () => $streams->serverCount(),
                ] as $n => $call
            ) {
                $home->pause();
                try {
                    $call();
                    self::fail('nothing was thrown');
                } catch (SioemitException $e) {
                    self::assertSame(Reason::Redis, $e->reason);
                } finally {
                    $home->resume();
                }
                $admin = $home->client();
                $admin->ping();
                $admin->ping(); // all that came before it has been answered by now
                try {
                    $streams->emit('ev');
                    self::fail("nothing was thrown after call $n");
                } catch (SioemitException $e) {
                    self::assertStringContainsString('WRONGTYPE', $e->getMessage());
                }
                self::assertSame('no stream', $redis->get('text'));
            }
        }
    }

    /**
     * @dataProvider clients
     */
    public function testASubscribedClientIsToldApart(callable $client): void
    {
        $redis = $client();
        $io = new Emitter($redis, key: '{text}');
        $io->emit('ev');
        if ($redis instanceof \RedisCluster) {
            $redis->setOption(\Redis::OPT_PREFIX, ''); // which may lead elsewhere
            $redis->rawCommand('text', 'SUBSCRIBE', 'news');
        } else {
            $connection = $redis->getConnection();
            $slot = $connection->getClusterStrategy()->getSlotByKey('text');
            $subscribe = \Predis\Command\RawCommand::create('SUBSCRIBE', 'news');
            $connection->getConnectionBySlot($slot)->executeCommand($subscribe);
        }
        foreach (self::$cluster->nodes as $node) { // Predis may have taken another one
            $node->client()->publish('news', 'for the user');
        }
        $this->expectExceptionMessage('subscribed');
        $io->emit('ev');
    }

    public function testReplicasAreAskedToo(): void
    {
        $cluster = new RedisCluster(true);
        try {
            $servers = [];
            foreach ($cluster->nodes as $node) {
                $servers[] = new Listener($node->port, 'SUBSCRIBE', 'socket.io-request#/#');
            }
            self::assertSame(4, (new Emitter($cluster->predis()))->serverCount());
            try {
                (new Emitter($cluster->phpredis()))->serverCount();
                self::fail('it counted what it cannot ask');
            } catch (SioemitException $e) {
                self::assertSame(Reason::Client, $e->reason);
            }
        } finally {
            $cluster->stop();
        }
    }

    /**
     * A cluster of one node that breaks the connection at a PUBLISH.
     */
    public function testAnEventIsSentOnceWhenTheConnectionBreaks(): void
    {
        $fake = new FakeRedis(function (array $command, int $count, int $port) {
            return match (strtoupper($command[0])) {
                'CLUSTER' => "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:$port\r\n",
                'PUBLISH' => null,
                default => "+OK\r\n",
            };
        });
        try {
            $seeds = ["127.0.0.1:$fake->port"];
            foreach (
                [
                    fn () => new \RedisCluster(null, $seeds, 0.5, 0.5),
                    fn () => new \Predis\Client($seeds, ['cluster' => 'redis']),
                ] as $n => $client
            ) {
                $io = new Emitter($client());
                try {
                    $io->emit('ev');
                    self::fail('nothing was thrown');
                } catch (SioemitException $e) {
                    self::assertSame(Reason::Redis, $e->reason);
                }
                self::assertSame($n + 1, $fake->count('PUBLISH'));
            }
        } finally {
            $fake->stop();
        }
    }

    public function testANodeThatWasLostIsReplaced(): void
    {
        $cluster = new RedisCluster(true, ['--cluster-node-timeout', '500']);
        try {
            $name = 'events';
            for ($i = 0; $cluster->nodes[0]->client()->rawCommand('CLUSTER', 'KEYSLOT', $name) >= 5461; $i++) {
                $name = "events$i"; // one of the first node, which has a replica
            }
            $streams = new Emitter($cluster->predis(), adapter: new Streams(streamName: $name));
            $streams->emit('ev');
            $cluster->nodes[0]->kill();
            $replica = $cluster->nodes[3]->client();
            RedisServer::waitFor(
                fn () => $replica->rawCommand('ROLE')[0] === 'master'
                    && str_contains($replica->rawCommand('CLUSTER', 'INFO'), 'cluster_state:ok'),
                'the replica takes over',
            );
            $sent = 0;
            RedisServer::waitFor(function () use ($streams, &$sent) {
                try {
                    $streams->emit('ev');
                    $sent++;
                } catch (SioemitException $e) {
                    self::assertSame(Reason::Redis, $e->reason);
                }
                return $sent === 3;
            }, 'events go to the new master');
            self::assertSame(4, $replica->xLen($name));
        } finally {
            $cluster->stop();
        }
    }
}
