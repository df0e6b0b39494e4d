package compat_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/harness"
)

// confirming emits a few numbers, asks whether the servers have them, and so on, until it is stopped.
type confirming struct {
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu        sync.Mutex
	confirmed map[int]int // by how many servers, by number
	successes int
	refusals  int // answers that prove nothing
	failures  int // too few answers, or none
	last      error
}

// startConfirming starts at once. What is judged: a number that was confirmed has been received, whatever happens.
func startConfirming(test *testing.T, io *emitter.Emitter) *confirming {
	ctx, cancel := context.WithCancel(context.Background())
	c := &confirming{cancel: cancel, confirmed: make(map[int]int)}
	test.Cleanup(func() { c.stop() })
	c.done.Go(func() {
		var pending []int
		for ctx.Err() == nil {
			for range 5 {
				number := int(lastNumber.Add(1))
				one, done := context.WithTimeout(context.Background(), 30*time.Second)
				if io.Emit(one, "number", number) == nil {
					pending = append(pending, number)
				}
				done()
			}
			one, done := context.WithTimeout(context.Background(), 10*time.Second)
			servers, err := io.Confirm(one)
			done()
			c.mu.Lock()
			switch {
			case err == nil:
				for _, number := range pending {
					c.confirmed[number] = servers
				}
				pending = nil
				c.successes++
			case errors.Is(err, emitter.ErrUnconfirmed):
				pending = nil
				c.refusals++
			default:
				c.failures++
			}
			if err != nil {
				c.last = err
			}
			c.mu.Unlock()
			time.Sleep(time.Millisecond) // the rate of the calls, not a wait for something
		}
	})
	return c
}

func (c *confirming) stop() {
	c.cancel()
	c.done.Wait()
}

// startConfirmedCluster has two official servers, and nobody else who listens: what does not answer is missed.
func startConfirmedCluster(t *testing.T, how resilient) (*ensemble, *confirming) {
	t.Helper()
	cluster := harness.ClusterFor(t, masters, 1, harness.RedisConfig{Args: []string{"--cluster-replica-validity-factor", "0"}})
	e := &ensemble{T: t, ctx: withDeadline(t), how: how, nodes: cluster.Nodes, cluster: cluster}
	var err error
	if e.slot, err = cluster.Slot(e.ctx, how.key); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		e.addServer(i, cluster.Conn())
	}
	if !e.serversBack() {
		t.Fatal("the servers are not subscribed")
	}
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: cluster.Addrs(), ReadTimeout: unhurried, ClusterStateReloadInterval: time.Second})
	client.AddHook(emitter.NoRetry())
	closeAtEnd(t, client)
	c := startConfirming(t, emitter.New(client, emitter.WithAdapter(how.emitter)))
	c.flow(e, 5)
	return e, c
}

