package protocol

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/wire"
)

// Kind is what a Message does, in the words of the command.
type Kind string

// Kinds of messages. Those of replies are the kinds of the requests that they
// answer, and KindAckCount.
const (
	KindEvent      Kind = "event"       // an event for clients
	KindEmitAck    Kind = "emit-ack"    // an event that clients acknowledge; one client's acknowledgement
	KindAckCount   Kind = "ack-count"   // how many clients one server sent an event that they acknowledge
	KindJoin       Kind = "join"        // clients join rooms
	KindLeave      Kind = "leave"       // clients leave rooms
	KindDisconnect Kind = "disconnect"  // clients are disconnected
	KindServerEmit Kind = "server-emit" // an event for the servers themselves; one server's answer
	KindSockets    Kind = "sockets"     // which sockets there are
	KindRooms      Kind = "rooms"       // which rooms there are
	KindHeartbeat  Kind = "heartbeat"   // a server says that it is there
	KindGoodbye    Kind = "goodbye"     // a server says that it goes
	KindUnknown    Kind = "unknown"     // a request, an answer, or a message between servers that no adapter here sends
)

// Message is anything that servers and emitters tell each other, decoded.
type Message struct {
	Kind      Kind
	IsReply   bool
	IsJSON    bool   // the form: JSON, not MessagePack
	Number    int    // the message's type on the wire; -1 where it has none
	UID       string // of the sender; empty where it does not say
	RequestID string // of a request that wants answers, and of the answers

	// Broadcast is the event, and who gets it or is asked about. Its namespace
	// is empty where only the channel tells it. The arguments are what a client
	// receives: see wire.ArrivesAs.
	encoding.Broadcast
	PacketType int  // of the event: wire.PacketEvent or wire.PacketBinaryEvent
	NoExcept   bool // the options have no member except, as before Socket.IO 4

	Change []encoding.Room // the rooms that are joined or left
	Close  bool            // of KindDisconnect: close the connection, too
	// Value is what a reply holds: sockets, rooms, a number of clients, or an
	// answer. Of KindUnknown it is the whole message.
	Value encoding.Value

	source []byte   // what it was decoded from
	path   []string // where in there the event is: members, and indices of arrays
}

// Unmarshal decodes a message that came by pub/sub, of any adapter, JSON
// or MessagePack. Messages may come from anyone: see Decode for the bounds.
// The message keeps payload, which must not be changed. Errors wrap
// wire.ErrMalformed.
func Unmarshal(payload []byte) (*Message, error) {
	v, err := wire.DecodeMessage(payload)
	if err != nil {
		return nil, err
	}
	m := &Message{Number: -1, IsJSON: payload[0] == '[' || payload[0] == '{', source: payload}
	switch v := v.(type) {
	case []any:
		err = m.setBroadcast(v)
	case map[string]any:
		// Only messages of ClusterAdapter say their namespace.
		if _, ok := v["nsp"]; ok {
			err = m.setCluster(v)
		} else {
			err = m.setClassic(v)
		}
	default:
		err = fmt.Errorf("a message is an array or an object, not %s", describe(v))
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", wire.ErrMalformed, err)
	}
	return m, nil
}

// UnmarshalUnknown decodes a request as KindUnknown, whatever its number: with
// Socket.IO 1 and 2 the numbers mean other things.
func UnmarshalUnknown(payload []byte) (*Message, error) {
	v, err := wire.DecodeMessage(payload)
	if err != nil {
		return nil, err
	}
	request, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%w: a request is an object, not %s", wire.ErrMalformed, describe(v))
	}
	m := &Message{Number: -1, IsJSON: payload[0] == '{'}
	if typ, ok := request["type"].(int64); ok && typ == int64(int32(typ)) {
		m.Number = int(typ)
	}
	m.UID, _ = request["uid"].(string)
	m.RequestID, _ = request["requestId"].(string)
	m.setUnknown(request)
	return m, nil
}

