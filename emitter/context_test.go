package emitter_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
)

// allCalls are all calls that go to Redis.
var allCalls = map[string]func(ctx context.Context, io *emitter.Emitter) error{
	"Emit": func(ctx context.Context, io *emitter.Emitter) error { return io.To("room").Emit(ctx, "e") },
	"Pipelined": func(ctx context.Context, io *emitter.Emitter) error {
		return io.Pipelined(ctx, func(io *emitter.Emitter) error { return io.Emit(context.WithoutCancel(ctx), "e") })
	},
	"Emit, Pipelined": func(ctx context.Context, io *emitter.Emitter) error {
		var inner error
		err := io.Pipelined(context.WithoutCancel(ctx), func(io *emitter.Emitter) error { inner = io.Emit(ctx, "e"); return inner })
		if err != inner {
			return fmt.Errorf("%v, not %v", err, inner)
		}
		return err
	},
	"SocketsJoin":       func(ctx context.Context, io *emitter.Emitter) error { return io.SocketsJoin(ctx, "room") },
	"DisconnectSockets": func(ctx context.Context, io *emitter.Emitter) error { return io.DisconnectSockets(ctx, true) },
	"ServerSideEmit":    func(ctx context.Context, io *emitter.Emitter) error { return io.ServerSideEmit(ctx, "e") },
	"ServerCount":       func(ctx context.Context, io *emitter.Emitter) error { _, err := io.ServerCount(ctx); return err },
	"EmitWithAck":       func(ctx context.Context, io *emitter.Emitter) error { _, err := io.EmitWithAck(ctx, "e"); return err },
	"FetchSockets":      func(ctx context.Context, io *emitter.Emitter) error { _, err := io.FetchSockets(ctx); return err },
	"Rooms":             func(ctx context.Context, io *emitter.Emitter) error { _, err := io.Rooms(ctx); return err },
}

// TestContextEnded has the context end before the call, and in the middle of a
// pipeline: nothing is sent, whatever the client.
func TestContextEnded(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	pubsub := server.Client().PSubscribe(t.Context(), "*")
	defer pubsub.Close()
	if _, err := pubsub.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	rdb := server.Client()
	auto, async := autoPipelines(t, rdb)
	pipe := rdb.Pipeline()
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"one": server.Addr}})
	defer ring.Close()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, client := range map[string]emitter.Client{
		"Client": rdb, "AutoPipeline": auto, "AsyncAutoPipeline": async, "wrapped": embeds{auto}, "Ring": ring, "Pipeline": pipe,
	} {
		io := emitter.New(client)
		for call, run := range allCalls {
			err := run(ended, io)
			if !errors.Is(err, context.Canceled) || !strings.HasPrefix(err.Error(), "emitter: ") {
				t.Errorf("%s on %s: %v", call, name, err)
			}
		}
		during, cancel := context.WithCancel(t.Context())
		err := io.Pipelined(during, func(io *emitter.Emitter) error {
			defer cancel()
			return io.Emit(during, "e")
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("ended in Pipelined on %s: %v", name, err)
		}
	}
	if pipe.Len() != 0 {
		t.Errorf("%d commands in the pipeline", pipe.Len())
	}
	if err := rdb.Publish(t.Context(), "end", "").Err(); err != nil {
		t.Fatal(err)
	}
	if m, err := pubsub.ReceiveMessage(t.Context()); err != nil || m.Channel != "end" {
		t.Errorf("%v, %v was sent", m, err)
	}
}

// TestContextIsWaitedFor has a Redis that answers nothing: calls return when
// their context ends.
func TestContextIsWaitedFor(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	options := server.Options()
	options.ContextTimeoutEnabled, options.ReadTimeout, options.MaxRetries = true, 20*time.Second, -1
	rdb := redis.NewClient(options)
	defer rdb.Close()
	slow := server.Options()
	slow.ReadTimeout, slow.MaxRetries = 20*time.Second, -1
	without := redis.NewClient(slow) // its own calls last until ReadTimeout
	defer without.Close()
	auto, async := autoPipelines(t, without)
	for _, client := range []redis.UniversalClient{rdb, auto, async} {
		if err := client.Ping(t.Context()).Err(); err != nil { // they are connected
			t.Fatal(err)
		}
	}
	if err := server.Pause(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Resume(); err != nil { // so that what still waits can end
			t.Error(err)
		}
	}()
	for name, client := range map[string]emitter.Client{"Client": rdb, "AutoPipeline": auto, "AsyncAutoPipeline": async, "wrapped": embeds{async}, "wrapped Client": embeds{without}} {
		for _, call := range []string{"Emit", "Pipelined", "ServerCount", "SocketsJoin"} {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			started := time.Now()
			err := allCalls[call](ctx, emitter.New(client))
			if took := time.Since(started); !errors.Is(err, context.DeadlineExceeded) || took > 10*time.Second {
				t.Errorf("%s on %s: %v after %v", call, name, err, took)
			}
			cancel()
		}
	}
}

// TestDeadRedis says what dialling says, not only that time ran out.
func TestDeadRedis(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close() // and what connects to it is refused
	single := redis.NewClient(&redis.Options{Addr: addr, ContextTimeoutEnabled: true})
	defer single.Close()
	cluster := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{addr}, ContextTimeoutEnabled: true})
	defer cluster.Close()
	sentinel := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: "m", SentinelAddrs: []string{addr}, ContextTimeoutEnabled: true, DialerRetries: 1})
	defer sentinel.Close()
	for name, client := range map[string]emitter.Client{"Client": single, "wrapped": embeds{single}, "ClusterClient": cluster} {
		for _, call := range []string{"Emit", "Pipelined", "ServerCount", "SocketsJoin", "EmitWithAck"} {
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond) // go-redis dials for 400 ms before it gives up
			started := time.Now()
			err := allCalls[call](ctx, emitter.New(client))
			cancel()
			if took := time.Since(started); !errors.Is(err, syscall.ECONNREFUSED) || !strings.Contains(err.Error(), "refused") || took > 10*time.Second {
				t.Errorf("%s on %s: %v after %v", call, name, err, took)
			}
		}
	}
	// A client of Sentinels dials behind its own earlier attempts, one after the
	// other, so that an error does not know yet when little time is left.
	io := emitter.New(sentinel)
	var last error
	for patience := 300 * time.Millisecond; patience < 2*time.Minute; patience *= 4 {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		last = io.Emit(ctx, "e")
		cancel()
		if errors.Is(last, syscall.ECONNREFUSED) {
			return
		}
		if !errors.Is(last, context.DeadlineExceeded) {
			t.Fatal(last)
		}
	}
	t.Errorf("no error says that the connection was refused, the last: %v", last)
}
