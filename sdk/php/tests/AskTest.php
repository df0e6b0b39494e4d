<?php

declare(strict_types=1);

namespace Sioemit\Tests;

use Sioemit\Acks;
use Sioemit\Binary;
use Sioemit\BroadcastOperator;
use Sioemit\Emitter;
use Sioemit\IncompleteException;
use Sioemit\Python;
use Sioemit\Reason;
use Sioemit\Sharded;
use Sioemit\Socket;
use Sioemit\Streams;

/**
 * Calls that wait for what servers answer. The official servers are asked by the tests of the whole project.
 */
final class AskTest extends RedisTestCase
{
    /** Seconds that are over soon, and some that are not. */
    private const SOON = 1.5;
    private const LONG = 60;

    /** @var list<FakeRedis|SocketServers|Proxy|RedisServer> */
    private array $servers = [];

    protected function tearDown(): void
    {
        foreach (array_reverse($this->servers) as $server) {
            $server->stop();
        }
    }

    /**
     * @return iterable<string, array{callable(int $port): (\Redis|\Predis\Client)}>
     */
    public static function clients(): iterable
    {
        yield 'phpredis' => [function (int $port) {
            $redis = new \Redis();
            $redis->connect('127.0.0.1', $port, 10, null, 0, 5);
            $redis->setOption(\Redis::OPT_PREFIX, 'laravel_');
            return $redis;
        }];
        yield 'Predis' => [fn (int $port) => new \Predis\Client("tcp://127.0.0.1:$port", ['prefix' => 'laravel_'])];
    }

    private function servers(callable $answers, int $count = 1, string ...$channels): SocketServers
    {
        return $this->servers[] = new SocketServers(self::$server->port, $answers, $count, ...$channels);
    }

    private static function socket(string $id, mixed ...$rooms): array
    {
        return ['id' => $id, 'rooms' => [$id, ...$rooms], 'data' => ['n' => 1], 'handshake' => ['url' => '/']];
    }

    /**
     * @dataProvider clients
     */
    public function testEmitWithAck(callable $client): void
    {
        $this->servers(fn (array $request) => [
            ['type' => 9, 'requestId' => $request['requestId'], 'packet' => $request],
            ['type' => 8, 'requestId' => $request['requestId'], 'clientCount' => 2],
            ['type' => 8, 'requestId' => $request['requestId'], 'clientCount' => 0],
            ['type' => 9, 'requestId' => $request['requestId']],
        ], 2);
        $acks = (new Emitter($client(self::$server->port)))->to('r', 5)->timeout(self::LONG)->emitWithAck('ev', 1, 'é');
        self::assertSame([2, [2, 0], 2], [$acks->clients, $acks->perServer, $acks->servers]);
        [$request, $none] = $acks->values;
        self::assertNull($none);
        self::assertSame(['emitter', 7], [$request->uid, $request->type]);
        self::assertEquals((object) ['type' => 2, 'data' => ['ev', 1, 'é'], 'nsp' => '/'], $request->packet);
        self::assertSame([['r', 5], []], [$request->opts->rooms, $request->opts->except]);
        $timeout = $request->opts->flags->timeout;
        self::assertTrue($timeout > 1000 * (self::LONG - RedisServer::DEADLINE / 2) && $timeout <= 1000 * self::LONG);
    }

    /**
     * @dataProvider clients
     */
    public function testFetchSockets(callable $client): void
    {
        $servers = $this->servers(fn (array $request) => [
            ['requestId' => $request['requestId'], 'sockets' => [self::socket('a', 'r', 5, null), self::socket('b')]],
            ['requestId' => $request['requestId'], 'sockets' => [self::socket('a', 'r', 5, null), self::socket('b')]],
            ['requestId' => $request['requestId'], 'sockets' => []],
            ['requestId' => $request['requestId'], 'sockets' => [self::socket('c', 'é')]],
        ], 3, 'socket.io-request#/#', 'socket.io-response#/#emitter#'); // as publishOnSpecificResponseChannel has it
        $sockets = (new Emitter($client(self::$server->port)))->timeout(self::LONG)->fetchSockets();
        self::assertEquals([
            new Socket('a', ['a', 'r', 5], (object) ['n' => 1], (object) ['url' => '/']),
            new Socket('b', ['b'], (object) ['n' => 1], (object) ['url' => '/']),
            new Socket('c', ['c', 'é'], (object) ['n' => 1], (object) ['url' => '/']),
        ], $sockets);
        self::assertCount(1, $servers->ids());
    }

