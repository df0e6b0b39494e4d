package compat_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/harness"
)

// confirmable is a way to join servers that can say what they have taken.
type confirmable struct {
	name    string
	adapter harness.Adapter
	options []emitter.Option
	cluster bool
	// keeps says that a server whose connection is cut loses nothing: it reads on where it was.
	keeps bool
}

// isHeardOnly says that the servers subscribe to nothing.
func (c confirmable) isHeardOnly() bool {
	return c.adapter.Package == harness.StreamsAdapter01.Package || c.adapter.Package == harness.StreamsAdapter02.Package
}

var confirmables = []confirmable{
	{name: "socket.io-redis 6.1", adapter: harness.SocketIORedis61},
	{name: "redis-adapter 7", adapter: harness.RedisAdapter7},
	{name: "redis-adapter 8", adapter: harness.RedisAdapter8},
	{name: "redis-adapter 8, own response channel", adapter: harness.RedisAdapter8.With("publishOnSpecificResponseChannel", true)},
	{name: "redis-adapter 8 on a cluster", adapter: harness.RedisAdapter8, cluster: true},
	{name: "sharded", adapter: harness.ShardedAdapter8, options: shardedOption},
	{name: "sharded on a cluster", adapter: harness.ShardedAdapter8, options: shardedOption, cluster: true},
	{name: "streams", adapter: harness.StreamsAdapter, options: streamsOption, keeps: true},
	{name: "streams 0.1", adapter: harness.StreamsAdapter01, options: streamsOption, keeps: true},
	{name: "streams 0.2", adapter: harness.StreamsAdapter02, options: streamsOption, keeps: true},
	{name: "streams on a cluster", adapter: harness.StreamsAdapter, options: streamsOption, cluster: true, keeps: true},
}

var (
	shardedOption = []emitter.Option{emitter.WithAdapter(emitter.Sharded(emitter.ShardedOptions{}))}
	streamsOption = []emitter.Option{emitter.WithAdapter(emitter.Streams(emitter.StreamsOptions{}))}
)

// confirmation is two servers with a client each, in a room of its own name and in
// one for all.
type confirmation struct {
	*testing.T
	nodes   []*harness.Node
	clients []*harness.Client
	redis   []*harness.Redis // all nodes
	rdb     emitter.Client
	io      *emitter.Emitter
}

func startConfirmation(t *testing.T, how confirmable) *confirmation {
	c := &confirmation{T: t}
	var conn harness.RedisConn
	if how.cluster {
		cluster := harness.ClusterFor(t, 3, 0, harness.RedisConfig{})
		rdb := cluster.Client()
		c.redis, c.rdb, conn = cluster.Nodes, rdb, cluster.Conn()
	} else {
		single := harness.RedisFor(t, harness.RedisConfig{})
		rdb := single.Client()
		c.redis, c.rdb, conn = []*harness.Redis{single}, rdb, single.Conn()
	}
	clients := harness.ClientsFor(t, harness.V4)
	for i := range 2 {
		node := harness.NodeFor(t, harness.NodeConfig{Server: harness.V4.Server, Adapter: how.adapter, Redis: conn})
		client, err := clients.Connect(t.Context(), harness.ConnectOptions{Node: node, Rooms: []string{"all", fmt.Sprint("room", i)}})
		if err != nil {
			t.Fatal(err)
		}
		c.nodes, c.clients = append(c.nodes, node), append(c.clients, client)
	}
	c.io = emitter.New(c.rdb, how.options...)
	return c
}

