package encoding

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/sioemit/sioemit/internal/wire"
)

// Value is something received from a client or a server. As an argument of an
// event, at any depth, it is sent on as it is, with its binary.
type Value struct{ decoded any }

// NewValue returns the Value of what was decoded: nil, bool, int64, uint64, float64,
// string, []byte, []any, map[string]any.
func NewValue(decoded any) Value { return Value{decoded} }

// Decode stores the value in what v points at, as json.Unmarshal would; binary
// goes into []byte. Into a pointer to any, to a map[string]any or to a []any it
// stores binary as []byte, and all else as encoding/json would. In a struct, a
// field of type any gets base64 text: give it the type []byte.
func (v Value) Decode(into any) error {
	switch p := into.(type) {
	case *any:
		if p == nil {
			return &json.InvalidUnmarshalError{}
		}
		*p = plainValue(v.decoded)
		return nil
	case *map[string]any:
		if m, ok := v.decoded.(map[string]any); ok && p != nil {
			if *p == nil {
				*p = make(map[string]any, len(m))
			}
			for key, value := range m {
				(*p)[key] = plainValue(value)
			}
			return nil
		}
	case *[]any:
		if list, ok := v.decoded.([]any); ok && p != nil {
			*p = plainValue(list).([]any)
			return nil
		}
	}
	// In the JSON between, binary is base64, which is how encoding/json reads
	// a []byte.
	text, err := json.Marshal(v.decoded)
	if err != nil {
		return fmt.Errorf("encoding: %w", err)
	}
	return json.Unmarshal(text, into)
}

// plainValue returns a copy in which numbers and dates have the form of
// encoding/json.
func plainValue(v any) any {
	switch v := v.(type) {
	case nil, bool, string, float64:
		return v
	case []byte:
		return bytes.Clone(v) // the Value keeps its own
	case int64:
		return float64(v)
	case uint64:
		return float64(v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = plainValue(v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k := range v {
			out[k] = plainValue(v[k])
		}
		return out
	}
	var out any
	text, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		return nil
	}
	return out
}

// TaggedJSON returns the value as JSON text in which {"$binary":"<base64>"}
// stands for binary.
func (v Value) TaggedJSON() (TaggedJSON, error) {
	e := newEncoder()
	defer e.free()
	e.Received = true
	b, err := e.whole(e.message[:0], v.decoded)
	if err != nil {
		return nil, err
	}
	e.message = b
	return wire.ToJSON(nil, b), nil
}

// String returns the text of TaggedJSON.
func (v Value) String() string {
	text, err := v.TaggedJSON()
	if err != nil { // such as NaN, which no server sends
		return fmt.Sprint(v.decoded)
	}
	return string(text)
}

// MarshalJSON returns the value as JSON, in which binary is base64 text, as
// encoding/json writes a []byte.
func (v Value) MarshalJSON() ([]byte, error) { return json.Marshal(v.decoded) }

// UnmarshalJSON makes a Value of JSON text. Binary that MarshalJSON wrote stays
// base64 text.
func (v *Value) UnmarshalJSON(text []byte) error {
	decoded, err := wire.DecodeJSON(text)
	if err == nil {
		v.decoded = decoded
	}
	return err
}
