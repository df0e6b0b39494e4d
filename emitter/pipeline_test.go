package emitter_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/compat_test/harness"
	"github.com/sioemit/sioemit/emitter"
)

func TestPipelined(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	received := subscribe(t, server)
	io := emitter.New(server.Client())
	refused := errors.New("refused")
	err := io.Pipelined(t.Context(), func(io *emitter.Emitter) error {
		if err := io.Emit(t.Context(), "never"); err != nil {
			t.Error(err)
		}
		return refused
	})
	if err != refused {
		t.Errorf("error %v, want that of the function", err)
	}
	if err := io.Pipelined(t.Context(), func(io *emitter.Emitter) error { return nil }); err != nil {
		t.Errorf("empty: %v", err)
	}
	err = io.Pipelined(t.Context(), func(io *emitter.Emitter) error {
		for i := range 1000 {
			if err := io.To("room").Emit(t.Context(), "n", i); err != nil {
				return err
			}
		}
		if err := io.Emit(t.Context(), ""); !errors.Is(err, emitter.ErrEmptyEvent) {
			t.Errorf("an empty event: %v", err)
		}
		if err := io.Pipelined(t.Context(), func(io *emitter.Emitter) error {
			if err := io.Emit(t.Context(), "never"); err != nil {
				t.Error(err)
			}
			return refused
		}); err != refused {
			t.Errorf("nested: %v", err)
		}
		return io.Pipelined(t.Context(), func(io *emitter.Emitter) error { return io.Emit(t.Context(), "nested") })
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := io.Emit(t.Context(), "end"); err != nil {
		t.Fatal(err)
	}
	messages := received.until(t, "end")
	if len(messages) != 1001 || messages[1000].Event != "nested" {
		t.Fatalf("%d messages", len(messages))
	}
	for i, m := range messages[:1000] {
		if m.Event != "n" || m.Args[0] != int64(i) {
			t.Fatalf("message %d is %s %v", i, m.Event, m.Args)
		}
	}
}

// TestPipelineMemory sends pipelines that use the memory of others before and
// beside them, of all sizes: every event arrives as it was.
func TestPipelineMemory(t *testing.T) {
	t.Parallel()
	for _, codec := range []emitter.Codec{emitter.MessagePack, emitter.JSON} {
		testPipelineMemory(t, codec)
	}
}

func testPipelineMemory(t *testing.T, codec emitter.Codec) {
	server := startRedis(t)
	received := subscribe(t, server)
	io := emitter.New(server.Client(), emitter.WithCodec(codec))
	text := func(sender, pipeline, event int) string {
		return strings.Repeat(fmt.Sprintf("%d/%d/%d ", sender, pipeline, event), 1+event*event%97)
	}
	const senders, pipelines = 4, 25
	var wg sync.WaitGroup
	want := 0
	for sender := range senders {
		for pipeline := range pipelines {
			want += 1 + 40*(pipeline%5)
		}
		wg.Go(func() {
			for pipeline := range pipelines {
				if err := io.Pipelined(t.Context(), func(io *emitter.Emitter) error {
					for event := range 1 + 40*(pipeline%5) {
						if err := io.Emit(t.Context(), "e", sender, pipeline, event, text(sender, pipeline, event)); err != nil {
							return err
						}
					}
					return nil
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := io.Emit(t.Context(), "end"); err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for _, m := range received.until(t, "end") {
		sender, pipeline, event := m.Args[0].(int64), m.Args[1].(int64), m.Args[2].(int64)
		if m.Args[3] != text(int(sender), int(pipeline), int(event)) {
			t.Fatalf("event %d of pipeline %d of sender %d says %.40q", event, pipeline, sender, m.Args[3])
		}
		seen[fmt.Sprint(sender, pipeline, event)] = true
	}
	if len(seen) != want {
		t.Errorf("%d events, want %d", len(seen), want)
	}
}

// TestPipelineEnded uses the Emitter of a pipeline that is over: the event
// would be lost without an error.
func TestPipelineEnded(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	received := subscribe(t, server)
	io := emitter.New(server.Client())
	for _, result := range []error{nil, errors.New("refused"), errors.New("panics")} {
		var kept *emitter.Emitter
		func() {
			defer func() { _ = recover() }()
			if err := io.Pipelined(t.Context(), func(io *emitter.Emitter) error {
				kept = io
				if result != nil && result.Error() == "panics" {
					panic(result)
				}
				return result
			}); err != result {
				t.Error(err)
			}
		}()
		for name, err := range map[string]error{
			"Emit":        kept.To("room").Emit(t.Context(), "late"),
			"SocketsJoin": kept.SocketsJoin(t.Context(), "room"),
			"Pipelined":   kept.Pipelined(t.Context(), func(io *emitter.Emitter) error { return io.Emit(t.Context(), "late") }),
		} {
			if !errors.Is(err, emitter.ErrPipelineEnded) || strings.Count(err.Error(), "emitter: ") != 1 {
				t.Errorf("%s after %v: %v", name, result, err)
			}
		}
	}
	if err := io.Emit(t.Context(), "end"); err != nil {
		t.Fatal(err)
	}
	if messages := received.until(t, "end"); len(messages) != 0 {
		t.Errorf("%d messages", len(messages))
	}
}

// TestPipelinedClose closes the Emitter of a pipeline, which is another one.
func TestPipelinedClose(t *testing.T) {
	t.Parallel()
	redisServer := startRedis(t)
	serveClassic(t, redisServer, echo)
	io := emitter.New(redisServer.Client())
	if err := io.Pipelined(t.Context(), func(io *emitter.Emitter) error { return io.Close() }); err != nil {
		t.Fatal(err)
	}
	if err := ask(t.Context(), io, 7); err != nil {
		t.Error(err)
	}
}

// TestPipelinedMoved says what client a node of a Redis Cluster takes.
func TestPipelinedMoved(t *testing.T) {
	t.Parallel()
	cluster, err := harness.StartRedisCluster(t.Context(), 3, 0, harness.RedisConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Close(); err != nil {
			t.Error(err)
		}
	})
	rdb := redis.NewClient(&redis.Options{Addr: cluster.Nodes[0].Addr})
	defer rdb.Close()
	io := emitter.New(rdb, emitter.WithAdapter(emitter.Sharded(emitter.ShardedOptions{})))
	err = io.Pipelined(t.Context(), func(io *emitter.Emitter) error {
		for i := range 50 { // rooms of all three nodes
			if err := io.To(fmt.Sprint(i)).Emit(t.Context(), "e"); err != nil {
				return err
			}
		}
		return nil
	})
	if _, moved := redis.IsMovedError(err); !moved || !strings.Contains(err.Error(), "SPUBLISH: this Redis is a node of a Redis Cluster, which takes a *redis.ClusterClient") {
		t.Error(err)
	}
}
