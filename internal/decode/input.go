package decode

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sioemit/sioemit/internal/protocol"
	"github.com/sioemit/sioemit/internal/show"
)

var errNoForm = errors.New(expectedInput)

// parseCaptures finds the messages in text, whatever form it has, and passes
// each on as soon as it is found: there may be millions.
func parseCaptures(text string, take func(capture) error) error {
	if !utf8.ValidString(text) && startsPayload(text[0]) {
		captured := capture{payload: []byte(text)}
		if _, err := captured.message(); err != nil {
			captured.payload = bytes.TrimSuffix(captured.payload, []byte("\n")) // redis-cli --raw ends a line
		}
		return take(captured)
	}
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return fmt.Errorf("there is nothing to decode; %w", errNoForm)
	case text[0] == '{' || text[0] == '[':
		return fromJSON(text, take)
	}
	if captured, ok := fromEncoded(text); ok {
		return take(captured)
	}
	return fromLines(text, take)
}

// startsPayload tells the first byte of a payload, which is MessagePack of an
// array or an object, or JSON of one, from that of other text, in which a payload
// may stand as it is.
func startsPayload(b byte) bool { return b >= 0x80 || b == '[' || b == '{' }

// hasCommand tells a line with a command from a payload in hex or base64.
func hasCommand(text string) bool {
	word, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	return isSending(word)
}

// fromEncoded reads hex or base64, over one or more lines. Text that is valid in
// both is taken in the form that decodes to a message.
func fromEncoded(text string) (capture, bool) {
	if hasCommand(text) {
		return capture{}, false
	}
	var first *capture
	for _, form := range []struct {
		name   string
		decode func(string) ([]byte, error)
	}{
		{"hex", func(s string) ([]byte, error) {
			return hex.DecodeString(strings.TrimPrefix(withoutSpace(s), "0x"))
		}},
		{"base64", base64.StdEncoding.DecodeString},
		{"base64", base64.RawStdEncoding.DecodeString},
		{"base64", base64.URLEncoding.DecodeString},
		{"base64", base64.RawURLEncoding.DecodeString},
	} {
		payload, err := form.decode(text)
		if err != nil {
			continue
		}
		captured := capture{payload: payload, form: form.name}
		if _, err := captured.message(); err == nil {
			return captured, true
		}
		if first == nil && len(payload) > 8 { // an ordinary word can be base64, too
			first = &captured
		}
	}
	if first != nil {
		return *first, true
	}
	return capture{}, false
}

// withoutSpace is text that may be in groups and lines, in one piece.
func withoutSpace(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text)
}

// fromJSON reads a payload that is JSON, and the JSON that this command prints.
func fromJSON(text string, take func(capture) error) error {
	d := json.NewDecoder(strings.NewReader(text))
	for {
		start := d.InputOffset()
		var value json.RawMessage
		err := d.Decode(&value)
		if err == io.EOF {
			return nil
		}
		if err != nil { // what is left is no JSON
			return take(capture{payload: []byte(strings.TrimSpace(text[start:])), form: "JSON"})
		}
		captured, err := fromJSONValue(value)
		if err == nil {
			err = take(captured)
		}
		if err != nil {
			return err
		}
	}
}

func fromJSONValue(value json.RawMessage) (capture, error) {
	var known struct {
		Args        []json.RawMessage
		Event       *string
		Undecodable *struct {
			Channel, ID string
			Payload     json.RawMessage
			Fields      map[string]string
		}
		Binary []byte `json:"$binary"`
	}
	// What does not fit is not known.
	if value[0] != '{' || json.Unmarshal(value, &known) != nil {
		return capture{payload: value, form: "JSON"}, nil
	}
	switch {
	case known.Binary != nil:
		return capture{payload: known.Binary, form: "base64"}, nil
	case known.Undecodable != nil && known.Undecodable.Fields != nil:
		captured := capture{command: "XADD", channel: known.Undecodable.Channel, id: known.Undecodable.ID}
		for name, value := range known.Undecodable.Fields {
			captured.fields = append(captured.fields, name, value)
		}
		return captured, nil
	case known.Undecodable != nil:
		payload, err := jsonWord(known.Undecodable.Payload)
		return capture{channel: known.Undecodable.Channel, payload: []byte(payload)}, err
	case known.Event != nil:
		return capture{}, errors.New("this is an event line, as listen prints and pipe reads: it is already decoded")
	case known.Args != nil:
		words := make([]string, len(known.Args))
		for i, arg := range known.Args {
			var err error
			if words[i], err = jsonWord(arg); err != nil {
				return capture{}, err
			}
		}
		captured, ok, err := fromCommand(words)
		if err == nil && !ok {
			err = errors.New("the args are not a command that sends something; " + expectedInput)
		}
		return captured, err
	}
	return capture{payload: value, form: "JSON"}, nil
}

