package encoding

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"strconv"
	"unicode/utf8"
)

// TaggedArgs returns the arguments of the event as JSON text in which
// {"$binary":"<base64>"} stands for binary. Those of a message that was decoded
// have the members of objects in the order in which they came, which Args loses.
func (m *Message) TaggedArgs() (args []TaggedJSON, err error) {
	if m.path == nil {
		for _, arg := range m.Args {
			text, err := NewValue(arg).TaggedJSON()
			if err != nil {
				return nil, err
			}
			args = append(args, text)
		}
		return args, nil
	}
	if m.IsJSON {
		for _, text := range jsonElements(jsonAt(m.source, m.path))[1:] { // behind the event's name
			args = append(args, arrivedText(nil, text))
		}
		return args, nil
	}
	_, n, rest := wireHead(wireAt(m.source, m.path))
	rest = skipWire(rest) // the event's name
	for range n - 1 {
		var arg []byte
		arg, rest = arrivedToJSON(nil, rest)
		args = append(args, arg)
	}
	return args, nil
}

// jsonAt returns the value to which a path of members, and of indices, leads in
// JSON text that is valid. Of a key that comes twice, the last value counts.
func jsonAt(text []byte, path []string) []byte {
	for _, step := range path {
		elements := jsonElements(text)
		if i, err := strconv.Atoi(step); err == nil {
			text = elements[i]
			continue
		}
		for i := 0; i < len(elements); i += 2 {
			var key string
			_ = json.Unmarshal(elements[i], &key) // it is valid
			if key == step {
				text = elements[i+1]
			}
		}
	}
	return text
}

