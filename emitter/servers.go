package emitter

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// ErrPipelined is returned by calls that need an answer and were made in a
// pipeline, where answers come only after its end.
var ErrPipelined = errors.New("this call needs an answer and cannot be part of a pipeline")

// nodes is what the clients of several Redis nodes have, *redis.ClusterClient
// and *redis.Ring.
type nodes interface {
	ForEachShard(ctx context.Context, fn func(context.Context, *redis.Client) error) error
}

// ServerCount returns how many servers listen on the namespace. With rooms it
// returns ErrTargeted: a server listens to its whole namespace. On a Redis
// Cluster it asks every node, because each knows its own subscribers only; for
// that, the emitter must have been made with the *redis.ClusterClient itself,
// not with what its AutoPipeline returns.
func (o *BroadcastOperator) ServerCount(ctx context.Context) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	if err := o.checkUntargeted(); err != nil {
		return 0, err
	}
	return o.serverCount(ctx)
}

func (o *BroadcastOperator) serverCount(ctx context.Context) (int, error) {
	client, adapter := o.sender.client, o.sender.adapter
	if _, ok := client.(redis.Pipeliner); ok {
		return 0, fmt.Errorf("emitter: server count: %w", ErrPipelined)
	}
	var err error
	var sum atomic.Int64
	ask := func(ctx context.Context, node Client) error {
		cmd, channel := adapter.listeners(ctx, o.namespace)
		err := node.Process(ctx, cmd)
		if err == nil {
			err = cmd.Err()
		}
		sum.Add(cmd.Val()[channel])
		return o.sender.describe(cmd, err)
	}
	if all, ok := client.(nodes); ok {
		err = all.ForEachShard(ctx, func(ctx context.Context, node *redis.Client) error { return ask(ctx, node) })
	} else {
		err = ask(ctx, client)
	}
	if err != nil {
		return 0, err
	}
	return int(sum.Load()), nil
}
