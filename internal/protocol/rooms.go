package protocol

import (
	"fmt"
	"math"

	"github.com/sioemit/sioemit/encoding"
)

// roomList reads a list of rooms.
func roomList(options map[string]any, name string) ([]encoding.Room, error) {
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
	rooms := make([]encoding.Room, len(list))
	for i, v := range list {
		if rooms[i], ok = roomOf(v); !ok {
			return nil, fmt.Errorf("a room in %s is %s, neither a string nor a finite number", name, describe(v))
		}
	}
	return rooms, nil
}

// roomOf returns the room that a decoded value is.
func roomOf(v any) (room encoding.Room, ok bool) {
	switch v := v.(type) {
	case string:
		if len(v) > 0 && v[0] == 0xff {
			v = "\ufffd" + v[1:] // it is not a number
		}
		return encoding.Room(v), true
	case int64:
		return encoding.NumberRoom(float64(v)), true
	case uint64:
		return encoding.NumberRoom(float64(v)), true
	case float64:
		return encoding.NumberRoom(v), !math.IsNaN(v) && !math.IsInf(v, 0)
	}
	return "", false
}
