<?php

declare(strict_types=1);

namespace Sioemit;

use Predis\ClientInterface;
use Predis\Command\RawCommand;
use Predis\Connection\Aggregate;
use Predis\Connection\NodeConnectionInterface;
use Predis\Connection\Replication;
use Predis\Response\ErrorInterface;

/**
 * A client of Predis for one Redis, or for a master with replicas.
 *
 * @internal
 */
final class PredisServer extends PredisConnection
{
    public function __construct(
        private readonly ClientInterface $client,
        private readonly Aggregate\ReplicationInterface|Replication\ReplicationInterface|NodeConnectionInterface $server
    ) {
    }

    public function address(string $channel): RedisAddress
    {
        try {
            return RedisAddress::fromPredis($this->node($channel)->getParameters(), false);
        } catch (\Throwable $e) {
            throw SioemitException::fromRedis('the connection for replies', $e->getMessage(), $e);
        }
    }

    public function inCluster(): bool
    {
        return false;
    }

    public function masters(): array
    {
        return [null];
    }

    protected function node(string $channel): NodeConnectionInterface
    {
        if ($this->server instanceof NodeConnectionInterface) {
            return $this->server;
        }
        $master = $this->server->getMaster();
        if (!$master->isConnected()) {
            // This goes to the master, too. When it fails, Predis asks Sentinel which one it is now.
            $this->client->executeCommand(RawCommand::create('ROLE'));
            $master = $this->server->getMaster();
        }
        return $master;
    }

    protected function nodes(): array
    {
        return [$this->node('')];
    }

    protected function redirect(array $command, ErrorInterface $error): mixed
    {
        if (preg_match('/^(MOVED|ASK) /', $error->getMessage()) === 1) {
            throw new \RuntimeException($error->getMessage() . ': this Redis is a node of a Redis Cluster, '
                . "which takes a client with the option 'cluster' => 'redis'");
        }
        return $error;
    }
}
