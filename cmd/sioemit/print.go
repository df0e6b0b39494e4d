package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
	"github.com/urfave/cli/v2"
)

// printJSON prints a value as a line of JSON that a terminal shows and does not
// obey.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(visibleWriter{w})
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// visibleWriter writes JSON as visibleJSON.
type visibleWriter struct{ w io.Writer }

func (v visibleWriter) Write(text []byte) (int, error) {
	if _, err := v.w.Write(visibleJSON(text)); err != nil {
		return 0, err
	}
	return len(text), nil
}

// binary is how JSON lines carry bytes.
type binary []byte

// MarshalJSON returns {"$binary":"<base64>"}.
func (b binary) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string][]byte{"$binary": b})
}

// jsonText is JSON that is printed as it is.
type jsonText = json.RawMessage

// tagged returns values as JSON in which {"$binary":"<base64>"} is binary.
func tagged(values []emitter.Value) ([]jsonText, error) {
	texts := make([]jsonText, len(values))
	for i, v := range values {
		text, err := v.TaggedJSON()
		if err != nil {
			return nil, err
		}
		texts[i] = jsonText(text)
	}
	return texts, nil
}

// taggedArgs are the arguments of an event, as JSON, in the order in which they
// came.
func taggedArgs(m *encoding.Message) ([]jsonText, error) {
	args, err := m.TaggedArgs()
	if len(args) == 0 {
		return nil, err
	}
	texts := make([]jsonText, len(args))
	for i, text := range args {
		texts[i] = jsonText(text)
	}
	return texts, err
}

// printValues prints each value as JSON on a line of its own.
func printValues(c *cli.Context, values []emitter.Value) error {
	texts, err := tagged(values)
	if err != nil {
		return err
	}
	for _, text := range texts {
		if _, err := fmt.Fprintf(c.App.Writer, "%s\n", visibleJSON(text)); err != nil {
			return err
		}
	}
	return nil
}

// visibleJSON escapes what JSON may hold as it is and a terminal would obey or
// not show: names and values come from clients, which may have chosen it. It
// returns text itself where there is nothing of that kind.
func visibleJSON(text []byte) []byte {
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

// printable takes out of text what terminals obey or do not show: names come
// from Redis, where anybody may have chosen them.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return utf8.RuneError
		}
		return r
	}, text)
}

// oneLine is text without line breaks, as stderr gets it.
func oneLine(text string) string { return printable(strings.Join(strings.Fields(text), " ")) }

// errorText is an error as stderr gets it: in one line, and without what
// Sentinels say, who may repeat a password. What they say is known to
// sentinelTrouble, or is not shown.
func errorText(err error) string {
	text := oneLine(err.Error())
	if at := strings.Index(text, noSentinel); at >= 0 {
		return text[:at] + "no Sentinel could be asked"
	}
	return text
}

// plural is a number of things.
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// lineWidth is that of the narrowest terminal to be reckoned with. Text is
// wrapped there on wider ones too, and in files: long lines read badly.
const lineWidth = 80

// wrap breaks text at its spaces where a line that begins behind indent would
// become too long. A word is never broken, so that it can be copied.
func wrap(text, indent string) string {
	var b strings.Builder
	width := len(indent)
	for i, word := range strings.Split(text, " ") {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case width+1+n > lineWidth:
			b.WriteString("\n" + indent)
			width = len(indent)
		default:
			b.WriteByte(' ')
			width++
		}
		b.WriteString(word)
		width += n
	}
	return b.String()
}