    /**
     * @dataProvider clients
     */
    public function testRoomsAndServers(callable $client): void
    {
        $this->servers(fn (array $request) => $request['type'] === 1 ? [
            ['requestId' => $request['requestId'], 'rooms' => ['b', 'a', 5]],
            ['requestId' => $request['requestId'], 'rooms' => ['b', 'a', 5]], // twice
            ['requestId' => $request['requestId'], 'rooms' => ['10', '9', 'a', 'é', null]],
        ] : [
            ['type' => 6, 'requestId' => $request['requestId'], 'data' => $request['data']],
            ['type' => 6, 'requestId' => $request['requestId'], 'data' => ['type' => 'Buffer', 'data' => [0, 255]]],
        ], 2);
        $io = (new Emitter($client(self::$server->port)))->timeout(self::LONG);
        self::assertSame(['10', '9', 'a', 'b', 'é'], $io->rooms());
        self::assertEquals([['ev', [1]], new Binary("\0\xFF")], $io->serverSideEmitWithAck('ev', [1]));
    }

    /**
     * Servers of the sharded and the streams adapter say who they are.
     *
     * @dataProvider clients
     */
    public function testOtherAdapters(callable $client): void
    {
        $answer = fn (string $uid, int $type, array $data) => compact('uid', 'type', 'data') + ['nsp' => '/'];
        $answers = function (array $request) use ($answer) {
            ['requestId' => $id] = $request['data'];
            return match ($request['type']) {
                7 => [
                    $answer('s1', 8, ['requestId' => $id, 'sockets' => []]),
                    $answer('s1', 8, ['requestId' => $id, 'sockets' => []]), // twice
                    $answer('s2', 8, ['requestId' => $id, 'sockets' => [self::socket('b', 'a')]]),
                ],
                9 => [
                    $answer('s1', 10, ['requestId' => $id, 'packet' => $request['data']['packet']]),
                    $answer('s1', 10, ['requestId' => $id, 'packet' => 'twice']),
                    $answer('s2', 10, ['requestId' => $id]),
                ],
                3 => [
                    $answer('s2', 12, ['requestId' => $id, 'packet' => $request['data']['packet']['data']]),
                    $answer('s1', 11, ['requestId' => $id, 'clientCount' => 0]),
                    $answer('s1', 11, ['requestId' => $id, 'clientCount' => 7]), // twice
                    $answer('s2', 11, ['requestId' => $id, 'clientCount' => 1]),
                ],
            };
        };
        $redis = $client(self::$server->port);
        foreach (
            [
                new Sharded(channelPrefix: 'sharded'),
                new Streams(channelPrefix: 'streams'),
                new Streams(channelPrefix: 'both', useShardedPubSub: true),
            ] as $i => $adapter
        ) {
            $prefix = ['sharded', 'streams', 'both'][$i];
            $this->servers[] = new SocketServers(
                self::$server->port,
                $answers,
                2,
                "$prefix#/#",
                "$prefix#/#emitter#",
                $i !== 1,
            );
            $io = (new Emitter($redis, adapter: $adapter))->timeout(self::LONG);
            self::assertSame(['a', 'b'], $io->rooms());
            self::assertSame(['b'], array_column($io->to('x')->fetchSockets(), 'id'));
            self::assertSame([['ev', 1], null], $io->serverSideEmitWithAck('ev', 1));
            $acks = $io->emitWithAck('ev', 1);
            self::assertSame([[['ev', 1]], 1, [0, 1], 2], [
                $acks->values,
                $acks->clients,
                $acks->perServer,
                $acks->servers,
            ]);
        }
    }

