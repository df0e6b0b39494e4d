package call

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/barrier"
	"github.com/sioemit/sioemit/internal/connect"
	"github.com/sioemit/sioemit/internal/goredis"
	"github.com/sioemit/sioemit/internal/once"
	"github.com/sioemit/sioemit/internal/protocol"
	"github.com/sioemit/sioemit/internal/replies"
	"github.com/sioemit/sioemit/internal/wire"
)

// members asks servers of the classic adapter for the ids of sockets. Unlike those who
// are asked for the sockets themselves, they write down no socket.data, which would
// end them where it is circular.
type members struct {
	op       *emitter.BroadcastOperator // of the namespace
	client   *goredis.Client
	receiver *replies.Receiver
	channel  string   // of questions
	replies  []string // the channels of answers
}

func newMembers(r *connect.Redis, op *emitter.BroadcastOperator) (*members, error) {
	client, err := goredis.New(r.Client)
	if err != nil {
		return nil, err
	}
	format, namespace := r.Settings.Classic(), r.Settings.Namespace
	channels, _ := barrier.Classic(format).ReplyChannels(namespace)
	return &members{op, client, replies.New(), format.RequestChannel(namespace), channels}, nil
}

// in returns the ids of the sockets in a room, or of all sockets without one. When a
// server does not answer before ctx ends it returns those that it knows, and an
// *emitter.IncompleteError.
func (m *members) in(ctx context.Context, room ...encoding.Room) (ids []string, err error) {
	wait, err := m.receiver.On(ctx, m.client, false, m.replies)
	if err != nil {
		return nil, err
	}
	w, err := wait(ctx)
	if err != nil {
		return nil, err
	}
	defer w.Release()
	servers, err := m.op.ServerCount(ctx)
	if err != nil {
		return nil, err
	}
	question, err := json.Marshal(struct {
		UID       string          `json:"uid"`
		RequestID string          `json:"requestId"`
		Type      int             `json:"type"`
		Rooms     []encoding.Room `json:"rooms"`
	}{encoding.UID, w.ID(), wire.ClassicSocketIDs, append([]encoding.Room{}, room...)})
	if err != nil {
		return nil, err
	}
	q := once.NewQuestion(ctx, redis.NewIntCmd(ctx, "publish", m.channel, question))
	if err := m.client.Process(ctx, q); err != nil {
		return nil, fmt.Errorf("PUBLISH: %w", err)
	}
	answered, known := 0, make(map[string]bool)
	err = w.Await(ctx, func(heads []protocol.Head) (all bool) {
		for _, h := range heads {
			some, isAnswer := socketIDs(&h)
			before := len(ids)
			for _, id := range some {
				if !known[id] {
					known[id] = true
					ids = append(ids, id)
				}
			}
			// An answer of known ids only came twice: no two servers have the same socket.
			if isAnswer && (len(some) == 0 || len(ids) > before) {
				answered++
			}
		}
		return answered >= servers
	})
	if err != nil && ctx.Err() != nil {
		err = &emitter.IncompleteError{Call: "Rooms", Servers: answered, Asked: servers, Err: err}
	}
	return ids, err
}

// socketIDs reads an answer, and says whether it is one.
func socketIDs(h *protocol.Head) (ids []string, isAnswer bool) {
	if h.Kind != protocol.KindSockets {
		return nil, false
	}
	answer, err := h.Decode()
	if err != nil {
		return nil, false
	}
	return answer.SocketIDs(), true
}

// maxQuestions is how many questions are asked at the same time.
const maxQuestions = 64

// count counts the clients in each room, in which there may be nobody any more. Where
// that cannot be known it is -1, and there is an error.
func (m *members) count(ctx context.Context, rooms []encoding.Room) ([]int, error) {
	counts, errs := make([]int, len(rooms)), make([]error, len(rooms))
	var group sync.WaitGroup
	turns := make(chan struct{}, maxQuestions)
	for i, room := range rooms {
		turns <- struct{}{}
		group.Go(func() {
			defer func() { <-turns }()
			ids, err := m.in(ctx, room)
			if counts[i], errs[i] = len(ids), err; err != nil {
				counts[i] = -1
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return counts, err
		}
	}
	return counts, nil
}
