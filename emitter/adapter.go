package emitter

import (
	"context"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/barrier"
	"github.com/sioemit/sioemit/internal/slab"
)

// Adapter is how the servers of the cluster are joined: the value of Classic,
// Sharded, Streams or Python, for WithAdapter.
type Adapter interface {
	// configure returns the adapter with the other options that it follows, or
	// what is wrong with those or its own.
	configure(c *config) (Adapter, error)
	// retarget makes t the template of b.
	retarget(t *encoding.Template, b *encoding.Broadcast)
	// words appends the words of the Redis command that sends b, in front of the
	// message. Those made for b may be of the memory of texts.
	words(to []any, texts *slab.Texts, b *encoding.Broadcast) ([]any, error)
	// command returns the Redis command of these words, the last of which becomes
	// the message. It may be of the memory of commands.
	command(ctx context.Context, commands *slab.Commands, words []any, message []byte) redis.Cmder
	// listeners returns the Redis command that asks a node for the subscribers
	// of a channel on which each server of the namespace listens once.
	listeners(ctx context.Context, namespace string) (cmd *redis.MapStringIntCmd, channel string)
	// request returns the Redis command that sends a request to the servers.
	request(ctx context.Context, r *encoding.Request) (redis.Cmder, error)
	// endsServers reports whether a request ends servers with an adapter of an
	// older version.
	endsServers(request redis.Cmder) bool
	// roomsRequest is the request that shows which rooms there are.
	roomsRequest() encoding.RequestKind
	// needs is what a server must have to answer a request, if that is not
	// plain.
	needs(kind encoding.RequestKind) string
	// barrier is how servers answer, and are asked whether they have taken what was
	// sent; nil where they answer each other only.
	barrier() barrier.Adapter
}

// latest is what the adapters for Socket.IO 4 only have in common.
type latest struct{}

func (latest) endsServers(redis.Cmder) bool { return false }

func (latest) roomsRequest() encoding.RequestKind { return encoding.FetchSockets }

func (latest) needs(kind encoding.RequestKind) string {
	if kind == encoding.ServerSideEmit {
		return needsHandler
	}
	return ""
}

const needsHandler = "a handler for the event"

// check refuses the options that only the classic adapter has, and names what
// there is instead of a key.
func (latest) check(c *config, adapter, instead string) error {
	switch {
	case c.key != "":
		return &OptionError{Option: "WithKey", Adapter: adapter, Err: fmt.Errorf("the %s adapter has %s instead", adapter, instead)}
	case c.codec != MessagePack:
		return &OptionError{Option: "WithCodec", Adapter: adapter, Err: fmt.Errorf("the %s adapter chooses by itself", adapter)}
	case c.version != 4:
		return &OptionError{Option: "WithServerVersion", Value: c.version, Adapter: adapter, Err: fmt.Errorf("the %s adapter exists for Socket.IO 4 only", adapter)}
	}
	return nil
}

// Classic is the adapter made by createAdapter of @socket.io/redis-adapter and
// socket.io-redis, for Socket.IO 1 to 4. It is the default. Its options are
// WithKey, WithCodec and WithServerVersion.
func Classic() Adapter { return classic{} }

// ShardedOptions are the options of the sharded adapter, by their upstream
// names. The zero value means upstream's defaults.
type ShardedOptions struct {
	// ChannelPrefix is "socket.io" when empty.
	ChannelPrefix string
	// SubscriptionMode is Dynamic when empty. It must be that of the servers:
	// with another one, events to one room reach nobody.
	SubscriptionMode SubscriptionMode
}

// SubscriptionMode says which rooms have a channel of their own.
type SubscriptionMode = encoding.SubscriptionMode

// Subscription modes of the sharded adapter.
const (
	Dynamic        = encoding.Dynamic
	DynamicPrivate = encoding.DynamicPrivate
	Static         = encoding.Static
)

