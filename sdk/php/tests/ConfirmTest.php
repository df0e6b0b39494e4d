<?php

declare(strict_types=1);

namespace Sioemit\Tests;

use Sioemit\BroadcastOperator;
use Sioemit\Emitter;
use Sioemit\IncompleteException;
use Sioemit\Python;
use Sioemit\Reason;
use Sioemit\Sharded;
use Sioemit\Streams;
use Sioemit\UnconfirmedException;

/**
 * confirm(). The official servers are asked by the tests of the whole project.
 */
final class ConfirmTest extends RedisTestCase
{
    /** Seconds that nothing healthy needs. */
    private const LONG = 60;
    private const CUT = "a subscriber's connection to Redis was cut";

    /** @var list<SocketServers|StreamServer> */
    private array $servers = [];

    /** @var list<Listener> the connections by which servers get events */
    private array $subscribers = [];
    private \Redis $admin;

    protected function setUp(): void
    {
        $this->admin = self::$server->client();
        $this->admin->flushAll();
    }

    protected function tearDown(): void
    {
        foreach ($this->servers as $server) {
            $server->stop();
        }
        $this->subscribers = [];
        $isNone = fn (string $list) => trim((string) $list) === '';
        RedisServer::waitFor(
            fn () => $isNone($this->admin->rawCommand('CLIENT', 'LIST', 'TYPE', 'pubsub')),
            'all subscribers have gone',
        );
    }

    /**
     * @return iterable<string, array{callable(int $port): (\Redis|\Predis\Client)}>
     */
    public static function clients(): iterable
    {
        return AskTest::clients();
    }

    /**
     * Two servers of the classic adapter.
     */
    private function classic(?callable $answers = null): SocketServers
    {
        $this->subscribers = [$this->subscriber(), $this->subscriber()];
        $none = fn (array $request) => ['requestId' => $request['requestId'], 'sockets' => []];
        return $this->servers[] = new SocketServers(
            self::$server->port,
            $answers ?? fn (array $request) => [$none($request), $none($request)],
            2,
        );
    }

    private function subscriber(string ...$command): Listener
    {
        return new Listener(self::$server->port, ...$command ?: ['PSUBSCRIBE', 'socket.io#/#*']);
    }

    /**
     * Cuts the connection of one subscriber, as Redis does with one that is too slow. It comes back.
     */
    private function cut(string $field = 'psub=1', string ...$command): void
    {
        $list = $this->admin->rawCommand('CLIENT', 'LIST', 'TYPE', 'pubsub');
        self::assertSame(1, preg_match("/^id=(\\d+) .* $field /m", $list, $found));
        $this->admin->rawCommand('CLIENT', 'KILL', 'ID', $found[1]);
        $this->subscribers[] = $this->subscriber(...$command);
    }

    private static function assertUnconfirmed(string $doubt, callable $call): void
    {
        $e = self::assertRefused(Reason::Unconfirmed, $call);
        self::assertInstanceOf(UnconfirmedException::class, $e);
        self::assertStringContainsString($doubt, $e->doubt);
        self::assertStringContainsString($e->doubt, $e->getMessage());
    }

    /**
     * Fails unless one of two servers answers in time, which on a busy machine takes longer.
     */
    private static function assertHalf(BroadcastOperator $io): void
    {
        $seconds = 1;
        do {
            $start = hrtime(true);
            $e = self::assertThrows(fn () => $io->timeout($seconds)->confirm());
            self::assertLessThan($seconds + self::LONG / 2, (hrtime(true) - $start) / 1e9);
            $seconds *= 2;
        } while ($seconds < self::LONG && !($e instanceof IncompleteException && $e->servers === 1));
        self::assertInstanceOf(IncompleteException::class, $e, $e->getMessage());
        self::assertSame(['confirm', 1, 2, 0, 0], [$e->call, $e->servers, $e->asked, $e->clients, $e->expected]);
    }

    /**
     * @dataProvider clients
     */
    public function testClassic(callable $client): void
    {
        $this->classic();
        $io = (new Emitter($client(self::$server->port)))->timeout(self::LONG);
        self::assertSame(2, $io->confirm());
        $witness = $this->listener();
        $io->to('r')->emit('ev');
        self::assertSame(2, $io->to('r')->volatile()->confirm());
        self::assertSame('socket.io#/#r#', $witness->next()[0]);
        [$channel, $question] = $witness->next(); // behind it
        self::assertSame(['socket.io-request#/#', 'emitter', 0], [$channel, $question['uid'], $question['type']]);
        self::assertMatchesRegularExpression('/^nobody-[0-9a-f]{32}$/', $question['rooms'][0]);
        self::assertSame(['uid', 'requestId', 'type', 'rooms'], array_keys($question));
    }

