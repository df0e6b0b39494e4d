package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strings"

	"github.com/sioemit/sioemit/internal/scripted"
	"github.com/vmihailenco/msgpack/v5"
)

// isPayload tells a payload from the other words of a command by its first
// byte: that of a JSON array or object, or of one in MessagePack, also in the
// base64 of the streams adapter.
func isPayload(word []byte) bool {
	_, err := decodePayload(word)
	return err == nil
}

// decodePayload decodes a payload, whatever its form, into what encoding/json
// has for it, and []byte for binary.
func decodePayload(word []byte) (any, error) {
	if len(word) == 0 {
		return nil, errors.New("an empty payload")
	}
	switch c := word[0]; {
	case c == '{', c == '[':
		var v any
		if err := json.Unmarshal(word, &v); err != nil {
			return nil, err
		}
		return v, nil
	case c>>5 == 0x80>>5: // a small map or array; nothing else is sent
		return decodeMessagePack(word)
	}
	message, err := base64.StdEncoding.DecodeString(string(word))
	if err != nil || len(message) == 0 || message[0]>>5 != 0x80>>5 {
		return nil, errors.New("neither JSON nor MessagePack")
	}
	return decodeMessagePack(message)
}

func decodeMessagePack(message []byte) (any, error) {
	in := bytes.NewReader(message)
	d := msgpack.NewDecoder(in)
	v, err := d.DecodeInterface()
	if err == nil && in.Len() > 0 {
		err = fmt.Errorf("%d bytes after the value", in.Len())
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return v, err
}

// wantedValue reads a value as a case writes it, with {"$binary":"..."}, $repeat of
// text, what it leaves open, and {"$literal":{...}} for an object whose own keys
// start with $.
func wantedValue(text []byte) (any, error) {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return nil, err
	}
	return withBinary(v)
}

func withBinary(v any) (any, error) {
	var err error
	switch v := v.(type) {
	case []any:
		for i := range v {
			if v[i], err = withBinary(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		if b64, ok := v["$binary"].(string); ok && len(v) == 1 {
			return base64.StdEncoding.DecodeString(b64)
		}
		if literal, ok := v["$literal"]; ok && len(v) == 1 {
			return literal, nil
		}
		if repeat, ok := v["$repeat"].(map[string]any); ok && len(v) == 1 {
			part, _ := repeat["value"].(string)
			count, _ := repeat["count"].(float64)
			return strings.Repeat(part, int(count)), nil
		}
		if open, ok := openValue(v); ok {
			return open, nil
		}
		for key := range v {
			if v[key], err = withBinary(v[key]); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

// open is a value that a case leaves open: anything, the id of a question, text that holds
// some other, or a whole number in a range.
type open struct {
	id       bool
	holds    string
	from, to float64
}

func openValue(v map[string]any) (o open, ok bool) {
	if len(v) != 1 {
		return o, false
	}
	if v["$any"] == true {
		return o, true
	}
	if v["$id"] == true {
		return open{id: true}, true
	}
	if o.holds, _ = v["$holds"].(string); o.holds != "" {
		return o, true
	}
	between, _ := v["$between"].([]any)
	if len(between) != 2 {
		return o, false
	}
	o.from, _ = number(between[0])
	o.to, _ = number(between[1])
	return o, true
}

func (o open) takes(v any) bool {
	if o.id || o.holds != "" {
		text, ok := v.(string)
		return ok && text != "" && strings.Contains(text, o.holds)
	}
	n, ok := number(v)
	return o == open{} || ok && n == math.Trunc(n) && o.from <= n && n <= o.to
}

// MarshalJSON shows what is open as a case writes it.
func (o open) MarshalJSON() ([]byte, error) {
	switch {
	case o.id:
		return []byte(scripted.ID), nil
	case o.holds != "":
		return fmt.Appendf(nil, `{"$holds":%q}`, o.holds), nil
	case o == open{}:
		return []byte(`{"$any":true}`), nil
	}
	return fmt.Appendf(nil, `{"$between":[%v,%v]}`, o.from, o.to), nil
}

// same compares two values as JavaScript sees them: it has one kind of number,
// and objects whose keys have no order. Text and binary are never the same.
func same(a, b any) bool {
	if open, ok := b.(open); ok {
		return open.takes(a)
	}
	if x, ok := number(a); ok {
		y, ok := number(b)
		return ok && x == y
	}
	switch a := a.(type) {
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !same(a[i], b[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for key := range a {
			if other, ok := b[key]; !ok || !same(a[key], other) {
				return false
			}
		}
		return true
	case []byte:
		b, ok := b.([]byte)
		return ok && bytes.Equal(a, b)
	}
	return a == b
}

func number(v any) (float64, bool) {
	switch r := reflect.ValueOf(v); {
	case r.CanInt():
		return float64(r.Int()), true
	case r.CanUint():
		return float64(r.Uint()), true
	case r.CanFloat():
		return r.Float(), true
	}
	return 0, false
}

// text prints a value as JSON, with binary as cases write it.
func text(v any) string {
	out, err := json.Marshal(tagged(v))
	if err != nil {
		return fmt.Sprintf("%v", v)
	}
	return string(out)
}

func tagged(v any) any {
	switch v := v.(type) {
	case []byte:
		return map[string]string{"$binary": base64.StdEncoding.EncodeToString(v)}
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = tagged(v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for key := range v {
			out[key] = tagged(v[key])
		}
		return out
	}
	return v
}