// Sharded is the adapter made by createShardedAdapter of
// @socket.io/redis-adapter 8.2 and later, which needs Redis 7.
func Sharded(o ShardedOptions) Adapter { return sharded{format: encoding.Sharded(o)} }

// StreamsOptions are the options of the streams adapter, by their upstream
// names. The zero value means upstream's defaults.
type StreamsOptions struct {
	// StreamName is "socket.io" when empty.
	StreamName string
	// StreamCount is 1 when 0. With more, each namespace belongs to one of the
	// streams, and some to none: see encoding.ErrUnreadStream.
	StreamCount int
	// MaxLen is the number of entries to which the stream is trimmed, roughly;
	// 10,000 when 0.
	MaxLen int64
	// ChannelPrefix is "socket.io" when empty.
	ChannelPrefix string
	// UseShardedPubSub says that the servers use the sharded pub/sub of Redis 7
	// for what does not go through the stream.
	UseShardedPubSub bool
}

// Streams is the adapter made by createAdapter of
// @socket.io/redis-streams-adapter. Events go through a Redis stream, so that
// servers that were disconnected from Redis for a moment, and clients with
// connection state recovery, get what they missed.
func Streams(o StreamsOptions) Adapter { return streams{StreamsOptions: o} }

// PythonOptions are the options of python-socketio's Redis managers. The zero
// value means their defaults.
type PythonOptions struct {
	// Channel is "socketio" when empty. Flask-SocketIO has "flask-socketio" unless
	// its option channel says otherwise.
	Channel string
	// AllowBinary lets events hold binary, for clients that all use the same
	// transport; see encoding.Python. Without it, binary is refused.
	AllowBinary bool
}

// Python is the adapter for servers in Python: those of python-socketio 5.16 and
// later that have a RedisManager or an AsyncRedisManager, and of Flask-SocketIO.
// These servers know less than those in JavaScript:
//
//   - Except takes socket ids only, as on Socket.IO 3.
//   - Volatile and Compress change nothing.
//   - Of the other calls, there are SocketsJoin and SocketsLeave of one socket, by
//     its id, with one room, DisconnectSockets(ctx, false) of one, SocketsLeave of
//     everyone with one room, and ServerCount. What there is not returns
//     encoding.ErrNoCounterpart.
func Python(o PythonOptions) Adapter { return python{format: encoding.Python(o)} }

// publishMessage returns PUBLISH or SPUBLISH with a message as its last word.
func publishMessage(ctx context.Context, commands *slab.Commands, words []any, message []byte) redis.Cmder {
	words[len(words)-1] = message
	cmd := commands.Publish(ctx, words)
	cmd.SetFirstKeyPos(1)
	return cmd
}

// newPublish returns PUBLISH or SPUBLISH. go-redis knows no key of PUBLISH and
// sends each to a random node of a Redis Cluster, from where two events for one
// client can overtake each other; with the channel as its key, all events of a
// channel take one way.
func newPublish(ctx context.Context, words ...any) redis.Cmder {
	cmd := redis.NewIntCmd(ctx, words...)
	cmd.SetFirstKeyPos(1)
	return cmd
}

// forgetChannelKey takes from PUBLISH the key that newPublish gave it. In a
// transaction all keys must be in one slot, which the caller's own keys choose,
// and all commands go to one node, so that order does not depend on it. The
// channel of SPUBLISH and the stream of XADD are keys for Redis as well.
func forgetChannelKey(cmd redis.Cmder) {
	if cmd.Name() == "publish" {
		cmd.SetFirstKeyPos(0)
	}
}

// subscribers returns the command that counts the subscribers of a channel.
func subscribers(ctx context.Context, numsub, channel string) (*redis.MapStringIntCmd, string) {
	return redis.NewMapStringIntCmd(ctx, "pubsub", numsub, channel), channel
}

// commandName is the name of a Redis command as people write it.
func commandName(cmd redis.Cmder) string { return strings.ToUpper(cmd.Name()) }
