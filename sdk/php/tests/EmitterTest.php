<?php

declare(strict_types=1);

namespace Sioemit\Tests;

use Sioemit\Binary;
use Sioemit\BroadcastOperator;
use Sioemit\Emitter;
use Sioemit\Python;
use Sioemit\Reason;
use Sioemit\Sharded;
use Sioemit\Streams;

/**
 * What is sent, with either client. The bytes of every adapter are what the conformance suite looks at.
 */
final class EmitterTest extends RedisTestCase
{
    /**
     * @return iterable<string, array{callable(): (\Redis|\Predis\Client)}>
     */
    public static function clients(): iterable
    {
        yield 'phpredis' => [fn () => self::$server->client()];
        yield 'Predis' => [fn () => self::$server->predis()];
    }

    /**
     * @dataProvider clients
     */
    public function testEmit(callable $client): void
    {
        $listener = $this->listener();
        (new Emitter($client()))->of('admin')->to('a', 'b')->in('a')->except('c')->volatile()->compress(false)
            ->emit('ev', 1, ['b' => new Binary("\xFF")]);
        [$channel, [$uid, $packet, $options]] = $listener->next();
        self::assertSame(['socket.io#/admin#', 'emitter'], [$channel, $uid]);
        self::assertEquals(
            ['type' => 2, 'data' => ['ev', 1, ['b' => new Binary("\xFF")]], 'nsp' => '/admin'],
            $packet,
        );
        self::assertSame(
            ['rooms' => ['a', 'b'], 'flags' => ['volatile' => true, 'compress' => false], 'except' => ['c']],
            $options,
        );
    }

    public function testATargetNeverChanges(): void
    {
        $listener = $this->listener();
        $io = new Emitter(self::$server->client());
        $room = $io->to('a');
        $others = [$room->to('b'), $room->except('c'), $room->of('/x'), $room->volatile(), $room->compress(true)];
        self::assertNotContains($room, $others);
        $room->emit('ev');
        $io->emit('ev');
        self::assertEquals(['rooms' => ['a'], 'flags' => new \stdClass(), 'except' => []], $listener->next()[1][2]);
        self::assertEquals(['rooms' => [], 'flags' => new \stdClass(), 'except' => []], $listener->next()[1][2]);
    }

    public function testRoomsThatAreNumbers(): void
    {
        $listener = $this->listener();
        $io = new Emitter(self::$server->client());
        foreach (
            [
                [[5], 'socket.io#/#', [5]],
                [['5'], 'socket.io#/#5#', ['5']],
                [[5.0, 5, 1.5], 'socket.io#/#', [5, 1.5]],
                [[5, '5'], 'socket.io#/#', [5, '5']],
                [[1.00000000000000022, 1, 0.1 + 0.2, 0.3], 'socket.io#/#', [1.00000000000000022, 1, 0.1 + 0.2, 0.3]],
                [[-0.0, 1e21, PHP_INT_MAX], 'socket.io#/#', [0, 1e21, 2.0 ** 63]],
            ] as [$rooms, $channel, $sent]
        ) {
            $io->to(...$rooms)->emit('ev');
            [$got, [, , $options]] = $listener->next();
            self::assertSame($channel, $got);
            self::assertSame($sent, $options['rooms']);
        }
        self::assertRefused(Reason::InvalidText, fn () => $io->to(NAN));
        self::assertRefused(Reason::InvalidText, fn () => $io->except(INF));
    }

    /**
     * @dataProvider clients
     */
    public function testPipeline(callable $client): void
    {
        $listener = $this->listener();
        $io = new Emitter($client());
        $io->pipeline(function (BroadcastOperator $io) {
            $room = $io->to('r');
            for ($i = 0; $i < 1000; $i++) {
                $room->emit('number', $i);
            }
            $io->socketsJoin('a');
            $io->socketsLeave('b');
            $io->disconnectSockets(true);
            $io->serverSideEmit('ping');
        });
        for ($i = 0; $i < 1000; $i++) {
            self::assertSame(['number', $i], $listener->event());
        }
        self::assertSame([2, 3, 4, 6], array_map(fn () => $listener->next()[1]['type'], range(1, 4)));
    }

