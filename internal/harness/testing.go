package harness

import (
	"context"
	"errors"
	"testing"
	"time"
)

// startPatience ends a start that a healthy one never comes near to, on a busy machine either.
const startPatience = 4 * time.Minute

// NeedServers skips a test under -short, which only `make check` gives: it promises not to need redis-server, Node.js
// and the like. Everywhere else a test whose servers cannot be started fails.
func NeedServers(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("it needs servers or programs that -short is without; make test runs it")
	}
}

// RedisFor starts a redis-server for a test, at whose end it is closed.
func RedisFor(t testing.TB, config RedisConfig) *Redis {
	t.Helper()
	return startFor(t, func(ctx context.Context) (*Redis, error) { return StartRedis(ctx, config) })
}

// ClusterFor does so with a Redis Cluster.
func ClusterFor(t testing.TB, masters, replicas int, config RedisConfig) *RedisCluster {
	t.Helper()
	return startFor(t, func(ctx context.Context) (*RedisCluster, error) {
		return StartRedisCluster(ctx, masters, replicas, config)
	})
}

// SentinelsFor does so with a master, its replicas, and Sentinels.
func SentinelsFor(t testing.TB, replicas, sentinels int, config RedisConfig) *Sentinels {
	t.Helper()
	return startFor(t, func(ctx context.Context) (*Sentinels, error) { return StartSentinels(ctx, replicas, sentinels, config) })
}

// NodeFor does so with a Socket.IO server.
func NodeFor(t testing.TB, config NodeConfig) *Node {
	t.Helper()
	return startFor(t, func(ctx context.Context) (*Node, error) { return StartNode(ctx, config) })
}

// ClientsFor does so with the clients of a generation.
func ClientsFor(t testing.TB, g Generation) *Clients {
	t.Helper()
	return startFor(t, func(ctx context.Context) (*Clients, error) { return StartClients(ctx, g) })
}

// ProgramFor does so with any other server. When the test has failed, its log has what the program wrote.
func ProgramFor(t testing.TB, config ProgramConfig) *Program {
	t.Helper()
	p := startFor(t, func(ctx context.Context) (*Program, error) { return StartProgram(ctx, config) })
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s wrote:\n%s", config.Name, p.Stderr())
		}
	})
	return p
}

func startFor[T interface{ Close() error }](t testing.TB, start func(context.Context) (T, error)) T {
	t.Helper()
	NeedServers(t)
	ctx, cancel := context.WithTimeoutCause(t.Context(), startPatience, errors.New("it took too long to start"))
	defer cancel()
	thing, err := start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := thing.Close(); err != nil {
			t.Error(err)
		}
	})
	return thing
}
