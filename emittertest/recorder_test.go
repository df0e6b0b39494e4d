package emittertest_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/emittertest"
	"github.com/sioemit/sioemit/encoding"
)

// setups are all adapters, codecs and versions of servers.
var setups = map[string][]emitter.Option{
	"classic":     nil,
	"classic 3":   {emitter.WithServerVersion(3)},
	"classic 2":   {emitter.WithServerVersion(2), emitter.WithKey("app-request#/x")},
	"classic 1":   {emitter.WithServerVersion(1)},
	"JSON":        {emitter.WithCodec(emitter.JSON), emitter.WithKey("k")},
	"sharded":     {emitter.WithAdapter(emitter.Sharded(emitter.ShardedOptions{ChannelPrefix: "p"}))},
	"static":      {emitter.WithAdapter(emitter.Sharded(emitter.ShardedOptions{SubscriptionMode: emitter.Static}))},
	"streams":     {emitter.WithAdapter(emitter.Streams(emitter.StreamsOptions{StreamCount: 2, MaxLen: 7}))},
	"streams, 7":  {emitter.WithAdapter(emitter.Streams(emitter.StreamsOptions{UseShardedPubSub: true, ChannelPrefix: "q"}))},
	"classic, 4":  {emitter.WithKey("app-request#/x")},
	"attachments": {emitter.WithMaxAttachments(1)},
}

const id = "aaaaaaaaaaaaaaaaaaaa" // as engine.io makes

// step is a call, and how it is recorded.
type step struct {
	run  func(ctx context.Context, io *emitter.Emitter) error
	want string
	new  bool // it needs Socket.IO 4
	bin  bool // it has binary
}

var steps = []step{
	{run: func(ctx context.Context, io *emitter.Emitter) error { return io.Emit(ctx, "e") }, want: `Of("/").Emit("e")`},
	{run: func(ctx context.Context, io *emitter.Emitter) error {
		return io.Of("admin").To("a", "b").To("a").Except(id).Volatile().Compress(false).Emit(ctx, "order:paid", struct {
			ID int `json:"id"`
		}{7}, nil, "größer", 1.5)
	}, want: `Of("/admin").To("a", "b").Except("` + id + `").Volatile().Compress(false).Emit("order:paid", {"id":7}, null, "größer", 1.5)`},
	{run: func(ctx context.Context, io *emitter.Emitter) error { return io.To("a").Emit(ctx, "e", true) }, want: `Of("/").To("a").Emit("e", true)`},
	{run: func(ctx context.Context, io *emitter.Emitter) error {
		return io.ToNumber(5).To("5").Compress(true).Emit(ctx, "e")
	}, want: `Of("/").To(5, "5").Compress(true).Emit("e")`},
	{run: func(ctx context.Context, io *emitter.Emitter) error {
		return io.Emit(ctx, "e", map[string]any{"b": []byte{1, 2}})
	}, want: `Of("/").Emit("e", {"b":{"$binary":"AQI="}})`, bin: true},
	{run: func(ctx context.Context, io *emitter.Emitter) error {
		return io.Of("/n#m").To("a").SocketsJoin(ctx, "x", "y")
	}, want: `Of("/n#m").To("a").SocketsJoin("x", "y")`, new: true},
	{run: func(ctx context.Context, io *emitter.Emitter) error { return io.SocketsLeaveNumber(ctx, math.Pi) }, want: `Of("/").SocketsLeave(3.141592653589793)`, new: true},
	{run: func(ctx context.Context, io *emitter.Emitter) error {
		return io.Except("muted").DisconnectSockets(ctx, true)
	}, want: `Of("/").Except("muted").DisconnectSockets(true)`, new: true},
	{run: func(ctx context.Context, io *emitter.Emitter) error {
		return io.Of("/a").ServerSideEmit(ctx, "reload", 1, "x")
	}, want: `Of("/a").ServerSideEmit("reload", 1, "x")`, new: true},
}

