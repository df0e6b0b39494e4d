package encoding

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/sioemit/sioemit/internal/harm"
	"github.com/sioemit/sioemit/internal/wire"
)

// encodeFunc appends a value of one type to b. The bytes go from hand to hand,
// and not by way of the encoder, because they stay in registers then. Those
// returned with an error are of no use.
type encodeFunc func(e *encoder, b []byte, v reflect.Value) ([]byte, error)

// typeEncoders caches the encodeFunc of each type ever seen, as encoding/json
// does; their number is bounded by the types of the program.
var typeEncoders sync.Map // reflect.Type -> encodeFunc

func typeEncoder(t reflect.Type) encodeFunc {
	if f, ok := typeEncoders.Load(t); ok {
		return f.(encodeFunc)
	}
	// A recursive type meets itself while its encoder is being built: it finds
	// this stand-in, which waits for the real one.
	build := sync.OnceValue(func() encodeFunc { return newTypeEncoder(t) })
	standIn := encodeFunc(func(e *encoder, b []byte, v reflect.Value) ([]byte, error) { return build()(e, b, v) })
	if f, loaded := typeEncoders.LoadOrStore(t, standIn); loaded {
		return f.(encodeFunc)
	}
	f := build()
	typeEncoders.Store(t, f)
	return f
}

var (
	marshalerType     = reflect.TypeFor[json.Marshaler]()
	textMarshalerType = reflect.TypeFor[encoding.TextMarshaler]()
)

func newTypeEncoder(t reflect.Type) encodeFunc {
	switch t {
	case reflect.TypeFor[time.Time]():
		return encodeTime
	case reflect.TypeFor[json.RawMessage]():
		return func(e *encoder, b []byte, v reflect.Value) ([]byte, error) { return e.rawMessage(b, v.Bytes()) }
	case reflect.TypeFor[json.Number]():
		return func(e *encoder, b []byte, v reflect.Value) ([]byte, error) {
			return e.number(b, json.Number(v.String()))
		}
	}
	return newCustomEncoder(t, t.Kind() != reflect.Pointer, newKindEncoder)
}

// newCustomEncoder lets a type encode itself if it can: by json.Marshaler,
// else by encoding.TextMarshaler, with a pointer receiver only where
// encoding/json would have found the value addressable. If it cannot, it is
// written by what byKind returns.
func newCustomEncoder(t reflect.Type, tryPointer bool, byKind func(reflect.Type) encodeFunc) encodeFunc {
	pointer := reflect.PointerTo(t)
	switch {
	case tryPointer && pointer.Implements(marshalerType):
		return ifAddressable(encodeMarshaler, newCustomEncoder(t, false, byKind))
	case t.Implements(marshalerType):
		return encodeMarshaler
	case tryPointer && pointer.Implements(textMarshalerType):
		return ifAddressable(encodeTextMarshaler, newCustomEncoder(t, false, byKind))
	case t.Implements(textMarshalerType):
		return encodeTextMarshaler
	}
	return byKind(t)
}

func ifAddressable(pointer, otherwise encodeFunc) encodeFunc {
	return func(e *encoder, b []byte, v reflect.Value) ([]byte, error) {
		if v.CanAddr() {
			return pointer(e, b, v.Addr())
		}
		return otherwise(e, b, v)
	}
}

func isNil(v reflect.Value) bool {
	return (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) && v.IsNil()
}

func encodeMarshaler(e *encoder, b []byte, v reflect.Value) ([]byte, error) {
	if isNil(v) {
		return wire.AppendNil(b), nil
	}
	marshaler := v.Interface().(json.Marshaler)
	switch m := marshaler.(type) { // whose JSON has no binary
	case TaggedJSON:
		return e.taggedJSON(b, m)
	case *TaggedJSON:
		return e.taggedJSON(b, *m)
	case Value:
		return e.value(b, m.decoded)
	case *Value:
		return e.value(b, m.decoded)
	}
	text, err := marshaler.MarshalJSON()
	if err == nil {
		b, err = e.parsing.Append(b, text, false, &e.Tally)
	}
	if err != nil {
		return nil, &json.MarshalerError{Type: v.Type(), Err: err}
	}
	return b, nil
}

