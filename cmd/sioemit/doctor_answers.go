package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/connect"
	"github.com/sioemit/sioemit/internal/protocol"
	"github.com/sioemit/sioemit/internal/show"
	"github.com/sioemit/sioemit/internal/wire"
)

// answers are what the servers said when they were asked who is in a room.
type answers struct {
	servers     int // that answered
	old         int // of them Socket.IO 1 and 2
	spaced      int // that read JSON which does not begin with a brace
	messagePack int // that answered in MessagePack
	clients     int
}

// nobody is the room that is asked about when none is given. Nobody is in it,
// so that the replies are short, and who asks is known to whoever sees it.
const nobody = "sioemit-doctor"

// patience ends a question after a share of the time that is left: a server that
// hangs must not take it all.
func patience(ctx context.Context, share time.Duration) (context.Context, context.CancelFunc) {
	deadline, _ := ctx.Deadline()
	return context.WithTimeout(ctx, time.Until(deadline)/share)
}

// checkAnswers asks the servers who is in a room that nobody is in, and judges
// from the replies whether they live, which generation they are and what they
// speak. The question harms no server: none has to write down socket.data.
func (p *patient) checkAnswers(ctx context.Context, here *group) {
	began := time.Now()
	asking, cancel := patience(ctx, 2)
	defer cancel()
	var a answers
	var err error
	switch {
	case p.adapter == "classic":
		a, err = p.askClassic(asking, *here, []encoding.Room{nobody}, here.speakParser())
	case here.stream != "":
		a, err = p.askStream(asking, *here, here.stream, []encoding.Room{nobody}, false)
	default:
		a, err = p.askCluster(asking, *here, []encoding.Room{nobody})
	}
	took := time.Since(began)
	if err != nil {
		p.unsure("answers", fmt.Sprintf("The servers could not be asked: %s.", reason(err)), "")
		return
	}
	p.proof.answered = a.servers >= here.servers
	if p.proof.answered {
		p.ok("answers", fmt.Sprintf("%d of %s answered.", a.servers, show.Plural(here.servers, "server")))
	} else {
		p.fail("answers", fmt.Sprintf("%d of %s answered within %v.", a.servers, show.Plural(here.servers, "server"), took.Round(100*time.Millisecond)),
			"The others hang, may not publish, are no servers, or are deaf: one message that a server cannot read can make it ignore all later ones. Look into their logs, and restart them.")
	}
	if p.adapter == "streams" && here.stream == "" {
		p.proof.answered = p.checkStream(ctx, here, took) && p.proof.answered
	}
	p.checkOldStreams(here)
	clients := p.checkRooms(ctx, here)
	switch {
	case p.adapter == "sharded":
		p.checkMode(here, clients)
	case p.adapter == "classic" && a.servers > 0:
		p.checkVersionOfServers(here, a)
		p.checkCodec(here, a)
	}
}

// checkMode compares --subscription-mode with the channels of rooms. Servers
// that have clients in a room subscribe to its channel, except in static mode.
// The number of clients in the rooms is known when they were asked for it.
func (p *patient) checkMode(here *group, clients int) {
	channel := encoding.Sharded{ChannelPrefix: p.key, SubscriptionMode: p.mode}.Channel(p.namespace, p.rooms)
	switch {
	case p.mode == encoding.Static:
		p.ok("subscription-mode", "--subscription-mode static reaches servers in any mode.")
	case clients > 0 && len(p.rooms) == 1 && !p.listened.shard.names[channel]:
		flags := []string{"--subscription-mode", "static"}
		p.fail("subscription-mode", fmt.Sprintf("No server subscribes to %s, although clients are in the room: the servers' subscriptionMode is another.", show.Quote(channel)),
			p.addFlags(flags), flags...)
	case here.rooms > 0 && here.ids == 0 && p.mode == "dynamic-private":
		flags := []string{"--subscription-mode", "dynamic"}
		p.fail("subscription-mode", "Sockets have no channel of their own here: the servers' subscriptionMode is dynamic, and events to a single socket id would be lost.",
			p.addFlags(flags), flags...)
	case here.rooms+here.ids > 0:
		p.ok("subscription-mode", "Rooms have channels of their own here, as --subscription-mode "+string(p.mode)+" expects.")
	case len(p.rooms) == 0:
		p.warn("subscription-mode", "No room has a channel of its own. Either no client is in a room now, or the servers' subscriptionMode is static: then events to a room are lost.",
			"Run doctor again with --room ROOM, for a room with clients in it. --subscription-mode static reaches servers in any mode.")
	}
}

