package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/vmihailenco/msgpack/v5"
	"github.com/vmihailenco/msgpack/v5/msgpcode"
)

// MaxDepth is how deep a decoded value may nest; encoding/json has the same
// limit.
const MaxDepth = 10000

// ErrMalformed is wrapped by every error about bytes that are no MessagePack,
// no JSON, or no packet of a Socket.IO adapter.
var ErrMalformed = errors.New("malformed payload")

// Extension is a MessagePack extension value of a type that the package does
// not know.
type Extension struct {
	Type int8
	Data []byte
}

// Decode decodes one MessagePack value, which must take up all of data. It
// returns nil, bool, int64, uint64 (beyond int64), float64, string, []byte,
// time.Time, Extension, []any and map[string]any. Data may come from anyone: it
// allocates at most 200 bytes for each byte of data, which tiny maps need, depth
// is bounded by 10,000, and every error wraps ErrMalformed.
func Decode(data []byte) (any, error) {
	in := bytes.NewReader(data)
	d := decoder{in: in, tokens: msgpack.NewDecoder(in), budget: len(data)}
	v, err := d.value(0)
	if err == nil && in.Len() > 0 {
		err = fmt.Errorf("%d bytes after the value", in.Len())
	}
	if err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("it ends too early")
		}
		return nil, fmt.Errorf("%w: MessagePack: %w", ErrMalformed, err)
	}
	return v, nil
}

// DecodeJSON decodes JSON text into the types of Decode. Its depth and memory
// are bounded as there.
func DecodeJSON(text []byte) (any, error) {
	var v any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if rest := bytes.TrimLeft(text[d.InputOffset():], " \t\r\n"); len(rest) > 0 {
		return nil, fmt.Errorf("%d bytes after the value", len(rest))
	}
	return numbers(v)
}

