package harness

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// slots is the number of hash slots of every Redis Cluster.
const slots = 16384

// RedisCluster is a running Redis Cluster.
type RedisCluster struct {
	// Nodes are the servers: first the ones that began as masters, then their replicas, round robin.
	Nodes []*Redis

	config RedisConfig
	mu     sync.Mutex
	client *redis.ClusterClient
}

// StartRedisCluster starts a cluster of so many masters, each with so many replicas, and returns once every node
// agrees that the cluster is whole and every replica follows its master.
func StartRedisCluster(ctx context.Context, masters, replicas int, config RedisConfig) (*RedisCluster, error) {
	config.cluster = true
	c := &RedisCluster{config: config}
	for range masters * (1 + replicas) {
		r, err := StartRedis(ctx, config)
		if err != nil {
			return nil, errors.Join(err, c.Close())
		}
		c.Nodes = append(c.Nodes, r)
	}
	if err := c.form(ctx, masters); err != nil {
		return nil, errors.Join(fmt.Errorf("form Redis Cluster: %w", err), c.Close())
	}
	if err := c.SetNodeTimeout(ctx, patience); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// SetNodeTimeout sets how long a node may be silent before the others take it for dead. From the start that is so long
// that no busy machine makes a node seem dead; a test that kills one sets less.
func (c *RedisCluster) SetNodeTimeout(ctx context.Context, timeout time.Duration) error {
	for _, r := range c.Nodes {
		if !r.Running() {
			continue
		}
		if err := r.Client().ConfigSet(ctx, "cluster-node-timeout", strconv.FormatInt(timeout.Milliseconds(), 10)).Err(); err != nil {
			return err
		}
	}
	return nil
}

func (c *RedisCluster) form(ctx context.Context, masters int) error {
	for i, r := range c.Nodes {
		node := r.Client()
		if err := node.Do(ctx, "CLUSTER", "SET-CONFIG-EPOCH", i+1).Err(); err != nil {
			return err
		}
		if i < masters {
			from, to := slots*i/masters, slots*(i+1)/masters-1
			if err := node.ClusterAddSlotsRange(ctx, from, to).Err(); err != nil {
				return err
			}
		}
		if i > 0 {
			first := c.Nodes[0]
			if err := node.Do(ctx, "CLUSTER", "MEET", "127.0.0.1", first.Port, first.busPort).Err(); err != nil {
				return err
			}
		}
	}
	if err := c.everyNode(ctx, func(info string) bool {
		return strings.Contains(info, fmt.Sprintf("cluster_known_nodes:%d\r\n", len(c.Nodes)))
	}); err != nil {
		return err
	}
	for i, r := range c.Nodes[masters:] {
		id, err := c.Nodes[i%masters].Client().ClusterMyID(ctx).Result()
		if err != nil {
			return err
		}
		// The replica may not have heard of its master's slots yet, which does not matter, but it has to know it.
		for {
			err = r.Client().ClusterReplicate(ctx, id).Err()
			if err == nil || !strings.Contains(err.Error(), "nknown node") {
				break
			}
			if err := pause(ctx); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
	if err := c.AwaitOK(ctx); err != nil {
		return err
	}
	for _, r := range c.Nodes[masters:] {
		for {
			info, err := r.Client().Info(ctx, "replication").Result()
			if err != nil {
				return err
			}
			if strings.Contains(info, "master_link_status:up") {
				break
			}
			if err := pause(ctx); err != nil {
				return fmt.Errorf("replica %s has no link to its master: %w", r.Addr, err)
			}
		}
	}
	// Every node has to say the same of who is replica of whom, or the first client may learn something stale. And it
	// has to have a link to every other one: PUBLISH goes past those to which there is none yet.
	for _, r := range c.Nodes {
		for {
			text, err := r.Client().ClusterNodes(ctx).Result()
			if err != nil {
				return err
			}
			if strings.Count(text, "slave ") == len(c.Nodes)-masters && strings.Count(text, " connected") == len(c.Nodes) && !strings.Contains(text, "handshake") {
				break
			}
			if err := pause(ctx); err != nil {
				return fmt.Errorf("%s does not know all nodes and replicas: %w\n%s", r.Addr, err, text)
			}
		}
	}
	return nil
}

// AwaitOK returns once every running node reports cluster_state:ok.
func (c *RedisCluster) AwaitOK(ctx context.Context) error {
	return c.everyNode(ctx, func(info string) bool {
		return strings.Contains(info, "cluster_state:ok") &&
			strings.Contains(info, fmt.Sprintf("cluster_slots_ok:%d\r\n", slots))
	})
}

// everyNode waits until what CLUSTER INFO says satisfies the condition on every node that runs.
func (c *RedisCluster) everyNode(ctx context.Context, ok func(info string) bool) error {
	for _, r := range c.Nodes {
		for r.process().running() {
			info, err := r.Client().ClusterInfo(ctx).Result()
			if err == nil && ok(info) {
				break
			}
			if perr := pause(ctx); perr != nil {
				return errors.Join(fmt.Errorf("%s is not ready: %w\n%s", r.Addr, perr, info), err)
			}
		}
	}
	return nil
}

// Addrs are the addresses of all nodes.
func (c *RedisCluster) Addrs() []string {
	addrs := make([]string, len(c.Nodes))
	for i, r := range c.Nodes {
		addrs[i] = r.Addr
	}
	return addrs
}

// URLs are the redis:// URLs of all nodes.
func (c *RedisCluster) URLs() []string {
	urls := make([]string, len(c.Nodes))
	for i, r := range c.Nodes {
		urls[i] = r.URL()
	}
	return urls
}

// Conn is how a Node is told to connect.
func (c *RedisCluster) Conn() RedisConn {
	return RedisConn{Cluster: c.URLs(), Password: c.config.Password}
}

// Client is a go-redis client for the cluster. It is made once, and closed by Close.
func (c *RedisCluster) Client() *redis.ClusterClient {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client == nil {
		c.client = redis.NewClusterClient(&redis.ClusterOptions{Addrs: c.Addrs(), Password: c.config.Password, ReadTimeout: patience})
	}
	return c.client
}

// Close ends all nodes.
func (c *RedisCluster) Close() error {
	c.mu.Lock()
	client := c.client
	c.client = nil
	c.mu.Unlock()
	var errs []error
	if client != nil {
		errs = append(errs, client.Close())
	}
	for _, r := range c.Nodes {
		errs = append(errs, r.Close())
	}
	return errors.Join(errs...)
}
