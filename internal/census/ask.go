package census

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/connect"
	"github.com/sioemit/sioemit/internal/protocol"
	"github.com/sioemit/sioemit/internal/settings"
	"github.com/sioemit/sioemit/internal/wire"
)

// Answers are what servers said when they were asked who is in a room.
type Answers struct {
	Servers     int // that answered
	Old         int // of them Socket.IO 1 and 2
	Spaced      int // that read JSON which does not begin with a brace
	MessagePack int // that answered in MessagePack
	Clients     int
}

// Nobody is the room that is asked about when none is given. Nobody is in it,
// so that the replies are short, and who asks is known to whoever sees it.
const Nobody encoding.Room = "sioemit-doctor"

// Patience ends a question after a share of the time that is left: a server that
// hangs must not take it all.
func Patience(ctx context.Context, share time.Duration) (context.Context, context.CancelFunc) {
	deadline, _ := ctx.Deadline()
	return context.WithTimeout(ctx, time.Until(deadline)/share)
}

// Ask asks a group of servers who is in a room, until all have answered or ctx
// ends. The answers of sharded and streams servers hold socket.data of all in
// there. With parser, servers of the classic adapter are asked for their parser,
// too: only those that have the option may be.
func (c *Census) Ask(ctx context.Context, g Group, room encoding.Room, parser bool) (Answers, error) {
	switch {
	case g.Adapter == settings.Classic:
		return c.askClassic(ctx, g, room, parser)
	case g.Stream != "":
		return c.AskThrough(ctx, g, g.Stream, room, false)
	}
	// Both of the others understand MessagePack, and each answers in the form
	// that it prefers.
	publish, format := c.client.Publish, encoding.Streams{ChannelPrefix: g.Key}
	if g.onShards() {
		publish = c.client.SPublish
	}
	return c.askOnChannel(ctx, g, func(id string) error {
		_, message, err := format.MarshalRequest(&encoding.Request{Kind: encoding.FetchSockets, ID: id, Broadcast: encoding.Broadcast{Namespace: g.Namespace, Rooms: []encoding.Room{room}}})
		if err != nil {
			return err
		}
		return publish(ctx, format.Channel(g.Namespace), message).Err()
	})
}

// AskThrough asks servers of the streams adapter through a stream. Those of 0.3
// answer on a channel, the older ones in the stream. Where the question is the
// first entry, and nobody takes it, it does not stay.
func (c *Census) AskThrough(ctx context.Context, g Group, stream string, room encoding.Room, isNew bool) (a Answers, err error) {
	var entry string
	ask := func(id string) error {
		data, err := json.Marshal(map[string]any{
			"opts":      map[string]any{"rooms": []encoding.Room{room}, "except": []string{}, "flags": struct{}{}},
			"requestId": id,
		})
		if err != nil {
			return err
		}
		entry, err = c.client.XAdd(ctx, &redis.XAddArgs{Stream: stream, Values: []string{
			"uid", encoding.UID, "nsp", g.Namespace, "type", "7", "data", string(data),
		}}).Result()
		return err
	}
	if g.Stream == "" {
		a, err = c.askOnChannel(ctx, g, ask)
	} else {
		id := rand.Text()
		if err = ask(id); err == nil {
			a = c.answersIn(ctx, g, stream, entry, id)
		}
	}
	if entry == "" {
		return a, err
	}
	if isNew && a.Servers == 0 {
		c.client.XDel(context.WithoutCancel(ctx), stream, entry) // nobody needs it; the user may not be allowed to
	}
	return a, nil
}

// onShards reports whether the servers have shard channels.
func (g *Group) onShards() bool { return g.Adapter == settings.Sharded || g.ShardedPubSub }

// askOnChannel sends a question, and counts the answers that come on the channel
// for emitters.
func (c *Census) askOnChannel(ctx context.Context, g Group, ask func(id string) error) (a Answers, err error) {
	format := encoding.Streams{ChannelPrefix: g.Key} // the sharded adapter names its channels alike
	channel := format.Channel(g.Namespace)
	subscribe, own := c.client.Subscribe, c.Plain.Names
	if g.onShards() {
		subscribe, own = c.client.SSubscribe, c.Shard.Names
	}
	pubsub := subscribe(ctx, format.ResponseChannel(g.Namespace))
	defer pubsub.Close()
	if _, err := pubsub.Receive(ctx); err != nil {
		return a, err
	}
	id := rand.Text()
	if err := ask(id); err != nil {
		return a, err
	}
	heard := make(map[string]bool)
	for a.Servers < g.Servers {
		message, err := pubsub.ReceiveMessage(ctx)
		if err != nil {
			return a, unlessTimeout(err)
		}
		m, err := protocol.Unmarshal([]byte(message.Payload))
		uid, sockets, ok := socketsIn(m, err, id)
		if !ok || !own[wire.Within(channel, uid)] || heard[uid] {
			continue // of another call, or of sioemit listen, which has no channel of its own
		}
		heard[uid] = true
		a.Servers++
		a.Clients += sockets
		if message.Payload[0] != '{' {
			a.MessagePack++
		}
	}
	return a, nil
}

