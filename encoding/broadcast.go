package encoding

import (
	"fmt"
	"time"

	"github.com/sioemit/sioemit/internal/wire"
)

// Broadcast is an event on its way to the clients of a namespace.
type Broadcast struct {
	Namespace string // with its leading slash
	Event     string
	Args      []any
	Rooms     []Room // in any of these, or everyone when empty; distinct
	Except    []Room // but in none of these; distinct
	Flags     Flags
	// MaxAttachments is how many binary values the clients' parser takes in one
	// event, its option of this name; 0 means DefaultMaxAttachments. Clients are
	// disconnected by more.
	MaxAttachments int
}

// Flags are the modifiers of a broadcast.
type Flags struct {
	Volatile bool
	Compress *bool // nil leaves the choice to the server
	// Timeout is how long the emitter waits for acknowledgements; it travels in
	// milliseconds, at least one, and not at all when it is 0.
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

// writeData appends the data of a packet, or whatever else is one value.
type writeData func(b []byte) ([]byte, error)

// forServers is the limit of binary values in an event that no client's parser
// reads.
const forServers = -1

// limit returns how many binary values the clients take.
func (b *Broadcast) limit() int {
	if b.MaxAttachments == 0 {
		return DefaultMaxAttachments
	}
	return b.MaxAttachments
}

// event appends the data of an event's packet: its name, then the arguments.
func (e *encoder) event(b []byte, event string, args []any, limit int) ([]byte, error) {
	start := len(b)
	b = wire.AppendArrayHeader(b, 1+len(args))
	b = wire.AppendString(b, event)
	var err error
	special := -1 // the first argument with a special member
	for i, arg := range args {
		if b, err = e.value(b, arg); err != nil {
			return nil, &ArgumentError{event, i, err}
		}
		if e.Beyond|e.Special|e.Attachments == 0 {
			continue
		}
		if special < 0 && e.Special > 0 {
			special = i
		}
		if at, err := e.checkArgument(i, special, limit); err != nil {
			return nil, &ArgumentError{event, at, err}
		}
	}
	if err := checkSize(len(b) - start); err != nil {
		return nil, err
	}
	return b, nil
}

// checkArgument refuses what the argument of index i has brought, and says which
// argument is to blame.
func (e *encoder) checkArgument(i, special, limit int) (at int, err error) {
	switch {
	case e.Beyond > 0:
		return i, ErrTooDeep
	case limit == forServers:
		return i, nil
	case e.Attachments > limit:
		return i, fmt.Errorf("more than %d binary values in one event, which is what maxAttachments allows: %w", limit, ErrUnsafe)
	}
	return special, e.Check()
}

// appendTarget writes the members rooms and except.
func appendTarget(dst []byte, b *Broadcast) []byte {
	dst = appendRooms(wire.AppendString(dst, "rooms"), b.Rooms)
	return appendRooms(wire.AppendString(dst, "except"), b.Except)
}

// appendFlags writes only what is set, as the official emitter does.
func appendFlags(b []byte, f Flags) []byte {
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
	b = wire.AppendMapHeader(b, n)
	if f.Volatile {
		b = wire.AppendBool(wire.AppendString(b, "volatile"), true)
	}
	if f.Compress != nil {
		b = wire.AppendBool(wire.AppendString(b, "compress"), *f.Compress)
	}
	if f.Timeout > 0 {
		b = wire.AppendInt(wire.AppendString(b, "timeout"), max(1, f.Timeout.Milliseconds()))
	}
	return b
}
