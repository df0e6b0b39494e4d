package emitter_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/harness"
	"github.com/sioemit/sioemit/internal/protocol"
	"go.uber.org/goleak"
)

// redisAddr is where the examples find Redis.
var redisAddr string

func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() { // without a server, for which examples cannot say that they need it
		if run := flag.Lookup("test.run").Value; run.String() == "" {
			_ = run.Set("^Test|^Fuzz")
		}
		os.Exit(m.Run())
	}
	server, err := harness.StartRedis(context.Background(), harness.RedisConfig{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	redisAddr = server.Addr
	stop, err := serveExamples(redisAddr)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	stop()
	if err := server.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	if code == 0 {
		sleeps := goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial") // for a second after Close
		if err := goleak.Find(sleeps); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func startRedis(t testing.TB) *harness.Redis {
	t.Helper()
	return harness.RedisFor(t, harness.RedisConfig{})
}

// message is a decoded message as a server would receive it.
type message struct {
	channel string
	*protocol.Message
}

// subscriber receives what servers with key socket.io receive.
type subscriber struct {
	*redis.PubSub
}

func subscribe(t testing.TB, server *harness.Redis) subscriber {
	t.Helper()
	pubsub := server.Client().PSubscribe(t.Context(), "socket.io#*")
	t.Cleanup(func() { pubsub.Close() })
	if _, err := pubsub.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	return subscriber{pubsub}
}

// until returns the messages up to an end event, which the test sends after all
// others.
func (s subscriber) until(t testing.TB, end string) []message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var messages []message
	for {
		m, err := s.ReceiveMessage(ctx)
		if err != nil {
			t.Fatalf("after %d messages: %v", len(messages), err)
		}
		decoded, err := protocol.Unmarshal([]byte(m.Payload))
		if err != nil || decoded.UID != "emitter" {
			t.Fatalf("%+v: %v", decoded, err)
		}
		if decoded.Event == end {
			return messages
		}
		messages = append(messages, message{m.Channel, decoded})
	}
}

func TestTargets(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	received := subscribe(t, server)
	io := emitter.New(server.Client())
	yes, no := true, false
	many := make([]string, 100)
	for i := range many {
		many[i] = fmt.Sprint("room", i)
	}
	type target struct {
		channel       string
		namespace     string
		rooms, except []string
		flags         encoding.Flags
	}
	tests := []struct {
		name string
		op   *emitter.BroadcastOperator
		want target
	}{
		{"everyone", io.Of("/"), target{channel: "socket.io#/#", namespace: "/"}},
		{"room", io.To("a"), target{channel: "socket.io#/#a#", namespace: "/", rooms: []string{"a"}}},
		{"in", io.In("a"), target{channel: "socket.io#/#a#", namespace: "/", rooms: []string{"a"}}},
		{"room twice", io.To("a").In("a", "a"), target{channel: "socket.io#/#a#", namespace: "/", rooms: []string{"a"}}},
		{"rooms", io.To("b").In("a", "b", "c"), target{channel: "socket.io#/#", namespace: "/", rooms: []string{"b", "a", "c"}}},
		{"many rooms", io.To(many...).To(many[50:]...).To("one more"), target{channel: "socket.io#/#", namespace: "/", rooms: append(slices.Clone(many), "one more")}},
		{"except", io.Except("a", "b").Except("a"), target{channel: "socket.io#/#", namespace: "/", except: []string{"a", "b"}}},
		{"namespace", io.Of("/admin").To("a"), target{channel: "socket.io#/admin#a#", namespace: "/admin", rooms: []string{"a"}}},
		{"namespace without slash", io.Of("admin"), target{channel: "socket.io#/admin#", namespace: "/admin"}},
		{"namespace empty", io.Of(""), target{channel: "socket.io#/#", namespace: "/"}},
		{"namespace after room", io.To("a").Of("admin"), target{channel: "socket.io#/admin#a#", namespace: "/admin", rooms: []string{"a"}}},
		{"volatile", io.Volatile(), target{channel: "socket.io#/#", namespace: "/", flags: encoding.Flags{Volatile: true}}},
		{"compress", io.Compress(true), target{channel: "socket.io#/#", namespace: "/", flags: encoding.Flags{Compress: &yes}}},
		{"all", io.Compress(false).Volatile().Except("x").To("a#b,*"), target{channel: "socket.io#/#a#b,*#", namespace: "/", rooms: []string{"a#b,*"}, except: []string{"x"}, flags: encoding.Flags{Volatile: true, Compress: &no}}},
	}
	// All operators exist before the first is used: none has changed another.
	for _, test := range tests {
		if err := test.op.Emit(t.Context(), test.name, 1); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	if err := io.Emit(t.Context(), "end"); err != nil {
		t.Fatal(err)
	}
	messages := received.until(t, "end")
	if len(messages) != len(tests) {
		t.Fatalf("%d messages for %d emits", len(messages), len(tests))
	}
	for i, test := range tests {
		m := messages[i]
		got := fmt.Sprintf("%s %s %q %q %s", m.channel, m.Namespace, m.Rooms, m.Except, describe(m.Flags))
		want := fmt.Sprintf("%s %s %q %q %s", test.want.channel, test.want.namespace, test.want.rooms, test.want.except, describe(test.want.flags))
		if m.Event != test.name || got != want {
			t.Errorf("%s: %s, want %s", test.name, got, want)
		}
	}
}

func describe(f encoding.Flags) string {
	if f.Compress == nil {
		return fmt.Sprint(f.Volatile)
	}
	return fmt.Sprint(f.Volatile, *f.Compress)
}

func TestOperatorsShareNoRooms(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	received := subscribe(t, server)
	caller := []string{"a", "b", "c", "a"}
	base := emitter.New(server.Client()).To(caller...)
	clear(caller) // the list is the caller's, who may write to it
	left, right := base.To("left"), base.To("right")
	far := right.To("d", "a", "e").Volatile().To("right").In("f")
	for event, op := range map[string]*emitter.BroadcastOperator{"base": base, "left": left, "right": right, "far": far} {
		if err := op.Emit(t.Context(), event); err != nil {
			t.Fatal(err)
		}
	}
	if err := base.Emit(t.Context(), "end"); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"base": "[a b c]", "left": "[a b c left]", "right": "[a b c right]", "far": "[a b c right d e f]"}
	for _, m := range received.until(t, "end") {
		if fmt.Sprint(m.Rooms) != want[m.Event] {
			t.Errorf("%s: rooms %q", m.Event, m.Rooms)
		}
		delete(want, m.Event)
	}
	if len(want) > 0 {
		t.Errorf("not received: %v", want)
	}
}

// TestConcurrent has one emitter send from many goroutines to different
// targets, also through one pipeline, and finds each event in its own room.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	received := subscribe(t, server)
	io := emitter.New(server.Client())
	shared := io.Of("shared").To("shared")
	const goroutines, events = 32, 50
	all := func(io *emitter.Emitter, name string) {
		var wait sync.WaitGroup
		for g := range goroutines {
			wait.Go(func() {
				for i := range events {
					room := fmt.Sprint(name, g)
					if err := io.Of(room).To(room).Except("not "+room).Emit(t.Context(), room, map[string]any{"room": room, "i": i}); err != nil {
						t.Error(err)
					}
					if err := shared.To(room).Emit(t.Context(), "shared", room); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wait.Wait()
	}
	all(io, "direct")
	if err := io.Pipelined(t.Context(), func(io *emitter.Emitter) error {
		all(io, "pipelined")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := io.Emit(t.Context(), "end"); err != nil {
		t.Fatal(err)
	}
	count := make(map[string]int)
	for _, m := range received.until(t, "end") {
		if m.Event == "shared" {
			if m.Namespace != "/shared" || fmt.Sprint(m.Rooms) != fmt.Sprintf("[shared %v]", m.Args[0]) {
				t.Errorf("shared event of %v in %s %q", m.Args, m.Namespace, m.Rooms)
			}
			count["shared"]++
			continue
		}
		room := m.Args[0].(map[string]any)["room"]
		if m.Event != room || m.Namespace != "/"+m.Event || fmt.Sprint(m.Rooms, m.Except) != fmt.Sprintf("[%s] [not %s]", room, room) {
			t.Errorf("event %q of %v in namespace %q, rooms %q, except %q", m.Event, m.Args, m.Namespace, m.Rooms, m.Except)
		}
		if i := m.Args[0].(map[string]any)["i"]; i != int64(count[m.Event]) {
			t.Errorf("%s: event %v where %d was due", m.Event, i, count[m.Event])
		}
		count[m.Event]++
	}
	if count["shared"] != 2*goroutines*events {
		t.Errorf("%d shared events", count["shared"])
	}
	for g := range goroutines {
		for _, name := range []string{"direct", "pipelined"} {
			if n := count[fmt.Sprint(name, g)]; n != events {
				t.Errorf("%s%d: %d events", name, g, n)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	received := subscribe(t, server)
	rdb := server.Client()
	io := emitter.New(rdb)
	version2 := emitter.New(rdb, emitter.WithServerVersion(2))
	userIDs := emitter.New(rdb, emitter.WithServerVersion(2), emitter.WithSocketIDs(regexp.MustCompile(`(?m)^(user|user-\d+|admin-\d+)$`)))
	id := strings.Repeat("a", 20)
	for _, test := range []struct {
		name  string
		op    *emitter.BroadcastOperator
		event string
		args  []any
		want  error
		text  string // what the message must name
	}{
		{"empty event", io.To("a"), "", nil, emitter.ErrEmptyEvent, "event"},
		{"connect", io.To("a"), "connect", nil, emitter.ErrReservedEvent, `"connect"`},
		{"connect_error", io.To("a"), "connect_error", nil, emitter.ErrReservedEvent, "connect_error"},
		{"disconnect", io.To("a"), "disconnect", nil, emitter.ErrReservedEvent, "disconnect"},
		{"disconnecting", io.To("a"), "disconnecting", nil, emitter.ErrReservedEvent, "disconnecting"},
		{"newListener", io.To("a"), "newListener", nil, emitter.ErrReservedEvent, "newListener"},
		{"removeListener", io.To("a"), "removeListener", nil, emitter.ErrReservedEvent, "removeListener"},
		{"event not UTF-8", io.To("a"), "\xff", nil, emitter.ErrInvalidUTF8, `"\xff"`},
		{"empty room", io.To("a", ""), "e", nil, emitter.ErrEmptyRoom, "room"},
		{"empty room among many", io.To(append(slices.Repeat([]string{"a"}, 100), "")...), "e", nil, emitter.ErrEmptyRoom, "room"},
		{"no rooms", io.To(), "e", nil, emitter.ErrEmptyRoom, "To without rooms"},
		{"no rooms, then others", io.In([]string{}...).To("a"), "e", nil, emitter.ErrEmptyRoom, "To without rooms"},
		{"empty room, then others", io.To("").To("a").Volatile(), "e", nil, emitter.ErrEmptyRoom, "room"},
		{"empty except", io.Except(""), "e", nil, emitter.ErrEmptyRoom, "room"},
		{"room not UTF-8", io.In("\xff"), "e", nil, emitter.ErrInvalidUTF8, `"\xff"`},
		{"namespace not UTF-8", io.Of("\xff"), "e", nil, emitter.ErrInvalidUTF8, `\xff`},
		{"key not UTF-8", emitter.New(rdb, emitter.WithKey("k\xff")).Of("/"), "e", nil, emitter.ErrInvalidUTF8, `WithKey "k\xff"`},
		{"prefix not UTF-8", emitter.New(rdb, emitter.WithAdapter(emitter.Sharded(emitter.ShardedOptions{ChannelPrefix: "\xff"}))).Of("/"), "e", nil, emitter.ErrInvalidUTF8, "ChannelPrefix"},
		{"prefix of streams not UTF-8", emitter.New(rdb, emitter.WithAdapter(emitter.Streams(emitter.StreamsOptions{ChannelPrefix: "\xff"}))).Of("/"), "e", nil, emitter.ErrInvalidUTF8, "ChannelPrefix"},
		{"stream not UTF-8", emitter.New(rdb, emitter.WithAdapter(emitter.Streams(emitter.StreamsOptions{StreamName: "\xff"}))).Of("/"), "e", nil, emitter.ErrInvalidUTF8, "StreamName"},
		{"channel as argument", io.To("a"), "e", []any{1, make(chan int)}, nil, `argument 2 of event "e"`},
		{"NaN", io.To("a"), "e", []any{map[string]any{"n": math.NaN()}}, nil, "NaN"},
		{"binary in JSON", emitter.New(rdb, emitter.WithCodec(emitter.JSON)).To("a"), "e", []any{[]byte{1}}, encoding.ErrBinary, "binary"},
		{"deep", io.To("a"), "e", []any{json.RawMessage(strings.Repeat("[", 1001) + strings.Repeat("]", 1001))}, encoding.ErrTooDeep, `argument 1 of event "e"`},
		{"prototype", io.To("a"), "e", []any{1, map[string]any{"__proto__": 1}}, encoding.ErrUnsafe, `argument 2 of event "e": the key "__proto__"`},
		{"placeholder", io.To("a"), "e", []any{map[string]any{"_placeholder": true}, []byte{1}}, encoding.ErrUnsafe, `argument 1 of event "e"`},
		{"attachments", io.To("a"), "e", []any{1, slices.Repeat([]any{[]byte{1}}, 11)}, encoding.ErrUnsafe, `argument 2 of event "e": more than 10 binary values`},
		{"attachments 0", emitter.New(rdb, emitter.WithMaxAttachments(0)).Of("/"), "e", nil, nil, "WithMaxAttachments(0)"},
		{"codec", emitter.New(rdb, emitter.WithCodec(7)).To("a"), "e", nil, nil, "WithCodec(7)"},
		{"version 0", emitter.New(rdb, emitter.WithServerVersion(0)).To("a"), "e", nil, nil, "WithServerVersion(0)"},
		{"version 5", emitter.New(rdb, emitter.WithServerVersion(5)).To("a"), "e", nil, nil, "WithServerVersion(5)"},
		{"except a room on 2", version2.Except("room"), "e", nil, emitter.ErrExceptRoom, `"room"`},
		{"except an id behind a namespace on 3", emitter.New(rdb, emitter.WithServerVersion(3)).Except("/admin#" + id), "e", nil, emitter.ErrExceptRoom, `"/admin#`},
		{"except an id and a room on 2", version2.Except(id, "/admin#"+id, "room"), "e", nil, emitter.ErrExceptRoom, `"room"`},
		{"except a room beside socket ids", userIDs.Except("user-7", "users-7"), "e", nil, emitter.ErrExceptRoom, `"users-7"`},
		{"except more than a socket id", userIDs.Except("user-7x"), "e", nil, emitter.ErrExceptRoom, `"user-7x"`},
		{"except a line before a socket id", userIDs.Except("x\nuser-7"), "e", nil, emitter.ErrExceptRoom, `user-7`},
		{"except an id that engine.io does not make here", userIDs.Except(id), "e", nil, emitter.ErrExceptRoom, id},
		{"no client", emitter.New(nil).Of("/"), "e", nil, nil, "client"},
	} {
		err := test.op.Emit(t.Context(), test.event, test.args...)
		if err == nil || test.want != nil && !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: error %v, want %v that names %s", test.name, err, test.want, test.text)
		}
	}
	var argument *encoding.ArgumentError
	if err := io.Emit(t.Context(), "e", 0, func() {}); !errors.As(err, &argument) || argument.Index != 1 || argument.Event != "e" {
		t.Errorf("%v is no *encoding.ArgumentError of argument 1", err)
	}
	bad := emitter.New(rdb, emitter.WithServerVersion(9))
	var option *emitter.OptionError
	if err := bad.Pipelined(t.Context(), func(*emitter.Emitter) error { t.Error("called"); return nil }); !errors.As(err, &option) || option.Option != "WithServerVersion" || option.Value != 9 {
		t.Errorf("Pipelined: %v", err)
	}
	if err := version2.Except(id, "/admin#"+id).Emit(t.Context(), "end"); err != nil {
		t.Error(err)
	}
	if messages := received.until(t, "end"); len(messages) != 0 {
		t.Errorf("%d messages were sent: %v", len(messages), messages)
	}
	for _, io := range []*emitter.Emitter{userIDs, emitter.New(rdb, emitter.WithSocketIDs(regexp.MustCompile("x")))} {
		if err := io.Except("user-7", "/admin#admin-1").Emit(t.Context(), "end"); err != nil {
			t.Error(err)
		}
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	pubsub := server.Client().PSubscribe(t.Context(), "*")
	defer pubsub.Close()
	if _, err := pubsub.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		option  emitter.Option
		channel string
		payload string
	}{
		{emitter.WithKey("my key"), "my key#/#", "\x93\xa7emitter\x83\xa4type\x02"},
		{emitter.WithKey(""), "socket.io#/#", "\x93\xa7emitter\x83\xa4type\x02"},
		{emitter.WithCodec(emitter.JSON), "socket.io#/#", `["emitter",{"type":2,"data":["e",1],"nsp":"/"},{"rooms":[],"flags":{},"except":[]}]`},
		{emitter.WithServerVersion(1), "socket.io#/#", "\x93\xa7emitter\x83\xa4type\x02"},
	} {
		if err := emitter.New(server.Client(), test.option).Emit(t.Context(), "e", 1); err != nil {
			t.Fatal(err)
		}
		m, err := pubsub.ReceiveMessage(t.Context())
		if err != nil || m.Channel != test.channel || !strings.HasPrefix(m.Payload, test.payload) {
			t.Errorf("%s %q, %v, want %s %q", m.Channel, m.Payload, err, test.channel, test.payload)
		}
	}
	for version, want := range map[int]byte{1: 5, 2: 5, 3: 2, 4: 2} {
		if err := emitter.New(server.Client(), emitter.WithServerVersion(version)).Emit(t.Context(), "e", []byte("binary")); err != nil {
			t.Fatal(err)
		}
		m, err := pubsub.ReceiveMessage(t.Context())
		if err != nil || !bytes.Contains([]byte(m.Payload), append([]byte("\xa4type"), want)) {
			t.Errorf("version %d: %q, %v", version, m.Payload, err)
		}
	}
}

// TestClients sends through every kind of go-redis client.
func TestClients(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	received := subscribe(t, server)
	rdb := server.Client()
	auto, err := rdb.AutoPipeline()
	if err != nil {
		t.Fatal(err)
	}
	defer auto.Close()
	async, err := rdb.AsyncAutoPipeline()
	if err != nil {
		t.Fatal(err)
	}
	defer async.Close()
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"one": server.Addr}})
	defer ring.Close()
	conn := rdb.Conn()
	defer conn.Close()
	pipe := rdb.Pipeline()
	clients := []emitter.Client{rdb, auto, async, ring, conn, pipe}
	for _, client := range clients {
		io := emitter.New(client)
		if err := io.Emit(t.Context(), fmt.Sprintf("%T", client), 1); err != nil {
			t.Errorf("%T: %v", client, err)
		}
	}
	if _, err := pipe.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := emitter.New(rdb).Emit(t.Context(), "end"); err != nil {
		t.Fatal(err)
	}
	var events []string
	for _, m := range received.until(t, "end") {
		events = append(events, m.Event)
	}
	want := "[*redis.Client *redis.AutoPipeliner *redis.AutoPipeliner *redis.Ring *redis.Conn *redis.Pipeline]"
	if fmt.Sprint(events) != want {
		t.Errorf("received %v, want %s", events, want)
	}
}

// TestRing sends through a Ring of one Redis, and refuses one of two: half of
// all rooms would be published where no server listens.
func TestRing(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	serveClassic(t, server, echo)
	one := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"one": server.Addr}})
	defer one.Close()
	if err := ask(t.Context(), emitter.New(one), 1); err != nil {
		t.Errorf("a Ring of one: %v", err)
	}
	two := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"one": server.Addr, "two": "127.0.0.1:1"}})
	defer two.Close()
	io := emitter.New(two)
	if err := io.Emit(t.Context(), "e"); !errors.Is(err, emitter.ErrRing) {
		t.Errorf("a Ring of two: %v", err)
	}
	if err := ask(t.Context(), io, 1); !errors.Is(err, emitter.ErrRing) {
		t.Errorf("a Ring of two: %v", err)
	}
}

