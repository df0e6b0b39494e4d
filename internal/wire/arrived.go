package wire

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"strconv"
	"unicode/utf8"
)

// Elements returns the elements of an array, or the keys and the values of an
// object in turn.
func Elements(text []byte) (elements [][]byte) {
	depth, start := 0, 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			for i++; text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		case '[', '{':
			if depth++; depth == 1 {
				start = i + 1
			}
		case ']', '}', ',', ':':
			if depth == 1 {
				if element := bytes.TrimSpace(text[start:i]); len(element) > 0 {
					elements = append(elements, element)
				}
				start = i + 1
			}
			if text[i] == ']' || text[i] == '}' {
				depth--
			}
		}
	}
	return elements
}

// AppendArrivedText appends valid JSON text as JSON.stringify would write it, but for
// the order of members.
func AppendArrivedText(dst, text []byte) []byte {
	for i := 0; i < len(text); {
		start := i
		switch c := text[i]; {
		case c == '"':
			for i++; text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
			i++
			literal := text[start:i]
			if bytes.IndexByte(literal, '\\') >= 0 || !utf8.Valid(literal) {
				var s string
				_ = json.Unmarshal(literal, &s) // it is valid
				dst = AppendJSONString(dst, []byte(s))
				continue
			}
			dst = append(dst, literal...)
		case c == '-' || '0' <= c && c <= '9':
			for i < len(text) && IsNumberByte(text[i]) {
				i++
			}
			switch n, _ := Number(string(text[start:i])); n := n.(type) {
			case int64:
				dst = strconv.AppendInt(dst, n, 10)
			case float64:
				dst = AppendES6Float(dst, n)
			}
		case c <= ' ':
			i++
		default:
			dst = append(dst, c)
			i++
		}
	}
	return dst
}

// Kind is what a MessagePack value is.
type Kind int

const (
	Nil Kind = iota
	Bool
	Uint
	Int
	Float
	String
	Binary
	Array
	Map
	Ext
)

// ReadHead reads the head of a value that Decode has accepted: its kind, then the
// value itself where it is one, in 64 bits, or else how long the rest is: in
// bytes, elements or members. An extension's type is the first byte of the rest.
func ReadHead(in []byte) (kind Kind, n uint64, rest []byte) {
	c, in := in[0], in[1:]
	switch {
	case c < 0x80:
		return Uint, uint64(c), in
	case c < 0x90:
		return Map, uint64(c & 0x0f), in
	case c < 0xa0:
		return Array, uint64(c & 0x0f), in
	case c < 0xc0:
		return String, uint64(c & 0x1f), in
	case c >= 0xe0:
		return Int, uint64(int64(int8(c))), in
	}
	switch c {
	case 0xc0:
		return Nil, 0, in
	case 0xc2, 0xc3:
		return Bool, uint64(c & 1), in
	case 0xc7:
		return Ext, uint64(in[0]), in[1:]
	case 0xc8:
		return Ext, uint64(binary.BigEndian.Uint16(in)), in[2:]
	case 0xc9:
		return Ext, uint64(binary.BigEndian.Uint32(in)), in[4:]
	case 0xca:
		return Float, math.Float64bits(float64(math.Float32frombits(binary.BigEndian.Uint32(in)))), in[4:]
	case 0xd4, 0xd5, 0xd6, 0xd7, 0xd8:
		return Ext, 1 << (c - 0xd4), in
	}
	n, in = sized(in, c)
	switch c {
	case 0xc4, 0xc5, 0xc6:
		return Binary, n, in
	case 0xcb:
		return Float, n, in
	case 0xd0:
		return Int, uint64(int64(int8(n))), in
	case 0xd1:
		return Int, uint64(int64(int16(n))), in
	case 0xd2:
		return Int, uint64(int64(int32(n))), in
	case 0xd3:
		return Int, n, in
	case 0xd9, 0xda, 0xdb:
		return String, n, in
	case 0xdc, 0xdd:
		return Array, n, in
	case 0xde, 0xdf:
		return Map, n, in
	}
	return Uint, n, in // 0xcc to 0xcf
}

