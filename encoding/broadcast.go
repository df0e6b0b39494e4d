package encoding

import (
	"fmt"
	"time"
)

// PacketType is the type of a Socket.IO packet.
type PacketType int

// Packet types that carry events.
const (
	// Event is the type of an event, on Socket.IO 3 and 4 also of one with
	// binary arguments.
	Event PacketType = 2
	// BinaryEvent is the type of an event with binary arguments on Socket.IO 1
	// and 2. On Socket.IO 3 clients lose the event with an exception ("Illegal
	// attachments"); on 4 every client that gets it is disconnected.
	BinaryEvent PacketType = 5
)

// Broadcast is an event on its way to the clients of a namespace.
type Broadcast struct {
	Type      PacketType // as decoded; encoding chooses it itself
	Namespace string     // with its leading slash
	Event     string
	Args      []any
	Rooms     []string // in any of these, or everyone when empty; distinct
	Except    []string // but in none of these; distinct
	Flags     Flags
}

// Flags are the modifiers of a broadcast.
type Flags struct {
	Volatile bool
	Compress *bool // nil leaves the choice to the server
	// Timeout is how long the emitter waits for acknowledgements; it travels in
	// milliseconds, and not at all when it is 0.
	Timeout time.Duration
}

// ArgumentError says which argument of an event cannot be encoded, and why.
type ArgumentError struct {
	Event string
	Index int // 0 is the first argument after the event's name
	Err   error
}

func (e *ArgumentError) Error() string {
	return fmt.Sprintf("argument %d of event %q: %v", e.Index+1, e.Event, e.Err)
}

// Unwrap returns the error of the value itself.
func (e *ArgumentError) Unwrap() error { return e.Err }

// data writes the packet's data: the event's name, then the arguments.
func (e *encoder) data(event string, args []any) error {
	e.buf = appendArrayHeader(e.buf, 1+len(args))
	e.buf = appendString(e.buf, event)
	for i, arg := range args {
		if err := e.value(arg); err != nil {
			return &ArgumentError{event, i, err}
		}
	}
	return nil
}

func (e *encoder) strings(list []string) {
	e.buf = appendArrayHeader(e.buf, len(list))
	for _, s := range list {
		e.buf = appendString(e.buf, s)
	}
}

// flags writes only what is set, as the official emitter does.
func (e *encoder) flags(f Flags) {
	n := 0
	if f.Volatile {
		n++
	}
	if f.Compress != nil {
		n++
	}
	if f.Timeout > 0 {
		n++
	}
	e.buf = appendMapHeader(e.buf, n)
	if f.Volatile {
		e.buf = appendBool(appendString(e.buf, "volatile"), true)
	}
	if f.Compress != nil {
		e.buf = appendBool(appendString(e.buf, "compress"), *f.Compress)
	}
	if f.Timeout > 0 {
		e.buf = appendInt(appendString(e.buf, "timeout"), f.Timeout.Milliseconds())
	}
}