// askCluster asks the servers of the sharded and of the streams adapter. Both
// understand MessagePack, and each answers in the form that it prefers.
func (p *patient) askCluster(ctx context.Context, g group, rooms []encoding.Room) (answers, error) {
	format := encoding.Streams{ChannelPrefix: g.key}
	channel := format.Channel(g.namespace)
	subscribe, publish, own := p.client.Subscribe, p.client.Publish, p.listened.plain.names
	if g.adapter == "sharded" || g.shardedPubSub {
		subscribe, publish, own = p.client.SSubscribe, p.client.SPublish, p.listened.shard.names
	}
	pubsub := subscribe(ctx, format.ResponseChannel(g.namespace))
	defer pubsub.Close()
	if _, err := pubsub.Receive(ctx); err != nil {
		return answers{}, err
	}
	question := encoding.Request{Kind: encoding.FetchSockets, ID: rand.Text(), Broadcast: encoding.Broadcast{Namespace: g.namespace, Rooms: rooms}}
	_, message, err := format.MarshalRequest(&question)
	if err != nil {
		return answers{}, err
	}
	if err := publish(ctx, channel, message).Err(); err != nil {
		return answers{}, err
	}
	var a answers
	heard := make(map[string]bool)
	for a.servers < g.servers {
		text, err := receive(ctx, pubsub)
		if err != nil {
			return a, ignoreTimeout(err)
		}
		uid, sockets, ok := socketsIn(text, question.ID)
		if !ok || !own[wire.Within(channel, uid)] || heard[uid] {
			continue // of another call, or of sioemit listen, which has no channel of its own
		}
		heard[uid] = true
		a.servers++
		a.clients += sockets
		if text[0] != '{' {
			a.messagePack++
		}
	}
	return a, nil
}

// socketsIn returns whose answer to a question for sockets a message is, and how
// many it holds.
func socketsIn(message, question string) (uid string, sockets int, ok bool) {
	m, err := protocol.Unmarshal([]byte(message))
	return socketsOf(m, err, question)
}

