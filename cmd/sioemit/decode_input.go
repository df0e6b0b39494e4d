package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/sioemit/sioemit/encoding"
)

var errNoForm = errors.New(expectedInput)

// parseCaptures finds the messages in data, whatever form it has.
func parseCaptures(data []byte) ([]capture, error) {
	if words := rawReply(data); words != nil {
		captures := fromReply(words)
		if len(captures) == 0 {
			return nil, errNothing
		}
		return captures, nil
	}
	if !utf8.Valid(data) && !hasCommand(data) {
		// MessagePack of an array or an object starts with a byte that no text
		// starts with.
		captured := capture{payload: data}
		if _, err := captured.message(); err != nil && bytes.HasSuffix(data, []byte("\n")) {
			captured.payload = data[:len(data)-1] // redis-cli --raw ends a line
		}
		return []capture{captured}, nil
	}
	text := strings.TrimSpace(string(data))
	switch {
	case text == "":
		return nil, fmt.Errorf("there is nothing to decode; %w", errNoForm)
	case text[0] == '{' || text[0] == '[':
		return fromJSON(text)
	}
	if captured, ok := fromEncoded(text); ok {
		return []capture{captured}, nil
	}
	return fromLines(text)
}

// hasCommand tells a line with a command, whose payload may be unquoted binary,
// from the payload itself.
func hasCommand(data []byte) bool {
	word, _, _ := bytes.Cut(bytes.TrimSpace(data), []byte(" "))
	return isSending(string(word))
}

