// Package emitter sends events to the clients of a Socket.IO cluster from
// outside of it, through the Redis that joins its servers.
//
//	rdb := redis.NewClient(&redis.Options{Addr: "localhost:6379", ContextTimeoutEnabled: true})
//	io := emitter.New(rdb)
//	err := io.To("room1").Except("room2").Emit(ctx, "order:paid", order)
//
// Names follow the Socket.IO server API: io.Emit reaches everyone in the
// default namespace, Of chooses another one, To and In choose rooms, Except
// leaves rooms out, Volatile and Compress set flags. A socket id is a room,
// too. ToNumber and ExceptNumber are for rooms that are numbers: a server's
// join(5) is not its join("5").
//
// What arrives is what encoding/json would have sent, except that []byte
// arrives as binary; see package encoding.
//
// All types are safe for concurrent use. A BroadcastOperator never changes:
// each method returns a new one, so that operators can be kept and shared.
//
// # Servers
//
// The servers are the official ones. By default the emitter speaks to those
// with the adapter made by createAdapter of @socket.io/redis-adapter or
// socket.io-redis; WithAdapter chooses the sharded or the streams adapter. Set
// what differs from the adapter's defaults: the key (WithKey), a JSON parser
// (WithCodec), Socket.IO 1 to 3 (WithServerVersion), or the options of Sharded
// and Streams.
//
// # Delivery
//
// Redis pub/sub delivers at most once: a server that is not connected to Redis
// at the moment misses the event, and so do its clients; with the streams
// adapter it reads the event later. A nil error means that Redis took the
// event. An error of the connection leaves open whether it did. go-redis
// repeats a command on a broken connection, so that in this case an event can
// arrive twice. With MaxRetries: -1 a *redis.Client never does that; on a
// *redis.ClusterClient the option has no effect, and NoRetry has.
//
// # Replies
//
// EmitWithAck, FetchSockets, Rooms and ServerSideEmitWithAck wait for the
// servers to answer. They return ErrNoServers when none listens on the
// namespace. Before they ask it may be ErrNeedsVersion4, ErrTargeted,
// ErrPipelined, ErrCannotSubscribe, ErrNeedsClusterClient, ErrUnknownClient or
// ErrClosed, or the error of the context when that has ended. It is
// ErrMaybeAsked when the connection broke while they asked, since a question
// is never repeated under its id. Afterwards it is ErrSubscription when the
// connection for replies breaks, and an *IncompleteError, beside the replies
// that came, when time runs out.
//
// # Time
//
// Every call looks at its context first: when that has ended, nothing is sent. A
// call ends when its context does, as far as go-redis lets it. Set
// ContextTimeoutEnabled in its options: without it, a read from a Redis that
// hangs lasts until ReadTimeout, 5 seconds by default, and is then tried again,
// so that a context of half a second took a minute. What AutoPipeline returns
// does not look at contexts; calls of the emitter return all the same, and
// leave the command to go-redis. Neither a *redis.Client nor a
// *redis.ClusterClient gives up by itself in less than its timeouts.
// docs/service.md has the options that a service should start with.
package emitter
