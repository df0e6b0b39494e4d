package encoding

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
	e := newEncoder(make([]byte, 0, 128))
	defer e.free()
	split := 0
	write(e, func() error {
		split = len(e.buf)
		return nil
	})
	return &Template{head: e.buf[:split:split], tail: e.buf[split:], form: f}
}

// Append appends the message of an event to dst. Errors about an argument are
// *ArgumentError; binary where only JSON can go is ErrBinary.
func (t *Template) Append(dst []byte, event string, args []any) ([]byte, error) {
	e := newEncoder(nil)
	defer e.free()
	e.buf = append(e.scratch[:0], t.head...)
	err := e.data(event, args)
	e.buf = append(e.buf, t.tail...)
	e.scratch = e.buf
	if err != nil {
		return nil, err
	}
	if t.legacyBinary && e.binary {
		// The head ends with the packet's type, a byte, and the key "data".
		e.buf[len(t.head)-len("\xa4data")-1] = byte(BinaryEvent)
	}
	return e.message(dst, t.form)
}
