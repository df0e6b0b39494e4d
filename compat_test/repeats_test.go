package compat_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/harness"
)

// breaker makes connections that break at the worst moment: Redis has carried out the command, and its reply is lost.
type breaker struct {
	every    int64 // one of so many emits
	attempts atomic.Int64
	broken   atomic.Int64
}

func (b *breaker) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &breakingConn{Conn: conn, breaker: b}, nil
}

type breakingConn struct {
	net.Conn
	breaker *breaker
	breaks  atomic.Bool
}

// repeated is the name of the event by which a connection knows that it carries an emit.
const repeated = "to be repeated or not"

func (c *breakingConn) Write(data []byte) (int, error) {
	if bytes.Contains(data, []byte(repeated)) && c.breaker.attempts.Add(1)%c.breaker.every == 0 {
		c.breaks.Store(true)
	}
	return c.Conn.Write(data)
}

func (c *breakingConn) Read(data []byte) (int, error) {
	n, err := c.Conn.Read(data)
	if err == nil && c.breaks.Load() {
		c.breaker.broken.Add(1)
		c.Conn.Close()
		return 0, io.EOF
	}
	return n, err
}

// breakingClient is a client of go-redis whose connections break.
type breakingClient struct {
	name       string
	cluster    bool
	maxRetries int
	hook       bool // emitter.NoRetry
	repeats    bool // what it must be seen to do
}

// breakingClients are those of docs/scaling.md.
var breakingClients = []breakingClient{
	{name: "Client", repeats: true},
	{name: "Client, MaxRetries -1", maxRetries: -1},
	{name: "Client, hook", hook: true},
	{name: "ClusterClient", cluster: true, repeats: true},
	// MaxRetries is not what counts there.
	{name: "ClusterClient, MaxRetries -1", cluster: true, maxRetries: -1, repeats: true},
	{name: "ClusterClient, hook", cluster: true, hook: true},
}

func (c breakingClient) connect(b *breaker, one *harness.Redis, cluster *harness.RedisCluster) redis.UniversalClient {
	var client redis.UniversalClient
	if c.cluster {
		client = redis.NewClusterClient(&redis.ClusterOptions{Addrs: cluster.Addrs(), Dialer: b.dial, MaxRetries: c.maxRetries, ReadTimeout: unhurried})
	} else {
		client = redis.NewClient(&redis.Options{Addr: one.Addr, Dialer: b.dial, MaxRetries: c.maxRetries, ReadTimeout: unhurried})
	}
	if c.hook {
		client.AddHook(emitter.NoRetry())
	}
	return client
}

// go-redis repeats a command whose reply it did not get, and then the event arrives twice. docs/scaling.md says which
// options and what code turn that off, and that this makes an error of it.
func TestRepeats(t *testing.T) {
	t.Parallel()
	ctx := withDeadline(t)
	one := startRedis(t)
	cluster := harness.ClusterFor(t, masters, 0, harness.RedisConfig{})
	for _, c := range breakingClients {
		for _, how := range resilients {
			t.Run(c.name+"/"+how.name, func(t *testing.T) {
				w := newWitness("subscriber")
				node := one
				if c.cluster {
					slot, err := cluster.Slot(ctx, how.key)
					if err != nil {
						t.Fatal(err)
					}
					node = cluster.Owner(ctx, slot)
				}
				if how.kind == "xread" {
					w.read(t, node.Client(), how.key)
				} else {
					w.follow(t, how.kind, how.channel, func(context.Context) *harness.Redis { return node }, how.number)
				}
				b := &breaker{every: 5}
				client := c.connect(b, one, cluster)
				closeAtEnd(t, client)
				sio := emitter.New(client, emitter.WithAdapter(how.emitter))
				var sent []emission
				for range 100 {
					e := emission{number: int(lastNumber.Add(1)), from: time.Now()}
					e.err = sio.Emit(ctx, repeated, e.number)
					e.to = time.Now()
					sent = append(sent, e)
				}
				settled(sent, []*witness{w}, death{}, func() {})
				broken := int(b.broken.Load())
				f := judge(sent, []*witness{w}, death{})
				// What an error hides arrives all the same, and what was sent again by way of another node may come last,
				// or a test below says so.
				pending := func() bool { return f.despiteError < f.errors || c.repeats && f.duplicates < broken }
				for until := time.Now().Add(20 * time.Second); pending() && time.Now().Before(until); {
					time.Sleep(5 * time.Millisecond)
					f = judge(sent, []*witness{w}, death{})
				}
				fmt.Fprintf(os.Stdout, "repeats %-28s %-8s %d emits, %d broken connections, %d errors, %d duplicates\n",
					c.name+",", how.name+":", f.emits, broken, f.errors, f.duplicates)
				if broken < 20 || len(f.lost) > 0 {
					t.Errorf("%d connections broke, lost: %q", broken, f.lost)
				}
				switch {
				case c.repeats && (f.errors != 0 || f.duplicates != broken):
					t.Errorf("%d errors and %d duplicates, want none and %d", f.errors, f.duplicates, broken)
				case !c.repeats && (f.errors != broken || f.duplicates != 0 || f.despiteError != broken):
					t.Errorf("%d errors, %d duplicates, %d receipts despite an error; want %d, none and %[4]d", f.errors, f.duplicates, f.despiteError, broken)
				}
			})
		}
	}
}

