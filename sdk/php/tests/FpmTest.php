<?php

declare(strict_types=1);

namespace Sioemit\Tests;

/**
 * Under php-fpm, where one worker serves many requests, and may keep its connection to Redis from one to the next.
 */
final class FpmTest extends RedisTestCase
{
    private const CALLS = 1000;

    /** Of each request. */
    private const TIMES = 20;

    /** What a request runs. */
    private const SCRIPT = <<<'PHP'
        <?php
        ini_set('display_errors', '1');
        ini_set('redis.pconnect.echo_check_liveness', '0'); // by which phpredis finds what it left itself
        $files = array_map(fn (string $name) => @readlink("/proc/self/fd/$name"), scandir('/proc/self/fd'));
        $descriptors = count(array_diff($files, [__FILE__])); // which is open when it is compiled
        require getenv('BOOTSTRAP');
        ['client' => $client, 'port' => $port, 'do' => $do, 'n' => $n] = $_GET;
        $timeout = $do === 'impatient' ? 0.2 : 60;
        if (str_contains($client, 'connect')) {
            $redis = new Redis();
            $redis->$client('127.0.0.1', $port);
            $redis->setOption(Redis::OPT_READ_TIMEOUT, $timeout);
        } else {
            $persistent = $client === 'Predis, persistent';
            $redis = new Predis\Client(compact('port', 'persistent') + ['read_write_timeout' => $timeout]);
        }
        $io = (new Sioemit\Emitter($redis))->timeout(60);
        $ask = fn (int $i) => $io->serverSideEmitWithAck('ev', "$n $i")[0];
        try {
            $answers = match ($do) {
                'ask' => array_map($ask, range(1, $_GET['times'])),
                'ask the deaf' => $io->of('/deaf')->timeout(0.2)->serverSideEmitWithAck('ev'),
                'impatient' => $io->emit('late'),
                'count' => $io->serverCount(),
            };
        } catch (Sioemit\SioemitException $e) {
            $answers = $e->reason->value;
        }
        echo json_encode([getmypid(), $answers, $descriptors]);
        PHP;

    private SocketServers $servers;

    protected function setUp(): void
    {
        $this->servers = new SocketServers(self::$server->port, fn (array $request) => [
            ['type' => 6, 'requestId' => $request['requestId'], 'data' => $request['data'][1]],
        ]);
    }

    protected function tearDown(): void
    {
        $this->servers->stop();
    }

    /**
     * @return iterable<string, array{string, bool}>
     */
    public static function clients(): iterable
    {
        yield 'phpredis' => ['connect', false];
        yield 'phpredis, persistent' => ['pconnect', true];
        yield 'Predis' => ['Predis', false];
        yield 'Predis, persistent' => ['Predis, persistent', true];
    }

    private static function request(FpmServer $fpm, string $client, string $do, int $n = 0): FastCgi
    {
        return $fpm->request(compact('client', 'do', 'n') + ['port' => self::$server->port, 'times' => self::TIMES]);
    }

    /**
     * Asks from both workers at the same time, and returns by their pids how many descriptors they had before.
     *
     * @return array<int, int>
     */
    private static function ask(FpmServer $fpm, string $client, int $n): array
    {
        $descriptors = [];
        $requests = [self::request($fpm, $client, 'ask', 2 * $n), self::request($fpm, $client, 'ask', 2 * $n + 1)];
        foreach ($requests as $i => $request) {
            [$pid, $got, $count] = $request->answer();
            self::assertSame(array_map(fn (int $time) => 2 * $n + $i . " $time", range(1, self::TIMES)), $got);
            $descriptors[$pid] = $count;
        }
        return $descriptors;
    }

    /**
     * @dataProvider clients
     */
    public function testAThousandCallsLeaveNothingBehind(string $client, bool $isPersistent): void
    {
        $deaf = new Listener(self::$server->port, 'SUBSCRIBE', 'socket.io-request#/deaf#');
        $admin = self::$server->client();
        $connections = fn () => count(explode("\n", trim($admin->rawCommand('CLIENT', 'LIST'))));
        $kept = $connections() + ($isPersistent ? 2 : 0);
        $fpm = new FpmServer(self::SCRIPT, 2);
        try {
            $ofBoth = function () use ($fpm, $client) {
                $descriptors = [];
                RedisServer::waitFor(function () use ($fpm, $client, &$descriptors) {
                    $descriptors = self::ask($fpm, $client, 0) + $descriptors;
                    return count($descriptors) === 2;
                }, 'both workers have served');
                ksort($descriptors);
                return $descriptors;
            };
            $ofBoth(); // and have what they keep
            $before = $ofBoth();
            RedisServer::waitFor(fn () => $connections() === $kept, 'no connection is left but those that are kept');
            for ($n = 1; $n <= self::CALLS / self::TIMES / 2; $n++) {
                self::ask($fpm, $client, $n);
            }
            $failed = self::request($fpm, $client, 'ask the deaf')->answer()[1];
            self::assertContains($failed, ['incomplete', 'subscription']); // the latter on a busy machine
            self::assertSame($before, $ofBoth());
            RedisServer::waitFor(fn () => $connections() === $kept, 'no connection is left but those that are kept');
        } finally {
            $fpm->stop();
            unset($deaf);
        }
    }

    /**
     * An answer that comes after the end of a request is not taken for one to the next request of the same worker.
     *
     * @dataProvider clients
     */
    public function testALateAnswerIsNoneToTheNextRequest(string $client): void
    {
        $admin = self::$server->client();
        $fpm = new FpmServer(self::SCRIPT, 1);
        $pids = [];
        $isAnswered = function (string $do, mixed $want) use ($fpm, $client, &$pids) {
            [$pids[], $got] = self::request($fpm, $client, $do)->answer();
            self::assertSame($want, $got);
        };
        try {
            $isAnswered('count', 1);
            $admin->rawCommand('CLIENT', 'PAUSE', (string) (1000 * RedisServer::DEADLINE), 'WRITE');
            $isAnswered('impatient', 'redis');
            $admin->rawCommand('CLIENT', 'UNPAUSE');
            $admin->ping(); // what was sent in the pause is answered by now
            $isAnswered('count', 1);
            self::assertCount(1, array_unique($pids));
        } finally {
            $admin->rawCommand('CLIENT', 'UNPAUSE');
            $fpm->stop();
        }
    }
}