    /**
     * @dataProvider clients
     */
    public function testNothingIsSentWhenTheFunctionOfAPipelineThrows(callable $client): void
    {
        $listener = $this->listener();
        $redis = $client();
        $io = new Emitter($redis);
        self::assertRefused(Reason::ReservedEvent, fn () => $io->pipeline(function (BroadcastOperator $io) {
            $io->emit('lost');
            $io->emit('connect');
        }));
        try {
            $io->pipeline(function (BroadcastOperator $io) {
                $io->emit('lost');
                throw new \DomainException('mine');
            });
            self::fail('the exception was swallowed');
        } catch (\DomainException $e) {
            self::assertSame('mine', $e->getMessage());
        }
        $kept = null;
        $io->pipeline(function (BroadcastOperator $io) use (&$kept) {
            self::assertRefused(Reason::InPipeline, fn () => $io->serverCount());
            $kept = $io->to('r');
        });
        self::assertRefused(Reason::PipelineEnded, fn () => $kept->emit('lost'));
        $io->emit('next');
        self::assertSame(['next'], $listener->event());
    }

    /**
     * @dataProvider clients
     */
    public function testServerCount(callable $client): void
    {
        $io = new Emitter($client());
        self::assertSame(0, $io->of('/é')->serverCount());
        $servers = [];
        for ($i = 1; $i < 3; $i++) {
            $servers[] = new Listener(self::$server->port, 'SUBSCRIBE', 'socket.io-request#/é#');
            self::assertSame($i, $io->of('/é')->serverCount());
        }
    }

    public function testStreams(): void
    {
        $redis = self::$server->client();
        (new Emitter($redis, adapter: new Streams(streamName: 's', maxLen: 10)))->to('r')->emit('ev', new Binary("\0"));
        (new Emitter($redis, adapter: new Streams(streamName: 's')))->emit('ev', 1);
        [$packed, $json] = array_values($redis->xRange('s', '-', '+'));
        self::assertEquals(
            [
                'packet' => ['type' => 2, 'data' => ['ev', new Binary("\0")]],
                'opts' => ['rooms' => ['r'], 'except' => [], 'flags' => new \stdClass()],
            ],
            Decoder::decode(base64_decode($packed['data'])),
        );
        self::assertSame(
            '{"packet":{"type":2,"data":["ev",1]},"opts":{"rooms":[],"except":[],"flags":{}}}',
            $json['data'],
        );
    }

    public function testServersInPython(): void
    {
        $listener = new Listener(self::$server->port, 'SUBSCRIBE', 'flask-socketio');
        $id = 'abcdefghijklmnopqrst';
        $python = new Python(channel: 'flask-socketio', allowBinary: true);
        $io = new Emitter(self::$server->client(), adapter: $python, maxAttachments: 2);
        $io->of('admin')->to('a', 'b')->except($id)->volatile()->emit('ev', 'é', [new Binary("\xFF"), new Binary('')]);
        self::assertSame(
            '{"method":"emit","event":"ev","data":[["é",[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]],'
                . '"/w==",""],"binary":true,"namespace":"/admin","room":["a","b"],"skip_sid":"' . $id . '",'
                . '"callback":null,"host_id":"emitter"}',
            $listener->message()[1],
        );
        self::assertRefused(Reason::Unencodable, fn () => $io->emit('ev', ...array_fill(0, 3, new Binary(''))));
        foreach ([255, 256, 65_535, 65_536] as $length) {
            $io->emit('ev', new Binary(str_repeat('x', $length)), 1);
            $sent = json_decode($listener->message()[1], true);
            self::assertSame([[['_placeholder' => true, 'num' => 0], 1], $length], [
                $sent['data'][0],
                strlen(base64_decode($sent['data'][1])),
            ]);
        }
        self::assertSame(1, $io->of('/other')->serverCount());
    }

