// Package decode is the subcommand that explains captured payloads.
package decode

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/protocol"
	"github.com/sioemit/sioemit/internal/show"
	"github.com/urfave/cli/v2"
)

// Command is the subcommand.
func Command(p *commandline.Program) *commandline.Command {
	o := options{IO: p.IO}
	return &commandline.Command{
		Name:  "decode",
		Usage: "explain a captured payload",
		Words: "[FILE | TEXT]",
		Description: `Explains what a message is, who gets it, and what servers of each generation do
with it. FILE, TEXT or stdin may hold

   a payload: raw, in hex or in base64;
   lines with PUBLISH, SPUBLISH or XADD, for redis-cli, or as emit --dry-run
   prints them, also with --json;
   the output of MONITOR in redis-cli;
   an "undecodable" line of listen.

   sioemit decode payload.bin
   sioemit decode 93a7656d697474657283a47479706502...
   sioemit decode 'PUBLISH "socket.io#/#" "\x93\xa7emitter..."'
   sioemit emit --dry-run --room a hello | sioemit decode
   timeout 5 redis-cli monitor | sioemit decode
   sioemit decode --json payload.bin | jq .notes

Several messages are explained one after the other, those of MONITOR as they
come. In the output of MONITOR, commands that send nothing are left out; lines
that are cut off, or that come from other programs, are skipped and counted on
stderr.`,
		Statuses: map[int]string{
			commandline.StatusFailed: "could not print",
			commandline.StatusUsage:  "bad usage, or something that is not a payload",
		},
		Flags: []cli.Flag{commandline.JSONFlag(&o.json)},
		Run:   func(ctx context.Context, words []string) error { return run(ctx, o, words) },
	}
}

// maxDecodeInput is how much is read at most of what is not read line by line.
const maxDecodeInput = 256 << 20

// options are the flags of the command.
type options struct {
	commandline.IO
	json bool
}

// decoder explains one message after the other.
type decoder struct {
	options
	seen, bad int
	first     error // what is wrong with the first message, until there is another
}

func run(ctx context.Context, o options, words []string) error {
	d := &decoder{options: o}
	var takeErr error // not of the input, but of writing
	skipped, err := commandline.UnlessDone(ctx, func() (skipped int, err error) {
		return decodeInput(words, o.In, func(captured capture) error {
			takeErr = d.take(captured)
			return takeErr
		})
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if skipped > 0 {
		d.Say("skipped %s that cannot be read or that another program sent", show.Plural(skipped, "line"))
	}
	switch {
	case takeErr != nil:
		return takeErr
	case err != nil:
		if d.first != nil {
			d.complain(1, d.first)
		}
		return commandline.Usage(err)
	case d.first != nil:
		return commandline.Usage(d.first)
	case d.bad > 0:
		return commandline.Usagef("%d of %d are not payloads", d.bad, d.seen)
	}
	return nil
}

// take explains a message, or says why it is none.
func (d *decoder) take(captured capture) error {
	d.seen++
	if d.first != nil {
		d.complain(1, d.first)
		d.first = nil
	}
	m, err := captured.message()
	if err != nil {
		d.bad++
		err = fmt.Errorf("not a payload of a Socket.IO adapter: %w (%s)", err, captured.readAs())
		if d.seen == 1 {
			d.first = err
		} else {
			d.complain(d.seen, err)
		}
		return nil
	}
	e, err := explainMessage(captured, m)
	if err != nil {
		return err
	}
	if d.json {
		return show.JSON(d.Out, e)
	}
	if d.seen > 1 {
		fmt.Fprintln(d.Out) // an error of it is that of what follows, too
	}
	return e.print(d.Out)
}

func (d *decoder) complain(number int, err error) {
	d.Say("payload %d: %s", number, show.OneLine(err.Error()))
}

// expectedInput is what an error about unreadable input says.
const expectedInput = "expected a payload (raw, hex or base64), a line with PUBLISH, SPUBLISH or XADD, or the output of MONITOR"

// decodeInput reads what the words name.
func decodeInput(words []string, stdin io.Reader, take func(capture) error) (skipped int, err error) {
	switch {
	case len(words) == 0, len(words) == 1 && words[0] == "-":
		return readCaptures(stdin, take)
	case len(words) > 1:
		// The shell has taken the quotes off a line for redis-cli.
		captured, ok, err := fromCommand(words)
		if err == nil && !ok {
			err = fmt.Errorf("%q is not a command that sends something; %s", shortenText(strings.Join(words, " ")), expectedInput)
		}
		if err != nil {
			return 0, err
		}
		return 0, take(captured)
	}
	info, err := os.Stat(words[0])
	if err != nil || info.IsDir() {
		skipped, err := readCaptures(strings.NewReader(words[0]), take)
		if errors.Is(err, errNoForm) {
			err = fmt.Errorf("%q is not a file; read as text: %w", shortenText(words[0]), err)
		}
		return skipped, err
	}
	f, err := os.Open(words[0])
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return readCaptures(f, take)
}

// readCaptures passes on each message that in holds, MONITOR's at once and line
// by line, others when all is read. It returns the number of lines skipped.
func readCaptures(in io.Reader, take func(capture) error) (skipped int, err error) {
	buffered := bufio.NewReaderSize(in, 64<<10)
	start, _ := buffered.ReadSlice('\n') // an error of it comes again
	start = bytes.Clone(start)
	if string(start) == "OK\n" { // with which MONITOR begins
		start, _ = buffered.ReadSlice('\n')
		start = bytes.Clone(start)
	}
	rest := io.MultiReader(bytes.NewReader(start), buffered)
	if monitorStart.Match(start) {
		return readMonitor(bufio.NewReaderSize(rest, 64<<10), take)
	}
	var read strings.Builder
	if _, err := io.Copy(&read, io.LimitReader(rest, maxDecodeInput+1)); err != nil {
		return 0, err
	}
	text := read.String()
	if len(text) > maxDecodeInput {
		return 0, fmt.Errorf("there is more than %d MiB to decode; only the output of MONITOR may be longer", maxDecodeInput>>20)
	}
	if monitorStart.MatchString(text) { // its first line is cut off
		return readMonitor(bufio.NewReader(strings.NewReader(text)), take)
	}
	return 0, parseCaptures(text, take)
}

// shortenText keeps an error about text readable.
func shortenText(text string) string { return show.Shorten([]byte(text)) }

// capture is a message on its way, as far as the input shows it.
type capture struct {
	command string   // PUBLISH, SPUBLISH or XADD; empty if it is not known
	channel string   // or the stream, likewise
	id      string   // of the stream entry, likewise
	payload []byte   // of what was published
	fields  []string // of a stream entry, instead
	form    string   // how the input held it: hex, base64
}

func (c *capture) message() (*protocol.Message, error) {
	if c.command == "XADD" {
		return protocol.UnmarshalEntry(c.fields)
	}
	return protocol.Unmarshal(c.payload)
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
