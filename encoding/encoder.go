package encoding

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"sync"
	"unsafe"
)

// ErrTooLarge is returned for a value of 4 GiB or more, which MessagePack
// cannot hold.
var ErrTooLarge = errors.New("encoding: value larger than 4 GiB")

// TaggedJSON is JSON text in which an object {"$binary":"<base64>"}, at any
// depth, stands for binary. It is how files and pipes of JSON lines carry what
// JSON itself cannot.
type TaggedJSON []byte

// Append appends the MessagePack form of v to dst. It refuses what
// encoding/json refuses, with the error types of encoding/json:
// *json.UnsupportedTypeError, *json.UnsupportedValueError (NaN, infinities and
// cycles) and *json.MarshalerError.
func Append(dst []byte, v any) ([]byte, error) {
	e := newEncoder(dst)
	defer e.free()
	if err := e.value(v); err != nil {
		return nil, err
	}
	return e.result()
}

// encoder holds the state of one encoding.
type encoder struct {
	buf    []byte
	binary bool // whether binary was written

	depth int                    // how many pointers, maps and slices are open
	open  map[reference]struct{} // those of them beyond cycleDepth

	lastType   reflect.Type // events are mostly like the one before
	lastEncode encodeFunc   // of lastType

	keys    []string // stack of the keys of the map[string]any being written
	entries []entry  // stack of the entries of other maps
	members []member // stack of the members of JSON objects
	scratch []byte   // pooled memory for a message
	json    []byte   // pooled memory for its JSON form
	sorted  []member // scratch of one object at a time
	text    [40]byte // scratch of numbers and times
}

var encoders = sync.Pool{New: func() any { return new(encoder) }}

func newEncoder(dst []byte) *encoder {
	e := encoders.Get().(*encoder)
	e.buf, e.binary, e.depth = dst, false, 0
	return e
}

// maxPooled is the largest buffer kept for the next encoding, in bytes: one
// giant event must not pin its memory for good.
const maxPooled = 64 << 10

func (e *encoder) free() {
	e.buf = nil
	if cap(e.scratch) > maxPooled {
		e.scratch = nil
	}
	if cap(e.json) > maxPooled {
		e.json = nil
	}
	// After an error the stacks are not empty.
	clear(e.keys)
	clear(e.entries)
	clear(e.open)
	e.keys, e.entries, e.members = e.keys[:0], e.entries[:0], e.members[:0]
	if cap(e.keys) <= maxPooled/16 && cap(e.entries) <= maxPooled/16 && cap(e.members) <= maxPooled/16 {
		encoders.Put(e)
	}
}

func (e *encoder) result() ([]byte, error) {
	if uint64(len(e.buf)) > math.MaxUint32 {
		return nil, ErrTooLarge
	}
	return e.buf, nil
}

// value writes boxed. The types named here are the ones that most events consist
// of; they need no reflection. All others go by their type.
func (e *encoder) value(boxed any) error {
	switch v := boxed.(type) {
	case nil:
		e.buf = appendNil(e.buf)
	case string:
		e.buf = appendString(e.buf, v)
	case bool:
		e.buf = appendBool(e.buf, v)
	case int:
		e.buf = appendInt(e.buf, int64(v))
	case int64:
		e.buf = appendInt(e.buf, v)
	case int32:
		e.buf = appendInt(e.buf, int64(v))
	case uint:
		e.buf = appendUint(e.buf, uint64(v))
	case uint64:
		e.buf = appendUint(e.buf, v)
	case uint32:
		e.buf = appendUint(e.buf, uint64(v))
	case float64:
		return e.float64(v)
	case []byte:
		e.bytes(v)
	case []any:
		return e.anySlice(v, boxed)
	case map[string]any:
		return e.anyMap(v, boxed)
	case json.RawMessage:
		return e.rawMessage(v)
	case json.Number:
		return e.number(v)
	case TaggedJSON:
		return e.jsonText(v, true)
	default:
		rv := reflect.ValueOf(boxed)
		if t := rv.Type(); t != e.lastType {
			e.lastType, e.lastEncode = t, typeEncoder(t)
		}
		return e.lastEncode(e, rv)
	}
	return nil
}

func (e *encoder) bytes(b []byte) {
	if b == nil {
		e.buf = appendNil(e.buf)
		return
	}
	e.binary = true
	e.buf = appendBinary(e.buf, b)
}

func (e *encoder) float64(f float64) error {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return &json.UnsupportedValueError{Value: reflect.ValueOf(f), Str: strconv.FormatFloat(f, 'g', -1, 64)}
	}
	e.buf = appendFloat(e.buf, f)
	return nil
}

