package encoding

import (
	"encoding/json"
	"strconv"

	"github.com/sioemit/sioemit/internal/wire"
)

// Room is the name of a room: text, such as Room("a"), or a number, such as
// NumberRoom(5). With Socket.IO 3 and 4 a server's join(5) is another room than
// its join("5"), and no text names it; with 1 and 2 both are the room "5".
type Room string

// numberMark begins a room that is a number. It is not valid UTF-8, so that no
// text can be mistaken for one.
const numberMark = '\xff'

// NumberRoom returns the room that is a number, which must be finite. -0 is 0, as
// in a JavaScript Set.
func NumberRoom(n float64) Room {
	return Room(wire.AppendES6Float([]byte{numberMark}, n+0))
}

// Number returns the number that the room is, unless it is text.
func (r Room) Number() (n float64, ok bool) {
	if len(r) == 0 || r[0] != numberMark {
		return 0, false
	}
	n, err := strconv.ParseFloat(string(r[1:]), 64)
	return n, err == nil
}

// isNumber is Number without the number.
func (r Room) isNumber() bool {
	if len(r) == 0 || r[0] != numberMark {
		return false
	}
	_, ok := r.Number()
	return ok
}

// String returns the text, or the number as JavaScript writes it.
func (r Room) String() string {
	if r.isNumber() {
		return string(r[1:])
	}
	return string(r)
}

// MarshalJSON returns a string, or the number.
func (r Room) MarshalJSON() ([]byte, error) {
	if r.isNumber() {
		return []byte(r[1:]), nil
	}
	return json.Marshal(string(r))
}

func appendRooms(b []byte, rooms []Room) []byte {
	b = wire.AppendArrayHeader(b, len(rooms))
	for _, room := range rooms {
		b = appendRoom(b, room)
	}
	return b
}

func appendRoom(b []byte, room Room) []byte {
	if room.isNumber() {
		n, _ := room.Number()
		return wire.AppendFloat(b, n)
	}
	return wire.AppendString(b, string(room))
}
