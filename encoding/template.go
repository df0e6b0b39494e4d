package encoding

import "bytes"

// Template is what the broadcasts to one target have in common, encoded once:
// all of a message but the event's name and its arguments. It never changes
// and is safe for concurrent use.
type Template struct {
	head, tail   []byte
	form         form
	legacyBinary bool
}

// newTemplate takes what write writes before and after it calls data.
func newTemplate(f form, write func(e *encoder, data func() error)) *Template {
	e := newEncoder(nil)
	defer e.free()
	e.buf = e.scratch[:0]
	split := 0
	write(e, func() error {
		split = len(e.buf)
		return nil
	})
	e.scratch = e.buf
	all := bytes.Clone(e.buf)
	return &Template{head: all[:split:split], tail: all[split:], form: f}
}

// Append appends the message of an event to dst. Errors about an argument are
// *ArgumentError; binary where only JSON can go is ErrBinary.
func (t *Template) Append(dst []byte, event string, args []any) ([]byte, error) {
	e := newEncoder(dst)
	defer e.free()
	// MessagePack goes to dst itself where that has room; otherwise the message
	// is written into pooled memory first, so that it costs one allocation.
	direct := t.form == formMessagePack && cap(dst) > len(dst)
	if !direct {
		e.buf = e.scratch[:0]
	}
	e.buf = append(e.buf, t.head...)
	dataKey := len(e.buf)
	err := e.data(event, args)
	e.buf = append(e.buf, t.tail...)
	if !direct {
		e.scratch = e.buf
	}
	if err != nil {
		return nil, err
	}
	if t.legacyBinary && e.binary {
		// The head ends with the packet's type, a byte, and the key "data".
		e.buf[dataKey-len("\xa4data")-1] = byte(BinaryEvent)
	}
	if direct {
		return e.result()
	}
	return e.message(dst, t.form)
}