// emit sends numbered events to everyone, to the room for all, and to the room of
// each client, in turn.
func (c *confirmation) emit(from, n int) {
	c.Helper()
	err := c.io.Pipelined(c.Context(), func(io *emitter.Emitter) error {
		for i := range n {
			for _, to := range []*emitter.BroadcastOperator{io.Of("/"), io.To("all"), io.To("room0"), io.To("room1")} {
				if err := to.Emit(c.Context(), "n", from+i); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		c.Fatal(err)
	}
}

// perEvent is how many of the events of a number a client gets.
const perEvent = 3

// What a server cannot take waits in buffers of the system first, and then in those
// of Redis, which are lost with the connection. So many events are more than the former.
const heavy = 60

var padding = strings.Repeat("x", 256<<10)

// await waits until both clients have the events of so many numbers, and none twice.
func (c *confirmation) await(n int) { c.awaitNamed("n", n*perEvent) }

func (c *confirmation) awaitNamed(name string, n int) {
	c.Helper()
	for i, client := range c.clients {
		ctx, cancel := context.WithTimeout(c.Context(), time.Minute)
		defer cancel()
		if err := client.Await(ctx, func(events []harness.Event) bool { return countNamed(events, name) >= n }); err != nil {
			c.Fatalf("client %d: %v", i, err)
		}
		if got := countNamed(client.Events(), name); got != n {
			c.Errorf("client %d got %d events %q, not %d", i, got, name, n)
		}
	}
}

func countNamed(events []harness.Event, name string) int { return len(named(events, name)) }

func (c *confirmation) confirm(timeout time.Duration) (int, error) {
	ctx, cancel := context.WithTimeout(c.Context(), timeout)
	defer cancel()
	return c.io.Confirm(ctx)
}

func (c *confirmation) mustConfirm(what string) {
	c.Helper()
	if n, err := c.confirm(time.Minute); n != 2 || err != nil {
		c.Fatalf("%s: %d servers, %v", what, n, err)
	}
}

// cut kills all connections of subscribers, and those that read a stream.
func (c *confirmation) cut() {
	c.Helper()
	for _, node := range c.redis {
		rdb := node.Client()
		if err := rdb.ClientKillByFilter(c.Context(), "TYPE", "pubsub").Err(); err != nil {
			c.Fatal(err)
		}
	}
}

// TestConfirm has one of two servers frozen when it was sent 1,000 events, and its
// connection cut the next time.
func TestConfirm(t *testing.T) {
	t.Parallel()
	for _, how := range confirmables {
		t.Run(how.name, func(t *testing.T) {
			t.Parallel()
			c := startConfirmation(t, how)
			c.mustConfirm("before the first event")
			c.emit(0, 10)
			c.mustConfirm("after ten events")
			c.await(10)

			const many = 250 // four events each
			frozen := c.nodes[1]
			if err := frozen.Pause(); err != nil {
				t.Fatal(err)
			}
			c.emit(10, many)
			n, err := c.confirm(time.Second)
			var incomplete *emitter.IncompleteError
			if !errors.As(err, &incomplete) || !errors.Is(err, context.DeadlineExceeded) || n != 1 || incomplete.Servers != 1 || incomplete.Asked != 2 || incomplete.Call != "Confirm" {
				t.Errorf("with a frozen server: %d servers, %v", n, err)
			}
			if err := frozen.Resume(); err != nil {
				t.Fatal(err)
			}
			c.mustConfirm("when it goes on")
			c.await(10 + many)

			c.loseHeavy(how, c.cut)
			if how.keeps {
				c.mustConfirm("after a cut that loses nothing")
				c.awaitNamed("heavy", heavy)
				if err := c.io.ServerSideEmit(t.Context(), "beside"); err != nil {
					t.Fatal(err)
				}
				if n, err := c.confirm(time.Minute); !errors.Is(err, emitter.ErrUnconfirmed) {
					t.Errorf("after an event for the servers, which goes beside the stream: %d servers, %v", n, err)
				}
				if how.isHeardOnly() {
					return // such servers acknowledge nothing
				}
				if err := frozen.Pause(); err != nil {
					t.Fatal(err)
				}
				var unanswered *emitter.IncompleteError
				if _, err := c.io.Timeout(2*time.Second).EmitWithAck(t.Context(), "question"); !errors.As(err, &unanswered) || unanswered.Servers != 1 {
					t.Errorf("an event with acknowledgements, and a frozen server: %v", err)
				}
				if err := frozen.Resume(); err != nil {
					t.Fatal(err)
				}
				if n, err := c.confirm(time.Minute); !errors.Is(err, emitter.ErrUnconfirmed) {
					t.Errorf("after an event with acknowledgements, which goes beside the stream: %d servers, %v", n, err)
				}
				c.mustConfirm("the time after that")
				return
			}
			c.mustDoubt("after a connection was cut")
		})
	}
}

// TestConfirmRestarted kills Redis, and starts it again, while one of two servers is frozen.
func TestConfirmRestarted(t *testing.T) {
	t.Parallel()
	for _, how := range confirmables {
		if how.name != how.adapter.Kind && how.name != "redis-adapter 8" {
			continue
		}
		t.Run(how.name, func(t *testing.T) {
			t.Parallel()
			c := startConfirmation(t, how)
			c.mustConfirm("before the first event")
			c.loseHeavy(how, func() {
				c.redis[0].Kill()
				if err := c.redis[0].Restart(t.Context()); err != nil {
					t.Fatal(err)
				}
			})
			c.mustDoubt("after Redis was started again")
		})
	}
}

// loseHeavy has one server frozen while it is sent more than the system keeps for it, until what it lacks is lost with
// its connection, or with Redis. It returns when both servers are there again.
func (c *confirmation) loseHeavy(how confirmable, lose func()) {
	c.Helper()
	if err := c.nodes[1].Pause(); err != nil {
		c.Fatal(err)
	}
	for range heavy {
		if err := c.io.Emit(c.Context(), "heavy", padding); err != nil {
			c.Fatal(err)
		}
	}
	lose()
	if err := c.nodes[1].Resume(); err != nil {
		c.Fatal(err)
	}
	back, cancel := context.WithTimeout(c.Context(), time.Minute)
	defer cancel()
	for {
		if n, err := c.io.ServerCount(back); n == 2 || how.isHeardOnly() {
			return
		} else if back.Err() != nil {
			c.Fatalf("the servers did not come back: %d, %v", n, err)
		}
	}
}

// mustDoubt expects that it cannot be known whether the servers have the heavy events, one of which is lost, and that
// the next event is confirmed.
func (c *confirmation) mustDoubt(what string) {
	c.Helper()
	if n, err := c.confirm(time.Minute); n != 2 || !errors.Is(err, emitter.ErrUnconfirmed) {
		c.Errorf("%s: %d servers, %v", what, n, err)
	}
	c.mustConfirm("the time after that")
	if err := c.io.Emit(c.Context(), "last"); err != nil {
		c.Fatal(err)
	}
	c.mustConfirm("after the last event")
	c.awaitNamed("last", 1)
	if got := countNamed(c.clients[1].Events(), "heavy"); got == heavy {
		c.Errorf("the client of the frozen server got all %d events: nothing is proven", got)
	}
}

// TestConfirmWrapped confirms by other clients than *redis.Client: each sees that a connection was cut.
func TestConfirmWrapped(t *testing.T) {
	t.Parallel()
	c := startConfirmation(t, confirmable{adapter: harness.RedisAdapter8})
	single := c.rdb.(*redis.Client)
	auto, err := single.AutoPipeline()
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, auto)
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"one": single.Options().Addr}, ReadTimeout: unhurried})
	closeAtEnd(t, ring)
	sent := 0
	for name, client := range map[string]emitter.Client{
		"embedded":     struct{ *redis.Client }{single},
		"AutoPipeline": auto,
		"Ring":         ring,
	} {
		c.io = emitter.New(client)
		c.mustConfirm(name + ", before the first event")
		c.emit(sent, 1)
		c.mustConfirm(name + ", after it")
		sent++
		c.await(sent)
		if err := c.io.Emit(t.Context(), "cut"); err != nil { // which may be lost
			t.Fatal(err)
		}
		c.cut()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for n := 0; n < 2; n, err = c.io.ServerCount(ctx) {
			if ctx.Err() != nil {
				t.Fatalf("%s: the servers did not come back: %v", name, err)
			}
		}
		if n, err := c.confirm(time.Minute); n != 2 || !errors.Is(err, emitter.ErrUnconfirmed) {
			t.Errorf("%s, after a connection was cut: %d servers, %v", name, n, err)
		}
		c.mustConfirm(name + ", the time after that")
	}
}

