package compat_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/harness"
)

// serverKind is one way to run a Socket.IO server behind Redis, with clients of its own generation.
type serverKind struct {
	generation  harness.Generation
	adapter     harness.Adapter
	emitter     emitter.Adapter
	redisClient string // the package; empty: the adapter's own
}

func (k serverKind) options() []emitter.Option {
	options := []emitter.Option{emitter.WithAdapter(k.emitter)}
	if k.generation.Number < 4 {
		options = append(options, emitter.WithServerVersion(k.generation.Number))
	}
	return options
}

var serverKinds = map[string]serverKind{
	"1":       {harness.V1, harness.SocketIORedis4, emitter.Classic(), ""},
	"2":       {harness.V2, harness.SocketIORedis5, emitter.Classic(), ""},
	"3":       {harness.V3, harness.SocketIORedis60, emitter.Classic(), ""},
	"4 old":   {harness.V4, harness.SocketIORedis61, emitter.Classic(), ""},
	"4":       {harness.V4, harness.RedisAdapter8, emitter.Classic(), ""},
	"ioredis": {harness.V4, harness.RedisAdapter8, emitter.Classic(), "ioredis"},
	"redis 5": {harness.V4, harness.RedisAdapter8, emitter.Classic(), "redis-5"},
	"sharded": {harness.V4, harness.ShardedAdapter8, emitter.Sharded(emitter.ShardedOptions{}), ""},
	"streams": {harness.V4, harness.StreamsAdapter, emitter.Streams(emitter.StreamsOptions{}), ""},
}

// publish sends the message of an event as it is after tamper, past everything that would refuse it.
func (k serverKind) publish(ctx context.Context, rdb *redis.Client, args []any, tamper func([]byte) []byte) error {
	b := &encoding.Broadcast{Namespace: "/", Event: "raw", Args: args, MaxAttachments: 100}
	switch k.adapter.Kind {
	case "classic":
		message, err := encoding.Classic{LegacyBinary: k.generation.Number < 3}.Marshal(b)
		if err != nil {
			return err
		}
		return rdb.Publish(ctx, "socket.io#/#", tamper(message)).Err()
	case "sharded":
		message, err := encoding.Sharded{}.Marshal(b)
		if err != nil {
			return err
		}
		return rdb.SPublish(ctx, "socket.io#/#", tamper(message)).Err()
	}
	fields, err := encoding.Streams{}.Marshal(b)
	if err != nil {
		return err
	}
	last := len(fields) - 1
	if binary, err := base64.StdEncoding.DecodeString(fields[last]); err == nil {
		fields[last] = base64.StdEncoding.EncodeToString(tamper(binary))
	} else {
		fields[last] = string(tamper([]byte(fields[last])))
	}
	return rdb.XAdd(ctx, &redis.XAddArgs{Stream: "socket.io", Values: fields}).Err()
}

// The stand-ins that harmful values are published with, of the same length where it matters.
const (
	proto        = "__prot0__"
	placeholder  = "_placeh0lder"
	ownProperty  = "hasOwnPr0perty"
	fiveThousand = "DEEP"
)

var standIns = strings.NewReplacer(proto, "__proto__", placeholder, "_placeholder", ownProperty, "hasOwnProperty")

func asMeant(message []byte) []byte {
	message = []byte(standIns.Replace(string(message)))
	message = bytes.ReplaceAll(message, []byte("\xa4"+fiveThousand), append(bytes.Repeat([]byte{0x91}, 4999), 0x90))
	return bytes.ReplaceAll(message, []byte(`"`+fiveThousand+`"`), []byte(nested(5000)))
}

// meant is what a harmful value looks like to the emitter.
func meant(args []any) []any {
	text, err := json.Marshal(args)
	if err != nil {
		panic(err)
	}
	var out []json.RawMessage
	text = []byte(strings.ReplaceAll(standIns.Replace(string(text)), `"`+fiveThousand+`"`, nested(5000)))
	if err := json.Unmarshal(text, &out); err != nil {
		panic(err)
	}
	list := make([]any, len(out))
	for i := range out {
		if list[i] = out[i]; string(out[i]) == `"AQ=="` {
			list[i] = []byte{1}
		} else if bytes.Contains(out[i], []byte(`"AQ=="`)) {
			list[i] = encoding.TaggedJSON(bytes.ReplaceAll(out[i], []byte(`"AQ=="`), []byte(`{"$binary":"AQ=="}`)))
		}
	}
	return list
}

func nested(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }

