package compat_test

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/harness"
)

// row is one kind of cluster: a server version and the adapter that joins its servers.
type row struct {
	// name is server version "/" adapter package "-" adapter version, then what its options are, and the Redis.
	name       string
	generation harness.Generation
	adapter    harness.Adapter
	ordered    int // half of the events that the promise of order sends
	// cluster says that it is a Redis Cluster of three masters, and not one Redis.
	cluster bool
	// everyLanguage says that the emitters in other languages are tried, too. That what they send is the same bytes as
	// the library's for every adapter and generation is proven by package conformance; here, one row for each form of it.
	everyLanguage bool
}

// brief tells whether another row shows with the same adapter what becomes of clients that do not read, and of those
// that begin with polling and upgrade, which takes its time and does not depend on where a channel or a stream is.
func (r row) brief() bool {
	return r.cluster || slices.Contains([]any{"static", "dynamic-private"}, r.adapter.Options["subscriptionMode"]) || r.adapter.Options["streamCount"] == 3
}

// rows are the clusters that every promise is put to.
var rows = []row{
	{name: "1.7.4/socket.io-redis-4.0.1", generation: harness.V1, adapter: harness.SocketIORedis4, ordered: 1000},
	{name: "2.5.1/socket.io-redis-5.4.0", generation: harness.V2, adapter: harness.SocketIORedis5, ordered: 1000, everyLanguage: true},
	{name: "3.1.2/socket.io-redis-6.0.1", generation: harness.V3, adapter: harness.SocketIORedis60, ordered: 1000},
	{name: "4.8.4/socket.io-redis-6.1.1", generation: harness.V4, adapter: harness.SocketIORedis61, ordered: 1000},
	{name: "4.8.4/redis-adapter-7.0.1", generation: harness.V4, adapter: harness.RedisAdapter70, ordered: 1000},
	{name: "4.8.4/redis-adapter-7.1.0", generation: harness.V4, adapter: harness.RedisAdapter71, ordered: 1000},
	{name: "4.8.4/redis-adapter-7.2.0", generation: harness.V4, adapter: harness.RedisAdapter7, ordered: 1000},
	{name: "4.8.4/redis-adapter-8.3.0", generation: harness.V4, adapter: harness.RedisAdapter8, ordered: 10000, everyLanguage: true},
	{name: "4.8.4/redis-adapter-8.3.0, Redis Cluster", generation: harness.V4, adapter: harness.RedisAdapter8, ordered: 1000, cluster: true, everyLanguage: true},
	{name: "4.8.4/redis-adapter-8.3.0 sharded static", generation: harness.V4, adapter: mode("static"), ordered: 1000},
	{name: "4.8.4/redis-adapter-8.3.0 sharded static, Redis Cluster", generation: harness.V4, adapter: mode("static"), ordered: 1000, cluster: true},
	{name: "4.8.4/redis-adapter-8.3.0 sharded dynamic", generation: harness.V4, adapter: mode("dynamic"), ordered: 2000, everyLanguage: true},
	{name: "4.8.4/redis-adapter-8.3.0 sharded dynamic, Redis Cluster", generation: harness.V4, adapter: mode("dynamic"), ordered: 1000, cluster: true, everyLanguage: true},
	{name: "4.8.4/redis-adapter-8.3.0 sharded dynamic-private", generation: harness.V4, adapter: mode("dynamic-private"), ordered: 1000},
	{name: "4.8.4/redis-adapter-8.3.0 sharded dynamic-private, Redis Cluster", generation: harness.V4, adapter: mode("dynamic-private"), ordered: 1000, cluster: true},
	{name: "4.8.4/redis-streams-adapter-0.3.1 streamCount 1", generation: harness.V4, adapter: streamCount(1), ordered: 2000, everyLanguage: true},
	{name: "4.8.4/redis-streams-adapter-0.3.1 streamCount 1, Redis Cluster", generation: harness.V4, adapter: streamCount(1), ordered: 1000, cluster: true},
	{name: "4.8.4/redis-streams-adapter-0.3.1 streamCount 3", generation: harness.V4, adapter: streamCount(3), ordered: 1000},
	{name: "4.8.4/redis-streams-adapter-0.3.1 streamCount 3, Redis Cluster", generation: harness.V4, adapter: streamCount(3), ordered: 1000, cluster: true},
	{name: "5.18.1/uvicorn-0.54.0", generation: harness.Python, adapter: harness.Uvicorn, ordered: 1000, everyLanguage: true},
	{name: "5.18.1/Flask-SocketIO-5.7.0", generation: harness.Python, adapter: harness.FlaskSocketIO, ordered: 1000},
}

func (r row) isPython() bool { return r.adapter.Kind == "python" }

// exceptsRooms tells whether the servers can leave out rooms, and not only sockets.
func (r row) exceptsRooms() bool { return r.generation.Number >= 4 && !r.isPython() }

// rowNamed finds a row.
func rowNamed(name string) row {
	i := slices.IndexFunc(rows, func(r row) bool { return r.name == name })
	if i < 0 {
		panic("no row is named " + name)
	}
	return rows[i]
}