// youngPattern matches a subscriber of less than three seconds in CLIENT LIST.
var youngPattern = regexp.MustCompile(`(?m) age=[012] .* psub=[1-9]`)

// TestConfirmFirst has nothing to compare with.
func TestConfirmFirst(t *testing.T) {
	t.Parallel()
	c := startConfirmation(t, confirmable{adapter: harness.RedisAdapter8})
	if n, err := c.io.Of("/nobody").Confirm(t.Context()); n != 0 || !errors.Is(err, emitter.ErrNoServers) {
		t.Errorf("a namespace without servers: %d, %v", n, err)
	}
	c.emit(0, 1)
	c.cut()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		if n, _ := c.io.ServerCount(ctx); n == 2 {
			break
		}
		if ctx.Err() != nil {
			t.Fatal("the servers did not come back")
		}
	}
	if n, err := c.io.Confirm(ctx); !errors.Is(err, emitter.ErrUnconfirmed) {
		t.Errorf("servers came after the first event: %d, %v", n, err)
	}
	// Others have been there for long enough once this one has sent its first event.
	later := emitter.New(c.rdb)
	for {
		rdb := c.redis[0].Client()
		list, err := rdb.ClientList(ctx).Result()
		if err != nil {
			t.Fatal(err)
		}
		if !youngPattern.MatchString(list) {
			break
		}
	}
	if err := later.Emit(ctx, "n", 1); err != nil {
		t.Fatal(err)
	}
	if n, err := later.Confirm(ctx); n != 2 || err != nil {
		t.Errorf("servers were there before the first event: %d, %v", n, err)
	}
	old := emitter.New(c.rdb, emitter.WithServerVersion(3))
	if _, err := old.Confirm(ctx); !errors.Is(err, emitter.ErrNeedsVersion4) {
		t.Errorf("Socket.IO 3: %v", err)
	}
	err := later.Pipelined(ctx, func(io *emitter.Emitter) error {
		_, err := io.Confirm(ctx)
		return err
	})
	if !errors.Is(err, emitter.ErrPipelined) {
		t.Errorf("in a pipeline: %v", err)
	}
}

