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
	stream, err := a.format().Stream(b.Namespace)
	if err != nil {
		return nil, err
	}
	fields, err := a.format().Marshal(b)
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
