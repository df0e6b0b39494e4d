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