// TestConfirmed sends more than a server that is frozen for a while may be behind:
// nobody is cut off, and everything arrives. Then one is frozen for good.
func TestConfirmed(t *testing.T) {
	t.Parallel()
	for _, how := range confirmables {
		if how.name != how.adapter.Kind && !strings.HasSuffix(how.name, "on a cluster") && how.adapter.Package != harness.RedisAdapter8.Package {
			continue // it differs from another one in the question only
		}
		t.Run(how.name, func(t *testing.T) {
			t.Parallel()
			c := startConfirmation(t, how)
			const many = 3000
			frozen := c.nodes[1]
			patient, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			got, err := c.io.Confirmed(patient, func(io *emitter.Emitter) error {
				for i := range many {
					switch i {
					case many / 3:
						if err := frozen.Pause(); err != nil {
							return err
						}
						defer frozen.Resume()
						time.AfterFunc(200*time.Millisecond, func() { frozen.Resume() })
					case many / 2:
						err := io.Pipelined(t.Context(), func(io *emitter.Emitter) error { return io.To("all").Emit(t.Context(), "inner", i) })
						if err != nil {
							return err
						}
					}
					if err := io.To("room0").Emit(t.Context(), "own", i, padding[:8<<10]); err != nil {
						return err
					}
					if err := io.Emit(t.Context(), "n", i, padding[:8<<10]); err != nil {
						return err
					}
				}
				return nil
			})
			if want := (emitter.Confirmation{Sent: 2*many + 1, Confirmed: 2*many + 1, Servers: 2}); got != want || err != nil {
				t.Fatalf("%+v, not %+v: %v", got, want, err)
			}
			c.awaitNamed("n", many)
			c.awaitNamed("inner", 1)
			for i, event := range named(c.clients[1].Events(), "n") {
				if string(event.Args[0]) != fmt.Sprint(i) {
					t.Fatalf("event %d is %s", i, event.Args[0])
				}
			}

			if err := frozen.Pause(); err != nil {
				t.Fatal(err)
			}
			impatient, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			got, err = c.io.Confirmed(impatient, func(io *emitter.Emitter) error {
				for {
					if err := io.Emit(t.Context(), "late"); err != nil {
						return err
					}
				}
			})
			var incomplete *emitter.IncompleteError
			if !errors.As(err, &incomplete) || incomplete.Servers != 1 || incomplete.Asked != 2 || got.Confirmed != 0 || got.Sent == 0 {
				t.Errorf("with a frozen server: %+v, %v", got, err)
			}
			if err := frozen.Resume(); err != nil {
				t.Fatal(err)
			}
			c.mustConfirm("when it goes on")
			c.awaitNamed("late", got.Sent)
		})
	}
}

func named(events []harness.Event, name string) (all []harness.Event) {
	for _, e := range events {
		if e.Name == name {
			all = append(all, e)
		}
	}
	return all
}
