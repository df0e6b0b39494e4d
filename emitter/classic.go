package emitter

import (
	"context"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/encoding"
)

// classic is the adapter made by createAdapter: servers subscribe to all
// channels of a namespace with PSUBSCRIBE, and events are published there.
type classic struct{ format encoding.Classic }

func (c classic) broadcast(ctx context.Context, b *encoding.Broadcast) (redis.Cmder, error) {
	payload, err := c.format.Marshal(b)
	if err != nil {
		return nil, err
	}
	return redis.NewIntCmd(ctx, "publish", c.format.Channel(b.Namespace, b.Rooms), payload), nil
}

// listeners counts the subscribers of the request channel, on which each
// server listens once.
func (c classic) listeners(ctx context.Context, node Client, namespace string) (int, error) {
	channel := c.format.RequestChannel(namespace)
	cmd := redis.NewMapStringIntCmd(ctx, "pubsub", "numsub", channel)
	if err := node.Process(ctx, cmd); err != nil {
		return 0, err
	}
	return int(cmd.Val()[channel]), cmd.Err()
}
