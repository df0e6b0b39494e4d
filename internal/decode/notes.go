package decode

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/protocol"
	"github.com/sioemit/sioemit/internal/show"
	"github.com/sioemit/sioemit/internal/wire"
)

// notesOn says what servers do with a message. What they do with the packets of
// other generations was seen by the tests in compat_test; the rest is in the
// code of the official adapters.
func notesOn(c capture, e *explanation) []note {
	notes := []note{}
	add := func(about, format string, args ...any) {
		notes = append(notes, note{about, fmt.Sprintf(format, args...)})
	}
	if expected := expectedPlace(c, e); expected != "" {
		add("", "%s: servers ignore it", expected)
	} else if e.Adapter != "python" { // which has one channel for all namespaces
		channelNotes(c, e, add)
	}
	if !e.Reply && (e.Kind == protocol.KindEvent || e.Kind == protocol.KindEmitAck) {
		eventNotes(e, len(notes) == 0, add)
	}
	switch e.Adapter {
	case "classic":
		classicNotes(e, add)
	case "python":
		pythonNotes(e, add)
	default:
		clusterNotes(c, e, add)
	}
	return notes
}

type addNote func(about, format string, args ...any)

// expectedPlace says how servers expect a message of this kind, if it was sent in
// another way.
func expectedPlace(c capture, e *explanation) string {
	switch {
	case e.Adapter == "classic" && c.command == "SPUBLISH":
		return "messages of the classic adapter come by PUBLISH only"
	case e.Adapter == "sharded" && c.command == "PUBLISH":
		return "messages of the sharded adapter come by SPUBLISH only"
	case e.Adapter == "python" && c.command == "SPUBLISH":
		return "messages of python-socketio come by PUBLISH only"
	case e.Adapter != "classic" || e.Kind == protocol.KindUnknown:
		return ""
	}
	before, namespace, found := strings.Cut(c.channel, "#/")
	if !found {
		return ""
	}
	key := strings.TrimSuffix(strings.TrimSuffix(before, wire.RequestSuffix), wire.ResponseSuffix)
	name, want := "events", key
	switch {
	case e.Reply:
		name, want = "replies", key+wire.ResponseSuffix
	case e.Kind != protocol.KindEvent:
		name, want = "requests", key+wire.RequestSuffix
	}
	if before == want {
		return ""
	}
	namespace, _, _ = strings.Cut(namespace, "#")
	return fmt.Sprintf("%s of the classic adapter come on %s", name, visible(want+"#/"+namespace+"#"))
}

// channelNotes compares where a message was sent with what it says.
func channelNotes(c capture, e *explanation, add addNote) {
	if c.channel == "" || c.command == "XADD" || e.Reply || e.Namespace == "" {
		return
	}
	namespace, room, ok := channelParts(c.channel, e.Namespace)
	switch {
	case !ok:
		add("", "the channel belongs to namespace %s, but the message says %s: servers ignore it", orUnknown(namespace), visible(e.Namespace))
	case room == "":
	case e.Kind != protocol.KindEvent:
		add("", "the channel is that of room %s, on which servers expect only events", show.Quote(room))
	case !slices.ContainsFunc(e.Rooms, func(r encoding.Room) bool { return r.String() == room }):
		add("", "the channel is that of room %s, which the message does not target: servers without a client in that room ignore it", show.Quote(room))
	case len(e.Rooms) > 1:
		add("", "the channel is that of room %s, but the message targets other rooms, too: servers without a client in %[1]s ignore it", show.Quote(room))
	case e.Adapter == "classic" && !slices.Contains(e.Rooms, encoding.Room(room)):
		add("socket.io-redis 6", "servers ignore it: they look for the text %s among their rooms, but the room is a number", show.Quote(room))
	}
}

// channelParts takes the channel apart: <key>#<namespace>#[<room>#]. Without ok,
// the namespace is another one than expected.
func channelParts(channel, expected string) (namespace, room string, ok bool) {
	if _, rest, found := strings.Cut(channel, "#"+expected+"#"); found {
		return expected, strings.TrimSuffix(rest, "#"), true
	}
	if _, rest, found := strings.Cut(channel, "#/"); found {
		name, _, _ := strings.Cut(rest, "#")
		return "/" + name, "", false
	}
	return "", "", false
}

func orUnknown(name string) string {
	if name == "" {
		return "unknown"
	}
	return visible(name)
}