    /**
     * @dataProvider clients
     */
    public function testIncomplete(callable $client): void
    {
        $this->servers(fn (array $request) => [
            ['type' => 8, 'requestId' => $request['requestId'], 'clientCount' => 2],
            ['type' => 8, 'requestId' => $request['requestId'], 'clientCount' => -1],
            ['type' => 9, 'requestId' => $request['requestId'], 'packet' => 'yes'],
            ['requestId' => $request['requestId'], 'sockets' => [self::socket('a')]],
            ['requestId' => $request['requestId'], 'rooms' => ['a']],
        ], 2);
        $io = (new Emitter($client(self::$server->port)))->timeout(self::SOON);
        $e = self::assertIncomplete(fn () => $io->emitWithAck('ev'));
        self::assertSame(['emitWithAck', 1, 2, 1, 2, 1, ''], [
            $e->call, $e->servers, $e->asked, $e->clients, $e->expected, $e->unread, $e->needs,
        ]);
        self::assertSame([['yes'], 2, [2], 2], array_values((array) $e->partial));
        self::assertSame(
            'emitWithAck: 1 of 2 servers answered in time, and 1 of 2 clients; 1 more could not be read',
            $e->getMessage(),
        );
        self::assertSame('a', self::assertIncomplete(fn () => $io->fetchSockets())->partial[0]->id);
        self::assertSame(['a'], self::assertIncomplete(fn () => $io->rooms())->partial);
        $e = self::assertIncomplete(fn () => $io->serverSideEmitWithAck('ev'));
        self::assertSame([0, []], [$e->servers, $e->partial]);
        self::assertStringContainsString('a handler for the event', $e->getMessage());
    }

    private static function assertIncomplete(callable $call): IncompleteException
    {
        $e = self::assertRefused(Reason::Incomplete, $call);
        self::assertInstanceOf(IncompleteException::class, $e);
        return $e;
    }

    /**
     * What is no answer to the question changes nothing; of what cannot be read, it is told.
     */
    public function testStrangeAnswers(): void
    {
        $this->servers(function (array $request) {
            $id = $request['requestId'];
            $reply = ['requestId' => $id, 'sockets' => [self::socket('wrong')]];
            foreach (
                [
                    "\x81\xA9requestId\xD9\x20$id", // MessagePack, and nothing in it
                    ['requestId' => "x$id"] + $reply,
                    ['requestId' => [$id]] + $reply,
                    ['uid' => 's', 'data' => $reply],
                    ['requestId' => str_repeat('0', 32)] + $reply,
                    [$id],
                    '',
                    'x',
                    "\"$id\"",
                ] as $foreign
            ) {
                yield $foreign;
            }
            foreach (
                [
                    "{\"requestId\":\"$id\",\"sockets\":",
                    "{\"requestId\":\"$id\",\"sockets\":5}",
                    "{\"requestId\":\"$id\",\"sockets\":[{\"id\":\"\"}]}",
                    "{\"requestId\":\"$id\",\"sockets\":[" . str_repeat('[', 2000) . str_repeat(']', 2000) . ']}',
                    "{\"requestId\":\"$id\",\"sockets\":[" . str_repeat('{},', 1_000_000) . '{}]}',
                    "\x82\xA9requestId\xD9\x20$id\xA7sockets\xDD\xFF\xFF\xFF\xFF",
                    "\x82\xA9requestId\xD9\x20$id\xA7sockets\xDD\0\x10\0\0" . str_repeat("\x80", 1_048_576),
                    "\x82\xA9requestId\xD9\x20$id\xA7sockets" . str_repeat("\x91", 2000) . "\xC0",
                    "\x82\xA9requestId\xD9\x20$id\xA7sockets\xC1",
                ] as $unread
            ) {
                yield $unread;
            }
            $data = '{"\\u0000k\\ud800":"\\\\ud800"}'; // what PHP has no form for
            yield "{\"requestId\":\"$id\",\"sockets\":[{\"id\":\"right\",\"data\":$data}]}";
        }, 2);
        $io = (new Emitter(self::$server->client()))->timeout(4 * self::SOON);
        $e = self::assertIncomplete(fn () => $io->fetchSockets());
        self::assertSame([1, 9], [$e->servers, $e->unread]);
        self::assertCount(1, $e->partial);
        self::assertEquals(['right', [], (object) ["\u{FFFD}k\u{FFFD}" => '\ud800'], null], array_values(
            (array) $e->partial[0],
        ));
    }

