package harness

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Slot returns the hash slot of a key or of a shard channel.
func (c *RedisCluster) Slot(ctx context.Context, key string) (int, error) {
	for _, r := range c.Nodes {
		if r.Running() {
			slot, err := r.Client().ClusterKeySlot(ctx, key).Result()
			return int(slot), err
		}
	}
	return 0, errors.New("no node of the cluster runs")
}

// Owner returns the master that a slot belongs to, as the nodes that run see it; nil when they do not agree, or
// when it does not run.
func (c *RedisCluster) Owner(ctx context.Context, slot int) *Redis {
	var owner *Redis
	for _, r := range c.Nodes {
		if !r.Running() {
			continue
		}
		shards, err := r.Client().ClusterShards(ctx).Result()
		if err != nil {
			return nil
		}
		var seen *Redis
		for _, shard := range shards {
			for _, part := range shard.Slots {
				if int64(slot) < part.Start || int64(slot) > part.End {
					continue
				}
				for _, node := range shard.Nodes {
					if node.Role == "master" && node.Health == "online" {
						seen = c.byPort(int(node.Port))
					}
				}
			}
		}
		if seen == nil || owner != nil && owner != seen {
			return nil
		}
		owner = seen
	}
	if owner == nil || !owner.Running() {
		return nil
	}
	return owner
}

func (c *RedisCluster) byPort(port int) *Redis {
	for _, r := range c.Nodes {
		if r.Port == port {
			return r
		}
	}
	return nil
}

// SlotMove is a slot on its way from one master to another, as redis-cli --cluster reshard moves it.
type SlotMove struct {
	Slot     int
	From, To *Redis

	cluster      *RedisCluster
	fromID, toID string
}

// StartSlotMove begins to move a slot to another master: from now on a key that is no longer at the old master is
// answered with ASK.
func (c *RedisCluster) StartSlotMove(ctx context.Context, slot int, to *Redis) (*SlotMove, error) {
	m := &SlotMove{Slot: slot, From: c.Owner(ctx, slot), To: to, cluster: c}
	if m.From == nil || m.From == to {
		return nil, fmt.Errorf("slot %d cannot be moved to %s", slot, to.Addr)
	}
	var err error
	if m.fromID, err = m.From.Client().ClusterMyID(ctx).Result(); err != nil {
		return nil, err
	}
	if m.toID, err = to.Client().ClusterMyID(ctx).Result(); err != nil {
		return nil, err
	}
	if err := to.Client().Do(ctx, "CLUSTER", "SETSLOT", slot, "IMPORTING", m.fromID).Err(); err != nil {
		return nil, err
	}
	return m, m.From.Client().Do(ctx, "CLUSTER", "SETSLOT", slot, "MIGRATING", m.toID).Err()
}

// MoveKeys moves every key of the slot, and returns how many there were.
func (m *SlotMove) MoveKeys(ctx context.Context) (int, error) {
	moved := 0
	for {
		keys, err := m.From.Client().ClusterGetKeysInSlot(ctx, m.Slot, 100).Result()
		if err != nil || len(keys) == 0 {
			return moved, err
		}
		for _, key := range keys {
			err := m.From.Client().Migrate(ctx, "127.0.0.1", strconv.Itoa(m.To.Port), key, 0, 5*time.Second).Err()
			if err != nil && !errors.Is(err, redis.Nil) {
				return moved, err
			}
			moved++
		}
	}
}

// Finish gives the slot to its new master and tells every master so: first the new one, as redis-cli does.
func (m *SlotMove) Finish(ctx context.Context) error {
	nodes := []*Redis{m.To, m.From}
	for _, r := range m.cluster.Nodes {
		if r == m.To || r == m.From || !r.Running() {
			continue
		}
		info, err := r.Client().Info(ctx, "replication").Result()
		if err != nil {
			return err
		}
		if strings.Contains(info, "role:master") {
			nodes = append(nodes, r)
		}
	}
	for _, r := range nodes {
		if err := r.Client().Do(ctx, "CLUSTER", "SETSLOT", m.Slot, "NODE", m.toID).Err(); err != nil {
			return err
		}
	}
	return nil
}

// Running tells whether redis-server has not ended.
func (r *Redis) Running() bool { return r.process().running() }

// Subscriber is a connection of a Socket.IO server to Redis that waits for messages.
type Subscriber struct {
	Node *Redis
	Kind string // "psubscribe", "subscribe", "ssubscribe" or "xread"
}

// Subscribers says where a Socket.IO server of Socket.IO 4 is subscribed now, among the given Redis nodes.
func (n *Node) Subscribers(ctx context.Context, nodes []*Redis) ([]Subscriber, error) {
	var found []Subscriber
	mark := fmt.Sprintf(" name=sioemit-test-%d-", n.proc.cmd.Process.Pid)
	for _, r := range nodes {
		if !r.Running() {
			continue
		}
		list, err := r.Client().ClientList(ctx).Result()
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(list) {
			if !strings.Contains(line, mark) {
				continue
			}
			for field, kind := range map[string]string{" psub=": "psubscribe", " sub=": "subscribe", " ssub=": "ssubscribe"} {
				if strings.Contains(line, field) && !strings.Contains(line, field+"0 ") {
					found = append(found, Subscriber{r, kind})
				}
			}
			if strings.Contains(line, " cmd=xread ") && strings.Contains(line, " flags=b") {
				found = append(found, Subscriber{r, "xread"})
			}
		}
	}
	return found, nil
}

// PID is the id of the redis-server process.
func (r *Redis) PID() int { return r.process().cmd.Process.Pid }
