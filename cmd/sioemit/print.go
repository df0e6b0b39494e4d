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

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
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

// taggedList turns decoded values into JSON.
func taggedList(values []any) ([]jsonText, error) {
	var texts []jsonText
	for _, v := range values {
		text, err := encoding.NewValue(v).TaggedJSON()
		if err != nil {
			return nil, err
		}
		texts = append(texts, jsonText(text))
	}
	return texts, nil
}

// printValues prints each value as JSON on a line of its own.
func printValues(c *cli.Context, values []emitter.Value) error {
	texts, err := tagged(values)
	if err != nil {
		return err
	}
	for _, text := range texts {
		if _, err := fmt.Fprintf(c.App.Writer, "%s\n", text); err != nil {
			return err
		}
	}
	return nil
}

// visibleJSON escapes what JSON does not and a terminal would not show.
func visibleJSON(text jsonText) string {
	var b strings.Builder
	for _, r := range string(text) {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

// printable takes control characters out of text: names of channels come from
// Redis, where anybody may have chosen them, and terminals obey some.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || 0x80 <= r && r < 0xa0 {
			return utf8.RuneError
		}
		return r
	}, text)
}

// oneLine is the text of an error without line breaks.
func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

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