    /**
     * @dataProvider clients
     */
    public function testRefused(callable $client): void
    {
        $servers = $this->servers(fn () => []);
        $redis = $client(self::$server->port);
        $io = new Emitter($redis);
        foreach ([0, -1, NAN, -INF] as $seconds) {
            self::assertRefused(Reason::Timeout, fn () => $io->timeout($seconds));
        }
        self::assertRefused(Reason::ReservedEvent, fn () => $io->emitWithAck('connect'));
        self::assertRefused(Reason::ReservedEvent, fn () => $io->serverSideEmitWithAck('connection'));
        self::assertRefused(Reason::TooDeep, fn () => $io->emitWithAck('ev', json_decode(
            str_repeat('[', 1001) . str_repeat(']', 1001),
            true,
            2000,
        )));
        self::assertRefused(Reason::Targeted, fn () => $io->to('r')->rooms());
        self::assertRefused(Reason::Targeted, fn () => $io->except('r')->serverSideEmitWithAck('ev'));
        foreach (
            [
                [Reason::NoServers, $io->of('/none')],
                [Reason::NeedsVersion4, new Emitter($redis, serverVersion: 3)],
                [Reason::NoCounterpart, new Emitter($redis, adapter: new Python())],
            ] as [$reason, $other]
        ) {
            self::assertRefused($reason, fn () => $other->emitWithAck('ev'));
            self::assertRefused($reason, fn () => $other->fetchSockets());
            self::assertRefused($reason, fn () => $other->serverSideEmitWithAck('ev'));
            self::assertRefused($reason, fn () => $other->rooms());
        }
        $io->pipeline(function (BroadcastOperator $io) {
            self::assertRefused(Reason::InPipeline, fn () => $io->fetchSockets());
            self::assertRefused(Reason::InPipeline, fn () => $io->serverSideEmit('ev', new Binary('')));
        });
        if ($redis instanceof \Redis) {
            $redis->multi();
            self::assertRefused(Reason::InPipeline, fn () => $io->fetchSockets());
            self::assertSame([], $redis->exec());
        } else {
            self::assertRefused(Reason::AdapterOption, fn () => new Emitter($redis, context: []));
        }
        self::assertSame([], $servers->ids());
    }

    /**
     * Servers with an older version of the classic adapter end when they get binary.
     */
    public function testBinaryGoesOnlyToThoseWhoReadIt(): void
    {
        $old = $this->servers(fn () => []);
        $io = (new Emitter(self::$server->client()))->timeout(self::SOON);
        $binary = new Binary("\0");
        foreach (['serverSideEmit', 'serverSideEmitWithAck', 'emitWithAck'] as $i => $call) {
            $e = self::assertIncomplete(fn () => $io->$call('ev', $binary));
            self::assertSame($call, $e->call);
            self::assertEquals([null, [], new Acks([], 0, [], 1)][$i], $e->partial);
            self::assertStringContainsString('7.2 or later; the binary was not sent', $e->getMessage());
            self::assertCount($i + 1, $old->ids()); // the probe
        }
        $old->stop();
        array_pop($this->servers);
        $this->servers(function (array $request) {
            $reply = ['type' => $request['type'], 'requestId' => $request['requestId'] ?? ''];
            if ($request['type'] === 6) {
                return [$reply + ['data' => $request['data'][1]]];
            }
            $args = array_slice($request['packet']['data'], 1);
            $acks = array_map(fn (Binary $arg) => ['type' => 9, 'packet' => $arg] + $reply, $args);
            return [['type' => 8, 'clientCount' => count($args)] + $reply, ...$acks];
        });
        $io = (new Emitter(self::$server->client()))->timeout(self::LONG);
        self::assertEquals([(object) ['bytes' => "\0"]], $io->emitWithAck('ev', $binary)->values);
        self::assertEquals([(object) ['bytes' => "\0"]], $io->serverSideEmitWithAck('ev', $binary));
        $listener = new Listener(self::$server->port, 'SUBSCRIBE', 'socket.io-request#/#');
        $io->of('/none')->serverSideEmit('ev', $binary); // there is nobody whom it could end
        self::assertRefused(
            Reason::BinaryInJson,
            fn () => (new Emitter(self::$server->client(), codec: 'json'))->serverSideEmitWithAck('ev', $binary),
        );
        unset($listener);
    }

