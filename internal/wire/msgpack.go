package wire

import (
	"encoding/binary"
	"math"
	"unicode/utf8"
)

// MaxExact is 2^53, the size up to which every integer is exact as a
// JavaScript number. Larger ones travel as float64, which is what they become
// on arrival anyway.
const MaxExact = 1 << 53

// The append functions below choose the smallest MessagePack form, as
// notepack.io does, the encoder of the official emitter and adapters.

func AppendNil(b []byte) []byte { return append(b, 0xc0) }

func AppendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 0xc3)
	}
	return append(b, 0xc2)
}

func AppendUint(b []byte, n uint64) []byte {
	switch {
	case n < 1<<7:
		return append(b, byte(n))
	case n < 1<<8:
		return append(b, 0xcc, byte(n))
	case n < 1<<16:
		return append(b, 0xcd, byte(n>>8), byte(n))
	case n < 1<<32:
		return binary.BigEndian.AppendUint32(append(b, 0xce), uint32(n))
	case n <= MaxExact:
		return binary.BigEndian.AppendUint64(append(b, 0xcf), n)
	}
	return appendFloatBits(b, float64(n))
}

func AppendInt(b []byte, n int64) []byte {
	switch {
	case n >= 0:
		return AppendUint(b, uint64(n))
	case n >= -1<<5:
		return append(b, byte(n))
	case n >= -1<<7:
		return append(b, 0xd0, byte(n))
	case n >= -1<<15:
		return append(b, 0xd1, byte(n>>8), byte(n))
	case n >= -1<<31:
		return binary.BigEndian.AppendUint32(append(b, 0xd2), uint32(n))
	case n >= -MaxExact:
		return binary.BigEndian.AppendUint64(append(b, 0xd3), uint64(n))
	}
	return appendFloatBits(b, float64(n))
}

// AppendFloat writes an integral value as an integer, because JavaScript has
// one number type and notepack.io looks at the value, not at how it was
// written. Negative zero becomes 0 for the same reason.
func AppendFloat(b []byte, f float64) []byte {
	if f >= -MaxExact && f <= MaxExact {
		if n := int64(f); float64(n) == f {
			return AppendInt(b, n)
		}
	}
	return appendFloatBits(b, f)
}

func appendFloatBits(b []byte, f float64) []byte {
	return binary.BigEndian.AppendUint64(append(b, 0xcb), math.Float64bits(f))
}

// AppendString replaces every invalid byte by U+FFFD, as encoding/json does.
func AppendString(b []byte, s string) []byte {
	if len(s) < 1<<5 {
		// Most are short and ASCII, which is seen faster than ValidString is called.
		all := byte(0)
		for i := range len(s) {
			all |= s[i]
		}
		if all < utf8.RuneSelf {
			return append(append(b, 0xa0|byte(len(s))), s...)
		}
	}
	if !utf8.ValidString(s) {
		s = string([]rune(s))
	}
	return append(AppendStringHeader(b, len(s)), s...)
}

func AppendStringHeader(b []byte, n int) []byte {
	switch {
	case n < 1<<5:
		return append(b, 0xa0|byte(n))
	case n < 1<<8:
		return append(b, 0xd9, byte(n))
	case n < 1<<16:
		return append(b, 0xda, byte(n>>8), byte(n))
	}
	return binary.BigEndian.AppendUint32(append(b, 0xdb), uint32(n))
}

func AppendBinary(b, bin []byte) []byte {
	n := len(bin)
	switch {
	case n < 1<<8:
		b = append(b, 0xc4, byte(n))
	case n < 1<<16:
		b = append(b, 0xc5, byte(n>>8), byte(n))
	default:
		b = binary.BigEndian.AppendUint32(append(b, 0xc6), uint32(n))
	}
	return append(b, bin...)
}

func AppendArrayHeader(b []byte, n int) []byte {
	switch {
	case n < 1<<4:
		return append(b, 0x90|byte(n))
	case n < 1<<16:
		return append(b, 0xdc, byte(n>>8), byte(n))
	}
	return binary.BigEndian.AppendUint32(append(b, 0xdd), uint32(n))
}

func AppendMapHeader(b []byte, n int) []byte {
	switch {
	case n < 1<<4:
		return append(b, 0x80|byte(n))
	case n < 1<<16:
		return append(b, 0xde, byte(n>>8), byte(n))
	}
	return binary.BigEndian.AppendUint32(append(b, 0xdf), uint32(n))
}

// MapHeader is the header of a map of up to 15 members.
func MapHeader(n int) byte { return 0x80 | byte(n) }

// IsString reports whether a MessagePack value that starts with c is a string.
func IsString(c byte) bool { return c>>5 == 0xa0>>5 || 0xd9 <= c && c <= 0xdb }

// StringBody returns the text of a MessagePack string, without its header.
func StringBody(s []byte) []byte {
	switch s[0] {
	case 0xd9:
		return s[2:]
	case 0xda:
		return s[3:]
	case 0xdb:
		return s[5:]
	}
	return s[1:]
}
