package emitter_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/harness"
)

// cutter breaks connections behind a question that Redis has taken: the answer
// of Redis to it is read and thrown away.
type cutter struct {
	left atomic.Int64 // how many questions are to be cut off
	cuts atomic.Int64
}

func (c *cutter) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	return &cutConn{Conn: conn, cutter: c}, err
}

type cutConn struct {
	net.Conn
	cutter *cutter
	asked  atomic.Bool
}

func (c *cutConn) Write(b []byte) (int, error) {
	c.asked.Store(bytes.Contains(b, []byte("requestId")))
	return c.Conn.Write(b)
}

func (c *cutConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && c.asked.Load() && c.cutter.left.Add(-1) >= 0 {
		c.cutter.cuts.Add(1)
		c.Conn.Close()
		return 0, io.EOF
	}
	return n, err
}

// retryHook repeats what failed, as hooks of users do.
type retryHook struct{}

func (retryHook) DialHook(next redis.DialHook) redis.DialHook { return next }

func (retryHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		for range 3 {
			if err == nil || errors.Is(err, redis.Nil) {
				break
			}
			err = next(ctx, cmd)
		}
		return err
	}
}

func (retryHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		if err != nil {
			err = next(ctx, cmds)
		}
		return err
	}
}

// retries wraps a client and repeats what failed, with a copy of the command.
type retries struct{ redis.UniversalClient }

func (r retries) Process(ctx context.Context, cmd redis.Cmder) error {
	if err := r.UniversalClient.Process(ctx, cmd); err == nil {
		return nil
	}
	again := cmd.Clone()
	again.SetErr(nil)
	err := r.UniversalClient.Process(ctx, again)
	cmd.SetErr(err)
	return err
}

// TestAskedOnce cuts connections behind questions that Redis has taken, on every
// client that there is.
func TestAskedOnce(t *testing.T) {
	t.Parallel()
	one := startRedis(t)
	cluster := harness.ClusterFor(t, 3, 0, harness.RedisConfig{})
	sentinels := harness.SentinelsFor(t, 0, 1, harness.RedisConfig{})
	single := func(c *cutter) *redis.Client {
		options := one.Options()
		options.Dialer = c.dial
		return redis.NewClient(options)
	}
	clustered := func(c *cutter) *redis.ClusterClient {
		var addrs []string
		for _, node := range cluster.Nodes {
			addrs = append(addrs, node.Addr)
		}
		return redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs, Dialer: c.dial, MaxRedirects: 8})
	}
	auto := func(client redis.UniversalClient, async bool, o *redis.AutoPipelineOptions) redis.UniversalClient {
		start := client.AutoPipelineWithOptions
		if async {
			start = client.AsyncAutoPipelineWithOptions
		}
		ap, err := start(o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ap.Close() })
		return ap
	}
	hooked := func(client redis.UniversalClient) redis.UniversalClient {
		client.AddHook(retryHook{})
		return client
	}
	for i, test := range []struct {
		name   string
		redis  *harness.Redis
		client func(*cutter) redis.UniversalClient
	}{
		{"Client", one, func(c *cutter) redis.UniversalClient { return single(c) }},
		{"ClusterClient", cluster.Nodes[1], func(c *cutter) redis.UniversalClient { return clustered(c) }},
		{"Ring", one, func(c *cutter) redis.UniversalClient {
			return redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"one": one.Addr}, Dialer: c.dial})
		}},
		{"failover", sentinels.Nodes[0], func(c *cutter) redis.UniversalClient {
			return redis.NewFailoverClient(&redis.FailoverOptions{MasterName: harness.MasterName, SentinelAddrs: sentinels.Addrs, Dialer: c.dial})
		}},
		{"AutoPipeline", one, func(c *cutter) redis.UniversalClient { return auto(single(c), false, nil) }},
		{"AsyncAutoPipeline", one, func(c *cutter) redis.UniversalClient { return auto(single(c), true, nil) }},
		{"full-duplex AutoPipeline", one, func(c *cutter) redis.UniversalClient {
			return auto(single(c), false, &redis.AutoPipelineOptions{FullDuplex: true})
		}},
		{"wrapped", one, func(c *cutter) redis.UniversalClient { return embeds{single(c)} }},
		{"wrapped cluster", cluster.Nodes[2], func(c *cutter) redis.UniversalClient { return embeds{clustered(c)} }},
		{"hook", one, func(c *cutter) redis.UniversalClient { return hooked(single(c)) }},
		{"hook of a cluster", cluster.Nodes[0], func(c *cutter) redis.UniversalClient { return hooked(clustered(c)) }},
		{"hook of AutoPipeline", one, func(c *cutter) redis.UniversalClient { return auto(hooked(single(c)), false, nil) }},
		{"wrapper that repeats", one, func(c *cutter) redis.UniversalClient { return retries{single(c)} }},
		{"wrapper that repeats, cluster", cluster.Nodes[0], func(c *cutter) redis.UniversalClient { return retries{clustered(c)} }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var c cutter
			client := test.client(&c)
			defer client.Close()
			namespace := fmt.Sprint("/", i)
			var mu sync.Mutex
			var ids []string
			answer := func(server string) func(question) []string {
				return func(q question) []string {
					mu.Lock()
					defer mu.Unlock()
					if server == "one" {
						ids = append(ids, q.RequestID)
					}
					switch q.Type {
					case 1:
						return []string{fmt.Sprintf(`{"requestId":%q,"rooms":[%q]}`, q.RequestID, server)}
					case 5:
						return []string{fmt.Sprintf(`{"requestId":%q,"sockets":[]}`, q.RequestID)}
					case 6:
						return []string{fmt.Sprintf(`{"type":6,"requestId":%q,"data":1}`, q.RequestID)}
					}
					return []string{q.count(1), q.ack(`"client of ` + server + `"`)}
				}
			}
			for _, server := range []string{"one", "other"} {
				serve(t, test.redis, "socket.io-request#"+namespace+"#", "socket.io-response#"+namespace+"#", answer(server))
			}
			op := emitter.New(client).Of(namespace).Timeout(forever)
			for name, call := range map[string]func() (string, error){
				"EmitWithAck": func() (string, error) {
					acks, err := op.EmitWithAck(t.Context(), "e", 1)
					return fmt.Sprint(len(acks.Values)), err
				},
				"ServerSideEmitWithAck": func() (string, error) {
					values, err := op.ServerSideEmitWithAck(t.Context(), "e")
					return fmt.Sprint(len(values)), err
				},
				"FetchSockets": func() (string, error) {
					sockets, err := op.FetchSockets(t.Context())
					return fmt.Sprint(len(sockets)), err
				},
				"Rooms": func() (string, error) {
					rooms, err := op.Rooms(t.Context())
					return strings.Join(rooms, " "), err
				},
			} {
				c.cuts.Store(0)
				c.left.Store(1)
				got, err := call()
				want, wantErr := "0", emitter.ErrMaybeAsked
				switch name {
				case "FetchSockets":
					wantErr = nil
				case "Rooms":
					want, wantErr = "one other", nil
				}
				if got != want || !errors.Is(err, wantErr) {
					t.Errorf("%s: %s, %v, want %s, %v", name, got, err, want, wantErr)
				}
				if n := c.cuts.Load(); n != 1 {
					t.Errorf("%s: %d connections were cut", name, n)
				}
			}
			// Nothing is cut any more.
			c.cuts.Store(1)
			c.left.Store(0)
			if acks, err := op.EmitWithAck(t.Context(), "e", 1); err != nil || len(acks.Values) != 2 {
				t.Errorf("afterwards: %+v, %v", acks, err)
			}
			mu.Lock()
			defer mu.Unlock()
			slices.Sort(ids)
			// Two calls have asked once, two have asked anew, and one was not cut.
			if len(ids) != 7 || len(slices.Compact(slices.Clone(ids))) != 7 {
				t.Errorf("the server was asked as %q, want 7 ids, each once", ids)
			}
		})
	}
}