    /**
     * @dataProvider clients
     */
    public function testAQuestionIsNeverAskedTwice(callable $client): void
    {
        $servers = $this->servers(fn (array $request) => [
            ['type' => 8, 'requestId' => $request['requestId'], 'clientCount' => 1],
            ['type' => 9, 'requestId' => $request['requestId'], 'packet' => 1],
            ['type' => 6, 'requestId' => $request['requestId'], 'data' => 1],
            ['requestId' => $request['requestId'], 'sockets' => []],
            ['requestId' => $request['requestId'], 'rooms' => ['r']],
        ]);
        $seen = 0;
        $isAsked = function (int $times) use ($servers, &$seen) {
            $seen += $times;
            RedisServer::waitFor(fn () => count($servers->ids()) >= $seen, 'the servers are asked');
            self::assertCount($seen, $servers->ids());
            self::assertCount($seen, array_unique($servers->ids()));
        };
        foreach (
            [
                fn (BroadcastOperator $io) => $io->emitWithAck('ev'),
                fn (BroadcastOperator $io) => $io->serverSideEmitWithAck('ev'),
            ] as $call
        ) {
            $proxy = $this->servers[] = new Proxy(self::$server->port, cuts: 1);
            $io = (new Emitter($client($proxy->port)))->timeout(self::LONG);
            $e = self::assertRefused(Reason::MaybeAsked, fn () => $call($io));
            self::assertNotSame('', $e->getMessage());
            $isAsked(1);
            $call($io); // and the client is good again
            $isAsked(1);
        }
        foreach ([3, 4] as $cuts) {
            $proxy = $this->servers[] = new Proxy(self::$server->port, $cuts);
            $io = (new Emitter($client($proxy->port)))->timeout(self::LONG);
            if ($cuts < 4) {
                self::assertSame(['r'], $io->rooms());
            } else {
                self::assertRefused(Reason::MaybeAsked, fn () => $io->fetchSockets());
            }
            $isAsked(4);
        }
    }

    /**
     * A connection that breaks at once: phpredis by itself would connect anew, and wait for an answer there.
     *
     * @dataProvider clients
     */
    public function testTheConnectionBreaksBeforeAnAnswerIsRead(callable $client): void
    {
        $count = "*2\r\n$20\r\nsocket.io-request#/#\r\n:1\r\n";
        $fake = new FakeRedis(fn (array $command) => match ($command[0]) {
            'HELLO' => "-ERR unknown command\r\n",
            'SUBSCRIBE' => str_repeat("*3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n", 2),
            'PUBSUB' => $count,
            'PUBLISH' => null,
        });
        $this->servers[] = $fake;
        $redis = $client($fake->port);
        if ($redis instanceof \Redis) { // of the others, this is the default
            $redis->setOption(\Redis::OPT_READ_TIMEOUT, self::LONG);
        }
        $io = new Emitter($redis);
        $seconds = 1; // for which phpredis waits
        for ($i = 1; $i <= 3; $i++) {
            do {
                $start = hrtime(true);
                $e = self::assertThrows(fn () => $io->timeout($seconds)->emitWithAck('ev'));
                $isBusy = $e->reason === Reason::Subscription && $seconds < self::LONG / 4; // it did not come to asking
                $seconds *= $isBusy ? 2 : 1;
            } while ($isBusy);
            self::assertSame(Reason::MaybeAsked, $e->reason, $e->getMessage());
            RedisServer::waitFor(fn () => $fake->count('PUBLISH') >= $i, 'the question has come');
            self::assertSame($i, $fake->count('PUBLISH'));
            self::assertLessThan(self::LONG / 2, (hrtime(true) - $start) / 1e9);
        }
        if ($redis instanceof \Redis) {
            self::assertEquals(self::LONG, $redis->getOption(\Redis::OPT_READ_TIMEOUT));
        }
    }

    /**
     * @dataProvider clients
     */
    public function testARefusedQuestionWasNotAsked(callable $client): void
    {
        $servers = $this->servers(fn () => []);
        $admin = self::$server->client();
        $admin->rawCommand('ACL', 'SETUSER', 'asker', 'on', 'nopass', '+@all', '-publish', '~*', '&*');
        $redis = $client(self::$server->port);
        $redis instanceof \Redis
            ? $redis->auth(['asker', 'x'])
            : $redis = new \Predis\Client(['port' => self::$server->port, 'username' => 'asker', 'password' => 'x']);
        $e = self::assertRefused(Reason::Redis, fn () => (new Emitter($redis))->emitWithAck('ev'));
        self::assertStringContainsString('NOPERM', $e->getMessage());
        $admin->rawCommand('ACL', 'SETUSER', 'asker', '+publish', '-subscribe');
        $e = self::assertRefused(Reason::Subscription, fn () => (new Emitter($redis))->emitWithAck('ev'));
        self::assertStringContainsString('NOPERM', $e->getMessage());
        self::assertSame([], $servers->ids());
    }

