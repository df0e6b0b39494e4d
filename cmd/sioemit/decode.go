package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/sioemit/sioemit/encoding"
	"github.com/urfave/cli/v2"
)

func decodeCommand(stdin io.Reader) *cli.Command {
	return &cli.Command{
		Name:      "decode",
		Usage:     "explain a captured payload",
		ArgsUsage: "[FILE | TEXT]",
		Description: `Says what a message is, who gets it, and what servers of each generation do
with it. It reads FILE, TEXT or stdin, which holds

   the payload itself, or its hex or base64;
   a line for redis-cli, or one that emit --dry-run printed, also with --json;
   what redis-cli shows: MONITOR, PSUBSCRIBE, XRANGE, XREAD;
   an "undecodable" line of listen.

   sioemit decode payload.bin
   sioemit decode 93a7656d697474657283a47479706502...
   sioemit decode 'PUBLISH "socket.io#/#" "\x93\xa7emitter..."'
   sioemit emit --dry-run --room a hello | sioemit decode
   timeout 5 redis-cli monitor | sioemit decode
   sioemit decode --json payload.bin | jq .notes

Several lines are explained one after the other; commands of MONITOR that send
nothing are left out. Exit status 2 if something is no payload.

` + footer,
		Flags:  []cli.Flag{jsonFlag()},
		Action: func(c *cli.Context) error { return decode(c, stdin) },
	}
}

// maxDecodeInput is how much is read at most.
const maxDecodeInput = 256 << 20

func decode(c *cli.Context, stdin io.Reader) error {
	captures, err := decodeInput(c.Args().Slice(), stdin)
	if err != nil {
		return usageError{err}
	}
	bad := 0
	var badErr error
	for i, captured := range captures {
		m, err := captured.message()
		if err != nil {
			bad++
			badErr = fmt.Errorf("no payload of a Socket.IO adapter: %w (%s)", err, captured.readAs())
			if len(captures) > 1 {
				badErr = fmt.Errorf("payload %d of %d: %w", i+1, len(captures), badErr)
				fmt.Fprintln(c.App.ErrWriter, "sioemit: "+oneLine(badErr))
			}
			continue
		}
		e, err := explainMessage(captured, m)
		if err != nil {
			return err
		}
		if c.Bool("json") {
			err = printJSON(c.App.Writer, e)
		} else {
			if i > 0 {
				fmt.Fprintln(c.App.Writer)
			}
			err = e.print(c.App.Writer)
		}
		if err != nil {
			return err
		}
	}
	switch {
	case bad > 0 && len(captures) > 1:
		return usageError{fmt.Errorf("%d of %d are no payloads", bad, len(captures))}
	case bad > 0:
		return usageError{badErr}
	}
	return nil
}

// expectedInput is what an error about unreadable input says.
const expectedInput = "expected a payload (raw, hex or base64), a line with PUBLISH, SPUBLISH or XADD, or what redis-cli printed"

// decodeInput reads what the words name.
func decodeInput(words []string, stdin io.Reader) ([]capture, error) {
	switch {
	case len(words) == 0, len(words) == 1 && words[0] == "-":
		data, err := io.ReadAll(io.LimitReader(stdin, maxDecodeInput))
		if err != nil {
			return nil, fmt.Errorf("stdin: %w", err)
		}
		return parseCaptures(data)
	case len(words) > 1:
		// The shell has taken the quotes off a line for redis-cli.
		captured, ok, err := fromCommand(words)
		if err == nil && !ok {
			err = fmt.Errorf("%q is no command that sends something; %s", shortenText(strings.Join(words, " ")), expectedInput)
		}
		return []capture{captured}, err
	}
	info, err := os.Stat(words[0])
	if err != nil || info.IsDir() {
		captures, parseErr := parseCaptures([]byte(words[0]))
		if errors.Is(parseErr, errNoForm) {
			parseErr = fmt.Errorf("%q is no file; read as text: %w", shortenText(words[0]), parseErr)
		}
		return captures, parseErr
	}
	f, err := os.Open(words[0])
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxDecodeInput))
	if err != nil {
		return nil, err
	}
	return parseCaptures(data)
}

// shortenText keeps an error about text readable.
func shortenText(text string) string { return shorten([]byte(text)) }

// capture is a message on its way, as far as the input shows it.
type capture struct {
	command string   // PUBLISH, SPUBLISH or XADD; empty if it is not known
	channel string   // or the stream, likewise
	id      string   // of the stream entry, likewise
	payload []byte   // of what was published
	fields  []string // of a stream entry, instead
	form    string   // how the input held it: hex, base64
}

func (c *capture) message() (*encoding.Message, error) {
	if c.command == "XADD" {
		return encoding.UnmarshalEntry(c.fields)
	}
	return encoding.UnmarshalMessage(c.payload)
}

func (c *capture) size() int {
	size := len(c.payload)
	for _, field := range c.fields {
		size += len(field)
	}
	return size
}

func (c *capture) readAs() string {
	form := c.form
	if form == "" {
		form = "the payload itself"
	}
	return fmt.Sprintf("read as %s, %d bytes", form, c.size())
}
