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

// newTemplate takes what write writes before and after it calls data.
func newTemplate(f form, write func(e *encoder, data func() error)) *Template {
	e := newEncoder(nil)
	defer e.free()
	e.buf = e.scratch[:0]
	split := 0
	write(e, func() error {
		split = len(e.buf)
		e.buf = append(e.buf, 0)
		return nil
	})
	e.scratch = e.buf
	all := bytes.Clone(e.buf)
	t := &Template{form: f, head: all[:split:split], tail: all[split+1:]}
	if f != formMessagePack {
		// Where 0 and 1 make a difference there is the data.
		zero := toJSON(nil, all)
		e.buf[split] = 1
		one := toJSON(nil, e.buf)
		at := 0
		for zero[at] == one[at] {
			at++
		}
		t.jsonHead, t.jsonTail = zero[:at:at], zero[at+1:]
	}
	return t
}

// Append appends the message of an event to dst. Errors about an argument are
// *ArgumentError; binary where only JSON can go is ErrBinary.
//
// The message is written to dst itself where that has room; otherwise it goes
// through pooled memory first, so that it costs one allocation, of its own size.
func (t *Template) Append(dst []byte, event string, args []any) ([]byte, error) {
	e := newEncoder(dst)
	defer e.free()
	if t.form == formMessagePack {
		return t.appendMessagePack(e, dst, event, args)
	}
	e.buf = e.scratch[:0]
	err := e.data(event, args)
	e.scratch = e.buf
	if err != nil {
		return nil, err
	}
	size := len(t.head) + len(e.buf) + len(t.tail)
	switch {
	case uint64(size) > math.MaxUint32:
		return nil, ErrTooLarge
	case !e.binary:
		return t.appendJSON(e, dst), nil
	case t.form == formJSON:
		return nil, ErrBinary
	}
	return append(append(append(slices.Grow(dst, size), t.head...), e.buf...), t.tail...), nil
}

func (t *Template) appendMessagePack(e *encoder, dst []byte, event string, args []any) ([]byte, error) {
	direct := cap(dst) > len(dst)
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
	message, err := e.result()
	if direct || err != nil {
		return message, err
	}
	return append(dst, message...), nil
}

// appendJSON writes around the data that e has encoded.
func (t *Template) appendJSON(e *encoder, dst []byte) []byte {
	out, direct := dst, cap(dst) > len(dst)
	if !direct {
		out = e.json[:0]
	}
	out = append(toJSON(append(out, t.jsonHead...), e.buf), t.jsonTail...)
	if direct {
		return out
	}
	e.json = out
	return append(dst, out...)
}