// possible are the steps that the servers of a setup can be asked for.
func possible(name string) (list []step) {
	for _, s := range steps {
		old := slices.Contains([]string{"classic 1", "classic 2", "classic 3"}, name)
		if !(old && s.new) && !(name == "JSON" && s.bin) {
			list = append(list, s)
		}
	}
	return list
}

func wants(list []step) (texts []string) {
	for _, s := range list {
		texts = append(texts, s.want)
	}
	return texts
}

func recorded(r *emittertest.Recorder) (texts []string) {
	for _, call := range r.Calls() {
		texts = append(texts, call.String())
	}
	return texts
}

func check(t *testing.T, name string, r *emittertest.Recorder, want []string) {
	t.Helper()
	if got := recorded(r); !slices.Equal(got, want) {
		t.Errorf("%s: recorded\n%q, want\n%q", name, got, want)
	}
}

// TestCalls makes every call with every kind of server, one by one and in every
// kind of pipeline.
func TestCalls(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for name, options := range setups {
		steps := possible(name)
		r := emittertest.NewRecorder()
		rdb := r.Client()
		auto, err := rdb.AutoPipeline()
		if err != nil {
			t.Fatal(err)
		}
		async, err := rdb.AsyncAutoPipeline()
		if err != nil {
			t.Fatal(err)
		}
		all := func(io *emitter.Emitter) error {
			var errs []error
			for _, s := range steps {
				errs = append(errs, s.run(ctx, io))
			}
			return errors.Join(errs...)
		}
		inPipeline := func(pipe redis.Pipeliner) error { return all(emitter.New(pipe, options...)) }
		for how, run := range map[string]func() error{
			"one by one":        func() error { return all(emitter.New(rdb, options...)) },
			"NoRetry":           func() error { c := r.Client(); c.AddHook(emitter.NoRetry()); return all(emitter.New(c, options...)) },
			"wrapped":           func() error { return all(emitter.New(struct{ redis.UniversalClient }{rdb}, options...)) },
			"Pipelined":         func() error { return emitter.New(rdb, options...).Pipelined(ctx, all) },
			"of go-redis":       func() error { _, err := rdb.Pipelined(ctx, inPipeline); return err },
			"TxPipelined":       func() error { _, err := rdb.TxPipelined(ctx, inPipeline); return err },
			"AutoPipeline":      func() error { return all(emitter.New(auto, options...)) },
			"AsyncAutoPipeline": func() error { return all(emitter.New(async, options...)) },
		} {
			r.Reset()
			if err := run(); err != nil {
				t.Errorf("%s, %s: %v", name, how, err)
			}
			check(t, name+", "+how, r, wants(steps))
		}
		auto.Close()
		async.Close()
		rdb.Close()
	}
}

// TestBehindNoRetry answers commands that a hook in front of it has marked.
func TestBehindNoRetry(t *testing.T) {
	t.Parallel()
	r := emittertest.NewRecorder()
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1})
	t.Cleanup(func() { rdb.Close() })
	rdb.AddHook(emitter.NoRetry())
	rdb.AddHook(r)
	r.SetServers(2)
	const requests = "socket.io-request#/#"
	if counts, err := rdb.PubSubNumSub(t.Context(), requests).Result(); counts[requests] != 2 || err != nil {
		t.Errorf("servers: %v, %v", counts, err)
	}
	if n, err := rdb.Publish(t.Context(), requests, `{"uid":"emitter","type":6,"data":["e"]}`).Result(); n != 2 || err != nil {
		t.Errorf("PUBLISH: %d, %v", n, err)
	}
	if calls := r.Calls(); len(calls) != 1 {
		t.Errorf("%v", calls)
	}
}

