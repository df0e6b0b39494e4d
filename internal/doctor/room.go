package doctor

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"unicode/utf16"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/census"
	"github.com/sioemit/sioemit/internal/settings"
	"github.com/sioemit/sioemit/internal/show"
	"github.com/sioemit/sioemit/internal/wire"
)

// manyClients is a number of clients that is not known, but more than none.
const manyClients = -1

// checkRooms looks for clients in each room, and returns how many there are in
// all as far as that is known.
func (p *patient) checkRooms(ctx context.Context, here *census.Group) (clients int) {
	p.proof.inRoom = len(p.rooms) == 0
	type presence struct {
		clients int
		known   bool
	}
	found := make([]presence, len(p.rooms))
	for i, room := range p.rooms {
		n, known := p.lookInRoom(ctx, *here, room)
		found[i] = presence{n, known}
		p.proof.inRoom = p.proof.inRoom || n != 0
		clients += max(n, 0)
	}
	for i, room := range p.rooms {
		switch n := found[i].clients; {
		case n == manyClients:
			p.ok("room", fmt.Sprintf("A client is in room %s now: it has a channel.", show.Room(room)))
		case n > 0:
			p.ok("room", fmt.Sprintf("%s in room %s now.", listIn(n), show.Room(room)))
		case !found[i].known:
			p.roomUnknown(here, room)
		default:
			p.roomEmpty(ctx, here, room)
		}
	}
	return clients
}

func listIn(clients int) string {
	if clients == 1 {
		return "1 client is"
	}
	return fmt.Sprintf("%d clients are", clients)
}

// lookInRoom returns how many clients of some servers are in a room, or
// manyClients, and whether none is known to be none.
func (p *patient) lookInRoom(ctx context.Context, g census.Group, room encoding.Room) (clients int, known bool) {
	asking, cancel := census.Patience(ctx, 4)
	defer cancel()
	switch {
	case p.fetchSockets || g.Adapter == settings.Classic: // which tells ids, and no data
	case g.Adapter == settings.Sharded:
		return p.channelOf(asking, g, room)
	default:
		return 0, false
	}
	a, err := p.listened.Ask(asking, g, room, false)
	return a.Clients, err == nil && a.Servers >= g.Servers
}

// channelOf looks for the channel that a room has on servers that are not in
// static mode. Sockets have none in the mode dynamic, and the channel of the room
// that is the number 5 is the same as that of the text "5". Every sioemit listen
// may subscribe to it, too: only with more subscribers is one a server.
func (p *patient) channelOf(ctx context.Context, g census.Group, room encoding.Room) (clients int, known bool) {
	channel := wire.Within(wire.Channel(g.Key, g.Namespace), room.String())
	switch {
	case isNumber(room.String()): // the text or the number
		return 0, false
	case !p.listened.Shard.Names[channel]:
		return 0, g.Rooms > 0 && len(utf16.Encode([]rune(room.String()))) != 20
	}
	listeners := p.listened.Listeners(g)
	if listeners == 0 {
		return manyClients, true
	}
	if n, err := p.listened.ShardSubscribers(ctx, channel); err != nil || n <= listeners {
		return 0, false
	}
	return manyClients, true
}

// isNumber reports whether text is what a number in JavaScript looks like, as
// which servers may have it among their rooms.
func isNumber(text string) bool {
	n, err := strconv.ParseFloat(text, 64)
	return err == nil && !math.IsNaN(n) && !math.IsInf(n, 0) && encoding.NumberRoom(n).String() == text
}

// roomUnknown says what has to be done to know who is in a room.
func (p *patient) roomUnknown(here *census.Group, room encoding.Room) {
	text := fmt.Sprintf("It is not known whether a client is in room %s.", show.Room(room))
	advice := "To ask the servers, add --fetch-sockets. They then send socket.data of the clients in the room, and a server whose socket.data is circular crashes."
	switch {
	case p.fetchSockets, here.Adapter == settings.Classic: // which was asked
		text, advice = fmt.Sprintf("It is not known whether a client is in room %s: not all servers answered.", show.Room(room)), ""
	case p.Adapter == settings.Sharded && here.Rooms+here.IDs == 0 && p.SubscriptionMode != "static":
		text += " No room has a channel of its own: either no client is in one now, or the servers' subscriptionMode is static, and events to a room are lost."
		advice += " --subscription-mode static reaches servers in any mode."
	}
	if p.proof.inRoom {
		p.warn("room", text, advice)
		return
	}
	p.unsure("room", text, advice)
}

// lookedAtGroups bounds the search for a room.
const lookedAtGroups = 50

// roomEmpty says that nobody is in a room, and where somebody is.
func (p *patient) roomEmpty(ctx context.Context, here *census.Group, room encoding.Room) {
	text := fmt.Sprintf("No client is in room %s now.", show.Room(room))
	f := finding{Status: failure, Advice: "Clients join a room when their server calls socket.join(ROOM)."}
	if here.Adapter == settings.Classic { // the others would have to write down socket.data
		f.Advice = "Clients join a room when their server calls socket.join(ROOM); sioemit rooms --names lists those that exist."
	}
	if other, ok := p.inOther(ctx, here, room); ok {
		text += fmt.Sprintf(" A client is in the room that is %s, which is a different room.", kindOfRoom(other))
		f.Advice = "socket.join(5) and socket.join(\"5\") make two rooms."
		if len(p.rooms) == 1 {
			f.Flags, f.Remove = []string{"--room", other.String()}, []string{"--room-number"}
			if _, isNumber := other.Number(); isNumber {
				f.Flags, f.Remove = []string{"--room-number", other.String()}, []string{"--room"}
			}
			f.Advice += " Use " + shellWords(f.Flags) + " in place of your " + f.Remove[0] + "."
		}
	} else {
		var elsewhere []difference
		for i, g := range p.listened.Groups() {
			if i == lookedAtGroups {
				break
			}
			if d := p.differenceTo(g); len(d.differs) > 0 {
				if n, _ := p.lookInRoom(ctx, g, room); n != 0 {
					elsewhere = append(elsewhere, d)
				}
			}
		}
		if len(elsewhere) > 0 {
			var groups []census.Group
			for _, d := range elsewhere {
				groups = append(groups, d.Group)
			}
			text = fmt.Sprintf("No client is in room %s in namespace %s of key %s now, but some are elsewhere: %s.", show.Room(room), show.Quote(p.Namespace), show.Quote(p.Key), list(groups))
			f.Advice = "Choose the one that you mean, and add its flags."
		}
		if len(elsewhere) == 1 {
			f = p.leadingTo(elsewhere[0])
		}
	}
	f.Check, f.Text = "room", text
	if p.proof.inRoom { // the event reaches those of another room
		f.Status = warning
		f.Flags, f.Remove = nil, nil
	}
	p.add(f)
}

// inOther returns the room that is a number where the one asked for is its text,
// or the other way round, when a client is there.
func (p *patient) inOther(ctx context.Context, here *census.Group, room encoding.Room) (other encoding.Room, ok bool) {
	if !isNumber(room.String()) {
		return "", false
	}
	if _, ok := room.Number(); ok {
		other = encoding.Room(room.String())
	} else if n, err := strconv.ParseFloat(room.String(), 64); err == nil {
		other = encoding.NumberRoom(n)
	}
	n, _ := p.lookInRoom(ctx, *here, other)
	return other, n > 0
}

func kindOfRoom(room encoding.Room) string {
	if _, ok := room.Number(); ok {
		return "the number " + room.String()
	}
	return "the text " + show.Quote(room.String())
}
