package encoding

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"unsafe"

	"github.com/sioemit/sioemit/internal/harm"
	"github.com/sioemit/sioemit/internal/jsontext"
	"github.com/sioemit/sioemit/internal/wire"
)

var (
	// ErrTooLarge is returned for a value of 4 GiB or more, which MessagePack
	// cannot hold.
	ErrTooLarge = errors.New("the value is larger than 4 GiB")

	// ErrTooDeep is returned for a value of more than MaxLevels levels.
	ErrTooDeep = harm.ErrTooDeep

	// ErrBinary is returned when a value holds binary and is to travel as JSON,
	// which cannot carry any.
	ErrBinary = harm.ErrBinary
)

// MaxLevels is how deep a value may nest: the arrays and objects that are open
// at once in what arrives. A number has no level, [] has one, and [{"a":[]}] has
// three. Pointers have none. Servers and clients read values recursively, and
// from about 2,500 levels on they end, or go deaf, for lack of stack.
const MaxLevels = harm.MaxLevels

// Append appends the MessagePack form of v to dst. It refuses what
// encoding/json refuses, with the error types of encoding/json:
// *json.UnsupportedTypeError, *json.UnsupportedValueError (NaN, infinities and
// cycles) and *json.MarshalerError; and, with ErrTooDeep and ErrUnsafe, what
// servers or clients would not survive. With an error it returns nil, and what
// lies behind dst in its memory may have been written.
func Append(dst []byte, v any) ([]byte, error) {
	e := newEncoder()
	defer e.free()
	return e.whole(dst, v)
}

// AppendJSON appends the JSON text of v to dst, as JSON.stringify would write
// the value that the client receives. It refuses what Append refuses, and
// binary with ErrBinary.
func AppendJSON(dst []byte, v any) ([]byte, error) {
	e := newEncoder()
	defer e.free()
	e.TextOnly = true
	b, err := e.whole(e.message[:0], v)
	if err != nil {
		return nil, err
	}
	e.message = b
	return wire.ToJSON(dst, b), nil
}

// encoder holds the state of one encoding, but for the bytes written so far.
type encoder struct {
	harm.Tally
	open map[reference]struct{} // maps, slices and pointers that are open below cycleDepth

	lastType   reflect.Type // events are mostly like the one before
	lastEncode encodeFunc   // of lastType

	keys    []string        // stack of the keys of the map[string]any being written
	entries []entry         // stack of the entries of other maps
	present []int           // stack of the fields of structs that are not left out
	parsing jsontext.Memory // of JSON text
	message []byte          // pooled memory for a message
	json    []byte          // pooled memory for its JSON form
	text    [40]byte        // scratch of numbers and times
}

var encoders = sync.Pool{New: func() any { return new(encoder) }}

func newEncoder() *encoder {
	e := encoders.Get().(*encoder)
	e.Tally = harm.Tally{}
	return e
}

// maxPooled is the largest buffer kept for the next encoding, in bytes: one
// giant event must not pin its memory for good.
const maxPooled = 64 << 10

func (e *encoder) free() {
	if cap(e.message) > maxPooled {
		e.message = nil
	}
	if cap(e.json) > maxPooled {
		e.json = nil
	}
	if e.open != nil { // rarely there, and large then
		e.open = nil
	}
	if len(e.keys)|len(e.entries)|len(e.present) != 0 { // after an error
		clear(e.keys)
		clear(e.entries)
		e.keys, e.entries, e.present = e.keys[:0], e.entries[:0], e.present[:0]
	}
	if small := max(cap(e.keys), cap(e.entries)) <= maxPooled/16; e.parsing.Trim(maxPooled) && small {
		encoders.Put(e)
	}
}

