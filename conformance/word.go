package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
)

// Word is a word of a Redis command as a case wants it: text, {"$base64":"..."}
// for bytes, {"$length":n,"$sha256":"..."} for what is long, or {"$value":...}
// for a payload that need not have certain bytes, only a certain meaning.
type Word struct {
	Bytes  []byte
	Length int
	SHA256 string
	Value  json.RawMessage
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
		return differentValue(want, sent)
	case string(w.Bytes) == string(sent):
	case byValue && isPayload(w.Bytes):
		want, err := decodePayload(w.Bytes)
		if err != nil {
			return "the case itself: " + err.Error()
		}
		return differentValue(want, sent)
	default:
		return fmt.Sprintf("got  %s\n    want %s", show(sent), show(w.Bytes))
	}
	return ""
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
