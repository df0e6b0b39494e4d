package emitter

import (
	"cmp"
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/barrier"
	"github.com/sioemit/sioemit/internal/slab"
)

// sharded: servers subscribe with SSUBSCRIBE to the channel of a namespace and,
// depending on the mode, to those of their rooms.
type sharded struct {
	latest
	format encoding.Sharded
}

func (a sharded) configure(c *config) (Adapter, error) {
	switch mode := a.format.SubscriptionMode; mode {
	case "", Dynamic, DynamicPrivate, Static:
		return a, cmp.Or(a.check(c, "sharded", "ChannelPrefix"), checkText("ChannelPrefix", a.format.ChannelPrefix))
	default:
		return a, &OptionError{"SubscriptionMode", mode, "sharded", fmt.Errorf("it is %s, %s or %s", Dynamic, DynamicPrivate, Static)}
	}
}

func (a sharded) retarget(t *encoding.Template, b *encoding.Broadcast) { a.format.Retarget(t, b) }

func (a sharded) words(to []any, _ *slab.Texts, b *encoding.Broadcast) ([]any, error) {
	return append(to, "spublish", a.format.Channel(b.Namespace, b.Rooms)), nil
}

func (sharded) command(ctx context.Context, commands *slab.Commands, words []any, message []byte) redis.Cmder {
	return publishMessage(ctx, commands, words, message)
}

func (a sharded) listeners(ctx context.Context, namespace string) (*redis.MapStringIntCmd, string) {
	return subscribers(ctx, "shardnumsub", a.format.Channel(namespace, nil))
}

func (a sharded) request(ctx context.Context, r *encoding.Request) (redis.Cmder, error) {
	message, err := a.format.MarshalRequest(r)
	if err != nil {
		return nil, err
	}
	return newPublish(ctx, "spublish", a.format.Channel(r.Namespace, nil), message), nil
}

func (a sharded) barrier() barrier.Adapter { return barrier.Sharded(a.format) }
