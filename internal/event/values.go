package event

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/show"
	"github.com/urfave/cli/v2"
)

// Values are the arguments of an event, as the command line gives them.
type Values struct {
	text   bool
	args   string
	binary cli.StringSlice
}

// Flags are those beside the words of an event.
func (v *Values) Flags() []cli.Flag {
	const category = "Arguments:"
	return []cli.Flag{
		&cli.BoolFlag{Name: "string", Destination: &v.text, Category: category, Usage: "take every ARG as a string, even if it is JSON"},
		&cli.StringFlag{Name: "args", Destination: &v.args, TakesFile: true, Category: category, Usage: "append the elements of the JSON array in `FILE` (- for stdin)"},
		&cli.StringSliceFlag{Name: "binary", Destination: &v.binary, TakesFile: true, Category: category, Usage: "append the bytes of `FILE` (- for stdin) as binary; repeatable"},
	}
}

// Read returns the arguments of the event: the ARGs, of which - is what stdin
// holds, then the elements of --args, then the content of each --binary.
func (v *Values) Read(ctx context.Context, io commandline.IO, words []string) ([]any, error) {
	var args []any
	files := inputs{ctx: ctx, stdin: io.In}
	for i, word := range words {
		if word == "-" {
			var err error
			if word, err = files.word(); err != nil {
				return nil, err
			}
		}
		args = append(args, value(word, v.text))
		if !v.text {
			warnNoJSON(io, i+1, word)
		}
	}
	if v.args != "" {
		text, err := files.read("--args", v.args)
		if err != nil {
			return nil, err
		}
		elements, err := jsonArray(text)
		if err != nil {
			return nil, commandline.Usagef("--args %s: %w", v.args, err)
		}
		args = append(args, elements...)
	}
	emptyStdin := false
	for _, name := range v.binary.Value() {
		data, err := files.read("--binary", name)
		if err != nil {
			return nil, err
		}
		args = append(args, data)
		emptyStdin = emptyStdin || name == "-" && len(data) == 0
	}
	if emptyStdin { // as when what should have written it failed
		io.Warn("--binary -: stdin is empty, and so is what is sent")
	}
	return args, nil
}

// value takes a word as JSON when it parses as JSON, as a string otherwise. What
// is too deep to be parsed is still JSON, which is refused when it is sent.
func value(word string, text bool) any {
	if !text && (json.Valid([]byte(word)) || errors.Is(notJSON([]byte(word)), encoding.ErrTooDeep)) {
		return encoding.TaggedJSON(word)
	}
	return word
}

// warnNoJSON says so where a word begins as JSON does and is none: it was to be
// an object, an array or a quoted string, and is sent as the text that it is.
func warnNoJSON(io commandline.IO, number int, word string) {
	start := strings.TrimLeft(word, " \t\r\n")
	if start == "" || !strings.ContainsRune(`{["`, rune(start[0])) {
		return
	}
	var discard json.RawMessage
	if err := json.Unmarshal([]byte(word), &discard); err != nil && !errors.Is(notJSON([]byte(word)), encoding.ErrTooDeep) {
		io.Warn("argument %d, %s, begins like JSON and is none (%s), so it is sent as a string; --string if that is meant",
			number, show.OneLine(show.Shorten([]byte(word))), show.OneLine(err.Error()))
	}
}

func jsonArray(text []byte) ([]any, error) {
	if !json.Valid(text) {
		return nil, notJSON(text)
	}
	if text = bytes.TrimSpace(text); text[0] != '[' {
		return nil, fmt.Errorf(`expected a JSON array, such as [1,"two"], not %s`, show.Shorten(text))
	}
	var elements []json.RawMessage
	if err := json.Unmarshal(text, &elements); err != nil {
		return nil, err
	}
	args := make([]any, len(elements))
	for i, e := range elements {
		args[i] = encoding.TaggedJSON(e)
	}
	return args, nil
}

// inputs reads files, and stdin at most once.
type inputs struct {
	ctx   context.Context
	stdin io.Reader
	used  string // what has read stdin: a flag, or an argument
}

// word reads the argument - from stdin, as the shell would read it with $(...):
// the line breaks at the end, which echo writes, are not part of it.
func (in *inputs) word() (string, error) {
	const argument = "the argument"
	data, err := in.read(argument, "-")
	if err != nil {
		return "", err
	}
	word := strings.TrimRight(string(data), "\r\n")
	switch {
	case word == "": // as when what should have written it failed
		return "", commandline.Usagef(`%s -: stdin is empty; an empty string is '""'`, argument)
	case !utf8.ValidString(word):
		return "", commandline.Usagef("%s -: stdin is not valid UTF-8; --binary - sends bytes", argument)
	}
	return word, nil
}

func (in *inputs) read(flag, name string) ([]byte, error) {
	if name != "-" {
		data, err := commandline.UnlessDone(in.ctx, func() ([]byte, error) { return os.ReadFile(name) })
		if err != nil {
			return nil, commandline.Usagef("%s: %w", flag, err)
		}
		return data, nil
	}
	if in.used != "" {
		return nil, commandline.Usagef("%s -: stdin was already read by %s -", flag, in.used)
	}
	if isNothing(in.stdin) {
		return nil, commandline.Usagef("%s -: stdin is closed or %s", flag, os.DevNull)
	}
	in.used = flag
	data, err := commandline.UnlessDone(in.ctx, func() ([]byte, error) { return io.ReadAll(in.stdin) })
	if err != nil {
		return nil, commandline.Usagef("%s -: %w", flag, err)
	}
	return data, nil
}

// isNothing reports whether stdin is the null device, which is what a Go program
// finds there when it was started with stdin closed.
func isNothing(stdin io.Reader) bool {
	file, ok := stdin.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	if err != nil {
		return true // it cannot be read either
	}
	null, err := os.Stat(os.DevNull)
	return err == nil && os.SameFile(info, null)
}
