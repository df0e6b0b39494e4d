package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/census"
	"github.com/sioemit/sioemit/internal/settings"
	"github.com/sioemit/sioemit/internal/show"
)

// checkAnswers asks the servers who is in a room that nobody is in, and judges
// from the replies whether they live, which generation they are and what they
// speak. The question harms no server: none has to write down socket.data.
func (p *patient) checkAnswers(ctx context.Context, here *census.Group) {
	if here.Adapter == settings.Python {
		p.unsure("answers", "Servers of python-socketio answer no questions: it is not known whether they are alive, or who is in a room.",
			"Versions from 5.15.1 on deliver events as they were emitted. Emit one, and check that a client gets it.")
		p.proof.inRoom = true
		return
	}
	began := time.Now()
	asking, cancel := census.Patience(ctx, 2)
	defer cancel()
	a, err := p.listened.Ask(asking, *here, census.Nobody, speakParser(here))
	took := time.Since(began)
	if err != nil {
		p.unsure("answers", fmt.Sprintf("The servers could not be asked: %s.", reason(err)), "")
		return
	}
	p.proof.answered = a.Servers >= here.Servers
	if p.proof.answered {
		p.ok("answers", fmt.Sprintf("%d of %s answered.", a.Servers, show.Plural(here.Servers, "server")))
	} else {
		p.fail("answers", fmt.Sprintf("%d of %s answered within %v.", a.Servers, show.Plural(here.Servers, "server"), took.Round(100*time.Millisecond)),
			"The others hang, may not publish, are not servers, or are deaf: one message that a server cannot read can make it ignore all later ones. Check their logs, and restart them.")
	}
	if p.Adapter == settings.Streams && here.Stream == "" {
		p.proof.answered = p.checkStream(ctx, here, took) && p.proof.answered
	}
	p.checkOldStreams(here)
	clients := p.checkRooms(ctx, here)
	switch {
	case p.Adapter == settings.Sharded:
		p.checkMode(here, clients)
	case p.Adapter == settings.Classic && a.Servers > 0:
		p.checkVersionOfServers(here, a)
		p.checkCodec(here, a)
	}
}

// checkMode compares --subscription-mode with the channels of rooms. Servers
// that have clients in a room subscribe to its channel, except in static mode.
// The number of clients in the rooms is known when they were asked for it.
func (p *patient) checkMode(here *census.Group, clients int) {
	channel := p.Sharded().Channel(p.Namespace, p.rooms)
	switch {
	case p.SubscriptionMode == encoding.Static:
		p.ok("subscription-mode", "--subscription-mode static reaches servers in any mode.")
	case clients > 0 && len(p.rooms) == 1 && !p.listened.Shard.Names[channel]:
		flags := []string{"--subscription-mode", "static"}
		p.fail("subscription-mode", fmt.Sprintf("No server subscribes to %s, although clients are in the room: the servers use another subscriptionMode.", show.Quote(channel)),
			p.addFlags(flags), flags...)
	case here.Rooms > 0 && here.IDs == 0 && p.SubscriptionMode == encoding.DynamicPrivate:
		flags := []string{"--subscription-mode", "dynamic"}
		p.fail("subscription-mode", "Sockets have no channel of their own here: the servers' subscriptionMode is dynamic, and events to a single socket id would be lost.",
			p.addFlags(flags), flags...)
	case here.Rooms+here.IDs > 0:
		p.ok("subscription-mode", "Rooms have channels of their own here, as --subscription-mode "+string(p.SubscriptionMode)+" expects.")
	case len(p.rooms) == 0:
		p.warn("subscription-mode", "No room has a channel of its own. Either no client is in a room now, or the servers' subscriptionMode is static: then events to a room are lost.",
			"Run doctor again with --room ROOM, for a room with clients in it. --subscription-mode static reaches servers in any mode.")
	}
}

// speakParser reports whether all servers can have the option parser.
func speakParser(g *census.Group) bool { return g.Modern == g.Servers }

// checkVersionOfServers compares --server-version with the generation that the
// replies show. Socket.IO 1 and 2 look the same, and so do 3 and 4 with the
// adapter socket.io-redis 6.
func (p *patient) checkVersionOfServers(here *census.Group, a census.Answers) {
	later := a.Servers - a.Old // Socket.IO 3 or 4
	switch {
	case a.Old > 0 && later > 0:
		p.warn("server-version", fmt.Sprintf("%s of Socket.IO 1 or 2, and %d of 3 or 4, are in one cluster.", show.Plural(a.Old, "server"), later),
			"Do not send them binary: what some of them need breaks the clients of the others.")
	case a.Old > 0 && p.Version > 2:
		flags := []string{"--server-version", "2"}
		p.warn("server-version", fmt.Sprintf("The servers are Socket.IO 1 or 2, but --server-version is %d: binary arrives garbled, and join and other calls do not work.", p.Version), p.addFlags(flags), flags...)
	case later > 0 && p.Version < 3:
		flags := []string{"--server-version", "4"}
		p.fail("server-version", fmt.Sprintf("The servers are Socket.IO 3 or 4, but --server-version is %d: events with binary disconnect every client.", p.Version), p.addFlags(flags), flags...)
	case p.Version == 3 && a.Old == 0 && here.Modern == here.Servers:
		flags := []string{"--server-version", "4"}
		p.warn("server-version", "The servers are Socket.IO 4, but --server-version is 3: calls that need 4 are refused.", p.addFlags(flags), flags...)
	default:
		p.ok("server-version", fmt.Sprintf("--server-version %d fits the servers.", p.Version))
	}
}

// checkCodec compares --codec with what the servers understood. Those of
// @socket.io/redis-adapter 7.1 read all requests as JSON and all events as
// MessagePack. They cannot be told from later ones with a JSON parser by a
// question that is harmless: the only one that 7.1 does not know is an event
// with acknowledgement.
func (p *patient) checkCodec(here *census.Group, a census.Answers) {
	if !speakParser(here) || a.Servers < here.Servers {
		return
	}
	switch {
	case a.Spaced == a.Servers && p.Codec != emitter.JSON:
		p.unsure("codec", "The servers read JSON. If they have a JSON parser, they cannot read events sent with --codec msgpack. If they use @socket.io/redis-adapter 7.1, it is right.",
			"Check the servers: if their option parser is a JSON parser, add --codec json.")
	case a.Spaced == 0 && p.Codec == emitter.JSON:
		flags := []string{"--codec", "msgpack"}
		p.fail("codec", "The servers have no JSON parser, but --codec is json: they cannot read events.", p.addFlags(flags), flags...)
	case a.Spaced > 0 && a.Spaced < a.Servers:
		p.warn("codec", fmt.Sprintf("%d of %s read JSON, the others do not. If they have a JSON parser, they cannot read what the others send. If they use @socket.io/redis-adapter 7.1, they can.", a.Spaced, show.Plural(a.Servers, "server")),
			"Set the same parser on all of them.")
	case a.Spaced > 0:
		p.warn("codec", "--codec json fits the servers if they have a JSON parser. If they use @socket.io/redis-adapter 7.1, they cannot read events.",
			"Check the servers: if their option parser is not a JSON parser, leave out --codec json.")
	default:
		name := "msgpack"
		if p.Codec == emitter.JSON {
			name = "json"
		}
		p.ok("codec", fmt.Sprintf("--codec %s fits the servers.", name))
	}
}
