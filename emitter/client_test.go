package emitter_test

import (
	"context"
	"errors"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/harness"
)

// embeds wraps a client as packages for tracing and injection do: of its methods
// only those of the interface are left.
type embeds struct{ redis.UniversalClient }

// hides wraps a client of which nothing can be seen.
type hides struct{ client redis.UniversalClient }

func (h *hides) Process(ctx context.Context, cmd redis.Cmder) error {
	return h.client.Process(ctx, cmd)
}

func (h *hides) Pipelined(ctx context.Context, fn func(redis.Pipeliner) error) ([]redis.Cmder, error) {
	return h.client.Pipelined(ctx, fn)
}

func (h *hides) Subscribe(ctx context.Context, channels ...string) *redis.PubSub {
	return h.client.Subscribe(ctx, channels...)
}

func (h *hides) SSubscribe(ctx context.Context, channels ...string) *redis.PubSub {
	return h.client.SSubscribe(ctx, channels...)
}

// autoPipelines are both that a client has.
func autoPipelines(t *testing.T, client redis.UniversalClient) (blocking, async *redis.AutoPipeliner) {
	t.Helper()
	blocking, err := client.AutoPipeline()
	if err != nil {
		t.Fatal(err)
	}
	if async, err = client.AsyncAutoPipeline(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		blocking.Close()
		async.Close()
	})
	return blocking, async
}

// countAll asks in every way how many servers there are, and complains unless it
// is n, or the error that it should be.
func countAll(t *testing.T, name string, client emitter.Client, n int, want error) {
	t.Helper()
	io := emitter.New(client)
	servers, err := io.ServerCount(t.Context())
	if servers != n || !errors.Is(err, want) {
		t.Errorf("%s: ServerCount: %d, %v, want %d, %v", name, servers, err, n, want)
	}
	for range 2 { // what is known after the first call stays so
		acks, err := io.Timeout(forever).EmitWithAck(t.Context(), "e", 1)
		if acks.Clients != n || len(acks.Values) != n || acks.Servers != n || !errors.Is(err, want) {
			t.Errorf("%s: EmitWithAck: %+v, %v, want %d, %v", name, acks, err, n, want)
		}
	}
}

// TestClientsOfCluster has a server on each node of a Redis Cluster, and every
// client hear all of them, or say that it cannot.
func TestClientsOfCluster(t *testing.T) {
	t.Parallel()
	cluster := harness.ClusterFor(t, 3, 0, harness.RedisConfig{})
	for _, node := range cluster.Nodes {
		serveClassic(t, node, echo)
	}
	rdb := cluster.Client()
	auto, async := autoPipelines(t, rdb)
	node := cluster.Nodes[0].Client()
	nodeAuto, nodeAsync := autoPipelines(t, node)
	conn := node.Conn()
	defer conn.Close()
	for name, client := range map[string]emitter.Client{
		"ClusterClient":          rdb,
		"embedded":               struct{ *redis.ClusterClient }{rdb},
		"embedded as interface":  embeds{rdb},
		"pointer to a wrapper":   &embeds{rdb},
		"wrapper of a wrapper":   embeds{embeds{rdb}},
		"embedded as any client": struct{ emitter.Client }{struct{ *redis.ClusterClient }{rdb}},
	} {
		if name == "embedded as any client" {
			n, err := emitter.New(client).ServerCount(t.Context()) // it cannot subscribe
			if n != 3 || err != nil {
				t.Errorf("%s: %d, %v", name, n, err)
			}
			continue
		}
		countAll(t, name, client, 3, nil)
	}
	for name, client := range map[string]emitter.Client{
		"AutoPipeline":              auto,
		"AsyncAutoPipeline":         async,
		"wrapped AutoPipeline":      embeds{auto},
		"hidden":                    &hides{rdb},
		"Client of a node":          node,
		"wrapped Client of a node":  embeds{node},
		"AutoPipeline of a node":    nodeAuto,
		"AsyncAutoPipeline, a node": nodeAsync,
	} {
		countAll(t, name, client, 0, emitter.ErrNeedsClusterClient)
		if err := emitter.New(client).Emit(t.Context(), "e"); err != nil {
			t.Errorf("%s: Emit: %v", name, err)
		}
	}
	if _, err := emitter.New(conn).ServerCount(t.Context()); !errors.Is(err, emitter.ErrNeedsClusterClient) {
		t.Errorf("Conn of a node: %v", err)
	}
}

