<?php

declare(strict_types=1);

namespace Sioemit;

use Predis\Command\RawCommand;
use Predis\Connection\Aggregate;
use Predis\Connection\Cluster;
use Predis\Connection\ConnectionException;
use Predis\Connection\NodeConnectionInterface;
use Predis\Response\ErrorInterface;

/**
 * A client of Predis for a Redis Cluster.
 *
 * @internal
 */
final class PredisCluster extends PredisConnection
{
    private bool $knowsNodes = false;

    public function __construct(private readonly Aggregate\RedisCluster|Cluster\RedisCluster $cluster)
    {
    }

    protected function node(string $channel): NodeConnectionInterface
    {
        if (!$this->knowsNodes) {
            $this->cluster->getIterator(); // asks the cluster for its nodes, of which Predis otherwise guesses,
            $this->askSlots(); // and, having added them, forgets which slots they have
            $this->knowsNodes = true;
        }
        $slot = $this->slot($channel);
        $node = $this->cluster->getConnectionBySlot($slot);
        try {
            $node->connect();
        } catch (ConnectionException $e) {
            if (count($this->cluster) < 2) {
                throw $e;
            }
            // Nothing has been sent yet, so that another node may take it.
            $this->cluster->remove($node);
            $this->askSlots();
            $node = $this->cluster->getConnectionBySlot($slot);
            $node->connect();
        }
        return $node;
    }

    public function address(string $channel): RedisAddress
    {
        try {
            $node = $this->node($channel);
            $slot = $this->slot($channel);
            foreach (self::ask($node, ['CLUSTER', 'SLOTS']) as [$first, $last, [$host, $port]]) {
                if ($first <= $slot && $slot <= $last) {
                    $host = (string) $host === '' ? null : $host;
                    return RedisAddress::fromPredis($node->getParameters(), true, $host, $port);
                }
            }
        } catch (SioemitException $e) {
            throw $e;
        } catch (\Throwable $e) {
            throw SioemitException::fromRedis('the connection for replies', $e->getMessage(), $e);
        }
        throw SioemitException::fromRedis('the connection for replies', "no node has the slot of $channel");
    }

    public function inCluster(): bool
    {
        return true;
    }

    public function masters(): array
    {
        return self::explained(['CLUSTER', 'SLOTS'], fn () => $this->nodesOf(1));
    }

    protected function nodeAt(
        #[\SensitiveParameter] NodeConnectionInterface $teller,
        string $host,
        int $port,
    ): NodeConnectionInterface {
        if ($host === '') {
            return $teller;
        }
        $parameters = array_diff_key($teller->getParameters()->toArray(), ['alias' => true, 'slots' => true]);
        return $this->cluster->getConnectionById("$host:$port")
            ?? $this->cluster->getConnectionFactory()->create(compact('host', 'port') + $parameters);
    }

    protected function nodes(): array
    {
        return $this->nodesOf(null);
    }

    /**
     * @param ?int $count how many of each range of slots, of which the master is the first; null for all
     *
     * @return list<NodeConnectionInterface>
     */
    private function nodesOf(?int $count): array
    {
        $master = $this->node('');
        $nodes = [];
        foreach (self::ask($master, ['CLUSTER', 'SLOTS']) as $range) {
            foreach (array_slice($range, 2, $count) as [$host, $port]) {
                $nodes["$host:$port"] ??= $this->nodeAt($master, (string) $host, $port);
            }
        }
        return array_values($nodes);
    }

    protected function redirect(array $command, ErrorInterface $error): mixed
    {
        if (preg_match('/^(MOVED|ASK) /', $error->getMessage()) !== 1) {
            return $error;
        }
        $words = RawCommand::create(...$command);
        $words->setSlot($this->slot($command[1]));
        return $this->cluster->executeCommand($words); // it finds the node, and remembers it
    }

    private function askSlots(): void
    {
        $this->cluster->{method_exists($this->cluster, 'askSlotMap') ? 'askSlotMap' : 'askSlotsMap'}();
    }

    private function slot(string $channel): int
    {
        return $this->cluster->getClusterStrategy()->getSlotByKey($channel);
    }
}
