<?php

/**
 * What an emit costs beside the bare client and beside json_encode(). It starts a redis-server of its own.
 * BENCH_JSON=FILE writes the figures into a file, too, one object a line. BENCH_QUICK=1 does little of everything: a
 * smoke test, whose figures mean nothing.
 */

declare(strict_types=1);

use Sioemit\Bench\Contest;
use Sioemit\BroadcastOperator;
use Sioemit\Emitter;
use Sioemit\MessagePack;
use Sioemit\Tests\RedisServer;

require __DIR__ . '/../tests/bootstrap.php';
require __DIR__ . '/Contest.php';

$order = [
    'id' => 12345,
    'title' => 'Order shipped',
    'price' => 19.99,
    'tags' => ['a', 'b', 'c'],
    'user' => ['id' => 'u_123', 'name' => 'Ada'],
];
[$events, $rounds] = getenv('BENCH_QUICK') ? [20, 1] : [1000, 25];

$channel = 'socket.io#/#r#';
$message = "\x93\xA7emitter\x83\xA4type\x02\xA4data" . MessagePack::event('order', [$order], 10)->bytes
    . "\xA3nsp\xA1/\x83\xA5rooms\x91\xA1r\xA5flags\x80\xA6except\x90";

$server = new RedisServer();
$figures = [];
foreach (['phpredis' => [$server->client(), 0.1], 'Predis' => [$server->predis(), 0.3]] as $name => [$redis, $bar]) {
    $io = new Emitter($redis);
    $room = $io->to('r');
    $bare = function (int $times) use ($redis, $channel, $message) {
        $pipeline = $redis->pipeline();
        for (; $times > 0; $times--) {
            $pipeline->publish($channel, $message);
        }
        $redis instanceof Redis ? $redis->exec() : $pipeline->execute();
    };
    $bareOne = function (int $times) use ($redis, $channel, $message) {
        for (; $times > 0; $times--) {
            $redis->publish($channel, $message);
        }
    };
    $emits = fn (int $times) => $io->pipeline(function (BroadcastOperator $io) use ($times, $order) {
        for (; $times > 0; $times--) {
            $io->to('r')->emit('order', $order);
        }
    });
    $kept = fn (int $times) => $io->pipeline(function (BroadcastOperator $io) use ($times, $order) {
        $room = $io->to('r');
        for (; $times > 0; $times--) {
            $room->emit('order', $order);
        }
    });
    $one = function (int $times) use ($room, $order) {
        for (; $times > 0; $times--) {
            $room->emit('order', $order);
        }
    };
    $pipeline = 'a pipeline of ready bytes';
    $ready = 'PUBLISH of ready bytes, one by one';
    foreach (
        [
            new Contest($name, 'emits in a pipeline', $emits, $pipeline, $bare, 'rate', $bar),
            new Contest($name, 'emits in a pipeline, target kept', $kept, $pipeline, $bare, 'rate'),
            new Contest($name, 'emits one by one', $one, $ready, $bareOne, 'rate'),
        ] as $contest
    ) {
        $figures[] = $contest->figure($events, $rounds);
    }
}
$encode = function (int $times) use ($order) {
    for (; $times > 0; $times--) {
        MessagePack::event('order', [$order], 10);
    }
};
$json = function (int $times) use ($order) {
    for (; $times > 0; $times--) {
        json_encode($order);
    }
};
$figures[] = (new Contest('', 'encoding', $encode, 'json_encode of the argument', $json, 'time'))
    ->figure(20 * $events, $rounds);
$server->stop();

foreach ($figures as $figure) {
    sort($figure['rounds']);
    $bar = $figure['atLeast'] ?? null;
    printf(
        "%-8s  %-33s %5.2f us  %s %.2f%s\n",
        $figure['client'],
        $figure['what'],
        $figure['nanoseconds'] / 1000,
        "$figure[ratio] against $figure[against]:",
        $figure['rounds'][intdiv($rounds, 2)],
        $bar === null ? '' : "  (bar $bar)",
    );
}
if (getenv('BENCH_JSON')) {
    $lines = array_map(fn (array $figure) => json_encode($figure, JSON_THROW_ON_ERROR) . "\n", $figures);
    file_put_contents(getenv('BENCH_JSON'), $lines);
}
