package encoding

import "github.com/sioemit/sioemit/internal/wire"

// Classic is the format of createAdapter in socket.io-redis 4 to 6 and
// @socket.io/redis-adapter 7 and 8. The zero value is the format of its default
// options with Socket.IO 3 and 4.
type Classic struct {
	Key   string // the adapter's key option; empty means DefaultKey
	Codec Codec
	// LegacyBinary marks events with binary arguments as packets of type 5, which
	// Socket.IO 1 and 2 need. On Socket.IO 3 clients lose such an event with an
	// exception ("Illegal attachments"); on 4 every client that gets it is
	// disconnected.
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
	dst = wire.AppendString(dst, b.Namespace)
	dst = append(dst, "\x83\xa5rooms"...)
	dst = appendRooms(dst, b.Rooms)
	dst = append(dst, "\xa5flags"...)
	dst = appendFlags(dst, b.Flags)
	dst = append(dst, "\xa6except"...)
	return appendRooms(dst, b.Except), nil
}
