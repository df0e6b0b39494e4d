package emitter_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/harness"
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
	cluster := harness.ClusterFor(t, 3, 0, harness.RedisConfig{})
	rdb := redis.NewClient(&redis.Options{Addr: cluster.Nodes[0].Addr})
	defer rdb.Close()
	io := emitter.New(rdb, emitter.WithAdapter(emitter.Sharded(emitter.ShardedOptions{})))
	err := io.Pipelined(t.Context(), func(io *emitter.Emitter) error {
		for i := range 50 { // rooms of all three nodes
			if err := io.To(fmt.Sprint(i)).Emit(t.Context(), "e"); err != nil {
				return err
			}
		}
		return nil
	})
	if _, moved := redis.IsMovedError(err); !moved || !strings.Contains(err.Error(), "SPUBLISH: this Redis is a node of a Redis Cluster, which needs a *redis.ClusterClient") {
		t.Error(err)
	}
}

// emitting emits when it is encoded.
type emitting struct{ emit func() error }

func (e emitting) MarshalJSON() ([]byte, error) {
	if err := e.emit(); err != nil {
		return nil, err
	}
	return []byte("1"), nil
}

type emittingText struct{ emitting }

func (e emittingText) MarshalText() ([]byte, error) { return []byte("a"), e.emit() }

// TestPipelineReentry has an argument that emits to its own pipeline refused,
// which waited for ever.
func TestPipelineReentry(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	received := subscribe(t, server)
	rdb := server.Client()
	root := emitter.New(rdb)
	ctx := t.Context()
	refused := func(name string, err error) {
		t.Helper()
		var argument *encoding.ArgumentError
		if err == nil || !errors.As(err, &argument) || !strings.Contains(err.Error(), "cannot emit to the pipeline") {
			t.Errorf("%s: %v", name, err)
		}
	}
	use := func(io *emitter.Emitter) {
		for name, emit := range map[string]func() error{
			"Emit":        func() error { return io.To("a").Emit(ctx, "inner", 1) },
			"SocketsJoin": func() error { return io.SocketsJoin(ctx, "a") },
			"Pipelined": func() error {
				return io.Pipelined(ctx, func(io *emitter.Emitter) error { return io.Emit(ctx, "inner") })
			},
		} {
			refused(name, io.Emit(ctx, "outer", emitting{emit}))
			refused(name+", in a field", io.Emit(ctx, "outer", struct{ E *emitting }{&emitting{emit}}))
			refused(name+", in a key", io.Emit(ctx, "outer", map[*emittingText]int{{emitting{emit}}: 1}))
			deep := any(emitting{emit})
			for range 900 {
				deep = []any{deep}
			}
			refused(name+", deep", io.Emit(ctx, "outer", deep))
		}
	}
	if err := root.Pipelined(ctx, func(io *emitter.Emitter) error {
		use(io)
		// To others it may emit.
		if err := io.Emit(ctx, "kept", emitting{func() error { return root.Emit(ctx, "beside") }}); err != nil {
			t.Errorf("to an emitter without a pipeline: %v", err)
		}
		return root.Pipelined(ctx, func(other *emitter.Emitter) error {
			return io.Emit(ctx, "kept", emitting{func() error { return other.Emit(ctx, "beside") }})
		})
	}); err != nil {
		t.Error(err)
	}
	pipe := rdb.Pipeline()
	use(emitter.New(pipe))
	if pipe.Len() > 0 {
		t.Errorf("%d commands were added", pipe.Len())
	}

	// Who waits for another goroutine only is not refused.
	if err := root.Pipelined(ctx, func(io *emitter.Emitter) error {
		var wait sync.WaitGroup
		for range 8 {
			wait.Go(func() {
				for range 200 {
					if err := io.Emit(ctx, "many", emitting{func() error { runtime.Gosched(); return nil }}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wait.Wait()
		return nil
	}); err != nil {
		t.Error(err)
	}
	if err := root.Emit(ctx, "end"); err != nil {
		t.Fatal(err)
	}
	count := make(map[string]int)
	for _, m := range received.until(t, "end") {
		count[m.Event]++
	}
	if len(count) != 3 || count["kept"] != 2 || count["beside"] != 2 || count["many"] != 1600 {
		t.Errorf("received %v", count)
	}
}