// harm is what an event does that the emitter refuses.
type harm struct {
	args []any
	want error
	// does says what it does to servers of a kind and their client; where nothing is said it was not looked at.
	// "ends": the server ends; "drops": the client is disconnected with "parse error"; "throws ...": the client throws;
	// "lost": the event does not arrive, later ones do; "deaf": the server counts as listening and reads nothing more;
	// "stuck": the streams adapter reads the entry for ever; and everything else is the JSON of what arrives.
	does map[string]string
}

// Each was seen on the official packages. Socket.IO itself would do all of this with io.emit.
var harms = map[string]harm{
	"deep": {[]any{fiveThousand}, encoding.ErrTooDeep, map[string]string{
		"1": "ends", "2": "ends", "3": "ends", "4 old": "ends", "ioredis": "ends", "4": "lost", "redis 5": "deaf", "sharded": "lost", "streams": "stuck",
	}},
	"a placeholder of nothing": {[]any{map[string]any{placeholder: true, "num": 9}, []byte{1}}, encoding.ErrUnsafe, map[string]string{
		"1": `[null,{"$binary":"AQ=="}]`, "2": "throws illegal attachments", "3": "throws illegal attachments", "4": "drops", "sharded": "drops",
		"streams": "drops",
	}},
	"a placeholder of binary": {[]any{map[string]any{placeholder: true, "num": 0}, []byte{1}}, encoding.ErrUnsafe, map[string]string{
		"1": twice, "2": twice, "3": twice, "4": twice,
	}},
	// Parsers before 3.3.3, 3.4.2, 4.0.5 and 4.2.1 all did so.
	"a placeholder that is true enough": {[]any{map[string]any{placeholder: 1, "num": 0}, []byte{1}}, encoding.ErrUnsafe, map[string]string{
		"1": twice,
	}},
	"a prototype of binary": {[]any{map[string]any{proto: []byte{1}}}, encoding.ErrUnsafe, map[string]string{
		"1": "ends", "2": "ends", "3": "ends", "4 old": "ends", "ioredis": "ends", "4": "lost", "redis 5": "deaf", "sharded": "lost", "streams": "lost",
	}},
	"a prototype": {[]any{map[string]any{proto: 1, "x": 2}}, encoding.ErrUnsafe, map[string]string{
		"1": `[{"x":2}]`, "2": `[{"x":2}]`, "3": `[{"x":2}]`, "4": `[{"x":2}]`,
	}},
	"a prototype that is an object, beside binary": {[]any{map[string]any{proto: map[string]any{"y": 1}}, []byte{1}}, encoding.ErrUnsafe, map[string]string{
		"1": `[{"y":1},{"$binary":"AQ=="}]`, "2": `[{"y":1},{"$binary":"AQ=="}]`, "4": `[{},{"$binary":"AQ=="}]`, "streams": "lost",
	}},
	"no prototype, beside binary": {[]any{map[string]any{proto: nil, "x": 2}, []byte{1}}, encoding.ErrUnsafe, map[string]string{"3": "ends", "streams": "lost"}},
	// socket.io-parser 4.0 belongs to Socket.IO 3, and to 4 up to 4.5.
	"hasOwnProperty beside binary": {[]any{map[string]any{ownProperty: 1}, []byte{1}}, encoding.ErrUnsafe, map[string]string{"3": "ends"}},
	"eleven attachments": {slices.Repeat([]any{[]byte{1}}, 11), encoding.ErrUnsafe, map[string]string{
		"2": "throws too many attachments", "4": "drops", "sharded": "drops", "streams": "drops",
	}},
}

const twice = `[{"$binary":"AQ=="},{"$binary":"AQ=="}]`

// theatre is a server with one client.
type theatre struct {
	*testing.T
	ctx     context.Context
	kind    serverKind
	redis   *harness.Redis
	node    *harness.Node
	clients *harness.Clients
	client  *harness.Client
}

func (k serverKind) open(t *testing.T) *theatre {
	t.Helper()
	th := &theatre{T: t, ctx: withDeadline(t), kind: k, redis: startRedis(t), clients: harness.ClientsFor(t, k.generation)}
	var err error
	conn := th.redis.Conn()
	conn.Package = k.redisClient
	if th.node, err = harness.StartNode(th.ctx, harness.NodeConfig{
		Server: k.generation.Server, Adapter: k.adapter, Redis: conn, ServerSideAsIs: true,
	}); err != nil {
		t.Fatal(err)
	}
	if th.client, err = th.clients.Connect(th.ctx, harness.ConnectOptions{Node: th.node, Transports: []string{"websocket"}}); err != nil {
		t.Fatal(err)
	}
	return th
}

// events are the arguments of what the client got, as JSON, but for the fence.
func (th *theatre) events() []string {
	var list []string
	for _, e := range th.client.Events() {
		if e.Name != fence {
			list = append(list, "["+string(bytes.Join(asBytes(e.Args), []byte(",")))+"]")
		}
	}
	return list
}