// TestClientsOfOneRedis hear the one server that there is.
func TestClientsOfOneRedis(t *testing.T) {
	t.Parallel()
	redisServer := startRedis(t)
	serveClassic(t, redisServer, echo)
	rdb := redisServer.Client()
	auto, async := autoPipelines(t, rdb)
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"one": redisServer.Addr}})
	defer ring.Close()
	for name, client := range map[string]emitter.Client{
		"Client": rdb, "embedded": struct{ *redis.Client }{rdb}, "embedded as interface": embeds{rdb}, "hidden": &hides{rdb},
		"AutoPipeline": auto, "AsyncAutoPipeline": async, "wrapped AutoPipeline": embeds{auto},
		"Ring": ring, "embedded Ring": struct{ *redis.Ring }{ring}, "Ring embedded as interface": embeds{ring},
	} {
		countAll(t, name, client, 1, nil)
	}
	emitter.New(embeds{}) // a double that a test never sends with
}

// TestClientsOfRing are refused when it is one of several Redis, whatever is
// around it, and when it becomes one.
func TestClientsOfRing(t *testing.T) {
	t.Parallel()
	redisServer := startRedis(t)
	serveClassic(t, redisServer, echo)
	addrs := map[string]string{"one": redisServer.Addr, "two": "127.0.0.1:1"}
	two := redis.NewRing(&redis.RingOptions{Addrs: addrs})
	defer two.Close()
	for name, client := range map[string]emitter.Client{"Ring": two, "embedded": struct{ *redis.Ring }{two}, "embedded as interface": &embeds{two}} {
		if err := emitter.New(client).Emit(t.Context(), "e"); !errors.Is(err, emitter.ErrRing) {
			t.Errorf("%s: Emit: %v", name, err)
		}
		countAll(t, name, client, 0, emitter.ErrRing)
	}
	one := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"one": redisServer.Addr}})
	defer one.Close()
	io := emitter.New(one)
	if err := ask(t.Context(), io, 1); err != nil {
		t.Error(err)
	}
	one.SetAddrs(map[string]string{"one": redisServer.Addr, "other": startRedis(t).Addr})
	if err := ask(t.Context(), io, 2); !errors.Is(err, emitter.ErrRing) {
		t.Errorf("a Ring that has become one of two: %v", err)
	}
	lost := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"lost": "127.0.0.1:1"}})
	defer lost.Close()
	eventually(t, "the Ring knows that it has lost its Redis", func() bool { return lost.Len() == 0 })
	if err := ask(t.Context(), emitter.New(lost), 3); err == nil || errors.Is(err, emitter.ErrNoServers) {
		t.Errorf("a Ring that has lost its Redis: %v", err)
	}
}

// TestRedisDoesNotSay has a Redis without HELLO, as before version 6: a client of
// go-redis has one node, of what hides one it is not known.
func TestRedisDoesNotSay(t *testing.T) {
	t.Parallel()
	redisServer := harness.RedisFor(t, harness.RedisConfig{Args: []string{"--rename-command", "HELLO", ""}})
	serveClassic(t, redisServer, echo)
	rdb := redisServer.Client()
	countAll(t, "Client", rdb, 1, nil)
	countAll(t, "embedded as interface", embeds{rdb}, 1, nil)
	countAll(t, "hidden", &hides{rdb}, 0, emitter.ErrUnknownClient)
}
