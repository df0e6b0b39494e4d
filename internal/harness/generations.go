package harness

// Generation is a major version of Socket.IO: its server and its client, as npm aliases of compat_test/node.
type Generation struct {
	Number int // for emitter.WithServerVersion
	Server string
	Client string
}

// The generations that are installed.
var (
	V1 = Generation{Number: 1, Server: "socket.io-1", Client: "socket.io-client-1"}
	V2 = Generation{Number: 2, Server: "socket.io-2", Client: "socket.io-client-2"}
	V3 = Generation{Number: 3, Server: "socket.io-3", Client: "socket.io-client-3"}
	V4 = Generation{Number: 4, Server: "socket.io-4", Client: "socket.io-client-4"}
)

// Adapter is what joins servers through Redis.
type Adapter struct {
	Package string `json:"package"` // npm alias
	Kind    string `json:"kind"`    // "classic", "sharded", "streams" or "python"
	// Options go to the adapter as they are: key, requestsTimeout, publishOnSpecificResponseChannel,
	// channelPrefix, subscriptionMode, streamName, streamCount, useShardedPubSub, ... Only parser is special:
	// "json" stands for JavaScript's JSON object.
	Options map[string]any `json:"options,omitempty"`
}

// The adapters that are installed. Their options are copied by With.
var (
	SocketIORedis4  = Adapter{Package: "socket.io-redis-4", Kind: "classic"}
	SocketIORedis5  = Adapter{Package: "socket.io-redis-5", Kind: "classic"}
	SocketIORedis60 = Adapter{Package: "socket.io-redis-6.0", Kind: "classic"}
	SocketIORedis61 = Adapter{Package: "socket.io-redis-6.1", Kind: "classic"}
	RedisAdapter70  = Adapter{Package: "redis-adapter-7.0", Kind: "classic"}
	RedisAdapter71  = Adapter{Package: "redis-adapter-7.1", Kind: "classic"}
	RedisAdapter7   = Adapter{Package: "redis-adapter-7", Kind: "classic"}
	RedisAdapter8   = Adapter{Package: "redis-adapter-8", Kind: "classic"}
	ShardedAdapter8 = Adapter{Package: "redis-adapter-8", Kind: "sharded"}
	StreamsAdapter  = Adapter{Package: "@socket.io/redis-streams-adapter", Kind: "streams"}
	// Those before 0.3 send everything through the stream, answers too.
	StreamsAdapter01 = Adapter{Package: "redis-streams-adapter-0.1", Kind: "streams"}
	StreamsAdapter02 = Adapter{Package: "redis-streams-adapter-0.2", Kind: "streams"}
)

// With returns the adapter with one more option.
func (a Adapter) With(name string, value any) Adapter {
	options := map[string]any{name: value}
	for k, v := range a.Options {
		if k != name {
			options[k] = v
		}
	}
	a.Options = options
	return a
}