func encodeTextMarshaler(e *encoder, b []byte, v reflect.Value) ([]byte, error) {
	if isNil(v) {
		return wire.AppendNil(b), nil
	}
	text, err := v.Interface().(encoding.TextMarshaler).MarshalText()
	if err != nil {
		return nil, textMarshalerError(v.Type(), err)
	}
	return wire.AppendString(b, string(text)), nil
}

// textMarshalerError says MarshalText, because the text of a MarshalerError made
// outside of encoding/json says MarshalJSON.
func textMarshalerError(t reflect.Type, err error) error {
	return &json.MarshalerError{Type: t, Err: fmt.Errorf("MarshalText: %w", err)}
}

// encodeTime writes what time.Time.MarshalJSON would, without the detour: RFC
// 3339 text, and an error for a year that it cannot hold.
func encodeTime(e *encoder, b []byte, v reflect.Value) ([]byte, error) {
	text, err := v.Interface().(time.Time).AppendText(e.text[:0])
	if err != nil {
		return nil, &json.MarshalerError{Type: v.Type(), Err: err}
	}
	return append(wire.AppendStringHeader(b, len(text)), text...), nil
}

func newKindEncoder(t reflect.Type) encodeFunc {
	switch t.Kind() {
	case reflect.Bool:
		return encodeBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return encodeInt
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return encodeUint
	case reflect.Float32:
		return encodeFloat32
	case reflect.Float64:
		return encodeFloat64
	case reflect.String:
		return encodeString
	case reflect.Interface:
		return encodeInterface
	case reflect.Struct:
		return newStructEncoder(t)
	case reflect.Map:
		return newMapEncoder(t)
	case reflect.Slice:
		return newSliceEncoder(t)
	case reflect.Array:
		return newArrayEncoder(t)
	case reflect.Pointer:
		return newPointerEncoder(t)
	}
	return encodeUnsupported
}

func encodeUnsupported(_ *encoder, _ []byte, v reflect.Value) ([]byte, error) {
	return nil, &json.UnsupportedTypeError{Type: v.Type()}
}

func encodeBool(e *encoder, b []byte, v reflect.Value) ([]byte, error) {
	return wire.AppendBool(b, v.Bool()), nil
}

func encodeInt(e *encoder, b []byte, v reflect.Value) ([]byte, error) {
	return wire.AppendInt(b, v.Int()), nil
}

func encodeUint(e *encoder, b []byte, v reflect.Value) ([]byte, error) {
	return wire.AppendUint(b, v.Uint()), nil
}

func encodeFloat32(e *encoder, b []byte, v reflect.Value) ([]byte, error) {
	return e.float32(b, float32(v.Float()))
}

func encodeFloat64(e *encoder, b []byte, v reflect.Value) ([]byte, error) {
	return e.float64(b, v.Float())
}

func encodeString(e *encoder, b []byte, v reflect.Value) ([]byte, error) {
	return wire.AppendString(b, v.String()), nil
}

func encodeInterface(e *encoder, b []byte, v reflect.Value) ([]byte, error) {
	if v.IsNil() {
		return wire.AppendNil(b), nil
	}
	if v.NumMethod() == 0 {
		return e.value(b, v.Interface())
	}
	v = v.Elem()
	return typeEncoder(v.Type())(e, b, v)
}

func newPointerEncoder(t reflect.Type) encodeFunc {
	encodeElem := typeEncoder(t.Elem())
	return func(e *encoder, b []byte, v reflect.Value) ([]byte, error) {
		if v.IsNil() {
			return wire.AppendNil(b), nil
		}
		e.Pointers++
		if err := e.enter(v); err != nil {
			return nil, err
		}
		b, err := encodeElem(e, b, v.Elem())
		e.leave(v)
		e.Pointers--
		return b, err
	}
}

