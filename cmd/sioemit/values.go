package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/sioemit/sioemit/encoding"
	"github.com/urfave/cli/v2"
)

const valueCategory = "Arguments:"

func valueFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{DisableDefaultText: true, Name: "string", Category: valueCategory, Usage: "take every ARG as a string, also where it is JSON"},
		&cli.StringFlag{TakesFile: true, Name: "args", Category: valueCategory, Usage: "append the elements of the JSON array in `FILE`, - for stdin"},
		&cli.StringSliceFlag{TakesFile: true, Name: "binary", Category: valueCategory, KeepSpace: true, Usage: "append the bytes of `FILE`, - for stdin, as binary; repeatable"},
	}
}

// values returns the arguments of the event: the ARGs, then the elements of
// --args, then the content of each --binary.
func values(c *cli.Context, words []string, stdin io.Reader) ([]any, error) {
	var args []any
	for _, word := range words {
		args = append(args, value(word, c.Bool("string")))
	}
	files := inputs{ctx: c.Context, stdin: stdin}
	if c.IsSet("args") {
		text, err := files.read("--args", c.String("args"))
		if err != nil {
			return nil, err
		}
		elements, err := jsonArray(text)
		if err != nil {
			return nil, usageError{fmt.Errorf("--args %s: %w", c.String("args"), err)}
		}
		args = append(args, elements...)
	}
	for _, name := range c.StringSlice("binary") {
		data, err := files.read("--binary", name)
		if err != nil {
			return nil, err
		}
		args = append(args, data)
	}
	return args, nil
}

// value takes a word as JSON when it parses as JSON, as a string otherwise.
func value(word string, text bool) any {
	if !text && json.Valid([]byte(word)) {
		return encoding.TaggedJSON(word)
	}
	return word
}

func jsonArray(text []byte) ([]any, error) {
	var elements []json.RawMessage
	err := json.Unmarshal(text, &elements)
	if !json.Valid(text) {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	if text = bytes.TrimSpace(text); text[0] != '[' {
		return nil, fmt.Errorf(`a JSON array is expected, such as [1,"two"], not %s`, shorten(text))
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
	used  string // the flag that has read stdin
}

func (in *inputs) read(flag, name string) ([]byte, error) {
	if name != "-" {
		data, err := unlessDone(in.ctx, func() ([]byte, error) { return os.ReadFile(name) })
		if err != nil {
			return nil, usageError{fmt.Errorf("%s: %w", flag, err)}
		}
		return data, nil
	}
	if in.used != "" {
		return nil, usageError{fmt.Errorf("%s -: stdin has been read by %s already", flag, in.used)}
	}
	in.used = flag
	data, err := unlessDone(in.ctx, func() ([]byte, error) { return io.ReadAll(in.stdin) })
	if err != nil {
		return nil, usageError{fmt.Errorf("%s -: %w", flag, err)}
	}
	return data, nil
}

// unlessDone returns what read returns, or the error of ctx once that is done:
// Ctrl-C does not interrupt the reading of a pipe.
func unlessDone[T any](ctx context.Context, read func() (T, error)) (T, error) {
	var result T
	var err error
	done := make(chan struct{})
	go func() {
		result, err = read()
		close(done)
	}()
	select {
	case <-done:
		return result, err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
