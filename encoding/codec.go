package encoding

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
)

// marshal returns the message that write writes. It is written into memory that
// is used again, so that a message costs no more than one allocation, of its
// own size.
func marshal(f form, write func(*encoder) error) ([]byte, error) {
	e := newEncoder(nil)
	defer e.free()
	e.buf = e.scratch[:0]
	err := write(e)
	e.scratch = e.buf
	if err != nil {
		return nil, err
	}
	return e.message(nil, f)
}

// message appends what has been written to dst, as a message of form f.
func (e *encoder) message(dst []byte, f form) ([]byte, error) {
	msgpack, err := e.result()
	if err != nil {
		return nil, err
	}
	if f == formMessagePack || f == formJSONUnlessBinary && e.binary {
		return append(dst, msgpack...), nil
	}
	text, err := e.appendJSON(e.json[:0], msgpack)
	if err != nil {
		return nil, err
	}
	e.json = text
	return append(dst, text...), nil
}