// reservedEvents are those that no client takes from a server.
var reservedEvents = []string{"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}

// eventNotes says what clients do with an event; inPlace is false when some
// servers do not even look at it.
func eventNotes(e *explanation, inPlace bool, add addNote) {
	binary, reserved := hasBinary(e.message.Args), slices.Contains(reservedEvents, *e.Event)
	switch {
	case e.PacketType == wire.PacketBinaryEvent:
		if binary {
			add("Socket.IO 1 and 2", "clients get the event, with binary as binary")
		}
		add("Socket.IO 3", "clients throw an exception (\"Illegal attachments\") and lose the event")
		add("Socket.IO 4", "every client that gets it is disconnected with \"parse error\": packet type 5 is for Socket.IO 1 and 2; send with --server-version 4")
	case binary && e.Adapter == "classic":
		add("Socket.IO 1 and 2", "clients get {\"type\":\"Buffer\",\"data\":[...]} instead of binary: they need packet type 5, --server-version 2")
		add("Socket.IO 3 and 4", "clients get the event, with binary as binary")
	case e.Adapter == "classic" && e.Kind == protocol.KindEvent && inPlace && !reserved && e.Form != "JSON" && len(exceptRooms(e)) == 0:
		add("", "clients of Socket.IO 1 to 4 all get the event")
	}
	if reserved {
		add("Socket.IO 4", "every client that gets it is disconnected with \"parse error\": the name %q is reserved", *e.Event)
	}
	if e.Flags.Volatile {
		add("", "volatile: servers drop it for clients that cannot take it right now")
	}
	if e.Flags.Compress != nil && e.Adapter == "classic" {
		add("Socket.IO 4", "compress only affects HTTP long-polling; for websockets, the server's perMessageDeflate decides")
	}
}

func classicNotes(e *explanation, add addNote) {
	if rooms := exceptRooms(e); len(rooms) > 0 {
		add("Socket.IO 1 to 3", "except takes only socket ids: clients in %s are not left out", quotedList(rooms, ""))
	}
	if e.Kind == protocol.KindEvent {
		if e.message.NoExcept {
			add("", "the options have no except, as emitters for Socket.IO 1 to 3 write them; servers of every generation take that")
		}
		if e.Form == "JSON" {
			add("", "only servers whose adapter has a JSON parser read this; the others expect MessagePack")
		}
		senderNote(e, add)
		return
	}
	if e.Reply || e.Kind == protocol.KindUnknown || e.MessageType == nil {
		return
	}
	needs := map[protocol.Kind]string{protocol.KindServerEmit: "@socket.io/redis-adapter 7.0", protocol.KindEmitAck: "@socket.io/redis-adapter 7.2"}[e.Kind]
	if needs == "" {
		needs = "socket.io-redis 6.1"
	}
	add("Socket.IO 4", "servers with %s or later do this", needs)
	if old, ok := oldRequests[*e.MessageType]; ok {
		add("Socket.IO 1 and 2", "type %d there means: %s", *e.MessageType, old)
	}
	answerNote(e, add)
	senderNote(e, add)
}

// oldRequests are the numbers of socket.io-redis 5.
var oldRequests = map[int]string{
	0: "the question for clients", 1: "the question for the rooms of a client", 2: "the question for all rooms", 3: "a client joins a room",
	4: "a client leaves a room", 5: "a custom request", 6: "a client is disconnected",
}

// exceptRooms are what except names beside socket ids.
func exceptRooms(e *explanation) []encoding.Room {
	return slices.DeleteFunc(slices.Clone(e.Except), func(room encoding.Room) bool { return isSocketID(room.String()) })
}

// isSocketID goes by the length, which is that of every socket id from Socket.IO
// 1 on, without the namespace that 1 and 2 put before it.
func isSocketID(room string) bool {
	_, id, found := strings.Cut(room, "#")
	return len(room) == 20 || found && len(id) == 20
}

func clusterNotes(c capture, e *explanation, add addNote) {
	add("", "for servers of Socket.IO 4 with the %s adapter; the classic one does not read it", e.Adapter)
	if c.command == "SPUBLISH" || c.command == "" {
		_, room, _ := channelParts(c.channel, e.Namespace)
		switch {
		case room == "" || e.Reply || e.Kind != protocol.KindEvent:
		case isSocketID(room):
			add("", "servers listen on the channel of a socket id only with subscriptionMode dynamic-private")
		default:
			add("", "servers listen on the channel of a room unless they set subscriptionMode static")
		}
	}
	if at := strings.LastIndex(e.Stream, "--"); at >= 0 {
		if _, err := strconv.Atoi(e.Stream[at+2:]); err == nil {
			add("", "no server reads a stream with a negative number: with this streamCount, events of this namespace do not arrive")
		}
	}
	if e.message.NoExcept && e.Kind == protocol.KindEvent {
		add("", "the options have no except; servers take that")
	}
	if e.Kind == protocol.KindEmitAck || e.Kind == protocol.KindSockets || e.Kind == protocol.KindServerEmit {
		answerNote(e, add)
	}
	senderNote(e, add)
}

func pythonNotes(e *explanation, add addNote) {
	add("", "for servers of python-socketio and Flask-SocketIO; those of Node.js do not read it")
	if rooms := exceptRooms(e); len(rooms) > 0 {
		add("", "skip_sid takes only socket ids: clients in %s are not left out", quotedList(rooms, ""))
	}
	if e.Reply || e.Event == nil {
		return
	}
	add("python-socketio before 5.15.1", "clients get an array of the arguments instead of the arguments")
	if hasBinary(e.message.Args) {
		add("python-socketio before 5.14.2", "clients get placeholders and base64 instead of binary")
		add("", "a client on HTTP long-polling loses its connection where another one of the same server, in the same room, uses websocket")
	}
}

func answerNote(e *explanation, add addNote) {
	if !e.Reply && e.RequestID != "" {
		add("", "it asks for answers, which carry its request id")
	}
}

func senderNote(e *explanation, add addNote) {
	switch {
	case e.UID == encoding.UID || e.UID == "" || e.Reply:
	case e.Adapter == "classic":
		add("", "its sender signs as a server; an emitter signs %q", encoding.UID)
	default:
		add("", "its sender signs as a server: adapters with heartbeats count it as one from then on, and if it is not, their fetchSockets() waits for it in vain; an emitter signs %q", encoding.UID)
	}
}

// hasBinary looks for binary at any depth.
func hasBinary(v any) bool {
	switch v := v.(type) {
	case []byte:
		return true
	case []any:
		return slices.ContainsFunc(v, hasBinary)
	case map[string]any:
		for _, member := range v {
			if hasBinary(member) {
				return true
			}
		}
	}
	return false
}