// float32 goes by the shortest decimal text of the value, because that text is
// what encoding/json sends: float32(0.1) arrives as 0.1, not as
// 0.10000000149011612.
func (e *encoder) float32(f float32) error {
	if f != f || math.IsInf(float64(f), 0) {
		return e.float64(float64(f))
	}
	if n := int32(f); n > -1<<24 && n < 1<<24 && float32(n) == f {
		e.buf = appendInt(e.buf, int64(n))
		return nil
	}
	text := strconv.AppendFloat(e.text[:0], float64(f), 'g', -1, 32)
	wide, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return fmt.Errorf("encoding: float32 %s: %w", text, err)
	}
	e.buf = appendFloat(e.buf, wide)
	return nil
}

func (e *encoder) anySlice(s []any, boxed any) error {
	if s == nil {
		e.buf = appendNil(e.buf)
		return nil
	}
	if err := e.enter(reflect.ValueOf(boxed)); err != nil {
		return err
	}
	e.buf = appendArrayHeader(e.buf, len(s))
	for _, v := range s {
		if err := e.value(v); err != nil {
			return err
		}
	}
	e.leave(reflect.ValueOf(boxed))
	return nil
}

func (e *encoder) anyMap(m map[string]any, boxed any) error {
	if m == nil {
		e.buf = appendNil(e.buf)
		return nil
	}
	if err := e.enter(reflect.ValueOf(boxed)); err != nil {
		return err
	}
	start := len(e.keys)
	for k := range m {
		e.keys = append(e.keys, k)
	}
	keys := e.keys[start:]
	sortKeys(keys)
	e.buf = appendMapHeader(e.buf, len(keys))
	for _, k := range keys {
		e.buf = appendString(e.buf, k)
		if err := e.value(m[k]); err != nil {
			return err
		}
	}
	clear(e.keys[start:]) // not keys, which stays behind when the stack grows
	e.keys = e.keys[:start]
	e.leave(reflect.ValueOf(boxed))
	return nil
}

func (e *encoder) rawMessage(m json.RawMessage) error {
	if m == nil {
		e.buf = appendNil(e.buf)
		return nil
	}
	if err := e.jsonText(m, false); err != nil {
		return &json.MarshalerError{Type: reflect.TypeFor[json.RawMessage](), Err: err}
	}
	return nil
}

// number writes the number whose JSON text is n; the empty Number is 0, as in
// encoding/json.
func (e *encoder) number(n json.Number) error {
	if n == "" {
		n = "0"
	}
	text := append(e.text[:0], n...)
	if c := n[len(n)-1]; !json.Valid(text) || c < '0' || c > '9' || n[0] == ' ' || n[0] == '\t' || n[0] == '\r' || n[0] == '\n' {
		return fmt.Errorf("json: invalid number literal %q", string(n))
	}
	return e.numberText(text)
}

// cycleDepth is how deep pointers, maps and slices may nest before each one is
// remembered to find a cycle; encoding/json uses the same depth.
const cycleDepth = 1000

// reference identifies an open pointer, map or slice.
type reference struct {
	typ reflect.Type
	ptr unsafe.Pointer
	len int
}

func referenceTo(v reflect.Value) reference {
	r := reference{typ: v.Type(), ptr: v.UnsafePointer()}
	if v.Kind() == reflect.Slice {
		r.len = v.Len()
	}
	return r
}

// enter opens a pointer, map or slice; leave closes it again.
func (e *encoder) enter(v reflect.Value) error {
	if e.depth++; e.depth <= cycleDepth {
		return nil
	}
	r := referenceTo(v)
	if _, ok := e.open[r]; ok {
		return &json.UnsupportedValueError{Value: v, Str: "encountered a cycle via " + v.Type().String()}
	}
	if e.open == nil {
		e.open = make(map[reference]struct{})
	}
	e.open[r] = struct{}{}
	return nil
}

func (e *encoder) leave(v reflect.Value) {
	if e.depth > cycleDepth {
		delete(e.open, referenceTo(v))
	}
	e.depth--
}

// taggedBinary replaces the object {"$binary":"<base64>"} just written at start
// by the bytes it stands for.
func (e *encoder) taggedBinary(start int, text []byte) error {
	bin, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil {
		return fmt.Errorf("encoding: \"$binary\" must hold base64: %w", err)
	}
	e.binary = true
	e.buf = appendBinary(e.buf[:start], bin)
	return nil
}