    /**
     * @dataProvider clients
     */
    public function testTheSubscriptionIsLost(callable $client): void
    {
        $port = self::$server->port;
        $this->servers(function () use ($port) {
            $redis = new \Redis();
            $redis->connect('127.0.0.1', $port);
            foreach ((array) $redis->rawCommand('CLIENT', 'LIST', 'TYPE', 'pubsub') as $list) {
                foreach (explode("\n", trim($list)) as $line) {
                    if (preg_match('/\bid=(\d+).* sub=2 /', $line, $found) === 1) { // not the server itself
                        $redis->rawCommand('CLIENT', 'KILL', 'ID', $found[1]);
                    }
                }
            }
            return [];
        });
        $io = (new Emitter($client($port)))->timeout(self::LONG);
        $start = hrtime(true);
        self::assertRefused(Reason::Subscription, fn () => $io->fetchSockets());
        self::assertLessThan(self::LONG / 2, (hrtime(true) - $start) / 1e9);
    }

    /**
     * As when the slot of a shard channel moves to another node.
     */
    public function testRedisEndsTheSubscription(): void
    {
        $push = fn (string $kind) => "*3\r\n$" . strlen($kind) . "\r\n$kind\r\n$1\r\nx\r\n:1\r\n";
        $fake = $this->servers[] = new FakeRedis(fn (array $command) => match ($command[0]) {
            'HELLO' => "*2\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n",
            'SSUBSCRIBE' => $push('ssubscribe') . $push('sunsubscribe'),
            'PUBSUB' => "*2\r\n$12\r\nsocket.io#/#\r\n:1\r\n",
            'SPUBLISH' => ":1\r\n",
        });
        $redis = new \Redis();
        $redis->connect('127.0.0.1', $fake->port);
        $io = (new Emitter($redis, adapter: new Sharded()))->timeout(self::SOON);
        $e = self::assertRefused(Reason::Subscription, fn () => $io->fetchSockets());
        self::assertStringContainsString('Redis has ended it', $e->getMessage());
    }

    /**
     * A reply may take longer than the client would wait.
     */
    public function testAReplyComesInParts(): void
    {
        $this->servers(fn (array $request) => [
            ['type' => 6, 'requestId' => $request['requestId'], 'data' => str_repeat('é', 100_000)],
        ]);
        $proxy = $this->servers[] = new Proxy(self::$server->port, pauses: 1.0);
        $redis = new \Redis();
        $redis->connect('127.0.0.1', $proxy->port, 10, null, 0, 0.5);
        $io = (new Emitter($redis))->timeout(self::LONG);
        self::assertSame([str_repeat('é', 100_000)], $io->serverSideEmitWithAck('ev'));
    }

    /**
     * @dataProvider clients
     */
    public function testAThousandCallsLeaveNothingBehind(callable $client): void
    {
        $this->servers(fn (array $request) => [
            ['type' => 8, 'requestId' => $request['requestId'], 'clientCount' => 1],
            ['type' => 9, 'requestId' => $request['requestId'], 'packet' => $request['packet']['data'][1] ?? null],
        ]);
        $io = new Emitter($client(self::$server->port));
        $io->serverCount();
        $admin = self::$server->client();
        $connections = fn () => count(explode("\n", trim($admin->rawCommand('CLIENT', 'LIST'))));
        $descriptors = fn () => count((array) scandir('/proc/self/fd'));
        $before = [$connections(), $descriptors()];
        for ($i = 0; $i < 1000; $i++) {
            self::assertSame([$i], $io->emitWithAck('ev', $i)->values);
        }
        self::assertIncomplete(fn () => $io->timeout(self::SOON)->fetchSockets());
        RedisServer::waitFor(fn () => $connections() <= $before[0], 'Redis knows that all connections are closed');
        self::assertSame($before, [$connections(), $descriptors()]);
    }