    public function testWhatServersInPythonCannotDo(): void
    {
        $listener = new Listener(self::$server->port, 'SUBSCRIBE', 'socketio');
        $redis = self::$server->client();
        $io = new Emitter($redis, adapter: new Python());
        $socket = $io->to('abcdefghijklmnopqrst');
        foreach (
            [
                [fn () => $io->socketsJoin('a'), 'one socket joins one room'],
                [fn () => $socket->socketsJoin('a', 'b'), 'one socket joins one room'],
                [fn () => $socket->except('ABCDEFGHIJKLMNOPQRST')->socketsJoin('a'), 'one socket joins one room'],
                [fn () => $socket->to('ABCDEFGHIJKLMNOPQRST')->socketsLeave('a'), 'one socket leaves one room'],
                [fn () => $socket->socketsLeave('a', 'b'), 'one socket leaves one room'],
                [fn () => $io->socketsLeave('a', 'b'), 'or everyone does'],
                [fn () => $io->except('ABCDEFGHIJKLMNOPQRST')->socketsLeave('a'), 'or everyone does'],
                [fn () => $io->to('room')->socketsLeave('a'), '"room" is no socket id'],
                [fn () => $io->to(5)->socketsJoin('a'), '"5" is no socket id'],
                [fn () => $io->disconnectSockets(), 'its id must be the target'],
                [fn () => $socket->disconnectSockets(true), 'keeps its connection'],
                [fn () => $io->serverSideEmit('ev'), 'servers get no events'],
            ] as [$call, $message]
        ) {
            $e = self::assertRefused(Reason::NoCounterpart, $call);
            self::assertStringContainsString($message, $e->getMessage());
        }
        foreach (['room', "abcdefghijklmnopqrst\n", 5] as $room) {
            self::assertRefused(Reason::ExceptRoom, fn () => $io->except($room));
        }
        $null = new class implements \JsonSerializable {
            public function jsonSerialize(): mixed
            {
                return null;
            }
        };
        foreach ([[null], [$null], [1, ['a' => new Binary('')]]] as $args) {
            self::assertRefused(Reason::Unencodable, fn () => $io->emit('ev', ...$args));
        }
        $nested = fn (int $levels) => json_decode(str_repeat('[', $levels) . str_repeat(']', $levels));
        self::assertRefused(Reason::TooDeep, fn () => $io->emit('ev', $nested(301)));
        self::assertRefused(Reason::AdapterOption, fn () => new Emitter($redis, codec: 'json', adapter: new Python()));
        self::assertRefused(Reason::InvalidText, fn () => new Python("\xFF"));

        $io->emit('next', [null], $nested(300)); // and nothing before it
        self::assertSame(['next', [[null], $nested(300)]], [
            ($sent = $listener->next()[1])['event'],
            $sent['data'],
        ]);
        $own = new Emitter($redis, adapter: new Python(), socketIds: '/user-\d+/');
        $own->to('user-7')->socketsJoin('a');
        self::assertSame(
            ['method' => 'enter_room', 'sid' => 'user-7', 'room' => 'a', 'namespace' => '/', 'host_id' => 'emitter'],
            $listener->next()[1],
        );
        self::assertRefused(Reason::NoCounterpart, fn () => $own->to('abcdefghijklmnopqrst')->socketsJoin('a'));
    }