    /**
     * @dataProvider clients
     */
    public function testASubscriberIsCutOff(callable $client): void
    {
        $this->classic();
        $emitter = new Emitter($client(self::$server->port));
        $io = $emitter->timeout(self::LONG);
        self::assertSame(2, $io->confirm());
        $emitter->pipeline(fn (BroadcastOperator $io) => $io->emit('ev'));
        $this->cut();
        self::assertUnconfirmed(self::CUT, fn () => $io->confirm());
        self::assertSame(2, $io->confirm()); // of nothing
        $io->emit('ev');
        self::assertSame(2, $io->confirm());
        $this->cut();
        self::assertSame(2, $io->confirm()); // nothing was sent since
    }

    /**
     * One of two servers answers when it is told to.
     *
     * @dataProvider clients
     */
    public function testAFrozenServer(callable $client): void
    {
        $thawed = (string) tempnam(sys_get_temp_dir(), 'sioemit-php-thawed');
        $this->classic(fn (array $request) => array_fill(0, file_get_contents($thawed) === '' ? 1 : 2, [
            'requestId' => $request['requestId'],
            'sockets' => [],
        ]));
        $io = new Emitter($client(self::$server->port));
        file_put_contents($thawed, 'yes');
        self::assertSame(2, $io->timeout(self::LONG)->confirm());
        file_put_contents($thawed, '');
        $io->emit('ev');
        self::assertHalf($io);
        $this->cut(); // what was not confirmed is still to be
        file_put_contents($thawed, 'yes');
        self::assertUnconfirmed(self::CUT, fn () => $io->timeout(self::LONG)->confirm());
        unlink($thawed);
    }

    /**
     * With nothing to compare, there are only the ages of connections.
     */
    public function testTheFirstOne(): void
    {
        $io = (new Emitter(self::$server->client()))->timeout(self::LONG);
        $io->emit('ev');
        $this->classic();
        self::assertUnconfirmed('at about the time of the first event', fn () => $io->confirm());
        RedisServer::waitFor(
            fn () => preg_match('/ age=[01] /', $this->admin->rawCommand('CLIENT', 'LIST', 'TYPE', 'pubsub')) === 0,
            'the subscribers have been there for two seconds',
        );
        $other = (new Emitter(self::$server->client()))->timeout(self::LONG);
        $other->emit('ev');
        self::assertSame(2, $other->confirm());
    }

    /**
     * A server that comes meanwhile may answer in the place of another.
     */
    public function testAServerComesMeanwhile(): void
    {
        $late = null;
        $servers = $this->classic(function (array $request) use (&$late) {
            $answer = ['requestId' => $request['requestId'], 'sockets' => []];
            $isFirst = $late === null;
            $late ??= new Listener(self::$server->port, 'SUBSCRIBE', 'socket.io-request#/#');
            return array_fill(0, $isFirst ? 2 : 3, $answer);
        });
        self::assertSame(3, (new Emitter(self::$server->client()))->timeout(self::LONG)->confirm());
        self::assertCount(2, $servers->ids());
        self::assertCount(2, array_unique($servers->ids()));
    }

    /**
     * @dataProvider clients
     */
    public function testSharded(callable $client): void
    {
        $subscribe = ['SSUBSCRIBE', 'socket.io#/other#', 'socket.io#/#s1#']; // whom nobody asks
        $this->subscribers[] = $this->subscriber(...$subscribe);
        $this->sharded('/', 3, 's1', 's1', 'listen-x', 's2'); // one of them twice, and one who is no server
        $this->sharded('/deaf', 2, 's1', 's1');
        $io = (new Emitter($client(self::$server->port), adapter: new Sharded()))->timeout(self::LONG);
        self::assertSame(2, $io->confirm());
        $io->to('r')->emit('ev');
        self::assertSame(2, $io->confirm());
        $io->to('r')->emit('ev');
        $this->cut('ssub=2', ...$subscribe);
        self::assertUnconfirmed(self::CUT, fn () => $io->confirm());
        self::assertHalf($io->of('/deaf'));
    }

    /**
     * Servers of the sharded adapter, with what they answer, by their names.
     */
    private function sharded(string $namespace, int $count, string ...$uids): void
    {
        $answer = fn (string $uid, string $requestId) => [
            'uid' => $uid, 'nsp' => $namespace, 'type' => 8, 'data' => ['requestId' => $requestId, 'sockets' => []],
        ];
        $this->servers[] = new SocketServers(
            self::$server->port,
            fn (array $request) => array_map(fn ($uid) => $answer($uid, $request['data']['requestId']), $uids),
            $count,
            "socket.io#$namespace#",
            "socket.io#$namespace#emitter#",
            true,
        );
    }

