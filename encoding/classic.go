package encoding

import "fmt"

// Classic is the format of createAdapter in socket.io-redis 4 to 6 and
// @socket.io/redis-adapter 7 and 8. The zero value is the format of its default
// options with Socket.IO 3 and 4.
type Classic struct {
	Key   string // the adapter's key option; empty means DefaultKey
	Codec Codec
	// LegacyBinary marks events with binary arguments as packets of type
	// BinaryEvent, which Socket.IO 1 and 2 need and which breaks the clients of
	// Socket.IO 3 and 4.
	LegacyBinary bool
}

// Marshal returns the payload of a broadcast: ["emitter", packet, options], in
// the key order of the official emitter. Errors about an argument are
// *ArgumentError.
func (c Classic) Marshal(b *Broadcast) ([]byte, error) {
	t := borrowTemplate()
	defer t.giveBack()
	c.Retarget(t, b)
	return t.Append(nil, b.Event, b.Args)
}

// Template encodes what all payloads with the target of b have in common.
func (c Classic) Template(b *Broadcast) *Template {
	t := new(Template)
	c.Retarget(t, b)
	return t
}

// Retarget makes t the template of b, in the memory that t has. Nobody else may
// use t meanwhile.
func (c Classic) Retarget(t *Template, b *Broadcast) {
	f := formMessagePack
	if c.Codec == JSON {
		f = formJSON
	}
	t.set(f, b.limit(), func(dst []byte, data writeData) ([]byte, error) { return appendClassicBroadcast(dst, b, data) })
	t.legacyBinary = c.LegacyBinary
}

// What is the same in every broadcast stands here as it goes out: header bytes of
// arrays, maps and strings, and the strings.
func appendClassicBroadcast(dst []byte, b *Broadcast, data writeData) ([]byte, error) {
	dst = append(dst, "\x93\xa7"+UID+"\x83\xa4type\x02\xa4data"...)
	dst, err := data(dst)
	if err != nil {
		return nil, err
	}
	dst = append(dst, "\xa3nsp"...)
	dst = appendString(dst, b.Namespace)
	dst = append(dst, "\x83\xa5rooms"...)
	dst = appendRooms(dst, b.Rooms)
	dst = append(dst, "\xa5flags"...)
	dst = appendFlags(dst, b.Flags)
	dst = append(dst, "\xa6except"...)
	return appendRooms(dst, b.Except), nil
}

// UnmarshalClassic decodes the payload of a broadcast by any emitter or server
// of the classic adapter, MessagePack or JSON, and returns the sender's uid
// with it. Payloads may come from anyone: see Decode for the bounds. Errors
// wrap ErrMalformed.
func UnmarshalClassic(payload []byte) (uid string, b *Broadcast, err error) {
	v, err := decodeMessage(payload)
	if err != nil {
		return "", nil, err
	}
	uid, b, err = classicBroadcast(v)
	if err != nil {
		return "", nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return uid, b, nil
}

// decodeMessage decodes JSON when the payload starts as a JSON array or object
// does, which no MessagePack message can: there, those bytes are numbers.
func decodeMessage(payload []byte) (any, error) {
	if len(payload) == 0 || payload[0] != '[' && payload[0] != '{' {
		return Decode(payload)
	}
	v, err := decodeJSON(payload)
	if err != nil {
		return nil, fmt.Errorf("%w: JSON: %w", ErrMalformed, err)
	}
	return v, nil
}

func classicBroadcast(v any) (uid string, b *Broadcast, err error) {
	parts, ok := v.([]any)
	if !ok || len(parts) != 3 {
		return "", nil, fmt.Errorf("a broadcast is an array of uid, packet and options, not %s", describe(v))
	}
	uid, ok = parts[0].(string)
	if !ok {
		return "", nil, fmt.Errorf("the uid is %s, not a string", describe(parts[0]))
	}
	b = new(Broadcast)
	if err := b.setPacket(parts[1]); err != nil {
		return "", nil, err
	}
	if err := b.setOptions(parts[2]); err != nil {
		return "", nil, err
	}
	return uid, b, nil
}
