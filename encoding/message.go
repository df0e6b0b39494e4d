package encoding

import "bytes"

// UID is the name under which an emitter signs. Servers take it for no member
// of their cluster; heartbeat adapters count any other name as one, and their
// fetchSockets then waits for answers that never come.
const UID = "emitter"

// Codec is the form of a message.
type Codec int

// Forms of a message.
const (
	MessagePack Codec = iota // the classic adapter's default
	JSON                     // for servers that set a JSON parser on the classic adapter
)

// jsonUnlessBinary is how adapters that extend ClusterAdapter choose.
func jsonUnlessBinary(e *encoder) Codec {
	if e.binary {
		return MessagePack
	}
	return JSON
}

// marshal returns the message that write writes, in the form that codec chooses
// once it is written. The memory it is written into is used again, so that a
// message costs one allocation of its own size.
func marshal(write func(*encoder) error, codec func(*encoder) Codec) ([]byte, error) {
	e := newEncoder(nil)
	defer e.free()
	e.buf = e.scratch[:0]
	err := write(e)
	e.scratch = e.buf
	if err != nil {
		return nil, err
	}
	if _, err := e.result(); err != nil {
		return nil, err
	}
	if codec(e) == MessagePack {
		return bytes.Clone(e.buf), nil
	}
	text, err := e.appendJSON(e.json[:0], e.buf)
	if err != nil {
		return nil, err
	}
	e.json = text
	return bytes.Clone(text), nil
}
