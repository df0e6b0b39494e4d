// Package event is what is sent, as people write it: as words and files of a
// command line, and as a JSON line.
package event

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/settings"
	"github.com/sioemit/sioemit/internal/show"
)

// Line is an event as a JSON line: what pipe reads and listen prints. Binary in
// its arguments is {"$binary":"<base64>"}; docs/line.schema.json describes it.
type Line struct {
	Time  time.Time         `json:"time,omitzero"` // when it was heard
	Event string            `json:"event"`
	Args  []json.RawMessage `json:"args,omitempty"`
	settings.Target
}

// Emit sends the event of the line.
func (l *Line) Emit(ctx context.Context, io *emitter.Emitter) error {
	args := make([]any, len(l.Args))
	for i, arg := range l.Args {
		args[i] = encoding.TaggedJSON(arg)
	}
	return l.Of(io).Emit(ctx, l.Event, args...)
}

// shape is what an error about a line says was expected.
const shape = `{"event":"name","args":[...],"namespace":"/","rooms":["a"],"except":["b"],"volatile":true,"compress":false}, of which only event must be there`

// Parse reads one line over the values that l has; a member that is there
// replaces its value. The arguments point into text.
func (l *Line) Parse(text []byte) error {
	if !json.Valid(text) {
		return fmt.Errorf("%w; expected %s", notJSON(text), shape)
	}
	l.Event, l.Args = "", l.Args[:0]
	s := jsonSpans{text: text}
	if s.next() != '{' {
		return fmt.Errorf("not a JSON object; expected %s", shape)
	}
	hasEvent := false
	err := s.members(func(key string, value []byte) error {
		hasEvent = hasEvent || key == "event"
		return l.set(key, value)
	})
	if err != nil {
		return err
	}
	if !hasEvent {
		return fmt.Errorf(`there is no "event"; expected %s`, shape)
	}
	return nil
}

// set takes one member of a line.
func (l *Line) set(key string, value []byte) error {
	var err error
	switch key {
	case "event":
		err = setName(&l.Event, value)
	case "namespace":
		err = setName(&l.Namespace, value)
	case "args":
		if value[0] != '[' {
			err = errors.New("it must be an array")
			break
		}
		l.Args = l.Args[:0] // the last of several counts, as in encoding/json
		s := jsonSpans{text: value}
		s.elements(func(element []byte) { l.Args = append(l.Args, element) })
	case "rooms":
		if err = setRooms(&l.Rooms, value); err == nil && len(l.Rooms) == 0 {
			err = errors.New("it must name at least one room; leave it out to send to the rooms of --room, or to everyone")
		}
	case "except":
		before := len(l.Except)
		if err = setRooms(&l.Except, value); err == nil && len(l.Except) == 0 && before > 0 {
			err = errors.New("it must name at least one room; leave it out to except the rooms of --except")
		}
	case "volatile":
		err = setBool(&l.Volatile, value)
	case "compress":
		l.Compress = new(bool)
		err = setBool(l.Compress, value)
	case "time":
		if l.Time, err = time.Parse(`"`+time.RFC3339+`"`, string(value)); err != nil {
			err = errors.New("it must be a time such as 2006-01-02T15:04:05.123Z")
		}
	default:
		return fmt.Errorf("an event line has no %q; expected %s", key, shape)
	}
	if err != nil {
		return fmt.Errorf("%q is %s: %w", key, show.Shorten(value), err)
	}
	return nil
}

// setName takes the text of an event, a namespace or a room.
func setName(to *string, value []byte) error {
	if value[0] != '"' {
		return errors.New("it must be a string")
	}
	var err error
	*to, err = unicodeOf(value)
	return err
}

func setRooms(to *[]encoding.Room, value []byte) error {
	if value[0] != '[' {
		return errRooms
	}
	*to = nil
	var err error
	s := jsonSpans{text: value}
	s.elements(func(element []byte) {
		room, roomErr := roomOf(element)
		err = cmp.Or(err, roomErr)
		*to = append(*to, room)
	})
	return err
}

var errRooms = errors.New("it must be an array of strings, or of numbers for rooms that are numbers")