func asBytes(list []json.RawMessage) [][]byte {
	out := make([][]byte, len(list))
	for i := range list {
		out[i] = list[i]
	}
	return out
}

// awaitFence sends an event until the client has one: a client of node-redis that could not read a message may leave
// out the next.
func (th *theatre) awaitFence(io *emitter.Emitter) {
	th.Helper()
	for {
		if err := io.Emit(th.ctx, fence); err != nil {
			th.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(th.ctx, time.Second)
		err := th.client.Await(ctx, func(events []harness.Event) bool {
			return slices.ContainsFunc(events, func(e harness.Event) bool { return e.Name == fence })
		})
		cancel()
		if err == nil {
			return
		}
		if th.ctx.Err() != nil || th.client.Disconnected() != "" {
			th.Fatal(err)
		}
	}
}

// TestHarm publishes what the emitter refuses, to show what it would do.
func TestHarm(t *testing.T) {
	t.Parallel()
	for name, h := range harms {
		for kindName, does := range h.does {
			t.Run(name+", "+kindName, func(t *testing.T) {
				t.Parallel()
				th := serverKinds[kindName].open(t)
				rdb := th.redis.Client()
				if err := th.kind.publish(th.ctx, rdb, h.args, asMeant); err != nil {
					t.Fatal(err)
				}
				th.suffer(rdb, does)
				if err := th.node.Close(); (err != nil) != (does == "ends") {
					t.Errorf("the server: %v", err)
				}
			})
		}
	}
}

func (th *theatre) suffer(rdb *redis.Client, does string) {
	th.Helper()
	switch what, text, _ := strings.Cut(does, " "); what {
	case "ends", "drops":
		want := "parse error"
		if what == "ends" {
			want = "transport close" // the server is gone
		}
		if reason, err := th.client.AwaitDisconnect(th.ctx); err != nil || reason != want {
			th.Errorf("disconnected with %q, %v", reason, err)
		}
	case "throws":
		if exception, err := th.clients.AwaitException(th.ctx); err != nil || exception != text {
			th.Errorf("exception %q, %v", exception, err)
		}
	case "stuck":
		// At rest, it reads once in five seconds.
		for reads := 0; reads < 100; time.Sleep(10 * time.Millisecond) {
			stats, err := rdb.Info(th.ctx, "commandstats").Result()
			if err != nil {
				th.Fatal(err)
			}
			_, stats, _ = strings.Cut(stats, "cmdstat_xread:calls=")
			_, _ = fmt.Sscanf(stats, "%d,", &reads)
		}
		if got := th.events(); len(got) > 0 {
			th.Errorf("the client got %.200s", got)
		}
	case "deaf":
		var incomplete *emitter.IncompleteError
		_, err := emitter.New(rdb).Timeout(3 * time.Second).Rooms(th.ctx)
		if !errors.As(err, &incomplete) || incomplete.Asked != 1 || incomplete.Servers != 0 {
			th.Errorf("the server reads on: %v", err)
		}
	case "lost":
		th.awaitFence(emitter.New(rdb, th.kind.options()...))
		if got := th.events(); len(got) > 0 {
			th.Errorf("the client got %.200s", got)
		}
	default:
		th.awaitFence(emitter.New(rdb, th.kind.options()...))
		if got := th.events(); len(got) != 1 || got[0] != does {
			th.Errorf("the client got %.200s, want %s", got, does)
		}
	}
}

// TestHarmRefused has all of that refused, and what only resembles it sent: servers live, and clients get it as it is.
func TestHarmRefused(t *testing.T) {
	t.Parallel()
	for name, kind := range serverKinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			th := kind.open(t)
			closeAtEnd(t, th.node)
			rdb := th.redis.Client()
			io := emitter.New(rdb, kind.options()...)
			for name, h := range harms {
				var argument *encoding.ArgumentError
				if err := io.Emit(th.ctx, "refused", meant(h.args)...); !errors.Is(err, h.want) || !errors.As(err, &argument) {
					t.Errorf("%s: %.300v", name, err)
				}
				if err := io.Pipelined(th.ctx, func(io *emitter.Emitter) error {
					return io.Emit(th.ctx, "refused", meant(h.args)...)
				}); !errors.Is(err, h.want) {
					t.Errorf("%s, in a pipeline: %.300v", name, err)
				}
				if kind.generation.Number < 4 {
					continue
				}
				if _, err := io.EmitWithAck(th.ctx, "refused", meant(h.args)...); !errors.Is(err, h.want) {
					t.Errorf("%s, with acknowledgement: %.300v", name, err)
				}
			}
			if err := io.Emit(th.ctx, "refused", json.RawMessage(nested(1001))); !errors.Is(err, encoding.ErrTooDeep) {
				t.Errorf("1,001 levels: %v", err)
			}
			objects := strings.Repeat(`{"a":[`, 500) + strings.Repeat("]}", 500)
			special := `{"_placeholder":true,"hasOwnProperty":1,"num":0}`
			ten := slices.Repeat([]any{[]byte{1}}, 10)
			var want []string
			for _, send := range []struct {
				args []any
				want string
			}{
				{[]any{json.RawMessage(nested(1000))}, nested(1000)},
				{[]any{json.RawMessage(nested(1000)), []byte{1}}, nested(1000) + `,{"$binary":"AQ=="}`},
				{[]any{json.RawMessage(objects), json.RawMessage(objects), []byte{1}}, objects + "," + objects + `,{"$binary":"AQ=="}`},
				{[]any{json.RawMessage(objects)}, objects},
				{[]any{json.RawMessage(special)}, special},
				{[]any{map[string]any{"_placeholder": false, "num": 0}, []byte{1}}, `{"_placeholder":false,"num":0},{"$binary":"AQ=="}`},
				{[]any{map[string]any{"constructor": 1, "length": 9, "then": 1, "toJSON": 1, "type": "Buffer"}, []byte{1}},
					`{"constructor":1,"length":9,"then":1,"toJSON":1,"type":"Buffer"},{"$binary":"AQ=="}`},
				{[]any{map[string]any{"data": []int{1}, "type": "Buffer"}}, `{"data":[1],"type":"Buffer"}`},
				{ten, strings.TrimPrefix(strings.Repeat(`,{"$binary":"AQ=="}`, 10), ",")},
			} {
				if err := io.Emit(th.ctx, "sent", send.args...); err != nil {
					t.Errorf("%.100s: %v", send.want, err)
					continue
				}
				want = append(want, "["+send.want+"]")
			}
			th.awaitFence(io)
			if got := th.events(); !slices.Equal(got, want) {
				t.Errorf("the client got %.1000q\nwant %.1000q", got, want)
			}
			if reason := th.client.Disconnected(); reason != "" || len(th.clients.Exceptions()) > 0 {
				t.Errorf("disconnected %q, exceptions %q", reason, th.clients.Exceptions())
			}
		})
	}
}

