package emitter_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
)

// TestAdapterCommands looks at the Redis commands in a pipeline that is never
// executed.
func TestAdapterCommands(t *testing.T) {
	t.Parallel()
	rdb := redis.NewClient(&redis.Options{Addr: redisAddr})
	defer rdb.Close()
	twenty := strings.Repeat("i", 20)
	sharded := func(mode emitter.SubscriptionMode) emitter.Option {
		return emitter.WithAdapter(emitter.Sharded(emitter.ShardedOptions{SubscriptionMode: mode}))
	}
	streams := func(o emitter.StreamsOptions) emitter.Option { return emitter.WithAdapter(emitter.Streams(o)) }
	const data = `{"packet":{"type":2,"data":["e",1]},"opts":{"rooms":[],"except":[],"flags":{}}}`
	message := func(rooms string) string {
		return ` {"type":3,"data":` + strings.Replace(data, `"rooms":[]`, `"rooms":[`+rooms+`]`, 1) + `,"uid":"emitter","nsp":"/"}`
	}
	for _, test := range []struct {
		name   string
		option emitter.Option
		target func(*emitter.Emitter) *emitter.BroadcastOperator
		arg    any
		want   string
	}{
		{"sharded", sharded(""), of(""), 1, "spublish socket.io#/#" + message("")},
		{"sharded, room", sharded(""), to("r"), 1, "spublish socket.io#/#r#" + message(`"r"`)},
		{"sharded, two rooms", sharded(""), to("r", "s"), 1, "spublish socket.io#/#" + message(`"r","s"`)},
		{"sharded, one room twice", sharded(""), to("r", "r"), 1, "spublish socket.io#/#r#" + message(`"r"`)},
		{"dynamic, room like an id", sharded(emitter.Dynamic), to(twenty), 1, "spublish socket.io#/#" + message(`"`+twenty+`"`)},
		{"dynamic, 20 characters in UTF-16", sharded(emitter.Dynamic), to(strings.Repeat("😀", 10)), 1, "spublish socket.io#/#" + message(`"`+strings.Repeat("😀", 10)+`"`)},
		{"dynamic, 20 bytes", sharded(emitter.Dynamic), to(strings.Repeat("é", 10)), 1, "spublish socket.io#/#" + strings.Repeat("é", 10) + "#" + message(`"`+strings.Repeat("é", 10)+`"`)},
		{"private, room like an id", sharded(emitter.DynamicPrivate), to(twenty), 1, "spublish socket.io#/#" + twenty + "#" + message(`"`+twenty+`"`)},
		{"static, room", sharded(emitter.Static), to("r"), 1, "spublish socket.io#/#" + message(`"r"`)},
		{"sharded, prefix", emitter.WithAdapter(emitter.Sharded(emitter.ShardedOptions{ChannelPrefix: "p"})), to("r"), 1, "spublish p#/#r#" + message(`"r"`)},
		{"sharded, binary", sharded(""), of(""), []byte{1},
			"spublish socket.io#/# \x84\xa4type\x03\xa4data\x82\xa6packet\x82\xa4type\x02\xa4data\x92\xa1e\xc4\x01\x01\xa4opts\x83\xa5rooms\x90\xa6except\x90\xa5flags\x80\xa3uid\xa7emitter\xa3nsp\xa1/"},
		{"streams", streams(emitter.StreamsOptions{}), of(""), 1, "xadd socket.io MAXLEN ~ 10000 * uid emitter nsp / type 3 data " + data},
		{"streams, binary", streams(emitter.StreamsOptions{}), of(""), []byte{1},
			"xadd socket.io MAXLEN ~ 10000 * uid emitter nsp / type 3 data gqZwYWNrZXSCpHR5cGUCpGRhdGGSoWXEAQGkb3B0c4Olcm9vbXOQpmV4Y2VwdJClZmxhZ3OA"},
		{"streams, options", streams(emitter.StreamsOptions{StreamName: "s", StreamCount: 3, MaxLen: 7, ChannelPrefix: "p"}), of("admin"), 1,
			"xadd s-1 MAXLEN ~ 7 * uid emitter nsp /admin type 3 data " + data},
	} {
		pipe := rdb.Pipeline()
		if err := test.target(emitter.New(pipe, test.option)).Emit(t.Context(), "e", test.arg); err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		var words []string
		for _, arg := range pipe.Cmds()[0].Args() {
			if b, ok := arg.([]byte); ok {
				arg = string(b)
			}
			words = append(words, fmt.Sprint(arg))
		}
		if got := strings.Join(words, " "); got != test.want {
			t.Errorf("%s:\n%q, want\n%q", test.name, got, test.want)
		}
	}
}

func to(rooms ...string) func(*emitter.Emitter) *emitter.BroadcastOperator {
	return func(io *emitter.Emitter) *emitter.BroadcastOperator { return io.To(rooms...) }
}