    /**
     * The connection for replies is made as the client's own.
     */
    public function testSettingsOfTheClient(): void
    {
        $socket = sys_get_temp_dir() . '/sioemit-php-' . getmypid() . '.sock';
        $tls = RedisServer::freePort();
        $certificate = new Certificate();
        $user = ['--user', 'asker', 'on', '>S3cr3t', '~*', '&*', '+@all'];
        $server = $this->servers[] = new RedisServer(
            ['--unixsocket', $socket, '--tls-port', (string) $tls, ...$certificate->options(), ...$user],
        );
        $this->servers[] = new SocketServers($server->port, fn (array $request) => [
            ['type' => 6, 'requestId' => $request['requestId'], 'data' => $request['data'][1]],
        ]);
        $server->client()->rawCommand('CONFIG', 'SET', 'requirepass', 'default');
        $phpredis = function (mixed $auth, string $host, int $port = 0, ?array $context = null) {
            $redis = new \Redis();
            $redis->connect($host, $port, 10, null, 0, 10, ...$context === null ? [] : [$context]);
            $redis->auth($auth);
            $redis->select(3);
            return $redis;
        };
        $login = ['username' => 'asker', 'password' => 'S3cr3t', 'database' => 3];
        $context = ['stream' => ['cafile' => $certificate->path]];
        foreach (
            [
                [$phpredis('default', '127.0.0.1', $server->port), null],
                [$phpredis(['asker', 'S3cr3t'], 'localhost', $server->port), null],
                [$phpredis(['asker', 'S3cr3t'], $socket), null],
                [$phpredis(['asker', 'S3cr3t'], 'tls://localhost', $tls, $context), $context],
                [new \Predis\Client(['port' => $server->port, 'password' => 'default']), null],
                [new \Predis\Client(['port' => $server->port] + $login), null],
                [new \Predis\Client(['scheme' => 'unix', 'path' => $socket] + $login), null],
                [new \Predis\Client(
                    ['scheme' => 'tls', 'host' => 'localhost', 'port' => $tls, 'ssl' => $context['stream']] + $login,
                ), null],
            ] as $i => [$client, $context]
        ) {
            $io = (new Emitter($client, context: $context))->timeout(self::LONG);
            self::assertSame([$i], $io->serverSideEmitWithAck('ev', $i));
        }
        $io = new Emitter($phpredis(['asker', 'S3cr3t'], 'tls://localhost', $tls, $context ?? [
            'stream' => ['cafile' => $certificate->path],
        ]));
        $e = self::assertRefused(Reason::Subscription, fn () => $io->rooms()); // it does not know the certificate
        self::assertStringContainsString('certificate', $e->getMessage());
        $io = new Emitter($phpredis('default', '127.0.0.1', $server->port), context: ['auth' => 'wr0ng']);
        $e = self::assertRefused(Reason::Subscription, fn () => $io->rooms());
        self::assertStringContainsString('WRONGPASS', $e->getMessage());
        self::assertStringNotContainsString('wr0ng', print_r($e, true));
        $certificate->remove();
    }

    /**
     * The client waits as long as before.
     */
    public function testTheReadTimeoutOfPhpredisStays(): void
    {
        $this->servers(fn (array $request) => [
            ['type' => 6, 'requestId' => $request['requestId'], 'data' => null],
        ]);
        foreach ([null, 60, -1] as $timeout) {
            $redis = self::$server->client();
            if ($timeout !== null) {
                $redis->setOption(\Redis::OPT_READ_TIMEOUT, $timeout);
            }
            self::assertSame([null], (new Emitter($redis))->timeout(self::LONG)->serverSideEmitWithAck('ev'));
            self::assertSame([], $redis->rawCommand('BLPOP', 'nothing', '0.1'));
        }
    }

    /**
     * As php-fpm has it: an emitter that has already asked, and children that ask, too.
     */
    public function testFork(): void
    {
        $this->servers(fn (array $request) => [
            ['type' => 6, 'requestId' => $request['requestId'], 'data' => $request['data'][1]],
        ]);
        $io = new Emitter(self::$server->predis());
        $log = (string) tempnam(sys_get_temp_dir(), 'sioemit-php-fork');
        $children = [];
        for ($child = 0; $child < 4; $child++) {
            self::assertSame([$child], (new Emitter(self::$server->client()))->serverSideEmitWithAck('ev', $child));
            $pid = pcntl_fork();
            if ($pid === 0) {
                for ($i = 0; $i < 20; $i++) {
                    $value = "$child $i";
                    try {
                        $got = $io->timeout(self::LONG)->serverSideEmitWithAck('ev', $value);
                    } catch (\Throwable $e) {
                        $got = $e->getMessage();
                    }
                    if ($got !== [$value]) {
                        file_put_contents($log, json_encode([$value, $got]), FILE_APPEND);
                    }
                }
                posix_kill(getmypid(), SIGKILL); // none of PHPUnit's ends
            }
            $children[] = $pid;
        }
        foreach ($children as $pid) {
            pcntl_waitpid($pid, $status);
        }
        self::assertSame('', file_get_contents($log));
        unlink($log);
    }
}
