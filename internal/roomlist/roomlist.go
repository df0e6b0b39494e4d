// Package roomlist has lists of rooms that grow call by call, and are shared by all
// who went on from the same one.
package roomlist

import (
	"slices"

	"github.com/sioemit/sioemit/encoding"
)

// List is the rooms that an operator has got from To, or from Except, call by
// call: what the last call added, behind the list of the operator that the call
// was made on. Lists are shared by all operators that come from one, and never
// change.
type List struct {
	before *List           // nil when there is nothing before
	first  encoding.Room   // of the last call
	more   []encoding.Room // of the last call
	n      int             // how many all calls named, some perhaps twice; 0 when there was no call
}

// With returns a list with more rooms. It keeps a copy of them, and is as fast for
// the ten-thousandth call as for the first.
func With[Name ~string](l *List, rooms []Name) List {
	if len(rooms) == 0 {
		return *l
	}
	longer := List{first: encoding.Room(rooms[0]), n: l.n + len(rooms)}
	if len(rooms) > 1 {
		longer.more = Text(rooms[1:])
	}
	if l.n > 0 {
		longer.before = l
	}
	return longer
}

// Text returns rooms whose names are text.
func Text[Name ~string](names []Name) []encoding.Room {
	rooms := make([]encoding.Room, len(names))
	for i, name := range names {
		rooms[i] = encoding.Room(name)
	}
	return rooms
}

// Numbers returns rooms that are numbers.
func Numbers(numbers []float64) []encoding.Room {
	rooms := make([]encoding.Room, len(numbers))
	for i, n := range numbers {
		rooms[i] = encoding.NumberRoom(n)
	}
	return rooms
}

// Len returns how many rooms all calls named, some perhaps twice.
func (l *List) Len() int { return l.n }

// AppendTo appends the rooms to a list that is empty, in the order of the calls,
// each once.
func (l *List) AppendTo(rooms []encoding.Room) []encoding.Room {
	if l.n <= 1 {
		if l.n == 1 {
			rooms = append(rooms, l.first)
		}
		return rooms
	}
	rooms = slices.Grow(rooms, l.n)[:l.n]
	for at := l.n; l != nil; l = l.before {
		at -= len(l.more)
		copy(rooms[at:], l.more)
		at--
		rooms[at] = l.first
	}
	kept := distinctInOrder(rooms)
	clear(rooms[len(kept):]) // what they named twice
	return kept
}

// distinctInOrder returns the names, each at its first place, in the memory of
// names.
func distinctInOrder(names []encoding.Room) []encoding.Room {
	kept := names[:0]
	if len(names) <= 32 { // up to here looking through the list beats a map
		for _, name := range names {
			if !slices.Contains(kept, name) {
				kept = append(kept, name)
			}
		}
		return kept
	}
	known := make(map[encoding.Room]struct{}, len(names))
	for _, name := range names {
		before := len(known)
		if known[name] = struct{}{}; len(known) > before {
			kept = append(kept, name)
		}
	}
	return kept
}
