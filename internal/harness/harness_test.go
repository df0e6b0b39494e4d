package harness_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/sioemit/sioemit/internal/harness"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testContext ends what a healthy run never comes near to, on a busy machine either.
func testContext(t *testing.T) context.Context {
	harness.NeedServers(t)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func closing(t *testing.T, thing interface{ Close() error }) {
	t.Cleanup(func() {
		if err := thing.Close(); err != nil {
			t.Error(err)
		}
	})
}

func ping(ctx context.Context, o *redis.Options) error {
	rdb := redis.NewClient(o)
	defer rdb.Close()
	return rdb.Ping(ctx).Err()
}

// A redis-server is reachable in every way that was asked for, and with the right password only.
func TestRedis(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	r, err := harness.StartRedis(ctx, harness.RedisConfig{
		Password: "p@ss:word/1", UnixSocket: true, TLS: true, Args: []string{"--maxclients", "77"},
	})
	if err != nil {
		t.Fatal(err)
	}
	closing(t, r)
	if err := r.Client().Ping(ctx).Err(); err != nil {
		t.Error(err)
	}
	for name, raw := range map[string]string{"redis": r.URL(), "unix": r.SocketURL(), "rediss": r.TLSURL()} {
		o, err := redis.ParseURL(raw)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if name == "rediss" {
			o.TLSConfig = r.TLSConfig()
		}
		if err := ping(ctx, o); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := ping(ctx, &redis.Options{Addr: r.Addr}); err == nil || !strings.Contains(err.Error(), "NOAUTH") {
		t.Errorf("without a password: %v", err)
	}
	if got := r.Client().ConfigGet(ctx, "maxclients").Val()["maxclients"]; got != "77" {
		t.Errorf("maxclients is %q", got)
	}
}

// A redis-server can be stopped, killed and brought back at the same address.
func TestRedisRestart(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	r, err := harness.StartRedis(ctx, harness.RedisConfig{ACL: []string{"user default on nopass ~* &* +@all", "user app on >secret &* +publish +ping"}})
	if err != nil {
		t.Fatal(err)
	}
	closing(t, r)
	for _, end := range []func() error{r.Stop, func() error { r.Kill(); return nil }, func() error { return nil }} {
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if err := r.Restart(ctx); err != nil {
			t.Fatal(err)
		}
		if err := ping(ctx, &redis.Options{Addr: r.Addr, Username: "app", Password: "secret"}); err != nil {
			t.Fatal(err)
		}
	}
}

// A redis-server that cannot start says why.
func TestRedisRefuses(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	_, err := harness.StartRedis(ctx, harness.RedisConfig{Args: []string{"--no-such-option", "1"}})
	if err == nil || !strings.Contains(err.Error(), "no-such-option") {
		t.Errorf("error: %v", err)
	}
}

// A redis-server whose port another one has taken is not taken for the other.
func TestRedisPortTaken(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	r, err := harness.StartRedis(ctx, harness.RedisConfig{})
	if err != nil {
		t.Fatal(err)
	}
	closing(t, r)
	if err := r.Stop(); err != nil {
		t.Fatal(err)
	}
	other, err := harness.StartRedis(ctx, harness.RedisConfig{Args: []string{"--port", strconv.Itoa(r.Port)}})
	if err != nil {
		t.Fatal(err)
	}
	closing(t, other)
	if err := r.Restart(ctx); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("error: %v", err)
	}
}

// A cluster is whole as soon as it was started.
func TestRedisCluster(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	c, err := harness.StartRedisCluster(ctx, 3, 1, harness.RedisConfig{Password: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	closing(t, c)
	for _, key := range []string{"a", "b", "c", "d", "e"} {
		if err := c.Client().Set(ctx, key, key, 0).Err(); err != nil {
			t.Error(err)
		}
		if err := c.Client().SPublish(ctx, key, key).Err(); err != nil {
			t.Error(err)
		}
	}
	replicas := 0
	for _, r := range c.Nodes {
		if strings.Contains(r.Client().Info(ctx, "replication").Val(), "role:slave") {
			replicas++
		}
	}
	if replicas != 3 {
		t.Errorf("%d replicas, want 3", replicas)
	}
}

// Clients of every generation reach servers of their generation through every transport, and get what a
// hand-written message says. A client that is told nonsense is reported as dropped.
func TestNodesAndClients(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	r, err := harness.StartRedis(ctx, harness.RedisConfig{Password: "secret", UnixSocket: true})
	if err != nil {
		t.Fatal(err)
	}
	closing(t, r)
	for _, c := range []struct {
		g harness.Generation
		a harness.Adapter
	}{
		{harness.V1, harness.SocketIORedis4},
		{harness.V2, harness.SocketIORedis5},
		{harness.V3, harness.SocketIORedis60},
		{harness.V4, harness.SocketIORedis61},
		{harness.V4, harness.RedisAdapter70},
		{harness.V4, harness.RedisAdapter71},
		{harness.V4, harness.RedisAdapter7},
		{harness.V4, harness.RedisAdapter8},
	} {
		t.Run(c.a.Package, func(t *testing.T) {
			key := c.a.Package
			node, err := harness.StartNode(ctx, harness.NodeConfig{
				Server: c.g.Server, Adapter: c.a.With("key", key), Redis: r.SocketConn(),
			})
			if err != nil {
				t.Fatal(err)
			}
			closing(t, node)
			clients, err := harness.StartClients(ctx, c.g)
			if err != nil {
				t.Fatal(err)
			}
			closing(t, clients)
			for _, transports := range [][]string{{"websocket"}, {"polling"}, nil} {
				client, err := clients.Connect(ctx, harness.ConnectOptions{Node: node, Transports: transports, LocalAddress: "127.0.0.2"})
				if err != nil {
					t.Fatal(err)
				}
				want := "websocket"
				if len(transports) == 1 {
					want = transports[0]
				}
				if client.Transport != want {
					t.Errorf("transport %s, want %s", client.Transport, want)
				}
			}
			// MessagePack of ["emitter", {type:2, data:["hi"], nsp:"/"}, {rooms:[], flags:{}, except:[]}].
			r.Client().Publish(ctx, key+"#/#", "\x93\xa7emitter\x83\xa4type\x02\xa4data\x91\xa2hi\xa3nsp\xa1/\x83\xa5rooms\x90\xa5flags\x80\xa6except\x90")
			for _, client := range clients.All() {
				if err := client.Await(ctx, func(e []harness.Event) bool { return len(e) == 1 && e[0].Name == "hi" }); err != nil {
					t.Error(err)
				}
			}
			if c.g.Number < 3 {
				return
			}
			// The same as packet type 5, a binary event that names no attachments.
			r.Client().Publish(ctx, key+"#/#", "\x93\xa7emitter\x83\xa4type\x05\xa4data\x91\xa2hi\xa3nsp\xa1/\x83\xa5rooms\x90\xa5flags\x80\xa6except\x90")
			if c.g.Number == 3 {
				thrown, err := clients.AwaitException(ctx)
				if err != nil || thrown != "Illegal attachments" {
					t.Errorf("thrown: %q, %v", thrown, err)
				}
				return
			}
			for _, client := range clients.All() {
				reason, err := client.AwaitDisconnect(ctx)
				if err != nil || reason != "parse error" {
					t.Errorf("%s: disconnected with %q, %v", client.Transport, reason, err)
				}
				if err := client.Await(ctx, func(e []harness.Event) bool { return len(e) == 2 }); err == nil {
					t.Error("the wait for a dropped client did not fail")
				}
			}
		})
	}
}

// The newer adapters are ready when they say so, on one Redis and on a cluster.
func TestNewerAdapters(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	r, err := harness.StartRedis(ctx, harness.RedisConfig{})
	if err != nil {
		t.Fatal(err)
	}
	closing(t, r)
	cluster, err := harness.StartRedisCluster(ctx, 3, 0, harness.RedisConfig{})
	if err != nil {
		t.Fatal(err)
	}
	closing(t, cluster)
	sharded := `{"uid":"emitter","nsp":"/","type":3,"data":{"packet":{"type":2,"data":["hi"],"nsp":"/"},"opts":{"rooms":[],"except":[],"flags":{}}}}`
	for name, c := range map[string]struct {
		conn    harness.RedisConn
		rdb     redis.UniversalClient
		adapter harness.Adapter
		publish func(redis.UniversalClient) error
	}{
		"sharded": {r.Conn(), r.Client(), harness.ShardedAdapter8, func(rdb redis.UniversalClient) error {
			return rdb.SPublish(ctx, "socket.io#/#", sharded).Err()
		}},
		"sharded on a cluster": {cluster.Conn(), cluster.Client(), harness.ShardedAdapter8, func(rdb redis.UniversalClient) error {
			return rdb.SPublish(ctx, "socket.io#/#", sharded).Err()
		}},
		"streams":              {r.Conn(), r.Client(), harness.StreamsAdapter.With("streamCount", 2), xadd(ctx, "socket.io-1")},
		"streams on a cluster": {cluster.Conn(), cluster.Client(), harness.StreamsAdapter, xadd(ctx, "socket.io")},
	} {
		t.Run(name, func(t *testing.T) {
			node, err := harness.StartNode(ctx, harness.NodeConfig{Server: harness.V4.Server, Adapter: c.adapter, Redis: c.conn})
			if err != nil {
				t.Fatal(err)
			}
			closing(t, node)
			clients, err := harness.StartClients(ctx, harness.V4)
			if err != nil {
				t.Fatal(err)
			}
			closing(t, clients)
			client, err := clients.Connect(ctx, harness.ConnectOptions{Node: node, Rooms: []string{"a", "b"}})
			if err != nil {
				t.Fatal(err)
			}
			if err := c.publish(c.rdb); err != nil {
				t.Fatal(err)
			}
			if err := client.Await(ctx, func(e []harness.Event) bool { return len(e) == 1 && e[0].Name == "hi" }); err != nil {
				t.Error(err, node.Stderr())
			}
		})
	}
}

func xadd(ctx context.Context, stream string) func(redis.UniversalClient) error {
	return func(rdb redis.UniversalClient) error {
		return rdb.XAdd(ctx, &redis.XAddArgs{Stream: stream, Values: []string{
			"uid", "emitter", "nsp", "/", "type", "3",
			"data", `{"packet":{"type":2,"data":["hi"],"nsp":"/"},"opts":{"rooms":[],"except":[],"flags":{}}}`,
		}}).Err()
	}
}
