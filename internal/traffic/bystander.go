package traffic

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/connect"
	"github.com/sioemit/sioemit/internal/protocol"
	"github.com/sioemit/sioemit/internal/wire"
)

// bystander answers questions to all servers as one without clients does.
// Servers of the sharded adapter take the subscribers of the namespace's
// channel for the number of servers, and shard channels have no patterns to
// subscribe to. Without an answer from every subscriber their fetchSockets()
// and emitWithAck() would time out as long as someone listens.
type bystander struct {
	client      redis.UniversalClient
	channel     string
	namespace   string
	uid         string // one of its own, as every server has
	messagePack bool   // the only form that servers of the streams adapter read

	refused sync.Once
}

func (b *bystander) consider(ctx context.Context, payload string, deliver func(Arrival)) {
	if !strings.Contains(payload, "requestId") {
		return
	}
	m, err := protocol.Unmarshal([]byte(payload))
	if err != nil || m.IsReply || m.RequestID == "" || m.UID == "" || m.Namespace != b.namespace {
		return
	}
	// Nothing can be said to a serverSideEmit: whatever comes is taken for a
	// server's answer.
	answer := map[string]any{"uid": b.uid, "nsp": b.namespace}
	switch m.Kind {
	case protocol.KindSockets:
		answer["type"], answer["data"] = wire.ClusterSockets, map[string]any{"requestId": m.RequestID, "sockets": []any{}}
	case protocol.KindEmitAck:
		answer["type"], answer["data"] = wire.ClusterClientCount, map[string]any{"requestId": m.RequestID, "clientCount": 0}
	default:
		return
	}
	appendTo := encoding.AppendJSON
	if b.messagePack {
		appendTo = encoding.Append
	}
	text, err := appendTo(nil, answer)
	if err == nil {
		err = b.client.SPublish(ctx, wire.Within(b.channel, m.UID), text).Err()
	}
	if err != nil {
		b.refused.Do(func() {
			deliver(Arrival{Notice: fmt.Sprintf("warning: servers wait for an answer that could not be sent: %s", connect.ErrorText(err))})
		})
	}
}
