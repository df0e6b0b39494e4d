package protocol

import (
	"fmt"

	"github.com/sioemit/sioemit/internal/wire"
)

// setPacket reads a decoded packet {type, data, nsp}. A packet without a
// namespace belongs to "/", as servers take it.
func (m *Message) setPacket(v any) error {
	packet, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("the packet is %s, not an object", describe(v))
	}
	typ, ok := packet["type"].(int64)
	if !ok {
		return fmt.Errorf("the packet's type is %s, not a number", describe(packet["type"]))
	}
	if typ != wire.PacketEvent && typ != wire.PacketBinaryEvent {
		return fmt.Errorf("packet type %d is not an event (2, or 5 with binary)", typ)
	}
	m.PacketType = int(typ)
	data, ok := packet["data"].([]any)
	if !ok || len(data) == 0 {
		return fmt.Errorf("the packet's data is %s, not an array that starts with the event's name", describe(packet["data"]))
	}
	if m.Event, ok = data[0].(string); !ok {
		return fmt.Errorf("the event's name is %s, not a string", describe(data[0]))
	}
	m.Args = data[1:]
	switch nsp := packet["nsp"].(type) {
	case nil:
		m.Namespace = "/"
	case string:
		m.Namespace = nsp
	default:
		return fmt.Errorf("the namespace is %s, not a string", describe(nsp))
	}
	return nil
}

// setOptions reads decoded options {rooms, flags, except}; emitters before
// Socket.IO 4 send no except.
func (m *Message) setOptions(v any) error {
	options, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("the options are %s, not an object", describe(v))
	}
	var err error
	if m.Rooms, err = roomList(options, "rooms"); err != nil {
		return err
	}
	if m.Except, err = roomList(options, "except"); err != nil {
		return err
	}
	// Servers look up members of the flags, whatever they are: PHP's empty array
	// and an empty string have none.
	flags, _ := options["flags"].(map[string]any)
	m.Flags.Volatile, _ = flags["volatile"].(bool)
	if compress, ok := flags["compress"].(bool); ok {
		m.Flags.Compress = &compress
	}
	return nil
}

// describe names what a decoded value is, in the words of JSON.
func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "missing or null"
	case bool:
		return "a boolean"
	case string:
		return "a string"
	case []byte:
		return "binary"
	case []any:
		return fmt.Sprintf("an array of %d", len(v))
	case map[string]any:
		return "an object"
	case int64, uint64, float64:
		return "a number"
	}
	return fmt.Sprintf("a %T", v)
}

// describeRaw is describe of what has not been decoded.
func describeRaw(r *wire.Raw) string {
	v, err := r.Decode()
	if err != nil {
		return "malformed"
	}
	return describe(v)
}
