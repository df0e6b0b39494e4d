package emitter

import (
	"cmp"
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/barrier"
	"github.com/sioemit/sioemit/internal/slab"
)

// streams: servers read the stream of a namespace with XREAD.
type streams struct {
	latest
	StreamsOptions
}

func (a streams) format() encoding.Streams {
	return encoding.Streams{StreamName: a.StreamName, StreamCount: a.StreamCount, ChannelPrefix: a.ChannelPrefix}
}

func (a streams) configure(c *config) (Adapter, error) {
	switch {
	case a.StreamCount < 0:
		return a, &OptionError{"StreamCount", a.StreamCount, "streams", errors.New("it must not be negative, and 0 means 1")}
	case a.MaxLen < 0:
		return a, &OptionError{"MaxLen", a.MaxLen, "streams", errors.New("it must not be negative, and 0 means 10,000")}
	}
	return a, cmp.Or(a.check(c, "streams", "ChannelPrefix"), checkText("StreamName", a.StreamName), checkText("ChannelPrefix", a.ChannelPrefix))
}

func (a streams) retarget(t *encoding.Template, b *encoding.Broadcast) { a.format().Retarget(t, b) }

func (a streams) words(to []any, _ *slab.Texts, b *encoding.Broadcast) ([]any, error) {
	return a.entry(to, b.Namespace, a.format().Fields(b.Namespace))
}

func (streams) command(ctx context.Context, _ *slab.Commands, words []any, message []byte) redis.Cmder {
	words[len(words)-1] = encoding.StreamData(message)
	return redis.NewStringCmd(ctx, words...)
}

// entryNamespace is where the namespace stands among the words of entry.
const entryNamespace = 9

// entry appends the words of the command that adds an entry to the stream of a
// namespace.
func (a streams) entry(words []any, namespace string, fields []string) ([]any, error) {
	stream, err := a.format().Stream(namespace)
	if err != nil {
		return nil, err
	}
	words = append(words, "xadd", stream, "MAXLEN", "~", a.maxLen(), "*")
	for _, field := range fields {
		words = append(words, field)
	}
	return words, nil
}

func (a streams) listeners(ctx context.Context, namespace string) (*redis.MapStringIntCmd, string) {
	numsub := "numsub"
	if a.UseShardedPubSub {
		numsub = "shardnumsub"
	}
	return subscribers(ctx, numsub, a.format().Channel(namespace))
}

func (a streams) maxLen() int64 { return cmp.Or(a.MaxLen, encoding.DefaultMaxLen) }

func (a streams) barrier() barrier.Adapter {
	return barrier.Streams(a.format(), a.maxLen(), a.UseShardedPubSub)
}

// request goes through the stream where a server that was away must not miss
// it, and by pub/sub where an answer is due.
func (a streams) request(ctx context.Context, r *encoding.Request) (redis.Cmder, error) {
	fields, message, err := a.format().MarshalRequest(r)
	switch {
	case err != nil:
		return nil, err
	case fields != nil:
		words, err := a.entry(nil, r.Namespace, fields)
		if err != nil {
			return nil, err
		}
		return redis.NewStringCmd(ctx, words...), nil
	}
	publish := "publish"
	if a.UseShardedPubSub {
		publish = "spublish"
	}
	return newPublish(ctx, publish, a.format().Channel(r.Namespace), message), nil
}
