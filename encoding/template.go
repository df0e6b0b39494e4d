package encoding

import (
	"bytes"
	"slices"
	"sync"

	"github.com/sioemit/sioemit/internal/wire"
)

// Template is what the broadcasts to one target have in common, encoded once:
// all of a message but the event's name and its arguments. Until it is made that
// of another target with Retarget, it never changes, and is safe for concurrent
// use.
type Template struct {
	form         form
	all          frame // in MessagePack
	json         frame // and in JSON, where messages can have that form
	legacyBinary bool
	limit        int   // of binary values in an event
	refusal      error // why no message can be for the target
}

// frame is what stands before and behind the data, which have a byte of it for
// themselves.
type frame struct {
	text []byte
	data int // where that byte is
}

func newFrame(text []byte, hole byte) frame { return frame{text, bytes.IndexByte(text, hole)} }

func (f *frame) head() []byte { return f.text[:f.data] }

func (f *frame) tail() []byte { return f.text[f.data+1:] }

func writeHole(dst []byte) ([]byte, error) { return append(dst, wire.Hole), nil }

// set takes what write writes before and after it calls data. Nothing that
// depends on the target comes before the data, so that the first hole is it.
func (t *Template) set(f form, limit int, write func(dst []byte, data writeData) ([]byte, error)) {
	all, _ := write(t.all.text[:0], writeHole) // nothing else can fail
	t.form, t.limit, t.legacyBinary, t.refusal = f, limit, false, nil
	t.all = newFrame(all, wire.Hole)
	if f != formMessagePack {
		t.json = newFrame(wire.ToJSON(t.json.text[:0], all), 0)
	}
}

// templates are those of messages that are encoded without one that is kept.
var templates = sync.Pool{New: func() any { return new(Template) }}

func borrowTemplate() *Template { return templates.Get().(*Template) }

func (t *Template) giveBack() {
	if max(cap(t.all.text), cap(t.json.text)) <= maxPooled {
		templates.Put(t)
	}
}

// Append appends the message of an event to dst. Errors about an argument are
// *ArgumentError, which wraps ErrBinary for binary where only JSON can go. With
// an error it returns nil, and what lies behind dst in its memory may have been
// written.
//
// A nil dst costs one allocation, of the size of the message, unless its
// arguments take more than 64 KiB. A dst with room for the target but not for
// the arguments grows as with append.
func (t *Template) Append(dst []byte, event string, args []any) ([]byte, error) {
	if t.refusal != nil {
		return nil, t.refusal
	}
	e := newEncoder()
	defer e.free()
	e.TextOnly = t.form == formJSON || t.form == formPythonText
	if t.form == formMessagePack && cap(dst)-len(dst) >= len(t.all.text) {
		return t.appendDirect(e, dst, event, args)
	}
	data, err := e.event(e.message[:0], event, args, t.limit)
	if err != nil {
		return nil, t.explain(err)
	}
	e.message = data
	if t.form == formMessagePack || t.form == formJSONUnlessBinary && e.Attachments > 0 {
		dst = join(dst, t.all.head(), data, t.all.tail())
		t.setType(e, dst[:len(dst)-len(data)-len(t.all.tail())])
		return dst, nil
	}
	if e.json, err = t.appendJSON(e, data, event, len(args)); err != nil {
		return nil, err
	}
	return join(dst, t.json.head(), e.json, t.json.tail()), nil
}

// appendJSON returns what stands in the frame, in memory that is used again.
func (t *Template) appendJSON(e *encoder, data []byte, event string, n int) ([]byte, error) {
	if t.form == formPython || t.form == formPythonText {
		return e.appendPython(e.json[:0], data, event, n)
	}
	return wire.ToJSON(e.json[:0], data), nil
}

// appendDirect writes to dst itself, which has room for all but, perhaps, a long
// argument.
func (t *Template) appendDirect(e *encoder, dst []byte, event string, args []any) ([]byte, error) {
	dst = append(dst, t.all.head()...)
	head := len(dst)
	dst, err := e.event(dst, event, args, t.limit)
	if err != nil {
		return nil, err
	}
	t.setType(e, dst[:head])
	return append(dst, t.all.tail()...), nil
}

// setType corrects the type of the packet at the end of head.
func (t *Template) setType(e *encoder, head []byte) {
	if t.legacyBinary && e.Attachments > 0 {
		head[len(head)-len("\xa4data")-1] = wire.PacketBinaryEvent
	}
}

func join(dst, head, data, tail []byte) []byte {
	dst = slices.Grow(dst, len(head)+len(data)+len(tail))
	return append(append(append(dst, head...), data...), tail...)
}
