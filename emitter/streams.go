package emitter

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/encoding"
)

// streams: servers read the stream of a namespace with XREAD.
type streams struct{ StreamsOptions }

func (a streams) format() encoding.Streams {
	return encoding.Streams{StreamName: a.StreamName, StreamCount: a.StreamCount, ChannelPrefix: a.ChannelPrefix}
}

func (a streams) check(c *config) error {
	switch {
	case a.StreamCount < 0:
		return fmt.Errorf("emitter: StreamCount %d: %w: it is 1 or more", a.StreamCount, ErrAdapter)
	case a.MaxLen < 0:
		return fmt.Errorf("emitter: MaxLen %d: %w: it is 1 or more", a.MaxLen, ErrAdapter)
	}
	return checkClassicOnly(c, "streams")
}

func (a streams) broadcast(ctx context.Context, b *encoding.Broadcast) (redis.Cmder, error) {
	fields, err := a.format().Marshal(b)
	if err != nil {
		return nil, err
	}
	return a.entry(ctx, b.Namespace, fields)
}

// entry returns the command that adds an entry to the stream of a namespace.
func (a streams) entry(ctx context.Context, namespace string, fields []string) (redis.Cmder, error) {
	stream, err := a.format().Stream(namespace)
	if err != nil {
		return nil, err
	}
	maxLen := a.MaxLen
	if maxLen == 0 {
		maxLen = encoding.DefaultMaxLen
	}
	args := []any{"xadd", stream, "MAXLEN", "~", maxLen, "*"}
	for _, field := range fields {
		args = append(args, field)
	}
	return redis.NewStringCmd(ctx, args...), nil
}

func (a streams) listeners(ctx context.Context, namespace string) (*redis.MapStringIntCmd, string) {
	numsub := "numsub"
	if a.UseShardedPubSub {
		numsub = "shardnumsub"
	}
	return subscribers(ctx, numsub, a.format().Channel(namespace))
}

// request goes through the stream where a server that was away must not miss
// it, and by pub/sub where an answer is due.
func (a streams) request(ctx context.Context, r *encoding.Request) (redis.Cmder, error) {
	fields, message, err := a.format().MarshalRequest(r)
	switch {
	case err != nil:
		return nil, err
	case fields != nil:
		return a.entry(ctx, r.Namespace, fields)
	}
	publish := "publish"
	if a.UseShardedPubSub {
		publish = "spublish"
	}
	return redis.NewIntCmd(ctx, publish, a.format().Channel(r.Namespace), message), nil
}

func (a streams) replyChannels(namespace string) ([]string, bool) {
	return []string{a.format().ResponseChannel(namespace)}, a.UseShardedPubSub
}