// fromEncoded reads hex and base64, also in several lines. What could be both is what turns out to be
// a message.
func fromEncoded(text string) (capture, bool) {
	if hasCommand([]byte(text)) {
		return capture{}, false
	}
	var first *capture
	for _, form := range []struct {
		name   string
		decode func(string) ([]byte, error)
	}{
		{"hex", func(s string) ([]byte, error) {
			return hex.DecodeString(strings.TrimPrefix(strings.Join(strings.Fields(s), ""), "0x"))
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

// fromJSON reads a payload that is JSON, and the JSON that this command prints.
func fromJSON(text string) ([]capture, error) {
	var captures []capture
	d := json.NewDecoder(strings.NewReader(text))
	for {
		var value json.RawMessage
		err := d.Decode(&value)
		if err == io.EOF && len(captures) > 0 {
			return captures, nil
		}
		if err != nil {
			return []capture{{payload: []byte(text), form: "JSON"}}, nil
		}
		captured, err := fromJSONValue(value)
		if err != nil {
			return nil, err
		}
		captures = append(captures, captured)
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
		return capture{}, errors.New("this is an event line, as listen prints and pipe reads: it is decoded already")
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
			err = errors.New("the args are no command that sends something; " + expectedInput)
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
		return "", fmt.Errorf(`%s is neither a string nor {"$binary":"<base64>"}`, shorten(text))
	}
	return string(object.Binary), nil
}

var (
	replyLine = regexp.MustCompile(`^\s*(?:[0-9]+\)\s+)+(.*)$`)
	prompt    = regexp.MustCompile(`^\S+(?:\[[0-9]+\])?> `)
)

// fromLines reads lines of redis-cli: commands, and replies that hold messages.
func fromLines(text string) ([]capture, error) {
	var captures []capture
	var reply []string // the strings of the reply that is being read
	for number, line := range strings.Split(text, "\n") {
		line = strings.TrimRight(line, "\r")
		if match := replyLine.FindStringSubmatch(line); match != nil {
			if strings.HasPrefix(match[1], `"`) {
				words, err := splitWords(match[1])
				if err != nil {
					return nil, fmt.Errorf("line %d: %w", number+1, err)
				}
				reply = append(reply, words...)
			}
			continue
		}
		captures, reply = append(captures, fromReply(reply)...), nil
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "Reading messages...") {
			continue
		}
		line = prompt.ReplaceAllString(line, "")
		words, err := splitWords(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number+1, err)
		}
		captured, ok, err := fromCommand(words)
		switch {
		case err != nil:
			return nil, fmt.Errorf("line %d: %w", number+1, err)
		case ok:
			captures = append(captures, captured)
		case len(words) == 1 && (line[0] == '"' || strings.HasPrefix(line, `\x`)):
			captures = append(captures, capture{payload: []byte(unescapeWord(words[0])), form: "text with \\x"})
		default:
			return nil, fmt.Errorf("line %d, %q: %w", number+1, shortenText(line), errNoForm)
		}
	}
	captures = append(captures, fromReply(reply)...)
	if len(captures) == 0 {
		return nil, errNothing
	}
	return captures, nil
}

var errNothing = fmt.Errorf("nothing in there was sent by an adapter; %w", errNoForm)

// rawReply takes apart what redis-cli writes into a pipe or a file, which is a
// string a line, and nothing else; nil if data is something else. A message may
// hold line breaks; it ends where the next one is announced.
func rawReply(data []byte) []string {
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	if len(lines) < 3 || !isAnnouncement(lines[0]) {
		if isEntryID(lines[0]) || len(lines) > 1 && isEntryID(lines[1]) {
			return lines
		}
		return nil
	}
	var words []string
	for i := 0; i < len(lines); {
		head := 3
		if lines[i] == "pmessage" {
			head = 4
		}
		end := min(i+head, len(lines))
		for end < len(lines) && !isAnnouncement(lines[end]) {
			end++
		}
		payload := min(i+head-1, end)
		words = append(words, lines[i:payload]...)
		words = append(words, strings.Join(lines[payload:end], "\n"))
		i = end
	}
	return words
}

// isAnnouncement reports whether a line says what the next ones are.
func isAnnouncement(line string) bool {
	switch line {
	case "message", "pmessage", "smessage", "subscribe", "psubscribe", "ssubscribe", "unsubscribe", "punsubscribe", "sunsubscribe":
		return true
	}
	return false
}

// fromReply finds messages in the strings of what redis-cli shows after
// SUBSCRIBE and its like, XREAD and XRANGE.
func fromReply(words []string) []capture {
	var captures []capture
	stream := ""
	for i := 0; i < len(words); i++ {
		rest := words[i+1:]
		switch {
		case words[i] == "message" && len(rest) >= 2:
			captures = append(captures, capture{command: "PUBLISH", channel: rest[0], payload: []byte(rest[1])})
			i += 2
		case words[i] == "smessage" && len(rest) >= 2:
			captures = append(captures, capture{command: "SPUBLISH", channel: rest[0], payload: []byte(rest[1])})
			i += 2
		case words[i] == "pmessage" && len(rest) >= 3:
			captures = append(captures, capture{command: "PUBLISH", channel: rest[1], payload: []byte(rest[2])})
			i += 3
		case isEntryID(words[i]):
			captured := capture{command: "XADD", channel: stream, id: words[i]}
			// The next entry may be that of another stream, with its name before it.
			for len(rest) >= 2 && !isEntryID(rest[0]) && !isEntryID(rest[1]) {
				captured.fields = append(captured.fields, rest[:2]...)
				rest = rest[2:]
				i += 2
			}
			captures = append(captures, captured)
		default:
			stream = words[i]
		}
	}
	return captures
}

// isSending reports whether a word is the name of a command by which adapters
// send.
func isSending(word string) bool {
	switch strings.ToUpper(word) {
	case "PUBLISH", "SPUBLISH", "XADD":
		return true
	}
	return false
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
			return capture{}, false, fmt.Errorf("%s has a channel and a payload, and not %d words", captured.command, len(words)-1)
		}
		captured.channel, captured.payload = words[1], []byte(words[2])
		if _, err := encoding.UnmarshalMessage(captured.payload); err != nil {
			captured.payload = []byte(unescapeWord(words[2]))
		}
		return captured, true, nil
	}
	if len(words) < 2 {
		return capture{}, false, errors.New("XADD has a stream, an ID and fields")
	}
	captured.channel = words[1]
	captured.id, captured.fields = entryFields(words[2:])
	if len(captured.fields) == 0 || len(captured.fields)%2 != 0 {
		return capture{}, false, errors.New("XADD has a stream, an ID, and fields in pairs of name and value")
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

// isEntryID reports whether word is the ID of a stream entry in full.
func isEntryID(word string) bool {
	_, _, err := parseID(word)
	return err == nil && strings.Contains(word, "-")
}
