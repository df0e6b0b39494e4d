package encoding

import (
	"bytes"

	"github.com/sioemit/sioemit/internal/wire"
)

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

// form is how a message travels.
type form int

const (
	formMessagePack form = iota
	formJSON
	formJSONUnlessBinary // adapters that extend ClusterAdapter
	formPython           // python-socketio
	formPythonText       // and without binary
)

// marshal returns the message that write writes. It is written into memory that
// is used again, so that a message of up to 64 KiB costs one allocation, of its
// own size.
func marshal(f form, write func(e *encoder, b []byte) ([]byte, error)) ([]byte, error) {
	e := newEncoder()
	defer e.free()
	e.TextOnly = f == formJSON
	b, err := write(e, e.message[:0])
	if err != nil {
		return nil, err
	}
	e.message = b
	if f == formMessagePack || e.Attachments > 0 {
		return bytes.Clone(b), nil
	}
	e.json = wire.ToJSON(e.json[:0], b)
	return bytes.Clone(e.json), nil
}
