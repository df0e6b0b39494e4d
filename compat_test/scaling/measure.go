package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/harness"
)

// size is how large a Redis Cluster is.
type size struct{ masters, replicas int } // replicas of each master

func (s size) nodes() int { return s.masters * (1 + s.replicas) }

var sizes = []size{{1, 0}, {2, 0}, {3, 0}, {3, 1}, {6, 0}, {9, 0}}

// result is what one emit cost.
type result struct {
	size    size
	adapter string

	latency  float64 // median, in µs
	cpu      float64 // of all Redis nodes, in µs
	written  float64 // bytes, by all Redis nodes
	messages float64 // of pub/sub, between Redis nodes
}

const (
	emits   = 5000
	servers = 2 // whatever the number of nodes: it is their number that is to show
)

// payload is the argument of the event.
var payload = map[string]any{
	"id": 12345, "title": "Order shipped", "price": 19.99, "tags": []string{"a", "b", "c"},
	"user": map[string]any{"id": "u_123", "name": "Ada"},
}

var adapters = []struct {
	name    string
	adapter emitter.Adapter
	listen  func(context.Context, *listeners, *harness.RedisCluster, int) error
}{
	{"classic", emitter.Classic(), func(ctx context.Context, l *listeners, c *harness.RedisCluster, i int) error {
		// Servers subscribe on any node.
		return l.subscribe(ctx, c.Nodes[i%len(c.Nodes)].Client().PSubscribe(ctx, "socket.io#/#*"))
	}},
	{"sharded", emitter.Sharded(emitter.ShardedOptions{}), func(ctx context.Context, l *listeners, c *harness.RedisCluster, _ int) error {
		return l.subscribe(ctx, c.Client().SSubscribe(ctx, "socket.io#/#"))
	}},
	{"streams", emitter.Streams(emitter.StreamsOptions{}), func(_ context.Context, l *listeners, c *harness.RedisCluster, _ int) error {
		l.read(c.Client(), "socket.io")
		return nil
	}},
}

// measure starts a cluster and emits through each adapter.
func measure(ctx context.Context, s size) ([]result, error) {
	c, err := harness.StartRedisCluster(ctx, s.masters, s.replicas, harness.RedisConfig{})
	if err != nil {
		return nil, err
	}
	var results []result
	for _, a := range adapters {
		r := result{size: s, adapter: a.name}
		if err = func() error {
			l := &listeners{}
			defer l.close()
			for i := range servers {
				if err := a.listen(ctx, l, c, i); err != nil {
					return err
				}
			}
			return r.take(ctx, c, emitter.New(c.Client(), emitter.WithAdapter(a.adapter)), l)
		}(); err != nil {
			break
		}
		results = append(results, r)
	}
	return results, errors.Join(err, c.Close())
}

// take emits and fills in the result. What the nodes do when nobody emits is taken off.
func (r *result) take(ctx context.Context, c *harness.RedisCluster, io *emitter.Emitter, l *listeners) error {
	for range 500 { // connections, and what is slow at first
		if err := io.Emit(ctx, "order", payload); err != nil {
			return err
		}
	}
	if err := l.await(ctx, 500*servers); err != nil {
		return err
	}
	idle, err := usageOf(ctx, c, func() error {
		time.Sleep(time.Second) // the time during which idleness is measured
		return nil
	})
	if err != nil {
		return err
	}
	times := make([]time.Duration, 0, emits)
	busy, err := usageOf(ctx, c, func() error {
		for range emits {
			began := time.Now()
			if err := io.Emit(ctx, "order", payload); err != nil {
				return err
			}
			times = append(times, time.Since(began))
		}
		return l.await(ctx, (500+emits)*servers)
	})
	if err != nil {
		return err
	}
	slices.Sort(times)
	r.latency = float64(times[len(times)/2].Nanoseconds()) / 1000
	per := func(busy, idle float64, took, idled time.Duration) float64 {
		return max(0, (busy-idle*took.Seconds()/idled.Seconds())/emits)
	}
	r.cpu = per(busy.cpu, idle.cpu, busy.took, idle.took)
	r.written = per(busy.written, idle.written, busy.took, idle.took)
	r.messages = per(busy.messages, idle.messages, busy.took, idle.took)
	return nil
}

