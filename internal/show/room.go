package show

import (
	"strings"

	"github.com/sioemit/sioemit/encoding"
)

// Room is Quote for a room. What it says of a number no quoted text says.
func Room(room encoding.Room) string {
	if _, ok := room.Number(); ok {
		return room.String() + numberSuffix
	}
	return Quote(string(room))
}

const numberSuffix = " (number)"

// Rooms is Room for several, with spaces between them.
func Rooms(rooms []encoding.Room) string {
	quoted := make([]string, len(rooms))
	for i, room := range rooms {
		quoted[i] = Room(room)
	}
	return strings.Join(quoted, " ")
}

// RoomLine is a room on a line of its own: text as it is, for scripts, unless a
// terminal would not show it, or it would be taken for quoted text or for a
// number.
func RoomLine(room encoding.Room) string {
	name := string(room)
	if name == "" || !IsText(name) || name[0] == '"' || name[0] == '\'' || strings.HasSuffix(name, numberSuffix) {
		return Room(room)
	}
	return name
}

// OrEmpty makes [] of no rooms in JSON, not null.
func OrEmpty(rooms []encoding.Room) []encoding.Room {
	if rooms == nil {
		return []encoding.Room{}
	}
	return rooms
}
