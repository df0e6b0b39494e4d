package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Word is a word of a Redis command as a case wants it: text, {"$base64":"..."}
// for bytes, {"$length":n,"$sha256":"..."} for what is long, or {"$value":...}
// for a payload that need not have certain bytes, only a certain meaning, which
// {"$messagepack":...} wants in that form.
type Word struct {
	Bytes  []byte
	Length int
	SHA256 string
	Value  json.RawMessage
	Form   string // of the value, where its kind does not tell
}

// UnmarshalJSON reads the forms of a word.
func (w *Word) UnmarshalJSON(text []byte) error {
	var plain string
	if json.Unmarshal(text, &plain) == nil {
		w.Bytes = []byte(plain)
		return nil
	}
	var object struct {
		Base64 *string         `json:"$base64"`
		Length int             `json:"$length"`
		SHA256 string          `json:"$sha256"`
		Value  json.RawMessage `json:"$value"`
		Packed json.RawMessage `json:"$messagepack"`
	}
	if err := json.Unmarshal(text, &object); err != nil {
		return err
	}
	switch {
	case object.Base64 != nil:
		var err error
		w.Bytes, err = base64.StdEncoding.DecodeString(*object.Base64)
		return err
	case object.SHA256 != "":
		w.Length, w.SHA256 = object.Length, object.SHA256
	case object.Value != nil:
		w.Value = object.Value
	case object.Packed != nil:
		w.Value, w.Form = object.Packed, "MessagePack"
	default:
		return fmt.Errorf("no word: %s", text)
	}
	return nil
}

// differs says what is wrong with a word that was sent, or nothing. By value,
// payloads are compared as JavaScript would see them.
func (w *Word) differs(sent []byte, byValue bool) string {
	switch {
	case w.SHA256 != "":
		sum := sha256.Sum256(sent)
		if len(sent) != w.Length || hex.EncodeToString(sum[:]) != w.SHA256 {
			return fmt.Sprintf("%d bytes with another digest than the %d wanted", len(sent), w.Length)
		}
	case w.Value != nil:
		want, err := wantedValue(w.Value)
		if err != nil {
			return err.Error()
		}
		if want, got := cmp.Or(w.Form, wantedForm(want)), formOf(sent); want != got && !(want == "MessagePack" && got == "base64") {
			return fmt.Sprintf("%s instead of %s: %s", got, want, show(sent))
		}
		return differentValue(want, sent)
	case string(w.Bytes) == string(sent):
	case byValue && isPayload(w.Bytes):
		want, err := decodePayload(w.Bytes)
		if err != nil {
			return "the case itself: " + err.Error()
		}
		if want, got := formOf(w.Bytes), formOf(sent); want != got {
			return fmt.Sprintf("%s instead of %s: %s", got, want, show(sent))
		}
		return differentValue(want, sent)
	default:
		return fmt.Sprintf("got  %s\n    want %s", show(sent), show(w.Bytes))
	}
	return ""
}

// formOf tells the form of a payload: servers with one adapter do not read
// that of another.
func formOf(payload []byte) string {
	switch {
	case len(payload) == 0:
		return "nothing"
	case payload[0] == '{', payload[0] == '[':
		return "JSON"
	case payload[0]>>5 == 0x80>>5:
		return "MessagePack"
	}
	return "base64"
}

// wantedForm is the form of a $value: broadcasts of the classic adapter, which
// are arrays, and whatever holds binary are MessagePack, all else is JSON.
func wantedForm(value any) string {
	if _, broadcast := value.([]any); broadcast || holdsBinary(value) {
		return "MessagePack"
	}
	return "JSON"
}

func holdsBinary(value any) bool {
	switch value := value.(type) {
	case []byte:
		return true
	case []any:
		return slices.ContainsFunc(value, holdsBinary)
	case map[string]any:
		for _, member := range value {
			if holdsBinary(member) {
				return true
			}
		}
	}
	return false
}

func differentValue(want any, sent []byte) string {
	got, err := decodePayload(sent)
	if err != nil {
		return fmt.Sprintf("%s: %v", show(sent), err)
	}
	if !same(got, want) {
		return fmt.Sprintf("got  %s\n    want %s", text(got), text(want))
	}
	return ""
}

// show prints a word for people: decoded where it is a payload.
func show(word []byte) string {
	shown := fmt.Sprintf("%q", word)
	if isPayload(word) {
		if v, err := decodePayload(word); err == nil {
			shown = text(v) + " = " + shown
		}
	}
	if len(shown) > 400 {
		shown = strings.ToValidUTF8(shown[:400], "") + "..."
	}
	return shown
}
