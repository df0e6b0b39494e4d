package wire

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"strconv"
)

// ToJSON appends the JSON text of a MessagePack value written by encoder, or of
// a template with its Hole: whole and without extensions. Binary becomes {"$binary":"<base64>"}.
func ToJSON(dst, msgpack []byte) []byte {
	dst, _ = valueToJSON(dst, msgpack)
	return dst
}

// NextToJSON is ToJSON for the first of several values, and returns the others.
func NextToJSON(dst, msgpack []byte) (out, rest []byte) { return valueToJSON(dst, msgpack) }

// valueToJSON turns the value that in starts with into JSON, and returns what
// comes after it. Both slices go from hand to hand, and not by way of a struct,
// because they stay in registers then.
func valueToJSON(dst, in []byte) (out, rest []byte) {
	c, in := in[0], in[1:]
	switch {
	case c < 0x80:
		return strconv.AppendUint(dst, uint64(c), 10), in
	case c < 0x90:
		return objectToJSON(dst, in, int(c&0x0f))
	case c < 0xa0:
		return arrayToJSON(dst, in, int(c&0x0f))
	case c < 0xc0:
		n := int(c & 0x1f)
		return AppendJSONString(dst, in[:n]), in[n:]
	case c >= 0xe0:
		return strconv.AppendInt(dst, int64(int8(c)), 10), in
	}
	return sizedToJSON(dst, in, c)
}

// sizedToJSON turns a value into JSON whose first byte c only names its type.
func sizedToJSON(dst, in []byte, c byte) (out, rest []byte) {
	switch c {
	case 0xc0:
		return append(dst, "null"...), in
	case 0xc2:
		return append(dst, "false"...), in
	case 0xc3:
		return append(dst, "true"...), in
	case Hole:
		return append(dst, 0), in
	}
	n, in := sized(in, c)
	switch c {
	case 0xc4, 0xc5, 0xc6:
		return appendTaggedBinary(dst, in[:n]), in[n:]
	case 0xcb:
		return AppendES6Float(dst, math.Float64frombits(n)), in
	case 0xcc, 0xcd, 0xce, 0xcf:
		return strconv.AppendUint(dst, n, 10), in
	case 0xd0:
		return strconv.AppendInt(dst, int64(int8(n)), 10), in
	case 0xd1:
		return strconv.AppendInt(dst, int64(int16(n)), 10), in
	case 0xd2:
		return strconv.AppendInt(dst, int64(int32(n)), 10), in
	case 0xd3:
		return strconv.AppendInt(dst, int64(n), 10), in
	case 0xd9, 0xda, 0xdb:
		return AppendJSONString(dst, in[:n]), in[n:]
	case 0xdc, 0xdd:
		return arrayToJSON(dst, in, int(n))
	}
	return objectToJSON(dst, in, int(n)) // 0xde, 0xdf
}

// sized takes the number behind the type c from in: a value, or a length.
func sized(in []byte, c byte) (n uint64, rest []byte) {
	switch c {
	case 0xc4, 0xcc, 0xd0, 0xd9:
		return uint64(in[0]), in[1:]
	case 0xc5, 0xcd, 0xd1, 0xda, 0xdc, 0xde:
		return uint64(binary.BigEndian.Uint16(in)), in[2:]
	case 0xc6, 0xce, 0xd2, 0xdb, 0xdd, 0xdf:
		return uint64(binary.BigEndian.Uint32(in)), in[4:]
	}
	return binary.BigEndian.Uint64(in), in[8:] // 0xcb, 0xcf, 0xd3
}

func arrayToJSON(dst, in []byte, n int) (out, rest []byte) {
	dst = append(dst, '[')
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst, in = valueToJSON(dst, in)
	}
	return append(dst, ']'), in
}

func objectToJSON(dst, in []byte, n int) (out, rest []byte) {
	dst = append(dst, '{')
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst, in = valueToJSON(dst, in)
		dst, in = valueToJSON(append(dst, ':'), in)
	}
	return append(dst, '}'), in
}

// AppendJSONString quotes s as JSON.stringify does: it escapes the quote, the
// backslash and control characters, and nothing else.
func AppendJSONString(dst, s []byte) []byte {
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

// AppendES6Float writes f as JavaScript does: plain digits from 1e-6 up to
// 1e21, an exponent without padding elsewhere.
func AppendES6Float(dst []byte, f float64) []byte {
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

// hole stands for the data while a template is made. It is no value in
// MessagePack; in JSON it becomes NUL, which no JSON text contains.
const Hole = 0xc1

func appendTaggedBinary(dst, bin []byte) []byte {
	dst = base64.StdEncoding.AppendEncode(append(dst, `{"$binary":"`...), bin)
	return append(dst, `"}`...)
}
