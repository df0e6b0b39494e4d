package emittertest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/protocol"
)

// Call is one call of an Emitter, as servers learn of it.
type Call struct {
	// Method is Emit, ServerSideEmit, SocketsJoin, SocketsLeave or
	// DisconnectSockets. What SocketsJoinNumber does is SocketsJoin for servers.
	Method string

	// The target. A room that is a number is an encoding.NumberRoom.
	Namespace     string
	Rooms, Except []encoding.Room
	Flags         encoding.Flags

	// Of Emit and ServerSideEmit.
	Event string
	Args  []encoding.Value

	// Change is the rooms that are joined or left.
	Change []encoding.Room
	// Close says that DisconnectSockets closes connections.
	Close bool
}

var methods = map[protocol.Kind]string{
	protocol.KindEvent:      "Emit",
	protocol.KindServerEmit: "ServerSideEmit",
	protocol.KindJoin:       "SocketsJoin",
	protocol.KindLeave:      "SocketsLeave",
	protocol.KindDisconnect: "DisconnectSockets",
}

// decode returns what a Redis command says to servers, or nil when it is none
// that an Emitter sends for a call without replies.
func decode(cmd redis.Cmder) *Call {
	words := cmd.Args()
	switch name := cmd.Name(); {
	case (name == "publish" || name == "spublish") && len(words) == 3:
		channel, ok := text(words[1])
		payload, isText := text(words[2])
		if !ok || !isText {
			return nil
		}
		message, err := protocol.Unmarshal([]byte(payload))
		if err != nil {
			return nil
		}
		if message.Namespace == "" { // a request of the classic adapter does not say it
			// A name of a namespace begins with a slash. A key may hold "-request#/", too, so
			// that a namespace which holds it is taken for its end.
			at := strings.LastIndex(channel, "-request#/")
			if at < 0 || !strings.HasSuffix(channel, "#") {
				return nil
			}
			message.Namespace = channel[at+len("-request#") : len(channel)-len("#")]
		}
		return newCall(message)
	case name == "xadd":
		at := slices.Index(words, any("*"))
		if at < 0 {
			return nil
		}
		var fields []string
		for _, word := range words[at+1:] {
			field, ok := text(word)
			if !ok {
				return nil
			}
			fields = append(fields, field)
		}
		message, err := protocol.UnmarshalEntry(fields)
		if err != nil {
			return nil
		}
		return newCall(message)
	}
	return nil
}

// text returns a copy of a word: an Emitter uses its memory again.
func text(word any) (string, bool) {
	switch word := word.(type) {
	case string:
		return strings.Clone(word), true
	case []byte:
		return string(bytes.Clone(word)), true
	}
	return "", false
}

func newCall(m *protocol.Message) *Call {
	method, ok := methods[m.Kind]
	if !ok || m.IsReply || m.RequestID != "" {
		return nil
	}
	call := &Call{
		Method: method, Namespace: m.Namespace, Rooms: m.Rooms, Except: m.Except, Flags: m.Flags,
		Event: m.Event, Change: m.Change, Close: m.Close,
	}
	for _, arg := range m.Args {
		call.Args = append(call.Args, encoding.NewValue(arg))
	}
	return call
}

// clone returns a copy that shares nothing which can be changed.
func (c Call) clone() Call {
	c.Rooms, c.Except, c.Change, c.Args = slices.Clone(c.Rooms), slices.Clone(c.Except), slices.Clone(c.Change), slices.Clone(c.Args)
	if c.Flags.Compress != nil {
		compress := *c.Flags.Compress
		c.Flags.Compress = &compress
	}
	return c
}

// String returns the call as one writes it in Go, for the messages of tests.
func (c Call) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Of(%q)", c.Namespace)
	list := func(method string, rooms []encoding.Room) {
		if len(rooms) > 0 {
			fmt.Fprintf(&b, ".%s(%s)", method, join(rooms))
		}
	}
	list("To", c.Rooms)
	list("Except", c.Except)
	if c.Flags.Volatile {
		b.WriteString(".Volatile()")
	}
	if c.Flags.Compress != nil {
		fmt.Fprintf(&b, ".Compress(%t)", *c.Flags.Compress)
	}
	switch c.Method {
	case "SocketsJoin", "SocketsLeave":
		fmt.Fprintf(&b, ".%s(%s)", c.Method, join(c.Change))
	case "DisconnectSockets":
		fmt.Fprintf(&b, ".%s(%t)", c.Method, c.Close)
	default:
		fmt.Fprintf(&b, ".%s(%q", c.Method, c.Event)
		for _, arg := range c.Args {
			fmt.Fprintf(&b, ", %v", arg)
		}
		b.WriteString(")")
	}
	return b.String()
}

func join(rooms []encoding.Room) string {
	var names []string
	for _, room := range rooms {
		if _, ok := room.Number(); ok {
			names = append(names, room.String())
		} else {
			names = append(names, fmt.Sprintf("%q", string(room)))
		}
	}
	return strings.Join(names, ", ")
}