// TestCallsAreCopies has whoever changes a call change nothing but that.
func TestCallsAreCopies(t *testing.T) {
	t.Parallel()
	r := emittertest.NewRecorder()
	io := emitter.New(r.Client())
	if err := io.To("b", "a").Except("c", "d").Compress(true).Emit(t.Context(), "e", 1); err != nil {
		t.Fatal(err)
	}
	before := r.Calls()[0].String()
	call := r.Calls()[0]
	call.Rooms[0], call.Except[0], call.Args[0] = "x", "x", encoding.Value{}
	*call.Flags.Compress = false
	if after := r.Calls()[0].String(); after != before {
		t.Errorf("%s became %s", before, after)
	}
}

// TestKept has what was recorded stay as it was when the memory of a pipeline is
// used again.
func TestKept(t *testing.T) {
	t.Parallel()
	r := emittertest.NewRecorder()
	io := emitter.New(r.Client())
	var want []string
	for i := range 50 {
		if err := io.Pipelined(t.Context(), func(io *emitter.Emitter) error { return io.To(fmt.Sprint(i)).Emit(t.Context(), "e", fmt.Sprint(i)) }); err != nil {
			t.Fatal(err)
		}
		want = append(want, fmt.Sprintf(`Of("/").To("%d").Emit("e", "%[1]d")`, i))
	}
	check(t, "pipelines", r, want)
}

// TestConcurrent emits, counts and looks from many goroutines.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	r := emittertest.NewRecorder()
	io := emitter.New(r.Client())
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 100 {
				if err := io.To("a").Emit(t.Context(), "e", 1); err != nil {
					t.Error(err)
				}
				r.Calls()
			}
		})
	}
	group.Wait()
	if n := len(r.Calls()); n != 800 {
		t.Errorf("%d calls are recorded", n)
	}
}

// TestRefusedBeforeSending has the Emitter refuse what it always does, and a
// pipeline that is given up send nothing.
func TestRefusedBeforeSending(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	r := emittertest.NewRecorder()
	io := emitter.New(r.Client())
	given := errors.New("given up")
	for _, test := range []struct{ err, want error }{
		{io.Emit(ctx, "connect"), emitter.ErrReservedEvent},
		{io.To("").Emit(ctx, "e"), emitter.ErrEmptyRoom},
		{io.Emit(ctx, "e", map[string]any{"__proto__": 1}), encoding.ErrUnsafe},
		{io.Pipelined(ctx, func(io *emitter.Emitter) error { _ = io.Emit(ctx, "e"); return given }), given},
	} {
		if !errors.Is(test.err, test.want) {
			t.Errorf("%v, want %v", test.err, test.want)
		}
	}
	check(t, "refused", r, nil)
}

