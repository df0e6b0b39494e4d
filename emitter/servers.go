package emitter

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/sioemit/sioemit/internal/goredis"
)

// ErrPipelined is returned by calls that need an answer and were made in a
// pipeline, where answers come only after its end.
var ErrPipelined = errors.New("this call needs an answer and cannot be part of a pipeline")

// ServerCount returns how many servers listen on the namespace. With rooms it
// returns ErrTargeted: a server listens to its whole namespace. On a Redis
// Cluster it asks every node, because each knows its own subscribers only; when
// the client does not show them, it returns ErrNeedsClusterClient.
//
// These servers need not all get an event. With the sharded adapter only those
// with clients in a room subscribe to its channel, and none in another
// SubscriptionMode; and which stream a server reads, Redis does not know.
func (o *operator) ServerCount(ctx context.Context) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	if err := o.checkUntargeted(); err != nil {
		return 0, err
	}
	return o.serverCount(ctx)
}

func (o *operator) serverCount(ctx context.Context) (int, error) {
	if err := checkContext(ctx); err != nil {
		return 0, err
	}
	if o.sender.pipeline != nil {
		return 0, fmt.Errorf("emitter: %w", ErrPipelined)
	}
	var sum atomic.Int64
	err := o.sender.client.Each(ctx, func(ctx context.Context, node goredis.Node) error {
		cmd, channel := o.sender.adapter.listeners(ctx, o.namespace)
		if err := node.Process(ctx, cmd); err != nil {
			return o.sender.explain(cmd, err)
		}
		sum.Add(cmd.Val()[channel])
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("emitter: %w", o.sender.client.Explain(err)) // that may also come from finding the nodes
	}
	return int(sum.Load()), nil
}