// numbers turns, at any depth, json.Number into int64 or float64.
func numbers(v any) (any, error) {
	var err error
	switch v := v.(type) {
	case json.Number:
		return Number(string(v))
	case []any:
		for i := range v {
			if v[i], err = numbers(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for k := range v {
			if v[k], err = numbers(v[k]); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

// decoder puts the tokens of package msgpack together itself, because that
// package neither limits depth nor checks lengths against the input.
type decoder struct {
	in     *bytes.Reader
	tokens *msgpack.Decoder
	// budget is how many more elements the containers may claim: each takes at
	// least one byte of the input, so there cannot be more of them than bytes.
	budget int
}

func (d *decoder) value(depth int) (any, error) {
	if depth > MaxDepth {
		return nil, fmt.Errorf("nested deeper than %d", MaxDepth)
	}
	c, err := d.tokens.PeekCode()
	if err != nil {
		return nil, err
	}
	switch {
	case c == msgpcode.Nil:
		return nil, d.tokens.DecodeNil()
	case c == msgpcode.True, c == msgpcode.False:
		return d.tokens.DecodeBool()
	case c == msgpcode.Float, c == msgpcode.Double:
		return d.tokens.DecodeFloat64()
	case c == msgpcode.Uint64:
		n, err := d.tokens.DecodeUint64()
		if int64(n) >= 0 {
			return int64(n), err
		}
		return n, err
	case msgpcode.IsFixedNum(c), msgpcode.Uint8 <= c && c <= msgpcode.Int64:
		return d.tokens.DecodeInt64()
	case msgpcode.IsString(c):
		b, err := d.bytes()
		return string(b), err
	case msgpcode.IsBin(c):
		return d.bytes()
	case msgpcode.IsFixedArray(c), c == msgpcode.Array16, c == msgpcode.Array32:
		return d.array(depth)
	case msgpcode.IsFixedMap(c), c == msgpcode.Map16, c == msgpcode.Map32:
		return d.object(depth)
	case msgpcode.IsExt(c):
		return d.extension()
	}
	return nil, fmt.Errorf("no value starts with byte %#x", c)
}

func (d *decoder) bytes() ([]byte, error) {
	n, err := d.tokens.DecodeBytesLen()
	if err != nil {
		return nil, err
	}
	return d.take(n)
}

func (d *decoder) take(n int) ([]byte, error) {
	if n < 0 || n > d.in.Len() {
		return nil, fmt.Errorf("%d bytes are announced where %d follow", n, d.in.Len())
	}
	b := make([]byte, n)
	_, err := io.ReadFull(d.in, b)
	return b, err
}

// claim takes n elements from the budget.
func (d *decoder) claim(n int) error {
	if n < 0 || n > d.budget {
		return fmt.Errorf("%d elements are announced where %d bytes follow", n, d.in.Len())
	}
	d.budget -= n
	return nil
}

func (d *decoder) array(depth int) (any, error) {
	n, err := d.tokens.DecodeArrayLen()
	if err != nil {
		return nil, err
	}
	if err := d.claim(n); err != nil {
		return nil, err
	}
	array := make([]any, n)
	for i := range array {
		if array[i], err = d.value(depth + 1); err != nil {
			return nil, err
		}
	}
	return array, nil
}

// object keeps the last value of a key that comes twice, as JavaScript does.
func (d *decoder) object(depth int) (any, error) {
	n, err := d.tokens.DecodeMapLen()
	if err != nil {
		return nil, err
	}
	if n > d.budget/2 {
		return nil, d.claim(d.budget + 1)
	}
	if err := d.claim(2 * n); err != nil {
		return nil, err
	}
	object := make(map[string]any)
	for range n {
		key, err := d.key(depth + 1)
		if err != nil {
			return nil, err
		}
		if object[key], err = d.value(depth + 1); err != nil {
			return nil, err
		}
	}
	return object, nil
}

// key reads a map key. Other encoders than JavaScript's also write numbers and
// binary, which JavaScript turns into strings.
func (d *decoder) key(depth int) (string, error) {
	v, err := d.value(depth)
	if err != nil {
		return "", err
	}
	switch v := v.(type) {
	case string:
		return v, nil
	case []byte:
		return string(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case uint64:
		return strconv.FormatUint(v, 10), nil
	}
	return "", fmt.Errorf("a map key of type %T", v)
}

// extension reads what notepack.io writes as extensions: a Date (type -1, the
// timestamp of the MessagePack specification).
func (d *decoder) extension() (any, error) {
	typ, n, err := d.tokens.DecodeExtHeader()
	if err != nil {
		return nil, err
	}
	data, err := d.take(n)
	if err != nil {
		return nil, err
	}
	if typ == -1 {
		if t, ok := timestamp(data); ok {
			return t, nil
		}
	}
	return Extension{typ, data}, nil
}

// timestamp reads the three forms of a MessagePack timestamp: 32 bits of
// seconds; 30 bits of nanoseconds and 34 of seconds; 32 and 64 bits.
func timestamp(b []byte) (time.Time, bool) {
	var n uint64
	for _, c := range b[max(0, len(b)-8):] {
		n = n<<8 | uint64(c)
	}
	switch len(b) {
	case 4:
		return time.Unix(int64(n), 0).UTC(), true
	case 8:
		return time.Unix(int64(n&(1<<34-1)), int64(n>>34)).UTC(), true
	case 12:
		nanos := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
		return time.Unix(int64(n), int64(nanos)).UTC(), true
	}
	return time.Time{}, false
}

// DecodeMessage decodes JSON when the payload starts as a JSON array or object
// does, which no MessagePack message can: there, those bytes are numbers.
func DecodeMessage(payload []byte) (any, error) {
	if len(payload) == 0 || payload[0] != '[' && payload[0] != '{' {
		return Decode(payload)
	}
	v, err := DecodeJSON(payload)
	if err != nil {
		return nil, fmt.Errorf("%w: JSON: %w", ErrMalformed, err)
	}
	return v, nil
}
