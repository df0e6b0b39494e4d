package protocol

import (
	"errors"
	"fmt"
	"math"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/wire"
)

// setAnswer reads what a reply holds. In JSON, binary is what JSON.stringify makes
// of it.
func (m *Message) setAnswer() error {
	if err := m.content.CheckCost(); err != nil {
		return err
	}
	v, err := m.content.Decode()
	if err != nil {
		return err
	}
	if m.IsJSON {
		v = wire.Buffers(v)
	}
	m.answer = wire.ArrivesAs(v)
	m.Value = encoding.NewValue(m.answer)
	_, isList := m.answer.([]any)
	switch {
	case m.Kind == KindSockets && !isList, m.Kind == KindRooms && !isList:
		return fmt.Errorf("%s is %s, not an array", m.Kind, describe(v))
	case m.Kind == KindAckCount:
		if n, ok := m.answer.(int64); !ok || n < 0 || n > math.MaxInt32 {
			return fmt.Errorf("clientCount is %s, not a count", describe(v))
		}
	}
	return nil
}

// Clients returns of how many clients one server expects an acknowledgement, which
// a reply of KindAckCount says.
func (m *Message) Clients() int {
	n, _ := m.answer.(int64)
	return int(n)
}

// RoomNames returns the rooms that a reply of KindRooms names: those that are text,
// and those that are numbers, as join(5) is not join("5").
func (m *Message) RoomNames() (names []string, numbers []float64) {
	return splitRooms(m.answer)
}

// splitRooms skips what is neither text nor a number: JavaScript lets a server
// join(undefined), which no other room of that server must suffer for.
func splitRooms(v any) (names []string, numbers []float64) {
	list, _ := v.([]any)
	for _, v := range list {
		switch v := v.(type) {
		case string:
			names = append(names, v)
		case int64:
			numbers = append(numbers, float64(v))
		case uint64:
			numbers = append(numbers, float64(v))
		case float64:
			numbers = append(numbers, v)
		}
	}
	return names, numbers
}

// SocketIDs returns what a reply of KindSockets holds when only the ids of sockets were
// asked for.
func (m *Message) SocketIDs() []string {
	ids, _ := splitRooms(m.answer)
	return ids
}

// Socket is a client as its server describes it.
type Socket struct {
	ID              string
	Rooms           []string
	NumberRooms     []float64
	Data, Handshake encoding.Value
}

// Sockets returns what a reply of KindSockets holds when whole sockets were asked
// for. Errors wrap wire.ErrMalformed.
func (m *Message) Sockets() ([]Socket, error) {
	list, _ := m.answer.([]any)
	sockets := make([]Socket, len(list))
	for i, v := range list {
		socket, ok := v.(map[string]any)
		if !ok {
			return nil, malformed(fmt.Errorf("a socket is %s, not an object", describe(v)))
		}
		s := &sockets[i]
		if s.ID, ok = socket["id"].(string); !ok || s.ID == "" {
			return nil, malformed(errors.New("a socket has no id"))
		}
		s.Rooms, s.NumberRooms = splitRooms(socket["rooms"])
		s.Data, s.Handshake = encoding.NewValue(socket["data"]), encoding.NewValue(socket["handshake"])
	}
	return sockets, nil
}