// TestWrongPassword guards against a trap: when the password is wrong, go-redis
// returns that from a pipeline without telling its commands.
func TestWrongPassword(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{Password: "right"})
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr, Password: "sesame"})
	defer rdb.Close()
	io := emitter.New(rdb)
	_, countErr := io.ServerCount(t.Context())
	for name, err := range map[string]error{
		"Emit":        io.Emit(t.Context(), "e"),
		"Pipelined":   io.Pipelined(t.Context(), func(io *emitter.Emitter) error { return io.Emit(t.Context(), "e") }),
		"ServerCount": countErr,
	} {
		if err == nil || !strings.Contains(err.Error(), "WRONGPASS") || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestServerCount(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	io := emitter.New(server.Client(), emitter.WithKey("k"))
	for want := range 3 {
		if n, err := io.Of("admin").ServerCount(t.Context()); n != want || err != nil {
			t.Errorf("%d servers, %v, want %d", n, err, want)
		}
		pubsub := server.Client().Subscribe(t.Context(), "k-request#/admin#")
		defer pubsub.Close()
		if _, err := pubsub.Receive(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := io.ServerCount(t.Context()); n != 0 || err != nil {
		t.Errorf("another namespace: %d servers, %v", n, err)
	}
	err := io.Pipelined(t.Context(), func(io *emitter.Emitter) error {
		_, err := io.ServerCount(t.Context())
		return err
	})
	if !errors.Is(err, emitter.ErrPipelined) {
		t.Errorf("in a pipeline: %v", err)
	}
}

func TestRedisErrors(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr, MaxRetries: -1})
	defer rdb.Close()
	io := emitter.New(rdb)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := io.Emit(cancelled, "e"); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled context: %v", err)
	}
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	err := io.Emit(t.Context(), "e")
	if err == nil || !strings.Contains(err.Error(), server.Addr) {
		t.Errorf("no Redis: %v", err)
	}
	err = io.Pipelined(t.Context(), func(io *emitter.Emitter) error {
		return errors.Join(io.Emit(t.Context(), "a"), io.Emit(t.Context(), "b"))
	})
	if err == nil || !strings.Contains(err.Error(), "2 of 2") {
		t.Errorf("no Redis, pipelined: %v", err)
	}
}

