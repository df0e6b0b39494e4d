package emitter

import (
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/sioemit/sioemit/internal/socketids"
)

// Errors about what was to be emitted. Nothing has been sent when Emit returns
// one of them or an *encoding.ArgumentError.
var (
	// ErrEmptyEvent is returned for an event without a name.
	ErrEmptyEvent = errors.New("the event's name is empty")

	// ErrReservedEvent is returned for an event that Socket.IO emits itself. To
	// clients these are connect, connect_error, disconnect, disconnecting,
	// newListener and removeListener: a client that receives one drops its
	// connection. To servers, with ServerSideEmit, they are connect, connection
	// and new_namespace, and error, which ends a server that has no listener for
	// it.
	ErrReservedEvent = errors.New("the event's name is reserved by Socket.IO")

	// ErrEmptyRoom is returned for an empty room, and where there is no room at
	// all, but for Except, which may leave nobody out. It is most often a
	// variable that was not set, or a list that came out empty; without the
	// error, the event would miss its room or reach everyone.
	ErrEmptyRoom = errors.New("the room's name is empty")

	// ErrInvalidUTF8 is returned for a room, namespace or event, and in an
	// OptionError for a key, channel prefix or stream name, that is not valid
	// UTF-8: no server can have one of that name.
	ErrInvalidUTF8 = errors.New("the name is not valid UTF-8")

	// ErrExceptRoom is returned when a room is excluded on Socket.IO 1, 2 or 3 or
	// on python-socketio, whose servers know socket ids only there: the clients in the room would
	// receive the event all the same. See WithSocketIDs for servers that make
	// ids of their own.
	ErrExceptRoom = errors.New("Socket.IO before 4 and python-socketio can exclude socket ids only, not rooms")
)

// The lists of Socket.IO 4. From outside, "connection" would call the handlers
// of a server with no socket. Node.js throws where nobody listens for "error".
var (
	reservedEvents     = []string{"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}
	reservedServerSide = []string{"connect", "connection", "error", "new_namespace"}
)

func checkEvent(event string, reserved []string) error {
	switch {
	case event == "":
		return fmt.Errorf("emitter: %w", ErrEmptyEvent)
	case !utf8.ValidString(event):
		return fmt.Errorf("emitter: event %q: %w", event, ErrInvalidUTF8)
	case slices.Contains(reserved, event):
		return fmt.Errorf("emitter: event %q: %w", event, ErrReservedEvent)
	}
	return nil
}

func checkRoom(room string) error {
	switch {
	case room == "":
		return fmt.Errorf("emitter: %w", ErrEmptyRoom)
	case !utf8.ValidString(room):
		return fmt.Errorf("emitter: room %q: %w", room, ErrInvalidUTF8)
	}
	return nil
}

// checkExcept refuses what is not a socket id, unless ids is nil.
func checkExcept(room string, ids *socketids.Pattern, version int) error {
	if ids == nil || ids.Match(room, version) {
		return nil
	}
	return fmt.Errorf("emitter: except %q: %w", room, ErrExceptRoom)
}