func roomOf(element []byte) (encoding.Room, error) {
	switch c := element[0]; {
	case c == '"':
		name, err := unicodeOf(element)
		return encoding.Room(name), err
	case c == '-' || '0' <= c && c <= '9':
		n, err := strconv.ParseFloat(string(element), 64)
		if err != nil {
			err = fmt.Errorf("%s is too large for JavaScript", element)
		}
		return encoding.NumberRoom(n), err
	}
	return "", errRooms
}

// unicodeOf is stringOf for names. What stands for no character turns into U+FFFD
// there, which would make another name of it.
func unicodeOf(literal []byte) (string, error) {
	name := stringOf(literal)
	if strings.Contains(name, "\ufffd") && !isUnicode(literal) {
		return "", errors.New("it is not valid UTF-8 or holds half of a surrogate pair, which no message can carry")
	}
	return name, nil
}

// isUnicode reports whether every part of a valid JSON string literal stands
// for a character.
func isUnicode(literal []byte) bool {
	if !utf8.Valid(literal) {
		return false
	}
	for i := 0; i < len(literal); i++ {
		if literal[i] != '\\' {
			continue
		}
		if i++; literal[i] != 'u' {
			continue
		}
		unit := hexUnit(literal[i+1:])
		i += 4
		if !utf16.IsSurrogate(unit) {
			continue
		}
		if rest := literal[i+1:]; rest[0] != '\\' || rest[1] != 'u' || utf16.DecodeRune(unit, hexUnit(rest[2:])) == utf8.RuneError {
			return false
		}
		i += len(`\udc00`)
	}
	return true
}

// hexUnit is the UTF-16 code unit behind the \u of a valid literal.
func hexUnit(text []byte) rune {
	n, _ := strconv.ParseUint(string(text[:4]), 16, 32)
	return rune(n)
}

func setBool(to *bool, value []byte) error {
	if value[0] != 't' && value[0] != 'f' {
		return errors.New("it must be true or false")
	}
	*to = value[0] == 't'
	return nil
}

// stringOf returns what a valid JSON string literal stands for.
func stringOf(literal []byte) string {
	for _, c := range literal {
		if c == '\\' || c >= 0x80 {
			var s string
			_ = json.Unmarshal(literal, &s) // it is valid
			return s
		}
	}
	return string(literal[1 : len(literal)-1])
}

// jsonSpans finds the values in JSON text that json.Valid has accepted.
type jsonSpans struct {
	text []byte
	pos  int
}

// next skips white space and returns the byte that follows it.
func (s *jsonSpans) next() byte {
	for s.text[s.pos] <= ' ' {
		s.pos++
	}
	return s.text[s.pos]
}

// members calls f for each member of the object at pos.
func (s *jsonSpans) members(f func(key string, value []byte) error) error {
	for s.pos++; s.next() != '}'; {
		key := stringOf(s.value())
		s.next()
		s.pos++ // the colon
		s.next()
		if err := f(key, s.value()); err != nil {
			return err
		}
		if s.next() == ',' {
			s.pos++
		}
	}
	return nil
}

// elements calls f for each element of the array at pos.
func (s *jsonSpans) elements(f func(element []byte)) {
	for s.pos++; s.next() != ']'; {
		f(s.value())
		if s.next() == ',' {
			s.pos++
		}
	}
}

// value returns the text of the value at pos and moves behind it.
func (s *jsonSpans) value() []byte {
	start := s.pos
	switch s.text[s.pos] {
	case '"':
		s.skipString()
	case '{', '[':
		for depth := 0; ; {
			switch s.text[s.pos] {
			case '"':
				s.skipString()
				continue
			case '{', '[':
				depth++
			case '}', ']':
				depth--
			}
			s.pos++
			if depth == 0 {
				break
			}
		}
	default:
		for s.pos < len(s.text) && s.text[s.pos] != ',' && s.text[s.pos] != '}' && s.text[s.pos] != ']' && s.text[s.pos] > ' ' {
			s.pos++
		}
	}
	return s.text[start:s.pos]
}

func (s *jsonSpans) skipString() {
	for s.pos++; s.text[s.pos] != '"'; s.pos++ {
		if s.text[s.pos] == '\\' {
			s.pos++
		}
	}
	s.pos++
}

// notJSON says what is wrong with a text that encoding/json does not parse.
func notJSON(text []byte) error {
	_, err := encoding.Append(nil, encoding.TaggedJSON(text))
	return err
}