func socketsOf(m *protocol.Message, err error, question string) (uid string, sockets int, ok bool) {
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

// askClassic asks the servers of the classic adapter, of any generation, and
// finds out about their parser, too.
func (p *patient) askClassic(ctx context.Context, here group, rooms []encoding.Room, parser bool) (answers, error) {
	format := encoding.Classic{Key: here.key}
	response := format.ResponseChannel(here.namespace)
	pubsub := p.client.Subscribe(ctx, response, wire.Within(response, encoding.UID))
	defer pubsub.Close()
	for range 2 {
		if _, err := pubsub.Receive(ctx); err != nil {
			return answers{}, err
		}
	}
	question := classicQuestion{UID: encoding.UID, Type: 0, Rooms: rooms}
	send := func(id, before string) error {
		question.RequestID, question.OldID = id, id
		text, err := json.Marshal(question)
		if err != nil {
			return err
		}
		return p.client.Publish(ctx, format.RequestChannel(here.namespace), before+string(text)).Err()
	}
	spaced, id := rand.Text(), rand.Text()
	// Servers of @socket.io/redis-adapter 7.2 and later read a request that
	// begins with a brace as JSON, and any other one with their parser. So
	// JSON behind a space is understood by those whose parser is one for JSON,
	// and ignored by the others. Adapters before 7.1 have no parser, and no
	// channel of their own for replies, and are not asked this. 7.1 has such a
	// channel, no parser, and reads every request as JSON: see checkCodec.
	if parser {
		if err := send(spaced, " "); err != nil {
			return answers{}, err
		}
	}
	if err := send(id, ""); err != nil {
		return answers{}, err
	}
	var a answers
	for a.servers < here.servers {
		message, err := receive(ctx, pubsub)
		if err != nil {
			return a, ignoreTimeout(err)
		}
		var reply classicAnswer
		if json.Unmarshal([]byte(message), &reply) != nil {
			continue // of another call
		}
		switch {
		case reply.RequestID == spaced:
			a.spaced++ // comes before that server's other reply
		case reply.RequestID == id:
			a.servers++
			a.clients += len(reply.Sockets)
		case reply.OldID == id:
			a.servers++
			a.old++
			a.clients += len(reply.Clients)
		}
	}
	return a, nil
}

// speakParser reports whether all servers can have the option parser.
func (g *group) speakParser() bool { return g.modern == g.servers }

// receive returns the next message.
func receive(ctx context.Context, pubsub *redis.PubSub) (string, error) {
	message, err := pubsub.ReceiveMessage(ctx)
	if err != nil {
		return "", err
	}
	return message.Payload, nil
}

func ignoreTimeout(err error) error {
	if connect.IsTimeout(err) {
		return nil
	}
	return err
}

// checkVersionOfServers compares --server-version with the generation that the
// replies show. Socket.IO 1 and 2 look the same, and so do 3 and 4 with the
// adapter socket.io-redis 6.
func (p *patient) checkVersionOfServers(here *group, a answers) {
	later := a.servers - a.old // Socket.IO 3 or 4
	switch {
	case a.old > 0 && later > 0:
		p.warn("server-version", fmt.Sprintf("%s of Socket.IO 1 or 2, and %d of 3 or 4, are in one cluster.", show.Plural(a.old, "server"), later),
			"Send them no binary: what one of them needs breaks the clients of the other.")
	case a.old > 0 && p.version > 2:
		flags := []string{"--server-version", "2"}
		p.warn("server-version", fmt.Sprintf("The servers are Socket.IO 1 or 2, --server-version is %d: binary arrives garbled, and join and other calls do not work.", p.version), p.addFlags(flags), flags...)
	case later > 0 && p.version < 3:
		flags := []string{"--server-version", "4"}
		p.fail("server-version", fmt.Sprintf("The servers are Socket.IO 3 or 4, --server-version is %d: events with binary disconnect every client.", p.version), p.addFlags(flags), flags...)
	case p.version == 3 && a.old == 0 && here.modern == here.servers:
		flags := []string{"--server-version", "4"}
		p.warn("server-version", "The servers are Socket.IO 4, --server-version is 3: calls that only 4 has are refused.", p.addFlags(flags), flags...)
	default:
		p.ok("server-version", fmt.Sprintf("--server-version %d fits the servers.", p.version))
	}
}

// checkCodec compares --codec with what the servers understood. Those of
// @socket.io/redis-adapter 7.1 read all requests as JSON and all events as
// MessagePack. They cannot be told from later ones with a JSON parser by a
// question that is harmless: the only one that 7.1 does not know is an event
// with acknowledgement.
func (p *patient) checkCodec(here *group, a answers) {
	if !here.speakParser() || a.servers < here.servers {
		return
	}
	switch {
	case a.spaced == a.servers && p.codec != "json":
		p.unsure("codec", "The servers read JSON. If they have a JSON parser, they understand no event with --codec msgpack. If they are @socket.io/redis-adapter 7.1, it is right.",
			"Look at the servers: if their option parser is one for JSON, add --codec json.")
	case a.spaced == 0 && p.codec != "msgpack":
		flags := []string{"--codec", "msgpack"}
		p.fail("codec", "The servers have no JSON parser, --codec is json: they understand no event.", p.addFlags(flags), flags...)
	case a.spaced > 0 && a.spaced < a.servers:
		p.warn("codec", fmt.Sprintf("%d of %s read JSON, the others do not. If they have a JSON parser, they do not understand the others. If they are @socket.io/redis-adapter 7.1, they do.", a.spaced, show.Plural(a.servers, "server")),
			"Set the same parser on all of them.")
	case a.spaced > 0:
		p.warn("codec", "--codec json fits the servers if they have a JSON parser. If they are @socket.io/redis-adapter 7.1, they understand no event.",
			"Look at the servers: if their option parser is not one for JSON, leave out --codec json.")
	default:
		p.ok("codec", fmt.Sprintf("--codec %s fits the servers.", p.codec))
	}
}
