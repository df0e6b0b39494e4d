package protocol

import (
	"errors"
	"fmt"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/wire"
)

// setClassic reads a request or a reply of the classic adapter with Socket.IO 4.
// Both travel as objects, on channels of their own; here the object itself
// tells: replies have no uid, and either no type or one of three.
func (m *Message) setClassic(message map[string]any) error {
	m.UID, _ = message["uid"].(string)
	m.RequestID, _ = message["requestId"].(string)
	typ, hasType := message["type"].(int64)
	if hasType && typ == int64(int32(typ)) {
		m.Number = int(typ)
	}
	if !hasType {
		return m.setClassicList(message)
	}
	switch m.Number {
	case wire.ClassicClientCount:
		return m.setCount(message["clientCount"])
	case wire.ClassicAck:
		m.setValue(KindEmitAck, message["packet"])
		return nil
	case wire.ClassicServerSide:
		if m.UID == "" && m.RequestID != "" {
			m.setValue(KindServerEmit, message["data"])
			return nil
		}
		m.Kind = KindServerEmit
		return m.setServerSide(message["data"], "data")
	case wire.ClassicSocketIDs:
		m.Kind = KindSockets
		return m.setRooms(message)
	case wire.ClassicAllRooms:
		m.Kind = KindRooms
		return nil
	case wire.ClassicFetch:
		m.Kind = KindSockets
		return m.setTarget(message["opts"])
	case wire.ClassicEmitWithAck:
		m.Kind = KindEmitAck
		if err := m.setEvent(message["packet"], "packet", "data"); err != nil {
			return err
		}
		return m.setTarget(message["opts"])
	case wire.ClassicJoin, wire.ClassicLeave, wire.ClassicDisconnect:
		return m.setClassicChange(message)
	}
	m.setUnknown(message)
	return nil
}

// setClassicList reads a reply without a type: to the request for sockets or
// rooms, or to one that changed a single socket.
func (m *Message) setClassicList(message map[string]any) error {
	switch {
	case m.RequestID == "":
		return errors.New("it is an object without type, nsp and requestId")
	case message["sockets"] != nil:
		m.setValue(KindSockets, message["sockets"])
	case message["rooms"] != nil:
		m.setValue(KindRooms, message["rooms"])
	default:
		m.setUnknown(message)
		m.IsReply = true
	}
	return nil
}

var classicChanges = map[int]Kind{wire.ClassicJoin: KindJoin, wire.ClassicLeave: KindLeave, wire.ClassicDisconnect: KindDisconnect}

// setClassicChange reads what changes clients: those that the options name, or
// the single one with a socket id, whose rooms are one.
func (m *Message) setClassicChange(message map[string]any) error {
	m.Kind = classicChanges[m.Number]
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

// setRooms reads the rooms of a request without options.
func (m *Message) setRooms(message map[string]any) error {
	var err error
	m.Rooms, err = roomList(message, "rooms")
	return err
}

func (m *Message) setCount(v any) error {
	if n, ok := v.(int64); !ok || n < 0 {
		return fmt.Errorf("clientCount is %s, not a count", describe(v))
	}
	m.setValue(KindAckCount, v)
	return nil
}