// TestFailWith has calls fail as they do when Redis does not take them.
func TestFailWith(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for name, options := range setups {
		r := emittertest.NewRecorder()
		io := emitter.New(r.Client(), options...)
		down := errors.New("connection refused")
		r.FailWith(down)
		_, count := io.ServerCount(ctx)
		for call, err := range map[string]error{
			"Emit": io.Emit(ctx, "e"), "ServerCount": count,
			"Pipelined": io.Pipelined(ctx, func(io *emitter.Emitter) error { return io.Emit(ctx, "e") }),
		} {
			if !errors.Is(err, down) {
				t.Errorf("%s: %s: %v", name, call, err)
			}
		}
		check(t, name, r, nil)
		r.FailWith(nil)
		if err := io.Emit(ctx, "e"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		check(t, name, r, []string{`Of("/").Emit("e")`})
	}
}

// TestServers has ServerCount find as many as the test says, and calls that need
// answers say that nobody answers.
func TestServers(t *testing.T) {
	t.Parallel()
	for name, options := range setups {
		r := emittertest.NewRecorder()
		rdb := r.Client()
		io := emitter.New(rdb, options...)
		if n, err := io.Of("/a").ServerCount(t.Context()); n != 0 || err != nil {
			t.Errorf("%s: %d servers, %v", name, n, err)
		}
		r.SetServers(3)
		if n, err := io.Of("/a").ServerCount(t.Context()); n != 3 || err != nil {
			t.Errorf("%s: %d servers, %v", name, n, err)
		}
		rdb.Close()
	}
	r := emittertest.NewRecorder()
	rdb := r.Client()
	defer rdb.Close()
	io := emitter.New(rdb)
	if _, err := io.FetchSockets(t.Context()); !errors.Is(err, emitter.ErrNoServers) {
		t.Errorf("FetchSockets without servers: %v", err)
	}
	r.SetServers(1)
	const want = "emitter: the subscription for replies was lost: emittertest: a Recorder has no servers that answer"
	if _, err := io.Timeout(time.Hour).EmitWithAck(t.Context(), "e"); err == nil || err.Error() != want {
		t.Errorf("EmitWithAck: %v", err)
	}
	check(t, "calls with replies", r, nil)
}

// TestOtherCommands are errors on the client of a Recorder, and nothing beside
// them is sent; a client with a Redis carries them out.
func TestOtherCommands(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	both := func(rdb *redis.Client) func(redis.Pipeliner) error {
		return func(pipe redis.Pipeliner) error {
			pipe.Set(ctx, "order", "paid", 0)
			return emitter.New(pipe).Emit(ctx, "e", 1)
		}
	}
	r := emittertest.NewRecorder()
	rdb := r.Client()
	defer rdb.Close()
	_, pipelined := rdb.Pipelined(ctx, both(rdb))
	_, transaction := rdb.TxPipelined(ctx, both(rdb))
	const want = "emittertest: the client of a Recorder has no Redis for SET: add the Recorder to a client that has one, with AddHook"
	for how, err := range map[string]error{"Set": rdb.Set(ctx, "order", "paid", 0).Err(), "Pipelined": pipelined, "TxPipelined": transaction} {
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v", how, err)
		}
	}
	check(t, "without Redis", r, nil)

	server := miniredis.RunT(t)
	own := redis.NewClient(&redis.Options{Addr: server.Addr(), MaxRetries: -1, DialerRetries: 1})
	defer own.Close()
	own.AddHook(r)
	cmds, err := own.TxPipelined(ctx, both(own))
	if err != nil || len(cmds) != 2 || cmds[1].Err() != nil {
		t.Errorf("%v, %v", cmds, err)
	}
	if value, err := own.Get(ctx, "order").Result(); value != "paid" || err != nil {
		t.Errorf("Set did %q, %v", value, err)
	}
	check(t, "with Redis", r, []string{`Of("/").Emit("e", 1)`})
	r.Reset()
	// Redis carries out the rest of a pipeline, but not of a transaction.
	if _, err := own.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.Get(ctx, "missing")
		return emitter.New(pipe).Emit(ctx, "e", 2)
	}); !errors.Is(err, redis.Nil) {
		t.Error(err)
	}
	check(t, "beside a key that is missing", r, []string{`Of("/").Emit("e", 2)`})
	r.Reset()
	if _, err := own.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.Do(ctx, "nonsense")
		return emitter.New(pipe).Emit(ctx, "e", 3)
	}); err == nil {
		t.Error("no error of a transaction with nonsense")
	}
	check(t, "of a transaction with nonsense", r, nil)
	down := errors.New("down")
	r.FailWith(down)
	if _, err := own.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.Set(ctx, "order", "sent", 0)
		return emitter.New(pipe).Emit(ctx, "e", 1)
	}); !errors.Is(err, down) {
		t.Error(err)
	}
	if value, _ := own.Get(ctx, "order").Result(); value != "paid" {
		t.Errorf("a transaction that failed did %q", value)
	}
	r.FailWith(nil)
	server.Close()
	if _, err := own.TxPipelined(ctx, both(own)); err == nil {
		t.Error("no error of a Redis that has gone")
	}
	check(t, "of a transaction that failed", r, nil)
}