// answersIn counts the answers in a stream, behind an entry.
func (c *Census) answersIn(ctx context.Context, g Group, stream, after, question string) (a Answers) {
	heard := make(map[string]bool)
	for a.Servers < g.Servers {
		read, err := c.client.XRead(ctx, &redis.XReadArgs{Streams: []string{stream, after}, Count: 1000, Block: 100 * time.Millisecond}).Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			return a
		}
		for _, s := range read {
			for _, entry := range s.Messages {
				after = entry.ID
				if uid, n, ok := answerIn(entry, question); ok && !heard[uid] {
					heard[uid] = true
					a.Servers++
					a.Clients += n
				}
			}
		}
	}
	return a
}

// answerIn returns whose answer to a question an entry is, and how many sockets
// it holds.
func answerIn(entry redis.XMessage, question string) (uid string, sockets int, ok bool) {
	var fields []string
	for name, value := range entry.Values {
		fields = append(fields, name, fmt.Sprint(value))
	}
	m, err := protocol.UnmarshalEntry(fields)
	return socketsIn(m, err, question)
}

func socketsIn(m *protocol.Message, err error, question string) (uid string, sockets int, ok bool) {
	if err != nil || !m.IsReply || m.Kind != protocol.KindSockets || m.RequestID != question {
		return "", 0, false
	}
	list, err := m.Sockets()
	return m.UID, len(list), err == nil
}

// classicQuestion is a request for the ids of the sockets in rooms. Socket.IO 1 and 2
// spell the id requestid, and answer with that spelling: so one question fits
// all, and the answer shows the generation.
type classicQuestion struct {
	UID       string          `json:"uid"`
	RequestID string          `json:"requestId"`
	OldID     string          `json:"requestid"`
	Type      int             `json:"type"`
	Rooms     []encoding.Room `json:"rooms"`
}

// classicAnswer is a reply to it.
type classicAnswer struct {
	RequestID string            `json:"requestId"`
	Sockets   []json.RawMessage `json:"sockets"`
	OldID     string            `json:"requestid"`
	Clients   []json.RawMessage `json:"clients"`
}

// UnmarshalJSON keeps the two spellings apart, which package json would not.
func (a *classicAnswer) UnmarshalJSON(text []byte) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return err
	}
	for name, target := range map[string]any{"requestId": &a.RequestID, "sockets": &a.Sockets, "requestid": &a.OldID, "clients": &a.Clients} {
		if text := fields[name]; text != nil {
			if err := json.Unmarshal(text, target); err != nil {
				return err
			}
		}
	}
	return nil
}

// askClassic asks the servers of the classic adapter, of any generation.
func (c *Census) askClassic(ctx context.Context, g Group, room encoding.Room, parser bool) (Answers, error) {
	format := encoding.Classic{Key: g.Key}
	response := format.ResponseChannel(g.Namespace)
	pubsub := c.client.Subscribe(ctx, response, wire.Within(response, encoding.UID))
	defer pubsub.Close()
	for range 2 {
		if _, err := pubsub.Receive(ctx); err != nil {
			return Answers{}, err
		}
	}
	send := func(id, before string) error {
		text, err := json.Marshal(classicQuestion{UID: encoding.UID, RequestID: id, OldID: id, Type: wire.ClassicSocketIDs, Rooms: []encoding.Room{room}})
		if err != nil {
			return err
		}
		return c.client.Publish(ctx, format.RequestChannel(g.Namespace), before+string(text)).Err()
	}
	spaced, id := rand.Text(), rand.Text()
	// Servers of @socket.io/redis-adapter 7.2 and later read a request that
	// begins with a brace as JSON, and any other one with their parser. So
	// JSON behind a space is understood by those whose parser is one for JSON,
	// and ignored by the others. Adapters before 7.1 have no parser, and no
	// channel of their own for replies, and are not asked this. 7.1 has such a
	// channel, no parser, and reads every request as JSON.
	if parser {
		if err := send(spaced, " "); err != nil {
			return Answers{}, err
		}
	}
	if err := send(id, ""); err != nil {
		return Answers{}, err
	}
	var a Answers
	for a.Servers < g.Servers {
		message, err := pubsub.ReceiveMessage(ctx)
		if err != nil {
			return a, unlessTimeout(err)
		}
		var reply classicAnswer
		if json.Unmarshal([]byte(message.Payload), &reply) != nil {
			continue // of another call
		}
		switch {
		case reply.RequestID == spaced:
			a.Spaced++ // comes before that server's other reply
		case reply.RequestID == id:
			a.Servers++
			a.Clients += len(reply.Sockets)
		case reply.OldID == id:
			a.Servers++
			a.Old++
			a.Clients += len(reply.Clients)
		}
	}
	return a, nil
}

func unlessTimeout(err error) error {
	if connect.IsTimeout(err) {
		return nil
	}
	return err
}
