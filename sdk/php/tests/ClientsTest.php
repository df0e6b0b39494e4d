<?php

declare(strict_types=1);

namespace Sioemit\Tests;

use Sioemit\BroadcastOperator;
use Sioemit\Emitter;
use Sioemit\Reason;
use Sioemit\Sharded;
use Sioemit\SioemitException;
use Sioemit\Streams;

/**
 * What clients of Redis can be set to, and what can become of them.
 */
final class ClientsTest extends RedisTestCase
{
    private const PASSWORD = 'S3cr3tP4ss';

    /** @var list<FakeRedis|RedisServer> */
    private array $servers = [];

    protected function tearDown(): void
    {
        foreach ($this->servers as $server) {
            $server->stop();
        }
    }

    /**
     * @return iterable<string, array{callable(int $port, array<string, mixed> $parameters): (\Redis|\Predis\Client)}>
     */
    public static function clients(): iterable
    {
        yield 'phpredis' => [function (int $port, array $parameters = []) {
            $redis = new \Redis();
            // When a connection breaks before it reads, phpredis connects anew and waits there, in vain.
            $redis->connect('127.0.0.1', $port, 10, null, 0, $parameters['read_write_timeout'] ?? 0.5);
            return $redis;
        }];
        yield 'Predis' => [fn (int $port, array $parameters = []) => new \Predis\Client(
            ['host' => '127.0.0.1', 'port' => $port] + $parameters,
        )];
        yield 'Predis without exceptions' => [fn (int $port, array $parameters = []) => new \Predis\Client(
            ['host' => '127.0.0.1', 'port' => $port] + $parameters,
            ['exceptions' => false],
        )];
    }

    /**
     * @return iterable<string, array{callable(): (\Redis|\Predis\Client)}>
     */
    public static function settings(): iterable
    {
        yield 'Predis, prefix' => [fn () => self::$server->predis(['prefix' => 'laravel_'])];
        yield 'phpredis, all at once' => [fn () => self::phpredis([
            \Redis::OPT_PREFIX => 'laravel_',
            \Redis::OPT_SERIALIZER => \Redis::SERIALIZER_IGBINARY,
            \Redis::OPT_COMPRESSION => \Redis::COMPRESSION_ZSTD,
            \Redis::OPT_REPLY_LITERAL => 1,
        ])];
        foreach (['PHP', 'JSON', 'IGBINARY'] as $name) {
            $serializer = constant("\Redis::SERIALIZER_$name");
            yield "phpredis, serializer $name" => [fn () => self::phpredis([\Redis::OPT_SERIALIZER => $serializer])];
        }
        foreach (['LZF', 'ZSTD', 'LZ4'] as $name) {
            $compression = constant("\Redis::COMPRESSION_$name");
            yield "phpredis, compression $name" => [fn () => self::phpredis([\Redis::OPT_COMPRESSION => $compression])];
        }
    }

    /**
     * @param array<int, mixed> $options
     */
    private static function phpredis(array $options): \Redis
    {
        $redis = self::$server->client();
        foreach ($options as $option => $value) {
            self::assertTrue($redis->setOption($option, $value));
        }
        return $redis;
    }

    /**
     * @dataProvider settings
     */
    public function testSettingsOfTheClientChangeNothing(callable $client): void
    {
        $redis = $client();
        $plain = self::$server->client();
        $plain->del('stream');
        $send = function (\Redis|\Predis\Client $redis): array {
            $listener = $this->listener();
            $shard = new Listener(self::$server->port, 'SSUBSCRIBE', 'socket.io#/#r#');
            $io = new Emitter($redis);
            $io->to('r')->emit('ev', 'text', 5, 1.5);
            $io->socketsJoin('a');
            $io->pipeline(fn (BroadcastOperator $io) => $io->emit('ev', str_repeat('long ', 1000)));
            (new Emitter($redis, adapter: new Sharded()))->to('r')->emit('ev', 'text');
            (new Emitter($redis, adapter: new Streams(streamName: 'stream')))->emit('ev', 'text');
            $server = new Listener(self::$server->port, 'SUBSCRIBE', 'socket.io-request#/#');
            return [
                $listener->message(), $listener->message(), $listener->message(), $shard->message(),
                $io->serverCount(),
            ];
        };
        $want = $send($plain);
        self::assertSame($want, $send($redis));
        self::assertSame('socket.io#/#r#', $want[0][0]);
        self::assertSame(1, $want[4]);
        [$first, $second] = array_values($plain->xRange('stream', '-', '+'));
        self::assertSame($first, $second);
    }

