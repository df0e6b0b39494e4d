package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"strings"
	"testing"
	"unicode"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/connect"
	"github.com/sioemit/sioemit/internal/show"
	"github.com/urfave/cli/v2"
)

// hidden are characters that JSON may hold as they are, and that a terminal
// obeys or does not show: of the C1 set, of bidirectional text, invisible ones.
const hidden = "\u007f\u009b31m\u0085\u202e\u2066\u200b\u2028\U000e0041"

// obeyed returns a character of output that a terminal might obey, or -1.
func obeyed(output string) rune {
	for _, r := range output {
		if r != '\n' && !unicode.IsPrint(r) {
			return r
		}
	}
	return -1
}

// TestPrintHidden shows JSON of what clients chose: equal to what it was, and
// without anything that a terminal obeys.
func TestPrintHidden(t *testing.T) {
	t.Parallel()
	value := encoding.NewValue(map[string]any{"a" + hidden: []any{hidden, "é→日😀"}})
	sockets := []emitter.Socket{{ID: "id", Rooms: []string{"id", "r" + hidden}, Data: value, Handshake: emitter.Handshake{Address: hidden, Auth: map[string]any{hidden: hidden}}}}
	for name, print := range map[string]func(*cli.Context) error{
		"printJSON":   func(c *cli.Context) error { return show.JSON(c.App.Writer, []string{hidden, "é→日😀"}) },
		"printValues": func(c *cli.Context) error { return show.Values(c.App.Writer, []emitter.Value{value}) },
		"printAcks": func(c *cli.Context) error {
			return printAcks(c, emitter.Acks{Values: []emitter.Value{value}, Clients: 1, Servers: 1})
		},
		"sockets": func(c *cli.Context) error { return printSockets(c, sockets) },
	} {
		for _, asJSON := range []bool{false, true} {
			var out bytes.Buffer
			flags := flag.NewFlagSet("", flag.PanicOnError)
			flags.Bool("json", asJSON, "")
			flags.Bool("handshake", true, "")
			if err := print(cli.NewContext(&cli.App{Writer: &out}, flags, nil)); err != nil {
				t.Fatal(err)
			}
			text := out.String()
			if r := obeyed(text); r >= 0 {
				t.Errorf("%s, json=%v: %U in %+q", name, asJSON, r, text)
			}
			if !strings.Contains(text, `\u007f\u009b31m\u0085\u202e\u2066\u200b\u2028\udb40\udc41`) || !strings.Contains(text, "é→日😀") {
				t.Errorf("%s, json=%v: %+q", name, asJSON, text)
			}
			if asJSON && !json.Valid(out.Bytes()) {
				t.Errorf("%s: not JSON: %q", name, text)
			}
		}
	}
	var out bytes.Buffer
	var words []string
	if err := show.JSON(&out, []string{hidden}); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out.Bytes(), &words); err != nil || words[0] != hidden {
		t.Errorf("%q, %v", words, err)
	}
}

// TestOneLine shows errors that quote what came in: in one line, and without
// anything that a terminal obeys. Text in other scripts stays.
func TestOneLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"line 2:\n\tit is \"é→日😀\"": `line 2: it is "é→日😀"`,
		"a\x9b31m\u009b31mb\x1b[2J": "a\ufffd31m\ufffd31mb\ufffd[2J",
		"a\u0085b\u2028c":           "a b c",
		"gpj.\u202ecod":             "gpj.\ufffdcod",
		"\xff\x00":                  "\ufffd\ufffd",
	} {
		if line := connect.ErrorText(errors.New(text)); line != want {
			t.Errorf("%+q: %+q, want %+q", text, line, want)
		}
	}
	const input = "{\"event\":\"e\",\"rooms\":\"\u009b31m\u202e\"}\n"
	if r := sioemit(t, nil, input, "pipe", "--dry-run"); r.status != commandline.StatusUsage || obeyed(r.stderr) >= 0 {
		t.Errorf("pipe: %+q", r.stderr)
	}
}