// TestHarmManyAttachments sends more to clients that take more.
func TestHarmManyAttachments(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"1", "3"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			th := serverKinds[name].open(t)
			closeAtEnd(t, th.node)
			rdb := th.redis.Client()
			io := emitter.New(rdb, append(th.kind.options(), emitter.WithMaxAttachments(100))...)
			if err := io.Emit(th.ctx, "sent", slices.Repeat([]any{[]byte{1}}, 100)...); err != nil {
				t.Fatal(err)
			}
			th.awaitFence(io)
			want := "[" + strings.TrimPrefix(strings.Repeat(`,{"$binary":"AQ=="}`, 100), ",") + "]"
			if got := th.events(); len(got) != 1 || got[0] != want {
				t.Errorf("the client got %q", got)
			}
		})
	}
}

// TestHarmServerSide publishes the event error to servers, which ends those with the classic adapter, and has it refused.
func TestHarmServerSide(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"4", "ioredis"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			th := serverKinds[name].open(t)
			rdb := th.redis.Client()
			io := emitter.New(rdb, th.kind.options()...)
			if err := io.ServerSideEmit(th.ctx, "error", 1); !errors.Is(err, emitter.ErrReservedEvent) {
				t.Errorf("%v", err)
			}
			// To servers a placeholder is nothing special, nor are many attachments.
			if err := io.ServerSideEmit(th.ctx, "ev", append(slices.Repeat([]any{[]byte{1}}, 11), map[string]any{"_placeholder": true})...); err != nil {
				t.Errorf("%v", err)
			}
			th.awaitFence(io)
			message, err := encoding.Classic{}.MarshalRequest(&encoding.Request{
				Kind: encoding.ServerSideEmit, Broadcast: encoding.Broadcast{Namespace: "/", Event: "error", Args: []any{1}},
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := rdb.Publish(th.ctx, "socket.io-request#/#", message).Err(); err != nil {
				t.Fatal(err)
			}
			if reason, err := th.client.AwaitDisconnect(th.ctx); err != nil || reason != "transport close" {
				t.Errorf("disconnected with %q, %v", reason, err)
			}
			if err := th.node.Close(); err == nil || !strings.Contains(err.Error(), "ERR_UNHANDLED_ERROR") {
				t.Errorf("the server: %v", err)
			}
		})
	}
}