    /**
     * @dataProvider clients
     */
    public function testAPipelineIsOneRoundTrip(callable $client): void
    {
        // It says nothing before it has got all; a client that waits for each answer would wait in vain.
        $all = str_repeat(":0\r\n", 500);
        $fake = $this->servers[] = new FakeRedis(fn ($command, $count) => $count < 500 ? '' : $all);
        $io = new Emitter($client($fake->port, ['read_write_timeout' => 10]));
        $io->pipeline(function (BroadcastOperator $io) {
            for ($i = 0; $i < 500; $i++) {
                $io->emit('ev', $i);
            }
        });
        self::assertSame(500, $fake->count('PUBLISH'));
    }

    /**
     * @dataProvider clients
     */
    public function testAnEventIsSentOnceWhenTheConnectionBreaks(callable $client): void
    {
        $fake = $this->servers[] = new FakeRedis(fn ($command) => $command[0] === 'PUBLISH' ? null : "+OK\r\n");
        $redis = $client($fake->port);
        $io = new Emitter($redis);
        self::assertRefused(Reason::Redis, fn () => $io->emit('ev'));
        self::assertSame(1, $fake->count('PUBLISH'));
        self::assertRefused(Reason::Redis, fn () => $io->pipeline(fn (BroadcastOperator $io) => $io->emit('ev')));
        self::assertContains($fake->count('PUBLISH'), [1, 2]); // phpredis 6 does not come to send it
        $fake->stop();
        array_pop($this->servers);
        $e = self::assertRefused(Reason::Redis, fn () => $io->emit('ev'));
        self::assertNotNull($e->getPrevious());
        self::assertRefused(Reason::Redis, fn () => $io->pipeline(fn (BroadcastOperator $io) => $io->emit('ev')));
        self::assertRefused(Reason::Redis, fn () => $io->serverCount());
    }

    public function testWhatIsLeftOfAPipelineIsNotSentByAnotherConnection(): void
    {
        $fake = $this->servers[] = new FakeRedis(fn (array $command, int $count) => $count === 1 ? null : ":0\r\n");
        $io = new Emitter(new \Predis\Client("tcp://127.0.0.1:$fake->port?read_write_timeout=5"));
        $e = self::assertRefused(Reason::Redis, fn () => $io->pipeline(function (BroadcastOperator $io) {
            for ($i = 0; $i < 50; $i++) {
                $io->emit('ev', str_repeat('x', 1_000_000)); // more than the connection holds, so that writing fails
            }
        }));
        self::assertStringContainsString('50 of 50 commands failed', $e->getMessage());
        self::assertSame(1, $fake->count('PUBLISH'));
    }