// Skip returns what comes after the value that in starts with.
func Skip(in []byte) []byte {
	kind, n, rest := ReadHead(in)
	switch kind {
	case String, Binary:
		return rest[n:]
	case Ext:
		return rest[1+n:]
	case Map:
		n *= 2
	case Array:
	default:
		return rest
	}
	for range n {
		rest = Skip(rest)
	}
	return rest
}

// AppendArrived appends what ArrivesAs makes of a value that Decode has accepted,
// as JSON.
func AppendArrived(dst, in []byte) (out, rest []byte) {
	kind, n, in := ReadHead(in)
	switch kind {
	case Nil:
		return append(dst, "null"...), in
	case Bool:
		return strconv.AppendBool(dst, n == 1), in
	case Uint:
		if n > MaxExact {
			return AppendES6Float(dst, float64(n)), in
		}
		return strconv.AppendUint(dst, n, 10), in
	case Int:
		if i := int64(n); i < -MaxExact || i > MaxExact {
			return AppendES6Float(dst, float64(i)), in
		}
		return strconv.AppendInt(dst, int64(n), 10), in
	case Float:
		f := math.Float64frombits(n)
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return append(dst, "null"...), in
		}
		return AppendES6Float(dst, f+0), in // JSON.stringify(-0) is 0
	case String:
		return appendArrivedText(dst, in[:n]), in[n:]
	case Binary:
		return appendTaggedBinary(dst, in[:n]), in[n:]
	case Array:
		dst = append(dst, '[')
		for i := range n {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst, in = AppendArrived(dst, in)
		}
		return append(dst, ']'), in
	case Map:
		return arrivedObject(dst, in, n)
	}
	return appendArrivedExtension(dst, extensionValue(in, n)), in[1+n:]
}

func arrivedObject(dst, in []byte, n uint64) (out, rest []byte) {
	dst = append(dst, '{')
	empty := len(dst)
	for range n {
		kind, size, key := ReadHead(in)
		value := Skip(in)
		if k, length, body := ReadHead(value); k == Ext {
			if e, ok := extensionValue(body, length).(Extension); ok && e.isUndefined() {
				in = Skip(value)
				continue
			}
		}
		if len(dst) > empty {
			dst = append(dst, ',')
		}
		switch kind {
		case String, Binary:
			dst = appendArrivedText(dst, key[:size])
		case Int:
			dst = append(strconv.AppendInt(append(dst, '"'), int64(size), 10), '"')
		default:
			dst = append(strconv.AppendUint(append(dst, '"'), size, 10), '"')
		}
		dst, in = AppendArrived(append(dst, ':'), value)
	}
	return append(dst, '}'), in
}

// extensionValue returns what Decode makes of an extension.
func extensionValue(body []byte, n uint64) any {
	typ, data := int8(body[0]), body[1:1+n]
	if typ == -1 {
		if t, ok := timestamp(data); ok {
			return t
		}
	}
	return Extension{typ, data}
}

func appendArrivedExtension(dst []byte, v any) []byte {
	switch v := ArrivesAs(v).(type) {
	case string:
		return appendArrivedText(dst, []byte(v))
	case []byte:
		return appendTaggedBinary(dst, v)
	case []any: // its type and its bytes
		dst = strconv.AppendInt(append(dst, '['), v[0].(int64), 10)
		return append(appendTaggedBinary(append(dst, ','), v[1].([]byte)), ']')
	}
	return append(dst, "null"...)
}

// appendArrivedText replaces what is no UTF-8 as all text is that is sent.
func appendArrivedText(dst, text []byte) []byte {
	if !utf8.Valid(text) {
		text = StringBody(AppendString(nil, string(text)))
	}
	return AppendJSONString(dst, text)
}