    public function testOptionsThatCannotBe(): void
    {
        $redis = self::$server->client();
        self::assertRefused(Reason::ServerVersion, fn () => new Emitter($redis, serverVersion: 5));
        self::assertRefused(Reason::AdapterOption, fn () => new Emitter($redis, codec: 'xml'));
        self::assertRefused(Reason::AdapterOption, fn () => new Emitter($redis, maxAttachments: 0));
        self::assertRefused(Reason::AdapterOption, fn () => new Emitter($redis, socketIds: 'no pattern'));
        self::assertRefused(Reason::AdapterOption, fn () => new Emitter($redis, key: 'k', adapter: new Sharded()));
        self::assertRefused(Reason::AdapterOption, fn () => new Sharded(subscriptionMode: 'private'));
        self::assertRefused(Reason::AdapterOption, fn () => new Streams(streamCount: 0));
        self::assertRefused(Reason::AdapterOption, fn () => new Streams(maxLen: 0));
        self::assertRefused(Reason::InvalidText, fn () => new Emitter($redis, key: "\xFF"));
        self::assertRefused(Reason::InvalidText, fn () => new Sharded(channelPrefix: "\xFF"));
        self::assertRefused(Reason::InvalidText, fn () => new Streams(streamName: "\xFF"));
        self::assertRefused(Reason::InvalidText, fn () => new Streams(channelPrefix: "\xFF"));
    }

    public function testIdsOfServersThatMakeTheirOwn(): void
    {
        $listener = $this->listener();
        $io = new Emitter(self::$server->client(), serverVersion: 2, socketIds: '/user-\d+/');
        $io->except('user-7')->emit('ev');
        self::assertSame(['user-7'], $listener->next()[1][2]['except']);
        $io->of('admin')->except('/admin#user-7')->emit('ev');
        self::assertSame(['/admin#user-7'], $listener->next()[1][2]['except']);
        foreach (['xuser-7', 'user-7x', "user-7\n", 'abcdefghijklmnopqrst', 7] as $wrong) {
            self::assertRefused(Reason::ExceptRoom, fn () => $io->except($wrong));
        }
    }

    /**
     * Without strict_types, and in calls from PHP itself, false would be the room 0.
     */
    public function testABooleanIsNoRoom(): void
    {
        $io = new Emitter(self::$server->client());
        foreach (['to', 'in', 'except', 'socketsJoin', 'socketsLeave'] as $call) {
            foreach ([false, true] as $room) {
                $e = self::assertRefused(Reason::InvalidText, fn () => array_map([$io, $call], [$room]));
                self::assertStringContainsString('boolean', $e->getMessage());
            }
        }
        $v2 = new Emitter(self::$server->client(), serverVersion: 2);
        self::assertRefused(Reason::InvalidText, fn () => array_map($v2->except(...), [false]));
    }

    public function testArgumentsHaveNoNames(): void
    {
        $listener = $this->listener();
        (new Emitter(self::$server->client()))->to(...['x' => 'a'])->emit('ev', ...['b' => 1, 'c' => 2]);
        [$channel, [, $packet]] = $listener->next();
        self::assertSame(['socket.io#/#a#', ['ev', 1, 2]], [$channel, $packet['data']]);
    }

    /**
     * As php-fpm and Laravel's queue have it, with a connection of each process's own.
     */
    public function testFork(): void
    {
        $listener = $this->listener();
        $io = new Emitter(self::$server->predis());
        $children = [];
        for ($child = 0; $child < 4; $child++) {
            $pid = pcntl_fork();
            if ($pid === 0) {
                $room = $io->to('r');
                for ($i = 0; $i < 50; $i++) {
                    $room->emit('ev', $child, $i);
                }
                posix_kill(getmypid(), SIGKILL); // none of PHPUnit's ends
            }
            $children[] = $pid;
        }
        foreach ($children as $pid) {
            pcntl_waitpid($pid, $status);
        }
        $got = array_fill(0, 4, []);
        for ($i = 0; $i < 200; $i++) {
            [, $child, $number] = $listener->event();
            $got[$child][] = $number;
        }
        self::assertSame(array_fill(0, 4, range(0, 49)), $got);
    }
}
