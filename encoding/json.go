package encoding

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"
	"strconv"
)

// ErrBinary is returned when a value holds binary and is to travel as JSON,
// which cannot carry any.
var ErrBinary = errors.New("encoding: JSON cannot carry binary ([]byte)")

// AppendJSON appends the JSON text of v to dst, as JSON.stringify would write
// the value that the client receives. It refuses what Append refuses, and
// binary with ErrBinary.
func AppendJSON(dst []byte, v any) ([]byte, error) {
	e := newEncoder(nil)
	defer e.free()
	e.buf = e.scratch[:0]
	err := e.value(v)
	e.scratch = e.buf
	if err != nil {
		return nil, err
	}
	return e.appendJSON(dst, e.buf)
}

// appendJSON turns MessagePack that this encoder wrote into JSON text.
func (e *encoder) appendJSON(dst, msgpack []byte) ([]byte, error) {
	if e.binary {
		return nil, ErrBinary
	}
	return toJSON(dst, msgpack), nil
}

// toJSON appends the JSON text of a MessagePack value written by encoder.
func toJSON(dst, msgpack []byte) []byte {
	w := jsonWriter{in: msgpack, out: dst}
	w.value()
	return w.out
}

// jsonWriter walks through MessagePack written by encoder: whole and without
// extensions. Binary becomes {"$binary":"<base64>"}.
type jsonWriter struct{ in, out []byte }

// uint takes an unsigned big-endian integer of n bytes from the input.
func (w *jsonWriter) uint(n int) uint64 {
	var b [8]byte
	copy(b[8-n:], w.in[:n])
	w.in = w.in[n:]
	return binary.BigEndian.Uint64(b[:])
}

func (w *jsonWriter) value() {
	c := w.in[0]
	w.in = w.in[1:]
	switch {
	case c < 0x80:
		w.out = strconv.AppendUint(w.out, uint64(c), 10)
	case c < 0x90:
		w.object(int(c & 0x0f))
	case c < 0xa0:
		w.array(int(c & 0x0f))
	case c < 0xc0:
		w.string(int(c & 0x1f))
	case c >= 0xe0:
		w.out = strconv.AppendInt(w.out, int64(int8(c)), 10)
	default:
		w.sized(c)
	}
}

// sized writes a value whose first byte c only names its type.
func (w *jsonWriter) sized(c byte) {
	switch c {
	case 0xc0:
		w.out = append(w.out, "null"...)
	case 0xc2:
		w.out = append(w.out, "false"...)
	case 0xc3:
		w.out = append(w.out, "true"...)
	case 0xc4, 0xc5, 0xc6:
		n := int(w.uint(1 << (c - 0xc4)))
		w.out = append(w.out, `{"$binary":"`...)
		w.out = append(base64.StdEncoding.AppendEncode(w.out, w.in[:n]), `"}`...)
		w.in = w.in[n:]
	case 0xcb:
		w.out = appendES6Float(w.out, math.Float64frombits(w.uint(8)))
	case 0xcc, 0xcd, 0xce, 0xcf:
		w.out = strconv.AppendUint(w.out, w.uint(1<<(c-0xcc)), 10)
	case 0xd0:
		w.out = strconv.AppendInt(w.out, int64(int8(w.uint(1))), 10)
	case 0xd1:
		w.out = strconv.AppendInt(w.out, int64(int16(w.uint(2))), 10)
	case 0xd2:
		w.out = strconv.AppendInt(w.out, int64(int32(w.uint(4))), 10)
	case 0xd3:
		w.out = strconv.AppendInt(w.out, int64(w.uint(8)), 10)
	case 0xd9, 0xda, 0xdb:
		w.string(int(w.uint(1 << (c - 0xd9))))
	case 0xdc, 0xdd:
		w.array(int(w.uint(2 << (c - 0xdc))))
	case 0xde, 0xdf:
		w.object(int(w.uint(2 << (c - 0xde))))
	}
}

func (w *jsonWriter) array(n int) {
	w.out = append(w.out, '[')
	for i := range n {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.value()
	}
	w.out = append(w.out, ']')
}

func (w *jsonWriter) object(n int) {
	w.out = append(w.out, '{')
	for i := range n {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.value()
		w.out = append(w.out, ':')
		w.value()
	}
	w.out = append(w.out, '}')
}

func (w *jsonWriter) string(n int) {
	w.out = appendJSONString(w.out, w.in[:n])
	w.in = w.in[n:]
}

// appendJSONString quotes s as JSON.stringify does: it escapes the quote, the
// backslash and control characters, and nothing else.
func appendJSONString(dst, s []byte) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i, c := range s {
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
		}
	}
	return append(append(dst, s[start:]...), '"')
}

// appendES6Float writes f as JavaScript does: plain digits from 1e-6 up to
// 1e21, an exponent without padding elsewhere.
func appendES6Float(dst []byte, f float64) []byte {
	if abs := math.Abs(f); abs == 0 || abs >= 1e-6 && abs < 1e21 {
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	if n := len(dst); dst[n-4] == 'e' && dst[n-2] == '0' { // e-09, not e-9
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}