// UnmarshalEntry decodes an entry of a stream, given as its fields, names and
// values in turn. See Unmarshal for the rest.
func UnmarshalEntry(fields []string) (*Message, error) {
	entry := make(map[string]string)
	for i := 0; i+1 < len(fields); i += 2 {
		entry[fields[i]] = fields[i+1]
	}
	for _, name := range []string{"nsp", "type"} {
		if entry[name] == "" {
			return nil, fmt.Errorf("%w: the entry has no field %s", wire.ErrMalformed, name)
		}
	}
	typ, err := strconv.ParseInt(entry["type"], 10, 32)
	if err != nil {
		return nil, fmt.Errorf("%w: the type %q is no number", wire.ErrMalformed, entry["type"])
	}
	v := map[string]any{"type": typ, "nsp": entry["nsp"], "uid": entry["uid"]}
	m := &Message{Number: -1}
	if data := entry["data"]; data != "" {
		if v["data"], m.source, err = entryData(data); err != nil {
			return nil, err
		}
		m.IsJSON = data[0] == '{'
	}
	if err := m.setCluster(v); err != nil {
		return nil, fmt.Errorf("%w: %w", wire.ErrMalformed, err)
	}
	if len(m.path) > 0 {
		m.path = m.path[1:] // the source is what the member data holds
	}
	return m, nil
}

// entryData decodes the field data: JSON, or base64 of MessagePack, which the
// source is.
func entryData(text string) (v any, source []byte, err error) {
	if text[0] == '{' {
		v, err = wire.DecodeMessage([]byte(text))
		return v, []byte(text), err
	}
	bin, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: the data is neither a JSON object nor base64: %w", wire.ErrMalformed, err)
	}
	v, err = wire.Decode(bin)
	return v, bin, err
}

// setBroadcast reads the one message of the classic adapter that is an array.
func (m *Message) setBroadcast(parts []any) error {
	if len(parts) != 3 {
		return fmt.Errorf("a broadcast is an array of uid, packet and options, not %s", describe(parts))
	}
	var ok bool
	if m.UID, ok = parts[0].(string); !ok {
		return fmt.Errorf("the uid is %s, not a string", describe(parts[0]))
	}
	m.Kind, m.path = KindEvent, []string{"1", "data"}
	if err := m.setPacket(parts[1]); err != nil {
		return err
	}
	m.Args = wire.ArrivesAs(m.Args).([]any)
	return m.setTarget(parts[2])
}

// setEvent reads a packet around which the message says the namespace. The path
// leads to its data.
func (m *Message) setEvent(packet any, path ...string) error {
	namespace := m.Namespace
	m.path = path
	if err := m.setPacket(packet); err != nil {
		return err
	}
	if namespace != "" {
		m.Namespace = namespace
	}
	m.Args = wire.ArrivesAs(m.Args).([]any)
	return nil
}

// setTarget reads the options of anything.
func (m *Message) setTarget(options any) error {
	if err := m.setOptions(options); err != nil {
		return err
	}
	m.noteOptions(options)
	return nil
}

func (m *Message) noteOptions(options any) {
	members, _ := options.(map[string]any)
	_, hasExcept := members["except"]
	m.NoExcept = !hasExcept
	flags, _ := members["flags"].(map[string]any)
	if ms, ok := flags["timeout"].(int64); ok && ms > 0 && ms < 1<<31 {
		m.Flags.Timeout = time.Duration(ms) * time.Millisecond
	}
}

// setChange reads the rooms that are joined or left.
func (m *Message) setChange(members map[string]any) error {
	var err error
	if m.Change, err = roomList(members, "rooms"); err == nil && len(m.Change) == 0 {
		err = errors.New("there are no rooms to join or leave")
	}
	return err
}

// setServerSide reads the event of a serverSideEmit, to which the path leads.
func (m *Message) setServerSide(v any, path ...string) error {
	m.path = path
	data, ok := v.([]any)
	if !ok || len(data) == 0 {
		return fmt.Errorf("the event for servers is %s, not an array that starts with its name", describe(v))
	}
	if m.Event, ok = data[0].(string); !ok {
		return fmt.Errorf("the event's name is %s, not a string", describe(data[0]))
	}
	m.Args = wire.ArrivesAs(data[1:]).([]any)
	return nil
}

// setValue stores what a reply holds. In JSON, binary is what JSON.stringify
// makes of it.
func (m *Message) setValue(kind Kind, v any) {
	if m.IsJSON {
		v = wire.Buffers(v)
	}
	m.Kind, m.IsReply, m.Value = kind, true, encoding.NewValue(wire.ArrivesAs(v))
}

// setUnknown keeps the message for who wants to look at it.
func (m *Message) setUnknown(message map[string]any) {
	*m = Message{Kind: KindUnknown, Number: m.Number, IsJSON: m.IsJSON, UID: m.UID, RequestID: m.RequestID,
		Broadcast: encoding.Broadcast{Namespace: m.Namespace}, Value: encoding.NewValue(wire.ArrivesAs(message))}
}
