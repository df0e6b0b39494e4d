<?php

declare(strict_types=1);

namespace Sioemit;

use Predis\ClientInterface;

/**
 * Sends to the clients of a Socket.IO cluster, through a client of Redis, which stays the caller's.
 *
 *     $io = new Emitter($redis);
 *     $io->to('user:7')->emit('order:paid', ['id' => 12345]);
 */
class Emitter extends BroadcastOperator
{
    /**
     * Checks the options, which say what the servers have set. Nothing is sent.
     *
     * @param ?string                     $key            of the classic adapter; "socket.io"
     * @param int                         $serverVersion  of the classic adapter: the major version of Socket.IO, 1 to 4
     * @param ?string                     $codec          of the classic adapter: "messagepack", or "json" for a parser
     *                                                    of JSON
     * @param Sharded|Streams|Python|null $adapter        where it is not the classic one
     * @param int                         $maxAttachments how many binary values an event may hold: more than 10
     *                                                    disconnect clients with socket.io-parser 4.2.6 or later
     * @param ?string                     $socketIds      a regular expression for the ids of servers that make their
     *                                                    own: before Socket.IO 4, and in Python
     * @param ?array<string, mixed>       $context        what a client of phpredis does not tell the connection for
     *                                                    replies, as \Redis::connect() takes it: "stream", with PHP's
     *                                                    options of TLS; and for a \RedisCluster "auth"
     */
    public function __construct(
        \Redis|\RedisCluster|ClientInterface $redis,
        ?string $key = null,
        int $serverVersion = 4,
        ?string $codec = null,
        Sharded|Streams|Python|null $adapter = null,
        int $maxAttachments = 10,
        ?string $socketIds = null,
        #[\SensitiveParameter] ?array $context = null,
    ) {
        $settings = Settings::fromOptions($key, $serverVersion, $codec, $adapter, $maxAttachments, $socketIds);
        $connection = self::connection($redis, $context);
        $sent = new Sent($settings->adapter, $connection->inCluster());
        parent::__construct($settings, new DirectSender($connection, $sent), new Target());
    }

    /**
     * Sends what a function adds in one round trip, in its order, when the function returns. When it throws, nothing is
     * sent.
     *
     *     $io->pipeline(function (BroadcastOperator $io) {
     *         $io->to('a')->emit('one');
     *         $io->to('b')->emit('two');
     *     });
     *
     * A pipeline is no transaction: when the connection breaks, a part may have been sent.
     *
     * @param callable(BroadcastOperator): mixed $calls
     */
    public function pipeline(callable $calls): void
    {
        $pipeline = new Pipeline();
        try {
            $calls(new BroadcastOperator($this->settings, $pipeline, new Target()));
        } finally {
            $pipeline->end();
        }
        $pipeline->sendBy($this->sender->direct());
    }

    private static function connection(
        \Redis|\RedisCluster|ClientInterface $redis,
        #[\SensitiveParameter] ?array $context,
    ): Connection {
        if ($redis instanceof \Redis) {
            return new PhpRedis($redis, $context ?? []);
        }
        if ($redis instanceof \RedisCluster) {
            return new PhpRedisCluster($redis, $context ?? []);
        }
        if ($context !== null) {
            throw new SioemitException(Reason::AdapterOption, 'context is for phpredis; Predis tells it itself');
        }
        $connection = $redis->getConnection();
        return match (true) {
            $connection instanceof \Predis\Connection\NodeConnectionInterface,
            $connection instanceof \Predis\Connection\Aggregate\ReplicationInterface,
            $connection instanceof \Predis\Connection\Replication\ReplicationInterface,
                => new PredisServer($redis, $connection),
            $connection instanceof \Predis\Connection\Aggregate\RedisCluster,
            $connection instanceof \Predis\Connection\Cluster\RedisCluster,
                => new PredisCluster($connection),
            default => throw new SioemitException(
                Reason::Client,
                'this client of Predis spreads keys over servers that know nothing of each other, and an event would '
                    . "reach a part of them; for a Redis Cluster it takes the option 'cluster' => 'redis'",
            ),
        };
    }
}