    /**
     * @dataProvider clients
     */
    public function testAClientIsGoodAgainAfterItsConnectionBroke(callable $client): void
    {
        $listener = $this->listener();
        $io = new Emitter($client(self::$server->port));
        $events = function (BroadcastOperator $io) {
            $io->emit('a');
            $io->emit('b');
        };
        foreach ([fn () => $io->emit('c'), fn () => $io->pipeline($events)] as $send) {
            $io->emit('before');
            self::assertSame(['before'], $listener->event());
            $admin = self::$server->client();
            $admin->rawCommand('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
            try {
                $send(); // phpredis sees that the connection is gone, and connects anew; Predis does not
            } catch (SioemitException $e) {
                self::assertSame(Reason::Redis, $e->reason);
            }
            $io->emit('after');
            do {
                [$event] = $listener->event();
            } while ($event !== 'after');
        }
        $io->pipeline($events);
        self::assertSame([['a'], ['b']], [$listener->event(), $listener->event()]);
    }

    /**
     * The answers of Redis come after all, and must not be taken for those to what is sent next.
     *
     * @dataProvider clients
     */
    public function testAClientIsInStepAfterATimeout(callable $client): void
    {
        $admin = self::$server->client();
        $admin->select(1);
        $admin->set('text', 'no stream');
        $redis = $client(self::$server->port, ['read_write_timeout' => 0.3, 'database' => 1]);
        $redis->select(1);
        $io = new Emitter($redis);
        $streams = new Emitter($redis, adapter: new Streams(streamName: 'text'));
        $calls = [
            fn () => $io->emit('late'),
            fn () => $io->pipeline(function (BroadcastOperator $io) {
                $io->emit('late');
                $io->emit('late');
            }),
            fn () => $io->serverCount(),
        ];
        foreach ($calls as $call) {
            self::$server->pause();
            try {
                self::assertRefused(Reason::Redis, $call);
            } finally {
                self::$server->resume();
            }
            $admin->ping();
            $admin->ping(); // all that came before it has been answered by now
            $e = self::assertRefused(Reason::Redis, fn () => $streams->emit('ev'));
            self::assertStringContainsString('WRONGTYPE', $e->getMessage());
            self::assertSame('no stream', $redis->get('text'));
        }
        foreach (array_slice($calls, 0, 2) as $call) {
            $admin->rawCommand('CLIENT', 'PAUSE', '60000', 'WRITE'); // of which SELECT is none
            try {
                self::assertRefused(Reason::Redis, $call);
            } finally {
                $admin->rawCommand('CLIENT', 'UNPAUSE');
            }
            self::assertSame('no stream', $redis->get('text'));
        }
    }

    /**
     * @dataProvider clients
     */
    public function testASubscribedClientIsToldApart(callable $client): void
    {
        $admin = self::$server->client();
        $sends = [
            fn (Emitter $io) => $io->emit('ev'),
            fn (Emitter $io) => $io->pipeline(fn (BroadcastOperator $io) => $io->emit('ev')),
            fn (Emitter $io) => $io->serverCount(),
        ];
        foreach ([null, new Streams()] as $adapter) {
            foreach ($sends as $send) {
                $redis = $client(self::$server->port);
                self::raw($redis, 'SUBSCRIBE', 'news');
                $admin->publish('news', 'for the user');
                $admin->ping();
                $e = self::assertRefused(Reason::Redis, fn () => $send(new Emitter($redis, adapter: $adapter)));
                self::assertStringContainsString('subscribed', $e->getMessage());
            }
        }
    }

    private static function raw(\Redis|\Predis\Client $redis, string ...$command): mixed
    {
        return $redis instanceof \Redis ? $redis->rawCommand(...$command) : $redis->executeRaw($command);
    }

    /**
     * @dataProvider clients
     */
    public function testServerCountInATransactionThatTheClientDoesNotKnow(callable $client): void
    {
        $redis = $client(self::$server->port);
        $io = new Emitter($redis);
        self::raw($redis, 'MULTI');
        self::assertRefused(Reason::InPipeline, fn () => $io->serverCount());
        self::raw($redis, 'DISCARD');
        self::assertSame(0, $io->serverCount());
    }

    public function testATransactionThatPhpredisDoesNotKnow(): void
    {
        $listener = $this->listener();
        $redis = self::$server->client();
        $io = new Emitter($redis);
        $redis->rawCommand('MULTI');
        $io->emit('one');
        $io->pipeline(fn (BroadcastOperator $io) => $io->emit('two'));
        self::assertCount(2, $redis->rawCommand('EXEC'));
        self::assertSame([['one'], ['two']], [$listener->event(), $listener->event()]);
    }

    /**
     * Predis could not tell the answers apart: it would throw after the transaction has run.
     */
    public function testInATransactionOfPredisAnEventIsRefused(): void
    {
        $listener = $this->listener();
        $predis = self::$server->predis();
        $io = new Emitter($predis);
        foreach (
            [
                fn () => $io->emit('lost'),
                fn () => $io->pipeline(fn (BroadcastOperator $io) => $io->emit('lost')),
            ] as $send
        ) {
            $e = self::assertRefused(Reason::Redis, fn () => $predis->transaction(function ($transaction) use ($send) {
                $transaction->set('key', 'of the transaction');
                $send();
            }));
            self::assertStringContainsString('transaction', $e->getMessage());
            self::assertSame(0, self::$server->client()->exists('key'));
        }
        $io->emit('next');
        self::assertSame(['next'], $listener->event());
    }

    /**
     * A handler of a signal may throw wherever it is called.
     */
    public function testAnExceptionInAPipelineLeavesTheClientAsItWas(): void
    {
        $listener = $this->listener();
        $redis = new class extends \Redis {
            public int $left = PHP_INT_MAX;

            #[\ReturnTypeWillChange]
            public function rawCommand($command, ...$args) // phpcs:ignore -- phpredis 5 has no types here
            {
                if ($this->left-- === 0) {
                    throw new \RuntimeException('time is up');
                }
                return parent::rawCommand($command, ...$args);
            }
        };
        $redis->connect('127.0.0.1', self::$server->port);
        $io = new Emitter($redis);
        $redis->left = 1;
        $e = self::assertRefused(Reason::Redis, fn () => $io->pipeline(function (BroadcastOperator $io) {
            $io->emit('not sent');
            $io->emit('not sent');
        }));
        self::assertSame('time is up', $e->getPrevious()?->getMessage());
        self::assertSame(\Redis::ATOMIC, $redis->getMode());
        $io->pipeline(fn (BroadcastOperator $io) => $io->emit('after'));
        self::assertSame(['after'], $listener->event());
    }

    public function testAnOlderErrorIsNotNamed(): void
    {
        $admin = self::$server->client();
        $admin->set('text', 'no list');
        $redis = self::$server->client();
        $redis->lPush('text', 'item');
        self::assertStringContainsString('WRONGTYPE', (string) $redis->getLastError());
        $admin->rawCommand('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
        try {
            (new Emitter($redis))->pipeline(fn (BroadcastOperator $io) => $io->emit('ev'));
        } catch (SioemitException $e) { // phpredis 6 connects anew instead
            self::assertStringNotContainsString('WRONGTYPE', $e->getMessage());
        }
        self::assertNull($redis->getLastError());
    }

    /**
     * @dataProvider clients
     */
    public function testErrorsOfRedisAreSeen(callable $client): void
    {
        self::$server->client()->rawCommand('ACL', 'SETUSER', 'default', '-spublish', '-pubsub');
        try {
            $redis = $client(self::$server->port);
            $io = new Emitter($redis, adapter: new Sharded());
            $e = self::assertRefused(Reason::Redis, fn () => $io->emit('ev'));
            self::assertStringContainsString('SPUBLISH: NOPERM', $e->getMessage());
            self::assertStringContainsString(
                'NOPERM',
                self::assertRefused(Reason::Redis, fn () => $io->serverCount())->getMessage(),
            );
            // Those that Redis takes are sent, and the client is as good as before.
            $listener = $this->listener();
            $both = new Emitter($redis, adapter: new Streams(streamName: 'wrong', useShardedPubSub: true));
            $e = self::assertRefused(Reason::Redis, fn () => $both->pipeline(function (BroadcastOperator $io) {
                $io->emit('taken');
                $io->serverSideEmit('refused');
                $io->serverSideEmit('refused');
                $io->emit('taken');
            }));
            self::assertStringContainsString('of 4 commands', $e->getMessage());
            self::assertStringContainsString('NOPERM', $e->getMessage());
            self::assertSame(2, self::$server->client()->xLen('wrong'));
            (new Emitter($redis))->emit('after');
            self::assertSame(['after'], $listener->event());
        } finally {
            self::$server->client()->rawCommand('ACL', 'SETUSER', 'default', '+@all');
            self::$server->client()->del('wrong');
        }
    }

    /**
     * For these phpredis returns false, and throws nothing.
     *
     * @dataProvider clients
     */
    public function testErrorsOfTheWrongType(callable $client): void
    {
        $redis = $client(self::$server->port);
        self::$server->client()->set('text', 'no stream');
        $io = new Emitter($redis, adapter: new Streams(streamName: 'text'));
        $e = self::assertRefused(Reason::Redis, fn () => $io->emit('ev'));
        self::assertStringContainsString('XADD: WRONGTYPE', $e->getMessage());
        $e = self::assertRefused(Reason::Redis, fn () => $io->pipeline(function (BroadcastOperator $io) {
            $io->emit('refused');
            $io->serverSideEmit('taken');
            $io->emit('refused');
        }));
        self::assertStringContainsString('2 of 3 commands failed', $e->getMessage());
        self::assertStringContainsString('WRONGTYPE', $e->getMessage());
    }

    public function testErrorsHoldNoPassword(): void
    {
        $e = SioemitException::fromRedis('PUBLISH', 'ERR AUTH ' . self::PASSWORD, new \Exception(self::PASSWORD));
        self::assertStringNotContainsString(self::PASSWORD, (string) $e->getPrevious() . $e->getMessage());
        $server = $this->servers[] = new RedisServer(['--requirepass', 'right', '--rename-command', 'AUTH', 'HIDDEN']);
        $predis = new \Predis\Client(['host' => '127.0.0.1', 'port' => $server->port, 'password' => self::PASSWORD]);
        $e = self::assertRefused(Reason::Redis, fn () => (new Emitter($predis))->emit('ev'));
        self::assertStringNotContainsString(self::PASSWORD, (string) $e);
        self::assertRefused(Reason::Redis, fn () => (new Emitter($predis))->serverCount());
        $redis = $server->client();
        $io = new Emitter($redis);
        self::assertStringContainsString(
            'NOAUTH',
            self::assertRefused(Reason::Redis, fn () => $io->emit('ev'))->getMessage(),
        );
        @$redis->auth(self::PASSWORD); // phpredis keeps it for connections to come
        $other = $server->client();
        $other->rawCommand('HIDDEN', 'right');
        $other->rawCommand('CLIENT', 'KILL', 'TYPE', 'normal');
        for ($i = 0; $i < 2; $i++) {
            $e = self::assertRefused(Reason::Redis, fn () => $io->emit('ev'));
            self::assertStringNotContainsString(self::PASSWORD, (string) $e);
            $e = self::assertRefused(Reason::Redis, fn () => $io->serverCount());
            self::assertStringNotContainsString(self::PASSWORD, (string) $e);
        }
    }

    /**
     * The exceptions of Predis hold its connection, and that the password.
     */
    public function testNothingInAnExceptionHoldsAPassword(): void
    {
        $port = RedisServer::freePort();
        $program = <<<'PHP'
            require $argv[1];
            [, , $port, $password] = $argv;
            $one = ['host' => '127.0.0.1', 'port' => $port, 'password' => $password];
            foreach ([[$one], [[$one], ['cluster' => 'redis']]] as $arguments) {
                $io = new Sioemit\Emitter(new Predis\Client(...$arguments));
                foreach (
                    [
                        fn () => $io->emit('ev'),
                        fn () => $io->pipeline(fn ($io) => $io->emit('ev')),
                        fn () => $io->serverCount(),
                        fn () => $io->fetchSockets(),
                        fn () => $io->confirm(),
                    ] as $call
                ) {
                    try {
                        $call();
                    } catch (Sioemit\SioemitException $e) {
                        print_r($e);
                    }
                }
            }
            PHP;
        $words = [PHP_BINARY, '-d', 'zend.exception_ignore_args=0', '-r', $program, __DIR__ . '/bootstrap.php'];
        $process = proc_open([...$words, (string) $port, self::PASSWORD], [1 => ['pipe', 'w']], $pipes);
        $shown = stream_get_contents($pipes[1]);
        self::assertSame(0, proc_close($process));
        self::assertSame(10, preg_match_all('/^Sioemit.SioemitException Object/m', $shown));
        self::assertStringContainsString('[previous:Exception:private] => RuntimeException Object', $shown);
        self::assertStringNotContainsString(self::PASSWORD, $shown);
    }

    public function testAPathOrAHostIsNoPassword(): void
    {
        foreach (
            [
                'No such file or directory [unix:/var/auth/redis.sock]',
                'php_network_getaddresses: getaddrinfo for auth failed: Name or service not known [tcp://auth:6379]',
                'Connection refused [tcp://hello.localhost:6379]',
            ] as $text
        ) {
            self::assertSame("PUBLISH: $text", SioemitException::fromRedis('PUBLISH', $text)->getMessage());
        }
        foreach (
            [
                'ERR AUTH <password> called without any password configured for the default user',
                "ERR unknown command 'HELLO'",
                "`AUTH` failed: ERR unknown command 'AUTH' [tcp://127.0.0.1:6379]",
                'auth failed while reconnecting',
            ] as $text
        ) {
            $e = SioemitException::fromRedis('PUBLISH', $text);
            self::assertSame('PUBLISH: Redis refused the AUTH or HELLO of the client', $e->getMessage());
        }
    }

    public function testAClientThatWasNeverConnected(): void
    {
        $io = new Emitter(new \Redis());
        self::assertRefused(Reason::Redis, fn () => $io->emit('ev'));
        self::assertRefused(Reason::Redis, fn () => $io->pipeline(fn (BroadcastOperator $io) => $io->emit('ev')));
        self::assertRefused(Reason::Redis, fn () => $io->serverCount());
        $port = RedisServer::freePort();
        $e = self::assertRefused(
            Reason::Redis,
            fn () => (new Emitter(new \Predis\Client("tcp://127.0.0.1:$port?password=" . self::PASSWORD)))->emit('ev'),
        );
        self::assertStringContainsString('refused', $e->getMessage());
        self::assertStringNotContainsString(self::PASSWORD, (string) $e);
    }

    /**
     * PHP warns when it cannot write to a connection; an exception says so already.
     */
    public function testNothingIsSaidTwice(): void
    {
        $warnings = [];
        set_error_handler(function (int $level, string $message) use (&$warnings) {
            if ((error_reporting() & $level) !== 0) {
                $warnings[] = $message;
            }
            return true;
        });
        try {
            $fake = $this->servers[] = new FakeRedis(fn () => null, cutsShort: true);
            $long = str_repeat('x', 20_000_000);
            foreach (self::clients() as [$client]) {
                $io = new Emitter($client($fake->port));
                self::assertRefused(Reason::Redis, fn () => $io->emit('ev', $long));
                self::assertRefused(
                    Reason::Redis,
                    fn () => $io->pipeline(fn (BroadcastOperator $io) => $io->emit('ev', $long)),
                );
            }
        } finally {
            restore_error_handler();
        }
        self::assertSame([], $warnings);
    }

    public function testInATransactionOfTheCaller(): void
    {
        $listener = $this->listener();
        $redis = self::$server->client();
        $io = new Emitter($redis);
        foreach ([\Redis::MULTI, \Redis::PIPELINE] as $mode) {
            $redis->multi($mode);
            $redis->set('key', 'value');
            $io->emit('in a transaction');
            $io->pipeline(fn (BroadcastOperator $io) => $io->emit('too'));
            self::assertRefused(Reason::InPipeline, fn () => $io->serverCount());
            self::assertCount(3, $redis->exec());
            self::assertSame(['in a transaction'], $listener->event());
            self::assertSame(['too'], $listener->event());
        }
        $redis->multi();
        $io->emit('discarded');
        $redis->discard();
        $io->emit('next');
        self::assertSame(['next'], $listener->event());
    }

    public function testANodeOfAClusterIsToldApart(): void
    {
        $moved = $this->servers[] = new FakeRedis(fn () => "-MOVED 1 127.0.0.1:1\r\n");
        $redis = new \Redis();
        $redis->connect('127.0.0.1', $moved->port);
        foreach ([$redis, new \Predis\Client("tcp://127.0.0.1:$moved->port")] as $client) {
            $e = self::assertRefused(Reason::Redis, fn () => (new Emitter($client))->emit('ev'));
            self::assertStringContainsString('is a node of a Redis Cluster', $e->getMessage());
        }
    }

    public function testServersThatKnowNothingOfEachOtherAreRefused(): void
    {
        $port = self::$server->port;
        $servers = ["tcp://127.0.0.1:$port", "tcp://127.0.0.1:$port?database=1"];
        $predis = new \Predis\Client($servers, ['cluster' => 'predis']);
        self::assertRefused(Reason::Client, fn () => new Emitter($predis));
    }
}