// jsonElements returns the elements of an array, or the keys and the values of an
// object in turn.
func jsonElements(text []byte) (elements [][]byte) {
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

// arrivedText appends valid JSON text as JSON.stringify would write it, but for
// the order of members.
func arrivedText(dst, text []byte) []byte {
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
				dst = appendJSONString(dst, []byte(s))
				continue
			}
			dst = append(dst, literal...)
		case c == '-' || '0' <= c && c <= '9':
			for i < len(text) && isNumberByte(text[i]) {
				i++
			}
			switch n, _ := number(string(text[start:i])); n := n.(type) {
			case int64:
				dst = strconv.AppendInt(dst, n, 10)
			case float64:
				dst = appendES6Float(dst, n)
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

// wireAt returns the value to which such a path leads in MessagePack that Decode
// has accepted. Of a key that comes twice, the last value counts.
func wireAt(in []byte, path []string) []byte {
	for _, step := range path {
		kind, n, rest := wireHead(in)
		if kind == wireArray {
			for i, _ := strconv.Atoi(step); i > 0; i-- {
				rest = skipWire(rest)
			}
			in = rest
			continue
		}
		for range n {
			kind, size, key := wireHead(rest)
			rest = skipWire(rest)
			if (kind == wireString || kind == wireBinary) && string(key[:size]) == step {
				in = rest
			}
			rest = skipWire(rest)
		}
	}
	return in
}

// wireKind is what a MessagePack value is.
type wireKind int

const (
	wireNil wireKind = iota
	wireBool
	wireUint
	wireInt
	wireFloat
	wireString
	wireBinary
	wireArray
	wireMap
	wireExtension
)

// wireHead reads the head of a value that Decode has accepted: its kind, then the
// value itself where it is one, in 64 bits, or else how long the rest is: in
// bytes, elements or members. An extension's type is the first byte of the rest.
func wireHead(in []byte) (kind wireKind, n uint64, rest []byte) {
	c, in := in[0], in[1:]
	switch {
	case c < 0x80:
		return wireUint, uint64(c), in
	case c < 0x90:
		return wireMap, uint64(c & 0x0f), in
	case c < 0xa0:
		return wireArray, uint64(c & 0x0f), in
	case c < 0xc0:
		return wireString, uint64(c & 0x1f), in
	case c >= 0xe0:
		return wireInt, uint64(int64(int8(c))), in
	}
	switch c {
	case 0xc0:
		return wireNil, 0, in
	case 0xc2, 0xc3:
		return wireBool, uint64(c & 1), in
	case 0xc7:
		return wireExtension, uint64(in[0]), in[1:]
	case 0xc8:
		return wireExtension, uint64(binary.BigEndian.Uint16(in)), in[2:]
	case 0xc9:
		return wireExtension, uint64(binary.BigEndian.Uint32(in)), in[4:]
	case 0xca:
		return wireFloat, math.Float64bits(float64(math.Float32frombits(binary.BigEndian.Uint32(in)))), in[4:]
	case 0xd4, 0xd5, 0xd6, 0xd7, 0xd8:
		return wireExtension, 1 << (c - 0xd4), in
	}
	n, in = sized(in, c)
	switch c {
	case 0xc4, 0xc5, 0xc6:
		return wireBinary, n, in
	case 0xcb:
		return wireFloat, n, in
	case 0xd0:
		return wireInt, uint64(int64(int8(n))), in
	case 0xd1:
		return wireInt, uint64(int64(int16(n))), in
	case 0xd2:
		return wireInt, uint64(int64(int32(n))), in
	case 0xd3:
		return wireInt, n, in
	case 0xd9, 0xda, 0xdb:
		return wireString, n, in
	case 0xdc, 0xdd:
		return wireArray, n, in
	case 0xde, 0xdf:
		return wireMap, n, in
	}
	return wireUint, n, in // 0xcc to 0xcf
}

// skipWire returns what comes after the value that in starts with.
func skipWire(in []byte) []byte {
	kind, n, rest := wireHead(in)
	switch kind {
	case wireString, wireBinary:
		return rest[n:]
	case wireExtension:
		return rest[1+n:]
	case wireMap:
		n *= 2
	case wireArray:
	default:
		return rest
	}
	for range n {
		rest = skipWire(rest)
	}
	return rest
}

// arrivedToJSON appends what ArrivesAs makes of a value that Decode has accepted,
// as JSON.
func arrivedToJSON(dst, in []byte) (out, rest []byte) {
	kind, n, in := wireHead(in)
	switch kind {
	case wireNil:
		return append(dst, "null"...), in
	case wireBool:
		return strconv.AppendBool(dst, n == 1), in
	case wireUint:
		if n > maxExact {
			return appendES6Float(dst, float64(n)), in
		}
		return strconv.AppendUint(dst, n, 10), in
	case wireInt:
		if i := int64(n); i < -maxExact || i > maxExact {
			return appendES6Float(dst, float64(i)), in
		}
		return strconv.AppendInt(dst, int64(n), 10), in
	case wireFloat:
		f := math.Float64frombits(n)
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return append(dst, "null"...), in
		}
		return appendES6Float(dst, f+0), in // JSON.stringify(-0) is 0
	case wireString:
		return appendArrivedText(dst, in[:n]), in[n:]
	case wireBinary:
		return appendTaggedBinary(dst, in[:n]), in[n:]
	case wireArray:
		dst = append(dst, '[')
		for i := range n {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst, in = arrivedToJSON(dst, in)
		}
		return append(dst, ']'), in
	case wireMap:
		return arrivedObject(dst, in, n)
	}
	return appendArrivedExtension(dst, wireExtensionValue(in, n)), in[1+n:]
}

func arrivedObject(dst, in []byte, n uint64) (out, rest []byte) {
	dst = append(dst, '{')
	empty := len(dst)
	for range n {
		kind, size, key := wireHead(in)
		value := skipWire(in)
		if k, length, body := wireHead(value); k == wireExtension {
			if e, ok := wireExtensionValue(body, length).(Extension); ok && e.isUndefined() {
				in = skipWire(value)
				continue
			}
		}
		if len(dst) > empty {
			dst = append(dst, ',')
		}
		switch kind {
		case wireString, wireBinary:
			dst = appendArrivedText(dst, key[:size])
		case wireInt:
			dst = append(strconv.AppendInt(append(dst, '"'), int64(size), 10), '"')
		default:
			dst = append(strconv.AppendUint(append(dst, '"'), size, 10), '"')
		}
		dst, in = arrivedToJSON(append(dst, ':'), value)
	}
	return append(dst, '}'), in
}

// wireExtensionValue returns what Decode makes of an extension.
func wireExtensionValue(body []byte, n uint64) any {
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
		text = stringBody(appendString(nil, string(text)))
	}
	return appendJSONString(dst, text)
}

func appendTaggedBinary(dst, bin []byte) []byte {
	dst = base64.StdEncoding.AppendEncode(append(dst, `{"$binary":"`...), bin)
	return append(dst, `"}`...)
}