// TestMaxAttachments has as many binary values sent as the clients take, by each
// adapter, and no more.
func TestMaxAttachments(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	rdb := server.Client()
	for name, adapter := range map[string]emitter.Adapter{
		"classic": emitter.Classic(), "sharded": emitter.Sharded(emitter.ShardedOptions{}), "streams": emitter.Streams(emitter.StreamsOptions{}),
	} {
		for n, options := range map[int][]emitter.Option{10: nil, 3: {emitter.WithMaxAttachments(3)}, 500: {emitter.WithMaxAttachments(500)}} {
			io := emitter.New(rdb, append(options, emitter.WithAdapter(adapter))...)
			args := slices.Repeat([]any{[]byte{1}}, n)
			for range 3 { // the second time the target is kept
				if err := io.Emit(t.Context(), "e", args...); err != nil {
					t.Errorf("%s: %d: %v", name, n, err)
				}
				var argument *encoding.ArgumentError
				if err := io.Emit(t.Context(), "e", append(args, []byte{})...); !errors.Is(err, encoding.ErrUnsafe) || !errors.As(err, &argument) || argument.Index != n {
					t.Errorf("%s: one more than %d: %v", name, n, err)
				}
				if err := io.Pipelined(t.Context(), func(io *emitter.Emitter) error {
					if err := io.To("a").Emit(t.Context(), "e", args...); err != nil {
						t.Errorf("%s, pipeline: %d: %v", name, n, err)
					}
					return io.To("a").Emit(t.Context(), "e", append(args, []byte{})...)
				}); !errors.Is(err, encoding.ErrUnsafe) {
					t.Errorf("%s, pipeline: one more than %d: %v", name, n, err)
				}
			}
			// Servers get their events without a parser.
			if name != "classic" {
				if err := io.ServerSideEmit(t.Context(), "e", append(args, []byte{}, map[string]any{"_placeholder": true})...); err != nil {
					t.Errorf("%s, to servers: %v", name, err)
				}
			}
		}
	}
}