// newSliceEncoder takes as binary what encoding/json takes as base64: every
// slice of a byte type that does not encode itself.
func newSliceEncoder(t reflect.Type) encodeFunc {
	if t.Elem().Kind() == reflect.Uint8 {
		pointer := reflect.PointerTo(t.Elem())
		if !pointer.Implements(marshalerType) && !pointer.Implements(textMarshalerType) {
			return func(e *encoder, b []byte, v reflect.Value) ([]byte, error) {
				return e.Binary(b, v.Bytes())
			}
		}
	}
	encodeElems := newElemsEncoder(t)
	return func(e *encoder, b []byte, v reflect.Value) ([]byte, error) {
		if v.IsNil() {
			return wire.AppendNil(b), nil
		}
		if err := e.enter(v); err != nil {
			return nil, err
		}
		b, err := encodeElems(e, b, v)
		e.leave(v)
		return b, err
	}
}

func newArrayEncoder(t reflect.Type) encodeFunc {
	encodeElems := newElemsEncoder(t)
	return func(e *encoder, b []byte, v reflect.Value) ([]byte, error) {
		if err := e.Descend(); err != nil {
			return nil, err
		}
		b, err := encodeElems(e, b, v)
		e.Depth--
		return b, err
	}
}

// newElemsEncoder writes the elements of a slice or an array.
func newElemsEncoder(t reflect.Type) encodeFunc {
	encodeElem := typeEncoder(t.Elem())
	return func(e *encoder, b []byte, v reflect.Value) ([]byte, error) {
		n := v.Len()
		b = wire.AppendArrayHeader(b, n)
		var err error
		for i := range n {
			if b, err = encodeElem(e, b, v.Index(i)); err != nil {
				return nil, err
			}
		}
		return b, nil
	}
}

// entry is one entry of a map whose key has been turned into a string.
type entry struct {
	key   string
	value reflect.Value
}

func newMapEncoder(t reflect.Type) encodeFunc {
	keyName := mapKeyName(t.Key())
	if keyName == nil {
		return encodeUnsupported
	}
	encodeElem := typeEncoder(t.Elem())
	return func(e *encoder, b []byte, v reflect.Value) ([]byte, error) {
		if v.IsNil() {
			return wire.AppendNil(b), nil
		}
		if err := e.enter(v); err != nil {
			return nil, err
		}
		start := len(e.entries)
		for it := v.MapRange(); it.Next(); {
			name, err := keyName(it.Key())
			if err != nil {
				return nil, textMarshalerError(t.Key(), err)
			}
			e.entries = append(e.entries, entry{name, it.Value()})
		}
		entries := e.entries[start:]
		slices.SortFunc(entries, func(a, b entry) int { return wire.CompareKeys(a.key, b.key) })
		b = wire.AppendMapHeader(b, len(entries))
		var err error
		for _, entry := range entries {
			b = wire.AppendString(b, entry.key)
			start := len(b)
			if b, err = encodeElem(e, b, entry.value); err != nil {
				return nil, err
			}
			if harm.IsSpecial(entry.key) {
				if err := e.Member(entry.key, b[start]); err != nil {
					return nil, err
				}
			}
		}
		clear(e.entries[start:]) // not entries, which stays behind when the stack grows
		e.entries = e.entries[:start]
		e.leave(v)
		return b, nil
	}
}

// mapKeyName returns the function that turns a key of type t into a string, or
// nil where encoding/json knows none: strings go before
// encoding.TextMarshaler, integers after it.
func mapKeyName(t reflect.Type) func(reflect.Value) (string, error) {
	switch {
	case t.Kind() == reflect.String:
		return func(v reflect.Value) (string, error) { return v.String(), nil }
	case t.Implements(textMarshalerType):
		return func(v reflect.Value) (string, error) {
			if isNil(v) {
				return "", nil
			}
			text, err := v.Interface().(encoding.TextMarshaler).MarshalText()
			return string(text), err
		}
	}
	switch t.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return func(v reflect.Value) (string, error) { return strconv.FormatInt(v.Int(), 10), nil }
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return func(v reflect.Value) (string, error) { return strconv.FormatUint(v.Uint(), 10), nil }
	}
	return nil
}