// jsonWord reads a string, or {"$binary":"<base64>"}.
func jsonWord(text json.RawMessage) (string, error) {
	var word string
	if json.Unmarshal(text, &word) == nil {
		return word, nil
	}
	var object struct {
		Binary []byte `json:"$binary"`
	}
	if err := json.Unmarshal(text, &object); err != nil || object.Binary == nil {
		return "", fmt.Errorf(`%s is neither a string nor {"$binary":"<base64>"}`, show.Shorten(text))
	}
	return string(object.Binary), nil
}

// fromLines reads lines with commands or payloads.
func fromLines(text string, take func(capture) error) error {
	number := 0
	for line := range strings.SplitSeq(text, "\n") {
		number++
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		words, err := splitWords(line)
		if err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
		captured, ok, err := fromCommand(words)
		switch {
		case err != nil:
			return fmt.Errorf("line %d: %w", number, err)
		case ok:
		case len(words) == 1 && (line[0] == '"' || strings.HasPrefix(line, `\x`)):
			captured = capture{payload: []byte(unescapeWord(words[0])), form: "text with \\x"}
		default:
			return fmt.Errorf("line %d, %q: %w", number, shortenText(line), errNoForm)
		}
		if err := take(captured); err != nil {
			return err
		}
	}
	return nil
}

// isSending reports whether a word is the name of a command by which adapters
// send.
func isSending(word string) bool {
	return slices.ContainsFunc([]string{"PUBLISH", "SPUBLISH", "XADD"}, func(name string) bool { return strings.EqualFold(name, word) })
}

// fromCommand reads the words of a command; ok is false for one that sends
// nothing. Words before its name, such as redis-cli and its flags, do not
// matter.
func fromCommand(words []string) (captured capture, ok bool, err error) {
	for len(words) > 0 && !isSending(words[0]) {
		words = words[1:]
	}
	if len(words) == 0 {
		return capture{}, false, nil
	}
	captured.command = strings.ToUpper(words[0])
	if captured.command != "XADD" {
		if len(words) != 3 {
			return capture{}, false, fmt.Errorf("%s takes a channel and a payload, not %d words", captured.command, len(words)-1)
		}
		captured.channel, captured.payload = words[1], []byte(words[2])
		if _, err := protocol.Unmarshal(captured.payload); err != nil {
			captured.payload = []byte(unescapeWord(words[2]))
		}
		return captured, true, nil
	}
	if len(words) < 2 {
		return capture{}, false, errors.New("XADD takes a stream, an ID and fields")
	}
	captured.channel = words[1]
	captured.id, captured.fields = entryFields(words[2:])
	if len(captured.fields) == 0 || len(captured.fields)%2 != 0 {
		return capture{}, false, errors.New("XADD takes a stream, an ID, and fields in pairs of name and value")
	}
	return captured, true, nil
}

// entryFields skips the options of XADD and returns the ID, if it is one, and
// what follows.
func entryFields(words []string) (id string, fields []string) {
	for i := 0; i < len(words); i++ {
		switch strings.ToUpper(words[i]) {
		case "NOMKSTREAM", "KEEPREF", "DELREF", "ACKED":
		case "LIMIT":
			i++
		case "MAXLEN", "MINID":
			i++
			if i < len(words) && (words[i] == "~" || words[i] == "=") {
				i++
			}
		case "*":
			return "", words[i+1:]
		default:
			return words[i], words[i+1:]
		}
	}
	return "", nil
}
