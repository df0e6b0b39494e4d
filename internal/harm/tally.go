// Package harm counts, in a value that is being written, what servers or clients
// would not survive, or could not be told.
package harm

import (
	"errors"
	"fmt"

	"github.com/sioemit/sioemit/internal/wire"
)

// The errors of package encoding, which says what they mean.
var (
	ErrTooDeep = fmt.Errorf("the value is nested deeper than %d levels, which servers may not survive", MaxLevels)
	ErrUnsafe  = errors.New("servers or clients would not survive it")
	ErrBinary  = errors.New("JSON cannot carry binary ([]byte)")
)

// MaxLevels is how deep a value may nest: how many arrays and objects may be open
// at once in what arrives.
const MaxLevels = 1000

// Tally is what has been counted so far in one value.
type Tally struct {
	TextOnly bool // refuse binary
	Received bool // the value comes from a server, which has survived it

	Attachments int    // how many binary values were written
	Special     int    // and how many members that harm beside binary
	SpecialKey  string // the last of these

	Depth    int // how many arrays, objects and pointers are open
	Pointers int // how many of them are pointers
	Beyond   int // how many were opened below MaxLevels
}

// maxBeyond is how many arrays and objects below MaxLevels are looked at before
// the value is refused: it may be a cycle, which is the better thing to say.
const maxBeyond = 10000

// Descend opens an array or an object that cannot be a part of a cycle by
// itself; it is closed by Depth--.
func (t *Tally) Descend() error {
	if t.Depth++; t.Depth > MaxLevels {
		return t.Deeper()
	}
	return nil
}

// Deeper is called when something opens at a depth of more than MaxLevels. What
// is too deep is refused in the end only, by Check, because it may turn out to
// be a cycle.
func (t *Tally) Deeper() error {
	if t.Depth-t.Pointers <= MaxLevels || t.Received {
		return nil
	}
	if t.Beyond++; t.Beyond > maxBeyond {
		return ErrTooDeep
	}
	return nil
}

// Check refuses a whole value, or the arguments of an event written so far.
func (t *Tally) Check() error {
	switch {
	case t.Beyond > 0:
		return ErrTooDeep
	case t.Special > 0 && t.Attachments > 0:
		return unsafeBesideBinary(t.SpecialKey)
	}
	return nil
}

// Binary appends a binary value, or refuses it.
func (t *Tally) Binary(b, bin []byte) ([]byte, error) {
	switch {
	case bin == nil:
		return wire.AppendNil(b), nil
	case t.TextOnly:
		return nil, ErrBinary
	}
	t.Attachments++
	return wire.AppendBinary(b, bin), nil
}

// IsSpecial reports whether a member of that name is to be shown to
// Tally.Member.
func IsSpecial[T string | []byte](key T) bool {
	switch string(key) {
	case "__proto__", "_placeholder", "hasOwnProperty":
		return true
	}
	return false
}

// Member looks at a member of an object whose name is special, and at how its
// value starts.
func (t *Tally) Member(key string, value byte) error {
	switch {
	case t.Received:
		return nil
	case key == "__proto__":
		return fmt.Errorf("the key \"__proto__\" would replace the prototype of its object: %w", ErrUnsafe)
	case key == "_placeholder" && isFalse(value):
		return nil
	}
	t.Special++
	t.SpecialKey = key
	return nil
}

// isFalse reports whether JavaScript takes a MessagePack value that starts with
// c for false: null, false, 0 and the empty string.
func isFalse(c byte) bool { return c == 0xc0 || c == 0xc2 || c == 0 || c == 0xa0 }

func unsafeBesideBinary(key string) error {
	if key == "_placeholder" {
		return fmt.Errorf("a member \"_placeholder\" beside binary would be taken for a placeholder of binary: %w", ErrUnsafe)
	}
	return fmt.Errorf("the key %q beside binary would be called as a function: %w", key, ErrUnsafe)
}
