<?php

declare(strict_types=1);

namespace Sioemit\Tests;

use App\Events\OrderPaid;
use App\Jobs\TellUser;
use App\Providers\SocketIoServiceProvider;
use Illuminate\Broadcasting\BroadcastEvent;
use Illuminate\Broadcasting\BroadcastManager;
use Illuminate\Bus\BusServiceProvider;
use Illuminate\Container\Container;
use Illuminate\Contracts\Broadcasting\Factory;
use Illuminate\Redis\RedisManager;
use Illuminate\Support\Facades\Facade;
use Sioemit\Binary;

/**
 * The README's code does what it says, with Laravel's own classes; so does the example.
 */
final class ReadmeTest extends RedisTestCase
{
    /**
     * @return list<string> the blocks of PHP, as they are
     */
    private static function blocks(): array
    {
        preg_match_all('/```php\n(.*?)```/s', (string) file_get_contents(__DIR__ . '/../README.md'), $found);
        return $found[1];
    }

    public function testBlocks(): void
    {
        $listener = $this->listener();
        $this->expectOutputString(
            "1 of 2 clients answered in time\nAda is ready\ns1 is in s1, lobby\n1 server has it\nempty-room\n",
        );
        $blocks = array_filter(self::blocks(), fn (string $block) => preg_match('/namespace |tls:/', $block) !== 1);
        self::assertCount(9, $blocks);
        $servers = new SocketServers(self::$server->port, fn (array $request) => match ($request['type'] ?? null) {
            0 => [['requestId' => $request['requestId'], 'sockets' => []]],
            5 => [['requestId' => $request['requestId'], 'sockets' => [['id' => 's1', 'rooms' => ['s1', 'lobby']]]]],
            7 => [
                ['type' => 8, 'requestId' => $request['requestId'], 'clientCount' => 2],
                ['type' => 9, 'requestId' => $request['requestId'], 'packet' => ['name' => 'Ada']],
            ],
        });
        $run = static function (string $code, array &$variables): void {
 // in whose scope only those of the blocks are
            extract($variables);
            eval($code);
            $variables = array_diff_key(get_defined_vars(), ['code' => true, 'variables' => true]);
        };
        $variables = [];
        try {
            foreach ($blocks as $block) {
                $run(str_replace('6379', (string) self::$server->port, $block), $variables);
            }
        } finally {
            $servers->stop();
        }
        self::assertSame(['hello', 'world'], $listener->event());
        [$channel, [, $packet, $options]] = $listener->next();
        self::assertSame(['socket.io#/#user:7#', ['muted']], [$channel, $options['except']]);
        self::assertSame(['order:paid', ['id' => 12345, 'total' => 19.99]], $packet['data']);
        [$channel, [, $packet]] = $listener->next();
        self::assertSame('socket.io#/admin#', $channel);
        self::assertEquals(['photo', new Binary("\xFF\xD8")], $packet['data']);
        self::assertSame(['hello', 'from Predis'], $listener->event());
        self::assertSame([['a'], ['b']], [$listener->event(), $listener->event()]);
        for ($n = 0; $n < 1000; $n++) {
            self::assertSame(['tick', $n], $listener->event());
        }
    }

    public function testTls(): void
    {
        [$block] = array_values(array_filter(self::blocks(), fn (string $block) => str_contains($block, 'tls:')));
        $port = RedisServer::freePort();
        $certificate = new Certificate();
        $server = new RedisServer(['--tls-port', (string) $port, ...$certificate->options()]);
        $servers = new SocketServers($server->port, fn (array $request) => [
            ['type' => 6, 'requestId' => $request['requestId'], 'data' => $request['data'][1]],
        ]);
        try {
            $io = null;
            eval(str_replace(['6380', '/etc/redis/ca.crt'], [(string) $port, $certificate->path], $block));
            self::assertSame(['x'], $io->serverSideEmitWithAck('ev', 'x'));
        } finally {
            $servers->stop();
            $server->stop();
            $certificate->remove();
        }
    }

    /**
     * @dataProvider laravelClients
     */
    public function testLaravel(string $client): void
    {
        $app = self::laravel($client);
        foreach (self::blocks() as $block) {
            $isFile = preg_match('/^namespace (\S+);.*?^final class (\w+)/ms', $block, $found) === 1;
            if ($isFile && !class_exists("$found[1]\\$found[2]")) {
                eval($block);
            }
        }
        $provider = new SocketIoServiceProvider($app);
        $provider->register();
        $provider->boot();
        $listener = $this->listener();

        $queue = new \Illuminate\Queue\SyncQueue();
        $queue->setContainer($app);
        $queue->push(new TellUser(7, ['id' => 12345]));
        [$channel, [, $packet]] = $listener->next();
        self::assertSame(['socket.io#/#user:7#', ['order:paid', ['id' => 12345]]], [$channel, $packet['data']]);

        $event = new OrderPaid(12345, 7);
        (new BroadcastEvent($event))->handle($app[Factory::class]); // what the queue of broadcast() does
        $event->socket = 'abcdefghijklmnopqrst'; // what toOthers() sets
        (new BroadcastEvent($event))->handle($app[Factory::class]);
        foreach ([[], ['abcdefghijklmnopqrst']] as $except) {
            [$channel, [, $packet, $options]] = $listener->next();
            self::assertSame(['socket.io#/#private-user.7#', $except], [$channel, $options['except']]);
            self::assertSame(['order:paid', ['id' => 12345]], $packet['data']);
        }
        $app[Factory::class]->connection()->broadcast([], 'nobody');
        $app[Factory::class]->connection()->broadcast(['a', 'b'], 'empty');
        [$channel, [, $packet, $options]] = $listener->next();
        self::assertEquals([['empty', new \stdClass()], ['a', 'b']], [$packet['data'], $options['rooms']]);
    }

    /**
     * @return iterable<array{string}>
     */
    public static function laravelClients(): iterable
    {
        yield ['phpredis'];
        yield ['predis'];
    }

    /**
     * Returns of Laravel what this needs, set as its config/database.php has it.
     */
    private static function laravel(string $client): Container
    {
        $app = new Container();
        Container::setInstance($app);
        Facade::clearResolvedInstances();
        Facade::setFacadeApplication($app);
        $app->instance(\Illuminate\Contracts\Container\Container::class, $app);
        $app['config'] = [
            'broadcasting.default' => 'sioemit',
            'broadcasting.connections.sioemit' => ['driver' => 'sioemit'],
        ];
        $app->instance('redis', new RedisManager($app, $client, [
            'options' => ['cluster' => 'redis', 'prefix' => 'laravel_database_'],
            'default' => ['host' => '127.0.0.1', 'port' => self::$server->port, 'database' => '0'],
        ]));
        (new BusServiceProvider($app))->register();
        $app->singleton(Factory::class, fn ($app) => new BroadcastManager($app));
        return $app;
    }

    public function testExample(): void
    {
        $listener = $this->listener();
        $example = escapeshellarg(__DIR__ . '/../examples/notify.php');
        exec(PHP_BINARY . " $example 127.0.0.1 " . self::$server->port, $lines, $status);
        self::assertSame([['0 servers listen'], 0], [$lines, $status]);
        foreach (['socket.io#/#user:7#', 'socket.io#/#', 'socket.io-request#/#'] as $channel) {
            self::assertSame($channel, $listener->message()[0]);
        }
    }
}
