<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * What carries events from Redis to the servers, at one time: as long as it stays the same, nothing is lost on the way.
 *
 * @internal
 */
final class State
{
    /**
     * @param array<string, Node> $nodes   by the id of their run
     * @param int                 $servers that answered
     */
    public function __construct(public readonly array $nodes, public readonly int $servers)
    {
    }

    /**
     * Looks at all nodes.
     *
     * @param ?string $field of CLIENT LIST that counts what servers subscribe to: "psub", or "ssub"; null where events
     *                       stay in Redis until they are read
     */
    public static function look(#[\SensitiveParameter] Connection $connection, ?string $field, int $servers): self
    {
        $inCluster = $connection->inCluster();
        $commands = array_filter([
            'INFO' => ['INFO'],
            'SLOTS' => $inCluster && $field === 'ssub' ? ['CLUSTER', 'SLOTS'] : null,
            'LINKS' => $inCluster && $field !== null ? ['CLUSTER', 'LINKS'] : null,
            'LIST' => $field !== null ? ['CLIENT', 'LIST', 'TYPE', 'pubsub'] : null,
            'TIME' => ['TIME'], // behind the ages, so that no connection is taken for older than it is
        ]);
        $answers = $connection->askAll(...array_values($commands));
        $seen = hrtime(true);
        $nodes = [];
        foreach ($answers as $replies) {
            $replies = array_combine(array_keys($commands), $replies);
            [$info, $list] = [$replies['INFO'], $replies['LIST'] ?? ''];
            [$seconds, $microseconds] = is_array($replies['TIME']) ? $replies['TIME'] : [0, 0];
            if (!is_string($info) || !is_string($list) || $seconds === 0) {
                throw SioemitException::fromRedis('INFO', Answer::NOT_OURS);
            }
            $nodes[self::infoField($info, 'run_id')] = new Node(
                !$inCluster || self::infoField($info, 'role') === 'master',
                $field === null ? [] : self::subscribers($list, $field, $inCluster),
                self::links($replies['LINKS'] ?? []),
                self::slots($replies['SLOTS'] ?? []),
                (int) $seconds * 1_000_000_000 + (int) $microseconds * 1000,
                $seen,
            );
        }
        return new self($nodes, $servers);
    }

    private static function infoField(string $info, string $name): string
    {
        return preg_match("/^$name:(\\S*)/m", $info, $found) === 1 ? $found[1] : '';
    }

    /**
     * Reads CLIENT LIST. Those who wait for answers come and go, and are no servers: programs with go-redis, and the
     * connections for replies of the other emitters.
     *
     * @return array<string, int>
     */
    public static function subscribers(string $list, string $field, bool $inCluster): array
    {
        // A server of the classic adapter has a pattern for each namespace. One of the sharded adapter has two channels
        // for each, which on a Redis Cluster are on two nodes.
        $least = $field === 'psub' || $inCluster ? 1 : 2;
        $all = [];
        foreach (explode("\n", trim($list)) as $line) {
            preg_match_all('/(\S+?)=(\S*)/', $line, $found);
            $of = array_combine($found[1], $found[2]) + ['id' => '', 'addr' => '', 'laddr' => '', 'age' => '0'];
            $isAsking = str_starts_with($of['lib-name'] ?? '', 'go-redis')
                || ($of['name'] ?? '') === Subscription::NAME;
            if (!$isAsking && (int) ($of[$field] ?? $least) >= $least && $of['id'] !== '') { // Redis 7.0.0 has no ssub
                // One whose age is not told has none.
                $age = preg_match('/^\d{1,9}$/D', $of['age']) === 1 ? (int) $of['age'] : 0;
                $all["$of[id] $of[addr] $of[laddr]"] = $age;
            }
        }
        return $all;
    }

    /**
     * Reads CLUSTER LINKS.
     *
     * @param array<mixed> $reply
     *
     * @return array<string, int>
     */
    private static function links(array $reply): array
    {
        $links = [];
        foreach ($reply as $link) {
            if (array_is_list($link)) { // RESP 2, where it is no map
                $link = array_combine(...array_map(null, ...array_chunk($link, 2)));
            }
            if ($link['direction'] === 'to') {
                $links[$link['node']] = (int) $link['create-time'];
            }
        }
        return $links;
    }

    /**
     * Reads CLUSTER SLOTS.
     *
     * @param array<mixed> $reply
     */
    private static function slots(array $reply): string
    {
        return implode("\n", array_map(fn (array $range) => "$range[0]-$range[1] {$range[2][2]}", $reply));
    }

    /**
     * Says what may have been lost on the way between an earlier state and this one; an empty text is nothing.
     *
     * @param ?self $before   null where nobody has looked before
     * @param ?int  $since    when the first of it was sent; null for nothing
     * @param bool  $isMissed a server was cut off before, and is not known to be back
     */
    public function interrupted(?self $before, ?int $since, bool $isMissed): string
    {
        if ($before === null) {
            return $since === null ? '' : $this->youngerThan($since);
        }
        $changed = $this->changed($before);
        if ($changed !== '') {
            return $changed;
        }
        $gone = 0;
        foreach ($before->nodes as $name => $was) {
            $gone += count(array_diff_key($was->subscribers, $this->nodes[$name]->subscribers));
        }
        $came = false;
        foreach ($this->nodes as $name => $is) {
            $known = isset($before->nodes[$name]) ? $before->nodes[$name]->subscribers : [];
            foreach (array_diff_key($is->subscribers, $known) as $age) {
                $came = $came || $since === null || !$is->isOlder($age, $since);
            }
        }
        return match (true) {
            $gone === 0 && $came && $isMissed
                => 'a server that was cut off may have come back after the first event',
            $gone === 0 => '',
            // As many servers as before, and all of them have been there since before the first event: what has gone
            // was none of them, or went before that.
            !$came && $before->servers > 0 && $this->servers >= $before->servers => '',
            $gone === 1 => "a subscriber's connection to Redis was cut",
            default => "$gone subscribers' connections to Redis were cut",
        };
    }

    /**
     * Says what of the nodes is no longer as it was.
     */
    private function changed(self $before): string
    {
        foreach ($before->nodes as $name => $was) {
            $is = $this->nodes[$name] ?? null;
            $why = match (true) {
                $is === null => 'a Redis node has gone, or was started again',
                $was->isMaster && !$is->isMaster => 'a Redis node is no longer a master',
                $was->slots !== $is->slots => 'a slot of the Redis Cluster was moved',
                $was->isMaster && array_diff_assoc($was->links, $is->links) !== []
                    => "a link of the Redis Cluster's bus was cut",
                default => '',
            };
            if ($why !== '') {
                return $why;
            }
        }
        foreach ($this->nodes as $name => $is) {
            if ($is->isMaster && !($before->nodes[$name]->isMaster ?? false)) {
                return 'a Redis node has become a master';
            }
        }
        return '';
    }

    /**
     * Says which part of it may not have been there at a time.
     */
    private function youngerThan(int $since): string
    {
        foreach ($this->nodes as $node) {
            foreach ($node->subscribers as $age) {
                if (!$node->isOlder($age, $since)) {
                    return 'a subscriber connected to Redis at about the time of the first event, or after it';
                }
            }
            foreach ($node->isMaster ? $node->links : [] as $made) {
                if ($made * 1_000_000 >= $node->then($since)) {
                    return "a link of the Redis Cluster's bus was made after the first event";
                }
            }
        }
        return '';
    }
}
