package emitter

import (
	"cmp"
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/barrier"
	"github.com/sioemit/sioemit/internal/slab"
	"github.com/sioemit/sioemit/internal/socketids"
)

// python: servers subscribe to one channel, for all namespaces.
type python struct {
	latest
	format encoding.Python
	ids    *socketids.Pattern // that requests take
}

func (a python) configure(c *config) (Adapter, error) {
	a.ids, c.onlyIDs = socketids.New(c.ids), true
	return a, cmp.Or(a.check(c, "python", "Channel"), checkText("Channel", a.format.Channel))
}

func (a python) retarget(t *encoding.Template, b *encoding.Broadcast) { a.format.Retarget(t, b) }

func (a python) words(to []any, _ *slab.Texts, _ *encoding.Broadcast) ([]any, error) {
	return append(to, "publish", a.format.RedisChannel()), nil
}

func (python) command(ctx context.Context, commands *slab.Commands, words []any, message []byte) redis.Cmder {
	return publishMessage(ctx, commands, words, message)
}

func (a python) listeners(ctx context.Context, _ string) (*redis.MapStringIntCmd, string) {
	return subscribers(ctx, "numsub", a.format.RedisChannel())
}

func (a python) request(ctx context.Context, r *encoding.Request) (redis.Cmder, error) {
	message, err := a.format.MarshalRequest(r)
	if err != nil {
		return nil, err
	}
	if len(r.Rooms) == 1 && !a.ids.Match(string(r.Rooms[0]), 4) {
		return nil, fmt.Errorf("%q is not a socket id: %w", r.Rooms[0], encoding.ErrNoCounterpart)
	}
	return newPublish(ctx, "publish", a.format.RedisChannel(), message), nil
}

// barrier is nil: these servers answer each other only.
func (python) barrier() barrier.Adapter { return nil }
