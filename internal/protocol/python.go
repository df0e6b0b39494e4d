package protocol

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/wire"
)

// The messages of python-socketio's managers are JSON objects with a method, and go
// through one channel for all namespaces.
var pythonMethods = map[string]Kind{
	"emit": KindEvent, "enter_room": KindJoin, "leave_room": KindLeave, "close_room": KindLeave, "disconnect": KindDisconnect,
}

func (h *Head) readPython(m *members) error {
	h.IsPython = true
	method, err := m.method.Name()
	if err != nil {
		return fmt.Errorf("the method is %s, not a string", describeRaw(&m.method))
	}
	uid, _ := m.hostID.Name()
	h.UID = strings.Clone(uid) // it may outlive the message
	namespace, err := m.namespace.Name()
	if err != nil && !m.namespace.IsNull() {
		return fmt.Errorf("the namespace is %s, not a string", describeRaw(&m.namespace))
	}
	h.namespace = strings.Clone(namespace)
	switch {
	case method == "callback": // the acknowledgement of one client, for the manager with the host_id
		if id, ok := m.id.Int(); ok {
			h.RequestID = strconv.FormatInt(id, 10)
		} else if h.RequestID, err = m.id.Name(); err != nil {
			return fmt.Errorf("the id is %s, neither a number nor a string", describeRaw(&m.id))
		}
		return h.answers(KindEmitAck, m.args)
	case pythonMethods[method] == "":
		h.Kind = KindUnknown
	case method == "emit" && !m.callback.IsNull():
		h.Kind = KindEmitAck
	default:
		h.Kind = pythonMethods[method]
	}
	return nil
}

// setPython reads a request or an event.
func (m *Message) setPython(message map[string]any) error {
	switch m.Kind {
	case KindUnknown:
		m.setUnknown(message)
		return nil
	case KindEvent, KindEmitAck:
		return m.setPythonEvent(message)
	}
	if message["sid"] != nil {
		sid, ok := roomOf(message["sid"])
		if !ok {
			return fmt.Errorf("the sid is %s, not a string", describe(message["sid"]))
		}
		m.Rooms = []encoding.Room{sid}
	}
	if m.Kind == KindDisconnect {
		return nil
	}
	room, ok := roomOf(message["room"])
	if !ok {
		return fmt.Errorf("the room is %s, neither a string nor a number", describe(message["room"]))
	}
	m.Change = []encoding.Room{room}
	return nil
}

func (m *Message) setPythonEvent(message map[string]any) (err error) {
	var ok bool
	if m.Event, ok = message["event"].(string); !ok {
		return fmt.Errorf("the event's name is %s, not a string", describe(message["event"]))
	}
	if m.Rooms, err = pythonRooms(message, "room"); err != nil {
		return err
	}
	if m.Except, err = pythonRooms(message, "skip_sid"); err != nil {
		return err
	}
	if callback, ok := message["callback"].([]any); ok && len(callback) == 3 {
		m.RequestID = fmt.Sprint(callback[2])
	}
	data, hasData := message["data"]
	if !hasData {
		return errors.New("it has no data")
	}
	isBinary, _ := message["binary"].(bool)
	if isBinary {
		if data, err = attach(data); err != nil {
			return err
		}
	}
	args, ok := data.([]any)
	switch {
	case !ok:
		args = []any{data} // as versions before 5.15.1 write a single one
	case !isBinary:
		m.path = []string{"data"}
	}
	if len(args) == 1 && args[0] == nil { // clients get none
		args, m.path = []any{}, nil
	}
	m.Args = wire.ArrivesAs(args).([]any)
	return nil
}

// pythonRooms reads a room, several, or none.
func pythonRooms(message map[string]any, name string) ([]encoding.Room, error) {
	if message[name] == nil {
		return nil, nil
	}
	if room, ok := roomOf(message[name]); ok {
		return []encoding.Room{room}, nil
	}
	return roomList(message, name)
}

// attach puts binary in its places: data is a value that has them, and behind it
// the binary in base64.
func attach(data any) (any, error) {
	list, ok := data.([]any)
	if !ok || len(list) == 0 {
		return nil, fmt.Errorf("the data is %s, not an array that starts with a value", describe(data))
	}
	binaries := make([][]byte, len(list)-1)
	for i, item := range list[1:] {
		text, ok := item.(string)
		if !ok {
			return nil, fmt.Errorf("attachment %d is %s, not a string", i+1, describe(item))
		}
		var err error
		if binaries[i], err = base64.StdEncoding.DecodeString(text); err != nil {
			return nil, fmt.Errorf("attachment %d: %w", i+1, err)
		}
	}
	return place(list[0], binaries)
}

func place(v any, binaries [][]byte) (_ any, err error) {
	switch v := v.(type) {
	case []any:
		for i := range v {
			if v[i], err = place(v[i], binaries); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		if v["_placeholder"] == true {
			n, ok := v["num"].(int64)
			if !ok || n < 0 || int(n) >= len(binaries) {
				return nil, fmt.Errorf("a placeholder is for attachment %v of %d", v["num"], len(binaries))
			}
			return binaries[n], nil
		}
		for k := range v {
			if v[k], err = place(v[k], binaries); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}
