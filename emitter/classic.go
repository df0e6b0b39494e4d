package emitter

import (
	"context"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/barrier"
	"github.com/sioemit/sioemit/internal/slab"
)

// classic: servers subscribe to all channels of a namespace with PSUBSCRIBE,
// and events are published there.
type classic struct{ format encoding.Classic }

func (classic) configure(c *config) (Adapter, error) {
	return classic{encoding.Classic{Key: c.key, Codec: c.codec, LegacyBinary: c.version < 3}}, checkText("WithKey", c.key)
}

func (a classic) retarget(t *encoding.Template, b *encoding.Broadcast) { a.format.Retarget(t, b) }

func (a classic) words(to []any, texts *slab.Texts, b *encoding.Broadcast) ([]any, error) {
	var channel [128]byte
	return append(to, "publish", texts.Text(a.format.AppendChannel(channel[:0], b.Namespace, b.Rooms))), nil
}

func (classic) command(ctx context.Context, commands *slab.Commands, words []any, message []byte) redis.Cmder {
	return publishMessage(ctx, commands, words, message)
}

func (a classic) listeners(ctx context.Context, namespace string) (*redis.MapStringIntCmd, string) {
	return subscribers(ctx, "numsub", a.format.RequestChannel(namespace))
}

func (a classic) request(ctx context.Context, r *encoding.Request) (redis.Cmder, error) {
	message, err := a.format.MarshalRequest(r)
	if err != nil {
		return nil, err
	}
	return newPublish(ctx, "publish", a.format.RequestChannel(r.Namespace), message), nil
}

// endsServers reports whether a request is MessagePack, which adapters before 7.2
// do not read.
func (classic) endsServers(request redis.Cmder) bool {
	args := request.Args()
	message, ok := args[len(args)-1].([]byte)
	return ok && (len(message) == 0 || message[0] != '{')
}

func (classic) roomsRequest() encoding.RequestKind { return encoding.AllRooms }

func (classic) needs(kind encoding.RequestKind) string {
	switch kind {
	case encoding.EmitWithAck:
		return "@socket.io/redis-adapter 7.2 or later"
	case encoding.ServerSideEmit:
		return "@socket.io/redis-adapter 7.0 or later and " + needsHandler
	}
	return "socket.io-redis 6.1 or @socket.io/redis-adapter 7 or later"
}

func (a classic) barrier() barrier.Adapter { return barrier.Classic(a.format) }