// usage is what all nodes of a cluster used.
type usage struct {
	took                   time.Duration
	cpu, written, messages float64
}

func usageOf(ctx context.Context, c *harness.RedisCluster, do func() error) (usage, error) {
	before, err := usageNow(ctx, c)
	if err != nil {
		return usage{}, err
	}
	began := time.Now()
	if err := do(); err != nil {
		return usage{}, err
	}
	took := time.Since(began)
	after, err := usageNow(ctx, c)
	return usage{took, after.cpu - before.cpu, after.written - before.written, after.messages - before.messages}, err
}

func usageNow(ctx context.Context, c *harness.RedisCluster) (usage, error) {
	var sum usage
	for _, node := range c.Nodes {
		info, err := node.Client().Info(ctx, "cpu").Result()
		if err != nil {
			return sum, err
		}
		sum.cpu += 1e6 * (number(info, "used_cpu_sys:") + number(info, "used_cpu_user:"))
		messages, err := node.Client().ClusterInfo(ctx).Result()
		if err != nil {
			return sum, err
		}
		sum.messages += number(messages, "messages_publish_sent:") + number(messages, "messages_publishshard_sent:")
		io, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", node.PID()))
		if err != nil {
			return sum, err
		}
		sum.written += number(string(io), "wchar: ")
	}
	return sum, nil
}

// number reads the number behind a name; 0 when it is not there.
func number(text, name string) float64 {
	_, rest, _ := strings.Cut(text, name)
	line, _, _ := strings.Cut(rest, "\n")
	n, err := strconv.ParseFloat(strings.TrimSpace(line), 64)
	if err != nil {
		return 0
	}
	return n
}

// listeners play the servers: they receive and count.
type listeners struct {
	mu      sync.Mutex
	got     int
	closing []func()
	group   sync.WaitGroup
}

func (l *listeners) add(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.got += n
}

func (l *listeners) subscribe(ctx context.Context, s *redis.PubSub) error {
	if _, err := s.Receive(ctx); err != nil {
		return errors.Join(err, s.Close())
	}
	messages := s.Channel(redis.WithChannelSize(emits))
	l.closing = append(l.closing, func() { s.Close() })
	l.group.Go(func() {
		for range messages {
			l.add(1)
		}
	})
	return nil
}

func (l *listeners) read(client *redis.ClusterClient, stream string) {
	ctx, cancel := context.WithCancel(context.Background())
	l.closing = append(l.closing, cancel)
	l.group.Go(func() {
		last := "0"
		for ctx.Err() == nil {
			found, err := client.XRead(ctx, &redis.XReadArgs{Streams: []string{stream, last}, Count: 100, Block: 200 * time.Millisecond}).Result()
			if err != nil {
				continue
			}
			messages := found[0].Messages
			last = messages[len(messages)-1].ID
			l.add(len(messages))
		}
	})
}

// patience is how long nothing may come before what is missing counts as lost.
const patience = 10 * time.Second

// await waits until so many messages have come.
func (l *listeners) await(ctx context.Context, n int) error {
	last, since := -1, time.Now()
	for {
		l.mu.Lock()
		got := l.got
		l.mu.Unlock()
		if got >= n {
			return nil
		}
		if got != last {
			last, since = got, time.Now()
		}
		if ctx.Err() != nil || time.Since(since) > patience {
			return errors.Join(fmt.Errorf("%d messages of %d came", got, n), ctx.Err())
		}
		time.Sleep(time.Millisecond)
	}
}

func (l *listeners) close() {
	for _, stop := range l.closing {
		stop()
	}
	l.group.Wait()
}
