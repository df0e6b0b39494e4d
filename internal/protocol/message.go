package protocol

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/wire"
)

// Message is anything that servers and emitters tell each other, decoded.
type Message struct {
	Head

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

	answer any      // what Value is, of a reply
	source []byte   // what the event was decoded from
	path   []string // where in there it is: members, and indices of arrays
}

// Unmarshal decodes a message that came by pub/sub, of any adapter, JSON or
// MessagePack. Messages may come from anyone: see Head.Decode for the bounds.
// Errors wrap wire.ErrMalformed.
func Unmarshal(payload []byte) (*Message, error) {
	head, err := ReadHead(string(payload))
	if err == nil {
		return head.Decode()
	}
	if v, whole := wire.DecodeMessage(payload); whole != nil {
		return nil, whole // which knows better what is wrong
	} else if _, ok := v.(map[string]any); !ok {
		return nil, fmt.Errorf("%w: a message is an array or an object, not %s", wire.ErrMalformed, describe(v))
	}
	return nil, err
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
	m := &Message{Head: Head{Number: -1, IsJSON: payload[0] == '{'}}
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
	head, err := readEntry(fields)
	if err != nil {
		return nil, malformed(err)
	}
	return head.Decode()
}

func readEntry(fields []string) (h Head, err error) {
	entry := make(map[string]string)
	for i := 0; i+1 < len(fields); i += 2 {
		entry[fields[i]] = fields[i+1]
	}
	for _, name := range []string{"nsp", "type"} {
		if entry[name] == "" {
			return h, fmt.Errorf("the entry has no field %s", name)
		}
	}
	typ, err := strconv.ParseInt(entry["type"], 10, 32)
	if err != nil {
		return h, fmt.Errorf("the type %q is not a number", entry["type"])
	}
	data := wire.NewRaw(entry["data"])
	if data.Text != "" && data.Text[0] != '{' { // base64 of MessagePack
		bin, err := base64.StdEncoding.DecodeString(data.Text)
		if err != nil {
			return h, fmt.Errorf("the data is neither a JSON object nor base64: %w", err)
		}
		data = wire.Raw{Text: string(bin)}
	}
	h = Head{Number: int(typ), UID: entry["uid"], namespace: entry["nsp"], IsCluster: true, IsJSON: data.IsJSON, message: data, isEntry: true}
	return h, h.readData(&data)
}

// Decode decodes the whole message. Of a reply it refuses what would take far more
// memory than its size justifies, and of others what Decode of package wire
// refuses. Errors wrap wire.ErrMalformed.
func (h *Head) Decode() (*Message, error) {
	m := &Message{Head: *h}
	m.RequestID = strings.Clone(h.RequestID)
	m.Namespace = h.namespace
	if err := m.decode(); err != nil {
		return nil, malformed(err)
	}
	m.message, m.data, m.content = wire.Raw{}, wire.Raw{}, wire.Raw{} // m does not keep all of it
	return m, nil
}

func (m *Message) decode() error {
	if m.IsJSON && !json.Valid([]byte(m.message.Text)) { // as a server, which reads all of it
		_, err := wire.DecodeMessage([]byte(m.message.Text)) // says where and what
		return err
	}
	switch {
	case m.Kind == KindHeartbeat || m.Kind == KindGoodbye:
		return nil
	case m.IsReply && m.Kind != KindUnknown:
		return m.setAnswer()
	case m.IsCluster && m.Kind != KindUnknown:
		return m.setCluster()
	}
	v, err := m.message.Decode()
	if err != nil {
		return err
	}
	if m.isEntry {
		v = map[string]any{"type": int64(m.Number), "nsp": m.namespace, "uid": m.UID, "data": v}
	}
	m.source = []byte(m.message.Text)
	switch v := v.(type) {
	case []any:
		return m.setBroadcast(v)
	case map[string]any:
		if m.IsPython {
			return m.setPython(v)
		}
		return m.setClassic(v)
	}
	return fmt.Errorf("a message is an array or an object, not %s", describe(v))
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
	m.path = []string{"1", "data"}
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

// setUnknown keeps the message for who wants to look at it.
func (m *Message) setUnknown(message map[string]any) {
	m.Kind = KindUnknown
	m.Value = encoding.NewValue(wire.ArrivesAs(message))
}
