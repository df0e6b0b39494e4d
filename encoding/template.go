package encoding

import (
	"bytes"
	"math"
	"slices"
)

// Template is what the broadcasts to one target have in common, encoded once:
// all of a message but the event's name and its arguments. It never changes
// and is safe for concurrent use.
type Template struct {
	form         form
	head, tail   []byte // what stands before and behind them in MessagePack
	jsonHead     []byte // and in JSON, where messages can have that form
	jsonTail     []byte
	legacyBinary bool
}

// hole stands for the data while a template is made. It is no value in
// MessagePack; in JSON it becomes NUL, which no JSON text contains.
const hole = 0xc1

// newTemplate takes what write writes before and after it calls data.
func newTemplate(f form, write func(dst []byte, data writeData) ([]byte, error)) *Template {
	e := newEncoder()
	defer e.free()
	split := 0
	e.message, _ = write(e.message[:0], func(dst []byte) ([]byte, error) {
		split = len(dst)
		return append(dst, hole), nil // and nothing else can fail
	})
	all := bytes.Clone(e.message)
	t := &Template{form: f, head: all[:split:split], tail: all[split+1:]}
	if f != formMessagePack {
		e.json = toJSON(e.json[:0], all)
		t.jsonHead, t.jsonTail, _ = bytes.Cut(bytes.Clone(e.json), []byte{0})
	}
	return t
}

// Append appends the message of an event to dst. Errors about an argument are
// *ArgumentError; binary where only JSON can go is ErrBinary.
//
// The message is written to dst itself where that has room; otherwise it goes
// through pooled memory first, so that it costs one allocation, of its own size.
func (t *Template) Append(dst []byte, event string, args []any) ([]byte, error) {
	e := newEncoder()
	defer e.free()
	if t.form == formMessagePack {
		return t.appendMessagePack(e, dst, event, args)
	}
	data, err := e.event(e.message[:0], event, args)
	if err != nil {
		return nil, err
	}
	e.message = data
	switch {
	case !e.binary:
		return t.appendJSON(e, dst, data), nil
	case t.form == formJSON:
		return nil, ErrBinary
	}
	size := len(t.head) + len(data) + len(t.tail)
	if uint64(size) > math.MaxUint32 {
		return nil, ErrTooLarge
	}
	return append(append(append(slices.Grow(dst, size), t.head...), data...), t.tail...), nil
}

func (t *Template) appendMessagePack(e *encoder, dst []byte, event string, args []any) ([]byte, error) {
	b, direct := dst, cap(dst) > len(dst)
	if !direct {
		b = e.message[:0]
	}
	b = append(b, t.head...)
	dataKey := len(b)
	b, err := e.event(b, event, args)
	if err != nil {
		return nil, err
	}
	b = append(b, t.tail...)
	if t.legacyBinary && e.binary {
		// The head ends with the packet's type, a byte, and the key "data".
		b[dataKey-len("\xa4data")-1] = byte(BinaryEvent)
	}
	if !direct {
		e.message = b
		b = append(dst, b...)
	}
	return checkSize(b)
}

// appendJSON writes around the data in MessagePack.
func (t *Template) appendJSON(e *encoder, dst, data []byte) []byte {
	text, direct := dst, cap(dst) > len(dst)
	if !direct {
		text = e.json[:0]
	}
	text = append(toJSON(append(text, t.jsonHead...), data), t.jsonTail...)
	if direct {
		return text
	}
	e.json = text
	return append(dst, text...)
}