func of(namespace string) func(*emitter.Emitter) *emitter.BroadcastOperator {
	return func(io *emitter.Emitter) *emitter.BroadcastOperator { return io.Of(namespace) }
}

func TestAdapterRefused(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	rdb := server.Client()
	sharded := emitter.WithAdapter(emitter.Sharded(emitter.ShardedOptions{}))
	streams := emitter.WithAdapter(emitter.Streams(emitter.StreamsOptions{}))
	for name, test := range map[string]struct {
		options []emitter.Option
		option  string // that is wrong
		adapter string // that does not take it
	}{
		"key, sharded":      {[]emitter.Option{sharded, emitter.WithKey("k")}, "WithKey", "sharded"},
		"key, streams":      {[]emitter.Option{emitter.WithKey("k"), streams}, "WithKey", "streams"},
		"codec, sharded":    {[]emitter.Option{sharded, emitter.WithCodec(emitter.JSON)}, "WithCodec", "sharded"},
		"codec, streams":    {[]emitter.Option{streams, emitter.WithCodec(emitter.JSON)}, "WithCodec", "streams"},
		"version, sharded":  {[]emitter.Option{sharded, emitter.WithServerVersion(3)}, "WithServerVersion", "sharded"},
		"version, streams":  {[]emitter.Option{streams, emitter.WithServerVersion(2)}, "WithServerVersion", "streams"},
		"subscription mode": {[]emitter.Option{emitter.WithAdapter(emitter.Sharded(emitter.ShardedOptions{SubscriptionMode: "x"}))}, "SubscriptionMode", "sharded"},
		"stream count":      {[]emitter.Option{emitter.WithAdapter(emitter.Streams(emitter.StreamsOptions{StreamCount: -1}))}, "StreamCount", "streams"},
		"max len":           {[]emitter.Option{emitter.WithAdapter(emitter.Streams(emitter.StreamsOptions{MaxLen: -1}))}, "MaxLen", "streams"},
		"nil":               {[]emitter.Option{emitter.WithAdapter(nil)}, "WithAdapter", ""},
	} {
		io := emitter.New(rdb, test.options...)
		_, count := io.ServerCount(t.Context())
		for call, err := range map[string]error{"Emit": io.Emit(t.Context(), "e"), "ServerCount": count} {
			var wrong *emitter.OptionError
			if !errors.As(err, &wrong) || wrong.Option != test.option || wrong.Adapter != test.adapter || !strings.HasPrefix(err.Error(), "emitter: "+test.option) {
				t.Errorf("%s: %s: %v, %+v", name, call, err, wrong)
			}
		}
	}
	many := emitter.New(rdb, emitter.WithAdapter(emitter.Streams(emitter.StreamsOptions{StreamCount: 3})))
	if err := many.Of(unreadNamespace(t)).Emit(t.Context(), "e"); !errors.Is(err, encoding.ErrUnreadStream) {
		t.Errorf("a negative stream: %v", err)
	}
	if n, err := rdb.DBSize(t.Context()).Result(); n != 0 || err != nil {
		t.Errorf("%d keys were written, %v", n, err)
	}
}

// unreadNamespace finds a namespace that upstream hashes to a negative stream.
func unreadNamespace(t *testing.T) string {
	for i := range 1000 {
		name := fmt.Sprint("/namespace", i)
		if _, err := (encoding.Streams{StreamCount: 3}).Stream(name); err != nil {
			return name
		}
	}
	t.Fatal("every namespace has a stream")
	return ""
}

func TestAdapterServerCount(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	rdb := server.Client()
	for _, test := range []struct {
		adapter emitter.Adapter
		sharded bool
		channel string
	}{
		{emitter.Sharded(emitter.ShardedOptions{}), true, "socket.io#/a#"},
		{emitter.Sharded(emitter.ShardedOptions{ChannelPrefix: "p"}), true, "p#/a#"},
		{emitter.Streams(emitter.StreamsOptions{}), false, "socket.io#/a#"},
		{emitter.Streams(emitter.StreamsOptions{ChannelPrefix: "q", UseShardedPubSub: true, StreamName: "s"}), true, "q#/a#"},
	} {
		subscribe := rdb.Subscribe
		if test.sharded {
			subscribe = rdb.SSubscribe
		}
		pubsub := subscribe(t.Context(), test.channel)
		if _, err := pubsub.Receive(t.Context()); err != nil {
			t.Fatal(err)
		}
		io := emitter.New(rdb, emitter.WithAdapter(test.adapter)).Of("a")
		if n, err := io.ServerCount(t.Context()); n != 1 || err != nil {
			t.Errorf("%+v: %d servers, %v", test.adapter, n, err)
		}
		if n, err := io.Of("b").ServerCount(t.Context()); n != 0 || err != nil {
			t.Errorf("%+v, another namespace: %d servers, %v", test.adapter, n, err)
		}
		pubsub.Close()
	}
}