func mode(subscriptionMode string) harness.Adapter {
	return harness.ShardedAdapter8.With("subscriptionMode", subscriptionMode)
}

// The stream is trimmed to a length that no promise comes near to: a server that falls behind must not lose anything.
func streamCount(n int) harness.Adapter {
	return harness.StreamsAdapter.With("streamCount", n).With("maxLen", streamLength)
}

const streamLength = 200000

// key is what the servers of the matrix have for a key, a channelPrefix, a streamName and a channel: not the default, so
// that ignoring it would show.
const key = "app 1"

// transports are the kinds of clients that the row has.
func (r row) transports() []string {
	if r.brief() {
		return []string{"websocket", "polling"}
	}
	return []string{"websocket", "polling", "default"}
}

// serverAdapter is what the servers of the row are started with.
func (r row) serverAdapter() harness.Adapter {
	switch r.adapter.Kind {
	case "sharded":
		return r.adapter.With("channelPrefix", key)
	case "streams":
		return r.adapter.With("channelPrefix", key).With("streamName", key)
	case "python":
		return r.adapter.With("channel", key)
	}
	return r.adapter.With("key", key)
}

// options are what a user of the library has to set for this row.
func (r row) options() []emitter.Option {
	switch r.adapter.Kind {
	case "sharded":
		return []emitter.Option{emitter.WithAdapter(emitter.Sharded(emitter.ShardedOptions{
			ChannelPrefix: key, SubscriptionMode: emitter.SubscriptionMode(r.subscriptionMode()),
		}))}
	case "streams":
		return []emitter.Option{emitter.WithAdapter(emitter.Streams(emitter.StreamsOptions{
			StreamName: key, ChannelPrefix: key, StreamCount: r.streamCount(), MaxLen: streamLength,
		}))}
	}
	if r.isPython() {
		return []emitter.Option{emitter.WithAdapter(emitter.Python(emitter.PythonOptions{Channel: key}))}
	}
	options := []emitter.Option{emitter.WithKey(key)}
	if r.generation.Number != 4 {
		options = append(options, emitter.WithServerVersion(r.generation.Number))
	}
	return options
}

// flags are what a user of the command has to set for this row.
func (r row) flags() []string {
	if r.isPython() {
		return []string{"--adapter", "python", "--channel", key}
	}
	flags := []string{"--key", key}
	switch r.adapter.Kind {
	case "sharded":
		flags = append(flags, "--adapter", "sharded", "--subscription-mode", r.subscriptionMode())
	case "streams":
		flags = append(flags, "--adapter", "streams", "--stream-name", key, "--stream-count", strconv.Itoa(r.streamCount()),
			"--max-len", strconv.Itoa(streamLength))
	default:
		if r.generation.Number != 4 {
			flags = append(flags, "--server-version", strconv.Itoa(r.generation.Number))
		}
	}
	if r.cluster {
		flags = append(flags, "--cluster")
	}
	return flags
}

func (r row) subscriptionMode() string { return r.adapter.Options["subscriptionMode"].(string) }

func (r row) streamCount() int { return r.adapter.Options["streamCount"].(int) }

// lane names the way that a message takes. Events that take the same way arrive in the order in which they were sent.
// On one Redis all of them do; on a Redis Cluster, channels belong to different nodes, and each room may have its own.
func (r row) lane(m message) string {
	if !r.cluster || r.adapter.Kind == "streams" || r.adapter.Options["subscriptionMode"] == "static" {
		return ""
	}
	rooms := slices.Compact(slices.Sorted(slices.Values(m.rooms)))
	if len(rooms) != 1 || len(m.numbers) > 0 {
		return ""
	}
	return rooms[0]
}

// describe says in docs/compatibility.md what the servers of the row have set, and what to set accordingly.
func (r row) describe() (servers, set string) {
	set = "nothing"
	switch r.adapter.Kind {
	case "sharded":
		servers = fmt.Sprintf(", sharded, %s", r.subscriptionMode())
		set = "`WithAdapter(Sharded(...))`, `--adapter sharded`"
		if mode := r.subscriptionMode(); mode != "dynamic" {
			set += fmt.Sprintf(", with `SubscriptionMode: %q`, `--subscription-mode %s`", mode, mode)
		}
	case "streams":
		set = "`WithAdapter(Streams(...))`, `--adapter streams`"
		if n := r.streamCount(); n > 1 {
			servers = fmt.Sprintf(", streamCount %d", n)
			set += fmt.Sprintf(", with `StreamCount: %d`, `--stream-count %d`", n, n)
		}
	case "python":
		servers = ", AsyncRedisManager"
		if r.adapter.Package == harness.FlaskSocketIO.Package {
			servers = ", RedisManager"
		}
		set = "`WithAdapter(Python(...))`, `--adapter python`"
	default:
		if n := r.generation.Number; n != 4 {
			set = fmt.Sprintf("`WithServerVersion(%d)`, `--server-version %d`", n, n)
		}
	}
	if r.cluster {
		command := "a `ClusterClient`, `--cluster`"
		if set == "nothing" {
			set = command
		} else {
			set += "; " + command
		}
	}
	return servers, set
}
