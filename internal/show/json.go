// Package show puts what the command prints into words: JSON that a terminal
// shows and does not obey, quoted words, rooms, and text that is wrapped.
package show

import (
	"encoding/json"
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/protocol"
)

// JSON prints a value as a line of JSON that a terminal shows and does not
// obey.
func JSON(w io.Writer, v any) error {
	e := json.NewEncoder(visibleWriter{w})
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// visibleWriter writes JSON as Visible does.
type visibleWriter struct{ w io.Writer }

func (v visibleWriter) Write(text []byte) (int, error) {
	if _, err := v.w.Write(Visible(text)); err != nil {
		return 0, err
	}
	return len(text), nil
}

// Binary is how JSON lines carry bytes.
type Binary []byte

// MarshalJSON returns {"$binary":"<base64>"}.
func (b Binary) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string][]byte{"$binary": b})
}

// Tagged returns values as JSON in which {"$binary":"<base64>"} is binary.
func Tagged(values []emitter.Value) ([]json.RawMessage, error) {
	texts := make([]json.RawMessage, len(values))
	for i, v := range values {
		text, err := v.TaggedJSON()
		if err != nil {
			return nil, err
		}
		texts[i] = json.RawMessage(text)
	}
	return texts, nil
}

// TaggedArgs are the arguments of an event, as JSON, in the order in which they
// came.
func TaggedArgs(m *protocol.Message) ([]json.RawMessage, error) {
	args, err := m.TaggedArgs()
	if len(args) == 0 {
		return nil, err
	}
	texts := make([]json.RawMessage, len(args))
	for i, text := range args {
		texts[i] = json.RawMessage(text)
	}
	return texts, err
}

// Values prints each value as JSON on a line of its own.
func Values(w io.Writer, values []emitter.Value) error {
	texts, err := Tagged(values)
	if err != nil {
		return err
	}
	for _, text := range texts {
		if _, err := fmt.Fprintf(w, "%s\n", Visible(text)); err != nil {
			return err
		}
	}
	return nil
}

// Visible escapes what JSON may hold as it is and a terminal would obey or
// not show: names and values come from clients, which may have chosen it. It
// returns text itself where there is nothing of that kind.
func Visible(text []byte) []byte {
	var shown []byte
	done := 0 // how much of text is in shown
	for i := 0; i < len(text); {
		if text[i] < 0x7f { // a control character is a line break between values
			i++
			continue
		}
		r, size := utf8.DecodeRune(text[i:])
		if !unicode.IsPrint(r) || r == utf8.RuneError && size == 1 {
			shown = append(shown, text[done:i]...)
			for _, unit := range utf16.AppendRune(nil, r) {
				shown = fmt.Appendf(shown, `\u%04x`, unit)
			}
			done = i + size
		}
		i += size
	}
	if done == 0 {
		return text
	}
	return append(shown, text[done:]...)
}