// flow waits until so many more confirmations have succeeded.
func (c *confirming) flow(e *ensemble, confirmations int) {
	e.Helper()
	count := func() int {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.successes
	}
	for want := count() + confirmations; count() < want; {
		select {
		case <-e.ctx.Done():
			e.Fatalf("no more confirmations: %v; the last error: %v", context.Cause(e.ctx), c.last)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// judge fails the test when fewer clients get what was confirmed than servers have confirmed it, or one gets it twice.
func (c *confirming) judge(e *ensemble, what string) {
	e.Helper()
	c.stop()
	received := make(map[int]int) // by how many clients
	twice := 0
	for _, s := range e.servers {
		got := func(events []harness.Event) map[int]int {
			numbers := make(map[int]int)
			for _, event := range events {
				n, err := eventNumber(event)
				if err != nil {
					e.Error(err)
				}
				numbers[n]++
			}
			return numbers
		}
		patient, cancel := context.WithTimeout(e.ctx, 20*time.Second)
		_ = s.client.Await(patient, func(events []harness.Event) bool {
			numbers := got(events)
			for n, servers := range c.confirmed {
				if servers == len(e.servers) && numbers[n] == 0 {
					return false
				}
			}
			return true
		})
		cancel()
		for n, times := range got(s.client.Events()) {
			received[n]++
			twice += times - 1
		}
	}
	missing := 0
	for n, servers := range c.confirmed {
		missing += max(0, servers-received[n])
	}
	fmt.Fprintf(os.Stdout, "resilience %-46s %d numbers confirmed in %d confirmations, %d that proved nothing, %d without all answers; confirmed and not received: %d; received twice: %d\n",
		e.how.name+", "+what+", confirming:", len(c.confirmed), c.successes, c.refusals, c.failures, missing, twice)
	if missing > 0 || twice > 0 {
		e.Errorf("%d numbers were confirmed and not received, %d received twice", missing, twice)
	}
}

// TestConfirmedMasterKilled kills a master of a Redis Cluster, that which has the shard channel or the stream. Servers of
// the classic adapter with node-redis 6 end when they are asked while their client looks for the new master: the adapter
// does not look at what becomes of the answer that it publishes. For these see TestConfirmedRestarted.
func TestConfirmedMasterKilled(t *testing.T) {
	for _, how := range resilients {
		if how.kind == "psubscribe" {
			continue
		}
		t.Run(how.name, func(t *testing.T) {
			t.Parallel()
			e, c := startConfirmedCluster(t, how)
			victim := e.owner(e.ctx)
			if err := e.cluster.SetNodeTimeout(e.ctx, time.Second); err != nil {
				t.Fatal(err)
			}
			d := e.kill(victim)
			if !e.await(time.Minute, func() bool { owner := e.owner(e.ctx); return owner != nil && owner != victim }) {
				t.Fatal("no replica took over")
			}
			if err := e.cluster.SetNodeTimeout(e.ctx, time.Minute); err != nil {
				t.Fatal(err)
			}
			e.recover(d.from)
			c.flow(e, 20)
			c.judge(e, "master killed")
		})
	}
}

// TestConfirmedSlotMoved moves the slot of the shard channel, or of the stream, to another master.
func TestConfirmedSlotMoved(t *testing.T) {
	for _, how := range resilients {
		t.Run(how.name, func(t *testing.T) {
			t.Parallel()
			e, c := startConfirmedCluster(t, how)
			from := e.owner(e.ctx)
			move, err := e.cluster.StartSlotMove(e.ctx, e.slot, e.nodes[(slices.Index(e.nodes, from)+1)%masters])
			if err != nil {
				t.Fatal(err)
			}
			if _, err := move.MoveKeys(e.ctx); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			if how.kind == "ssubscribe" { // the old master ends the subscriptions to channels of the slot
				for _, s := range e.servers {
					s.gone()
				}
			}
			if err := move.Finish(e.ctx); err != nil {
				t.Fatal(err)
			}
			e.recover(began)
			c.flow(e, 20)
			c.judge(e, "slot moved")
		})
	}
}

// TestConfirmedSentinelFailover kills the master that sentinels watch.
func TestConfirmedSentinelFailover(t *testing.T) {
	for _, how := range resilients {
		t.Run(how.name, func(t *testing.T) {
			t.Parallel()
			sentinels := harness.SentinelsFor(t, 2, 3, harness.RedisConfig{})
			e := &ensemble{T: t, ctx: withDeadline(t), how: how, nodes: sentinels.Nodes}
			for i := range 2 {
				e.addServer(i, sentinels.Conn())
			}
			client := redis.NewFailoverClient(&redis.FailoverOptions{
				MasterName: harness.MasterName, SentinelAddrs: sentinels.Addrs, ReadTimeout: unhurried, MaxRetries: -1,
			})
			closeAtEnd(t, client)
			c := startConfirming(t, emitter.New(client, emitter.WithAdapter(how.emitter)))
			c.flow(e, 5)
			victim, err := sentinels.Master(e.ctx)
			if err != nil {
				t.Fatal(err)
			}
			if err := sentinels.SetDownAfter(e.ctx, time.Second); err != nil {
				t.Fatal(err)
			}
			victim.Kill()
			isBack := func() bool { // all servers are, at another master
				master, err := sentinels.Master(e.ctx)
				if err != nil || master == victim || !master.Running() {
					return false
				}
				for _, s := range e.servers {
					found, err := s.node.Subscribers(e.ctx, []*harness.Redis{master})
					if err != nil || !slices.ContainsFunc(found, func(one harness.Subscriber) bool { return one.Kind == how.kind }) {
						return false
					}
				}
				return true
			}
			if !e.await(time.Minute, isBack) {
				t.Fatalf("not all servers are at a new master; they said: %s, %s", e.servers[0].node.Stderr(), e.servers[1].node.Stderr())
			}
			c.flow(e, 20)
			c.judge(e, "Sentinel failover")
		})
	}
}

// TestConfirmedRestarted kills the one Redis, and starts it again.
func TestConfirmedRestarted(t *testing.T) {
	t.Parallel()
	one := harness.RedisFor(t, harness.RedisConfig{})
	e := &ensemble{T: t, ctx: withDeadline(t), how: resilients[0], nodes: []*harness.Redis{one}}
	conn := one.Conn()
	conn.Package = "ioredis" // which keeps what cannot be sent now
	for i := range 2 {
		e.addServer(i, conn)
	}
	client := redis.NewClient(&redis.Options{Addr: one.Addr, ReadTimeout: unhurried, MaxRetries: -1})
	closeAtEnd(t, client)
	c := startConfirming(t, emitter.New(client))
	c.flow(e, 5)
	for range 3 {
		one.Kill()
		if err := one.Restart(e.ctx); err != nil {
			t.Fatal(err)
		}
		c.flow(e, 20)
	}
	c.judge(e, "Redis restarted")
}
