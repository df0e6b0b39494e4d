package encoding

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
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
	return Room(appendES6Float([]byte{numberMark}, n+0))
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
	b = appendArrayHeader(b, len(rooms))
	for _, room := range rooms {
		if room.isNumber() {
			n, _ := room.Number()
			b = appendFloat(b, n)
		} else {
			b = appendString(b, string(room))
		}
	}
	return b
}

// roomList reads a list of rooms.
func roomList(options map[string]any, name string) ([]Room, error) {
	if options[name] == nil {
		return nil, nil
	}
	list, ok := options[name].([]any)
	if text, isText := options[name].(string); isText {
		// Servers make a Set of it, which is one of characters; some emitters send
		// an empty string where they mean no rooms.
		ok = true
		for _, character := range text {
			list = append(list, string(character))
		}
	}
	if !ok {
		return nil, fmt.Errorf("%s is %s, not an array", name, describe(options[name]))
	}
	rooms := make([]Room, len(list))
	for i, v := range list {
		if rooms[i], ok = roomOf(v); !ok {
			return nil, fmt.Errorf("a room in %s is %s, neither a string nor a finite number", name, describe(v))
		}
	}
	return rooms, nil
}

// roomOf returns the room that a decoded value is.
func roomOf(v any) (room Room, ok bool) {
	switch v := v.(type) {
	case string:
		if len(v) > 0 && v[0] == numberMark {
			v = "\ufffd" + v[1:] // it is no number
		}
		return Room(v), true
	case int64:
		return NumberRoom(float64(v)), true
	case uint64:
		return NumberRoom(float64(v)), true
	case float64:
		return NumberRoom(v), !math.IsNaN(v) && !math.IsInf(v, 0)
	}
	return "", false
}