// A pipeline is repeated as a whole.
func TestRepeatedPipelines(t *testing.T) {
	t.Parallel()
	ctx := withDeadline(t)
	one := startRedis(t)
	cluster := harness.ClusterFor(t, masters, 0, harness.RedisConfig{})
	how := resilients[1] // the channel has one node, so a pipeline goes to one
	slot, err := cluster.Slot(ctx, how.key)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range breakingClients {
		node := one
		if c.cluster {
			node = cluster.Owner(ctx, slot)
		}
		t.Run(c.name, func(t *testing.T) {
			const size = 5
			w := newWitness("subscriber")
			w.follow(t, how.kind, how.channel, func(context.Context) *harness.Redis { return node }, how.number)
			b := &breaker{every: 4}
			client := c.connect(b, one, cluster)
			closeAtEnd(t, client)
			sio := emitter.New(client, emitter.WithAdapter(how.emitter))
			failed := 0
			for range 21 {
				if err := sio.Pipelined(ctx, func(sio *emitter.Emitter) error {
					for range size {
						if err := sio.Emit(ctx, repeated, lastNumber.Add(1)); err != nil {
							return err
						}
					}
					return nil
				}); err != nil {
					failed++
				}
			}
			// One channel, one connection each: this comes last.
			last := int(lastNumber.Add(1))
			if err := emitter.New(node.Client(), emitter.WithAdapter(how.emitter)).Emit(ctx, "last", last); err != nil {
				t.Fatal(err)
			}
			settled([]emission{{number: last, from: time.Now(), to: time.Now()}}, []*witness{w}, death{}, func() {})
			w.mu.Lock()
			defer w.mu.Unlock()
			duplicates := 0
			for _, n := range w.got {
				duplicates += n - 1
			}
			broken := int(b.broken.Load())
			fmt.Fprintf(os.Stdout, "repeats %-28s pipeline: 21 pipelines of %d, %d broken connections, %d errors, %d duplicates, %d received\n",
				c.name+",", size, broken, failed, duplicates, len(w.got))
			if broken < 5 || len(w.got) != 21*size+1 {
				t.Errorf("%d connections broke, %d events were received", broken, len(w.got))
			}
			if c.repeats && (failed != 0 || duplicates != broken*size) || !c.repeats && (failed != broken || duplicates != 0) {
				t.Errorf("%d errors and %d duplicates of %d broken pipelines", failed, duplicates, broken)
			}
		})
	}
}

// What docs/scaling.md says about how long a cluster client keeps to a master that is dead.
func TestClusterStateReloadInterval(t *testing.T) {
	t.Parallel()
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{"localhost:1"}})
	closeAtEnd(t, client)
	if interval := client.Options().ClusterStateReloadInterval; interval != time.Minute {
		t.Errorf("go-redis now looks for new masters every %v: say so in docs/scaling.md", interval)
	}
}
