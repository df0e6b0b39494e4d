package encoding

import (
	"errors"
	"fmt"
)

// ErrUnsafe is returned for what JSON can say and servers or clients would not
// survive, or would take for something else:
//
//   - the key "__proto__". MessagePack readers in JavaScript set the prototype
//     with it: the member is lost, and beside binary the server may end.
//   - beside binary, in whatever argument, a member "_placeholder" that JavaScript
//     takes for true: parsers take its object for the place of binary.
//   - beside binary, the key "hasOwnProperty": parsers of Socket.IO 3 and early 4
//     call what they find there.
//   - more binary values in an event than the clients' parser takes; see
//     Broadcast.MaxAttachments.
//
// Servers get their own events without a parser, so ServerSideEmit refuses the
// first only.
var ErrUnsafe = errors.New("servers or clients would not survive it")

// DefaultMaxAttachments is how many binary values the parsers of Socket.IO take
// in one event: socket.io-parser 4.2.6 and later, and 3.3.5 and 3.4.4 for
// Socket.IO 2. Older ones have no limit.
const DefaultMaxAttachments = 10

// isSpecial reports whether a member of that name is to be shown to
// encoder.member.
func isSpecial[T string | []byte](key T) bool {
	switch string(key) {
	case "__proto__", "_placeholder", "hasOwnProperty":
		return true
	}
	return false
}

// member looks at a member of an object whose name is special, and at how its
// value starts.
func (e *encoder) member(key string, value byte) error {
	switch {
	case e.received:
		return nil
	case key == "__proto__":
		return fmt.Errorf("the key \"__proto__\" would replace the prototype of its object: %w", ErrUnsafe)
	case key == "_placeholder" && isFalse(value):
		return nil
	}
	e.special++
	e.specialKey = key
	return nil
}

// isFalse reports whether JavaScript takes a MessagePack value that starts with
// c for false: null, false, 0 and the empty string.
func isFalse(c byte) bool { return c == 0xc0 || c == 0xc2 || c == 0 || c == 0xa0 }

func unsafeBesideBinary(key string) error {
	if key == "_placeholder" {
		return fmt.Errorf("a member \"_placeholder\" beside binary would be taken for the place of the binary: %w", ErrUnsafe)
	}
	return fmt.Errorf("the key %q beside binary would be called as a function: %w", key, ErrUnsafe)
}