// whole appends a value that is not part of another.
func (e *encoder) whole(dst []byte, v any) ([]byte, error) {
	b, err := e.value(dst, v)
	if err == nil {
		err = e.Check()
	}
	if err == nil {
		err = checkSize(len(b) - len(dst))
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

func checkSize(n int) error {
	if uint64(n) > math.MaxUint32 {
		return ErrTooLarge
	}
	return nil
}

// value appends boxed. The types named here are the ones that most events
// consist of; they need no reflection. All others go by their type.
func (e *encoder) value(b []byte, boxed any) ([]byte, error) {
	switch v := boxed.(type) {
	case nil:
		return wire.AppendNil(b), nil
	case string:
		return wire.AppendString(b, v), nil
	case bool:
		return wire.AppendBool(b, v), nil
	case int:
		return wire.AppendInt(b, int64(v)), nil
	case int64:
		return wire.AppendInt(b, v), nil
	case int32:
		return wire.AppendInt(b, int64(v)), nil
	case uint:
		return wire.AppendUint(b, uint64(v)), nil
	case uint64:
		return wire.AppendUint(b, v), nil
	case uint32:
		return wire.AppendUint(b, uint64(v)), nil
	case float64:
		return e.float64(b, v)
	case []byte:
		return e.Binary(b, v)
	case []any:
		return e.anySlice(b, v, boxed)
	case map[string]any:
		return e.anyMap(b, v, boxed)
	case json.RawMessage:
		return e.rawMessage(b, v)
	case json.Number:
		return e.number(b, v)
	case TaggedJSON:
		return e.taggedJSON(b, v)
	case Value:
		return e.value(b, v.decoded)
	}
	rv := reflect.ValueOf(boxed)
	if t := rv.Type(); t != e.lastType {
		e.lastType, e.lastEncode = t, typeEncoder(t)
	}
	return e.lastEncode(e, b, rv)
}

func (e *encoder) float64(b []byte, f float64) ([]byte, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, &json.UnsupportedValueError{Value: reflect.ValueOf(f), Str: strconv.FormatFloat(f, 'g', -1, 64)}
	}
	return wire.AppendFloat(b, f), nil
}

// float32 goes by the shortest decimal text of the value, because that text is
// what encoding/json sends: float32(0.1) arrives as 0.1, not as
// 0.10000000149011612.
func (e *encoder) float32(b []byte, f float32) ([]byte, error) {
	if f != f || math.IsInf(float64(f), 0) {
		return e.float64(b, float64(f))
	}
	if n := int32(f); n > -1<<24 && n < 1<<24 && float32(n) == f {
		return wire.AppendInt(b, int64(n)), nil
	}
	text := strconv.AppendFloat(e.text[:0], float64(f), 'g', -1, 32)
	wide, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return nil, fmt.Errorf("float32 %s: %w", text, err)
	}
	return wire.AppendFloat(b, wide), nil
}

func (e *encoder) anySlice(b []byte, s []any, boxed any) ([]byte, error) {
	if s == nil {
		return wire.AppendNil(b), nil
	}
	if err := e.enter(reflect.ValueOf(boxed)); err != nil {
		return nil, err
	}
	b = wire.AppendArrayHeader(b, len(s))
	var err error
	for _, v := range s {
		if b, err = e.value(b, v); err != nil {
			return nil, err
		}
	}
	e.leave(reflect.ValueOf(boxed))
	return b, nil
}

func (e *encoder) anyMap(b []byte, m map[string]any, boxed any) ([]byte, error) {
	if m == nil {
		return wire.AppendNil(b), nil
	}
	if err := e.enter(reflect.ValueOf(boxed)); err != nil {
		return nil, err
	}
	start := len(e.keys)
	for k := range m {
		e.keys = append(e.keys, k)
	}
	keys := e.keys[start:]
	slices.SortFunc(keys, wire.CompareKeys)
	b = wire.AppendMapHeader(b, len(keys))
	var err error
	for _, k := range keys {
		b = wire.AppendString(b, k)
		start := len(b)
		if b, err = e.value(b, m[k]); err != nil {
			return nil, err
		}
		if harm.IsSpecial(k) {
			if err := e.Member(k, b[start]); err != nil {
				return nil, err
			}
		}
	}
	clear(e.keys[start:]) // not keys, which stays behind when the stack grows
	e.keys = e.keys[:start]
	e.leave(reflect.ValueOf(boxed))
	return b, nil
}

func (e *encoder) rawMessage(b []byte, m json.RawMessage) ([]byte, error) {
	if m == nil {
		return wire.AppendNil(b), nil
	}
	b, err := e.parsing.Append(b, m, false, &e.Tally)
	if err != nil {
		return nil, &json.MarshalerError{Type: reflect.TypeFor[json.RawMessage](), Err: err}
	}
	return b, nil
}

// number writes the number whose JSON text is n; the empty Number is 0, as in
// encoding/json.
func (e *encoder) number(b []byte, n json.Number) ([]byte, error) {
	if n == "" {
		n = "0"
	}
	text := append(e.text[:0], n...)
	if c := n[len(n)-1]; !json.Valid(text) || c < '0' || c > '9' || n[0] == ' ' || n[0] == '\t' || n[0] == '\r' || n[0] == '\n' {
		return nil, fmt.Errorf("json: invalid number literal %q", string(n))
	}
	return wire.AppendNumber(b, text)
}

// cycleDepth is how deep a value may nest before each map, slice and pointer is
// remembered to find a cycle. encoding/json starts to look at the same depth.
const cycleDepth = MaxLevels

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
	if e.Depth++; e.Depth <= cycleDepth {
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
	return e.Deeper()
}

func (e *encoder) leave(v reflect.Value) {
	if e.Depth > cycleDepth {
		delete(e.open, referenceTo(v))
	}
	e.Depth--
}
