package protocol

import (
	"errors"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/wire"
)

// setClassic reads a request of the classic adapter with Socket.IO 4, or a message
// that is not known.
func (m *Message) setClassic(message map[string]any) (err error) {
	if m.Kind == KindUnknown {
		m.setUnknown(message)
		return nil
	}
	m.UID, _ = message["uid"].(string)
	m.RequestID, _ = message["requestId"].(string)
	switch m.Number {
	case wire.ClassicSocketIDs: // it has rooms and no options
		m.Rooms, err = roomList(message, "rooms")
		return err
	case wire.ClassicAllRooms:
		return nil
	case wire.ClassicFetch:
		return m.setTarget(message["opts"])
	case wire.ClassicServerSide:
		return m.setServerSide(message["data"], "data")
	case wire.ClassicEmitWithAck:
		if err := m.setEvent(message["packet"], "packet", "data"); err != nil {
			return err
		}
		return m.setTarget(message["opts"])
	}
	return m.setClassicChange(message)
}

// setClassicChange reads what changes clients: those that the options name, or
// the single one with a socket id, whose rooms are one.
func (m *Message) setClassicChange(message map[string]any) error {
	m.Close, _ = message["close"].(bool)
	if message["opts"] == nil {
		sid, ok := roomOf(message["sid"])
		if !ok {
			return errors.New("it names neither options nor a socket")
		}
		m.Rooms = []encoding.Room{sid}
		if m.Kind == KindDisconnect {
			return nil
		}
		room, err := roomList(map[string]any{"room": []any{message["room"]}}, "room")
		m.Change = room
		return err
	}
	if err := m.setTarget(message["opts"]); err != nil {
		return err
	}
	if m.Kind == KindDisconnect {
		return nil
	}
	return m.setChange(message)
}