    /**
     * @dataProvider clients
     */
    public function testStreams(callable $client): void
    {
        $redis = $client(self::$server->port);
        $io = new Emitter($redis, adapter: new Streams());
        $target = $io->timeout(self::LONG);
        self::assertRefused(Reason::NoServers, fn () => $target->confirm());
        $this->servers[] = new StreamServer(self::$server->port, 's1');
        $this->servers[] = new StreamServer(self::$server->port, 's2');
        self::assertSame(2, $target->confirm());
        $target->emit('ev');
        $io->pipeline(fn (BroadcastOperator $io) => [$io->emit('one'), $io->emit('two')]);
        self::assertSame(2, $target->confirm()); // and it does not matter who has connected when
        $target->emit('ev');
        $this->admin->xTrim('socket.io', 0);
        self::assertUnconfirmed('an entry is no longer in the stream', fn () => $target->confirm());
        $target->emit('ev');
        self::assertSame(2, $target->confirm());
        $target->serverSideEmit('ev');
        self::assertUnconfirmed('beside the stream', fn () => $target->confirm());
        if ($redis instanceof \Redis) {
            $redis->multi();
            $target->emit('ev');
            $redis->exec();
            self::assertUnconfirmed('not known which entries', fn () => $target->confirm());
        }
        self::assertSame(2, $target->confirm());
    }

    /**
     * Servers of the streams adapter before 0.3.
     *
     * @dataProvider clients
     */
    public function testServersThatOnlyAddEntries(callable $client): void
    {
        foreach (['0123456789abcdef', '1234567890123456'] as $uid) {
            $this->servers[] = new StreamServer(self::$server->port, $uid, true);
        }
        $io = (new Emitter($client(self::$server->port), adapter: new Streams(maxLen: 50)))->timeout(self::LONG);
        self::assertSame(2, $io->confirm());
        $io->emit('ev');
        self::assertSame(2, $io->confirm());
        array_pop($this->servers)->stop();
        self::assertHalf($io);
        for ($i = 0; $i < 50; $i++) {
            $this->admin->xAdd('socket.io', '*', ['nsp' => '/other']);
        }
        $this->admin->xTrim('socket.io', 50);
        $other = (new Emitter($client(self::$server->port), adapter: new Streams(maxLen: 10)))->timeout(self::LONG);
        self::assertRefused(Reason::NoServers, fn () => $other->confirm());
        $add = ['uid' => '0123456789abcdef', 'nsp' => '/', 'type' => '2', 'data' => '{}'];
        $this->admin->xAdd('socket.io', '*', $add);
        self::assertUnconfirmed('the stream holds no more than the last', fn () => $other->confirm());
    }

    /**
     * @dataProvider clients
     */
    public function testRefused(callable $client): void
    {
        $servers = $this->classic();
        $redis = $client(self::$server->port);
        $io = new Emitter($redis);
        self::assertRefused(Reason::NoServers, fn () => $io->of('/none')->confirm());
        self::assertRefused(Reason::NeedsVersion4, fn () => (new Emitter($redis, serverVersion: 3))->confirm());
        self::assertRefused(Reason::NoCounterpart, fn () => (new Emitter($redis, adapter: new Python()))->confirm());
        $io->pipeline(function (BroadcastOperator $io) {
            self::assertRefused(Reason::InPipeline, fn () => $io->confirm());
        });
        if ($redis instanceof \Redis) {
            $redis->multi();
            self::assertRefused(Reason::InPipeline, fn () => $io->confirm());
            $redis->exec();
        }
        self::assertSame([], $servers->ids());
    }

    /**
     * Redis does not let everyone look.
     *
     * @dataProvider clients
     */
    public function testAUserWhoMayNotLook(callable $client): void
    {
        $this->classic();
        $io = (new Emitter($client(self::$server->port)))->timeout(self::LONG);
        foreach (['client|list' => 'CLIENT LIST', 'info' => 'INFO', 'time' => 'TIME'] as $rule => $command) {
            $this->admin->rawCommand('ACL', 'SETUSER', 'default', "-$rule");
            try {
                self::assertSame(2, $io->confirm()); // nothing was sent
                $io->emit('ev');
                self::assertUnconfirmed("$command: NOPERM", fn () => $io->confirm());
            } finally {
                $this->admin->rawCommand('ACL', 'SETUSER', 'default', '+@all');
            }
        }
    }
}
