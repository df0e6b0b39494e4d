package compat_test

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"

	"github.com/sioemit/sioemit/encoding"
)

func noArguments(s *stage) {
	s.send(message{event: "nothing"}, everyone("/"))
	s.send(message{event: "nothing", rooms: []string{roomA}}, inAny(roomA))
}

func manyArguments(s *stage) {
	s.send(message{event: "types", args: []any{
		nil, true, false, 0, -1, 127, 128, -129, 65536, int64(-2147483649), int64(1) << 53, 0.1, -2.5e-300, math.Pi, "", "text",
		[]any{}, map[string]any{}, []any{1, []any{2, map[string]any{"three": []any{nil}}}},
		map[string]any{"b": 1, "10": 2, "9": 3, "": 4},
	}}, everyone("/"))
	hundreds := make([]any, 300)
	for i := range hundreds {
		hundreds[i] = i
	}
	s.send(message{event: "hundreds", args: hundreds, rooms: []string{roomA}}, inAny(roomA))
}

func unicodeText(s *stage) {
	const text = "naïve 日本語 😀 👩‍👩‍👧 𝒳 e\u0301 \u05d0 \u2028 <&>"
	first := s.some(s.T, and(inAny(roomA), transport("websocket")))[0]
	last := s.some(s.T, and(inAny(roomB), transport("polling")))[0]
	s.join(s.ctx, s.T, first, text)
	s.join(s.ctx, s.T, last, text)
	s.send(message{event: text, args: []any{text, map[string]any{text: text}}}, everyone("/"))
	s.send(message{event: text, args: []any{text}, rooms: []string{text}}, only(first, last))
	s.send(message{event: text, args: []any{text}, rooms: []string{text, "nobody"}}, only(first, last))
}

func binary(s *stage) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for _, args := range [][]any{
		{all},
		{[]byte{}},
		{"first", []byte{1}, []byte{2}},
		{map[string]any{"file": all, "name": "a"}},
		{[]any{[]any{[]any{all}}}},
		{map[string]any{"a": []any{map[string]any{"b": []byte{3}}, []byte{4}}}, []byte{5}, "end"},
		{bytes.Repeat([]byte{0xff, 0}, 40000)},
	} {
		s.send(message{event: "binary", args: args}, everyone("/"))
		s.send(message{event: "binary", args: args, rooms: []string{roomA}}, inAny(roomA))
	}
	// A text event after a binary one is read as text again.
	s.send(message{event: "text", args: []any{"after"}}, everyone("/"))
	s.send(message{namespace: "/admin", event: "binary", args: []any{all}}, everyone("/admin"))
}

// binaryRefused proves that binary is not sent unless the user allows it, wherever it is.
func binaryRefused(s *stage) {
	for _, args := range [][]any{{[]byte{1}}, {"first", map[string]any{"a": []any{[]byte{2}}}}} {
		s.refused(message{event: "binary", args: args}, encoding.ErrPythonBinary)
		s.refused(message{event: "binary", args: args, rooms: []string{roomA}}, encoding.ErrPythonBinary)
	}
}

// holdsBinary tells whether one of the arguments, or a member of one, is binary.
func holdsBinary(args []any) bool {
	text, err := json.Marshal(asJSON(args))
	if err != nil {
		panic(err) // a test that asks for the impossible
	}
	return bytes.Contains(text, []byte(`{"$binary":`))
}

func large(s *stage) {
	// Not one letter over and over: what is cut and joined wrongly is to show.
	var text strings.Builder
	for i := 0; text.Len() < 1<<20; i++ {
		text.WriteString(strings.Repeat(string(rune('a'+i%26)), i%97))
		text.WriteString("é😀")
	}
	s.gather(s.ctx, s.T, "large")
	large := []any{text.String(), bytes.Repeat([]byte("0123456789abcdef"), 1<<16)}
	if s.row.isPython() {
		large = large[:1]
	}
	for _, arg := range large {
		s.send(message{event: "large", args: []any{arg}, rooms: []string{"large"}}, inAny("large"))
	}
}