// TestQuestionMoved has Redis refuse a question, because it is asked at the wrong
// node of a Redis Cluster: it may go to the right one.
func TestQuestionMoved(t *testing.T) {
	t.Parallel()
	cluster := harness.ClusterFor(t, 3, 0, harness.RedisConfig{})
	const requests, responses = "socket.io#/#", "socket.io#/#emitter#"
	servers := cluster.Client().SSubscribe(t.Context(), requests)
	if _, err := servers.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	defer func() {
		servers.Close()
		<-done
	}()
	asked := make(chan string, 10)
	go func() {
		defer close(done)
		for m := range servers.Channel() {
			q, err := readQuestion(m.Payload)
			if err == nil {
				asked <- q.RequestID
				reply := fmt.Sprintf(`{"type":8,"data":{"requestId":%q,"sockets":[{"id":"s"}]},"uid":"u","nsp":"/"}`, q.RequestID)
				err = cluster.Client().SPublish(context.Background(), responses, reply).Err()
			}
			if err != nil {
				t.Error(err)
			}
		}
	}()
	slot, err := cluster.Slot(t.Context(), requests)
	if err != nil {
		t.Fatal(err)
	}
	owner := cluster.Owner(t.Context(), slot)
	wrong := cluster.Nodes[0]
	if wrong == owner {
		wrong = cluster.Nodes[1]
	}
	rdb := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{owner.Addr}, ClusterSlots: func(ctx context.Context) ([]redis.ClusterSlot, error) {
		shards, err := cluster.Client().ClusterShards(ctx).Result()
		var slots []redis.ClusterSlot
		for _, shard := range shards {
			nodes := []redis.ClusterNode{{Addr: fmt.Sprint("127.0.0.1:", shard.Nodes[0].Port)}}
			for _, r := range shard.Slots {
				first, last := int(r.Start), int(r.End)
				if first <= slot && slot <= last { // about this one it says the wrong thing
					slots = append(slots, redis.ClusterSlot{Start: slot, End: slot, Nodes: []redis.ClusterNode{{Addr: wrong.Addr}}},
						redis.ClusterSlot{Start: first, End: slot - 1, Nodes: nodes})
					first = slot + 1
				}
				slots = append(slots, redis.ClusterSlot{Start: first, End: last, Nodes: nodes})
			}
		}
		return slots, err
	}})
	defer rdb.Close()
	sockets, err := emitter.New(rdb, emitter.WithAdapter(emitter.Sharded(emitter.ShardedOptions{}))).Timeout(forever).FetchSockets(t.Context())
	if err != nil || len(sockets) != 1 {
		t.Errorf("%+v, %v", sockets, err)
	}
	<-asked
	if len(asked) > 0 {
		t.Error("it was asked more than once")
	}
	errorstats, err := wrong.Client().Info(t.Context(), "errorstats").Result()
	if err != nil || !strings.Contains(errorstats, "errorstat_MOVED") {
		t.Errorf("the wrong node was not asked: %s, %v", errorstats, err)
	}
}
