package emitter

import (
	"context"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/internal/goredis"
)

var (
	// ErrRing is returned by an emitter that was made with a *redis.Ring of several
	// Redis. It spreads channels over them, while servers listen on one.
	ErrRing = goredis.ErrRing

	// ErrNeedsClusterClient is returned by ServerCount and by calls with replies
	// when the Redis is a node of a Redis Cluster, and the client does not show the
	// other nodes: a *redis.Client, what AutoPipeline returns, or a wrapper that
	// hides ForEachShard. Each node knows its own subscribers only, so that fewer
	// servers would be counted than there are, and fewer answers awaited.
	ErrNeedsClusterClient = goredis.ErrNeedsClusterClient

	// ErrUnknownClient is returned instead of ErrNeedsClusterClient when Redis does
	// not say whether it is a node of a Redis Cluster, as before version 6, and the
	// client is none of go-redis's own.
	ErrUnknownClient = goredis.ErrUnknown

	// ErrCannotSubscribe is returned by a call with replies on a client that has
	// no subscriptions, such as a *redis.Conn.
	ErrCannotSubscribe = goredis.ErrCannotSubscribe
)

// Client is the part of a go-redis client that an Emitter needs. Every one has
// it: *redis.Client (also for Sentinel), *redis.ClusterClient, a *redis.Ring of
// one Redis, what AutoPipeline returns, and a redis.Pipeliner, in which events
// wait for Exec like any other command, also that of a transaction. On a Redis
// Cluster, the keys of a transaction must be in one slot, and to Redis a shard
// channel and a stream are keys; a channel of the classic adapter is none. A wrapper of one has it, too; for calls
// with replies it must also have Subscribe and SSubscribe, and on a Redis Cluster
// ForEachShard, or embed a client that has them.
type Client interface {
	Process(ctx context.Context, cmd redis.Cmder) error
	Pipelined(ctx context.Context, fn func(redis.Pipeliner) error) ([]redis.Cmder, error)
}
