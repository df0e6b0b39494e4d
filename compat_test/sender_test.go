package compat_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sioemit/sioemit/emitter"
)

// message is one event and where it is to go, independent of who sends it.
type message struct {
	namespace     string // "" is "/"
	rooms         []string
	except        []string
	numbers       []float64 // rooms that are numbers
	exceptNumbers []float64
	volatile      bool
	compress      *bool
	event         string
	args          []any // what encoding/json decodes to, and []byte
}

// sender is a way to send: the library, the command and the emitters in other languages have to keep the same promises.
type sender interface {
	name() string
	send(context.Context, message) error
	// sendAll sends many messages at once, in the way that is meant for it.
	sendAll(context.Context, []message) error
	// refusal returns nil when err says that the message was refused, before anything was sent, because of target.
	refusal(err, target error) error
}

func senders(t *testing.T, c *cluster) []sender {
	t.Helper()
	rdb := c.connect(t)
	path, err := command.build()
	if err != nil {
		t.Fatal(err)
	}
	all := []sender{
		library{emitter.New(rdb, c.row.options()...)},
		commandLine{path: path, flags: append([]string{"--redis", c.url}, c.row.flags()...), dir: t.TempDir()},
	}
	if c.row.everyLanguage {
		all = append(all, driverSenders(t, c)...)
	}
	return all
}

// library is the Go package.
type library struct{ io *emitter.Emitter }

func (library) name() string { return "library" }

func (l library) send(ctx context.Context, m message) error { return emit(ctx, l.io, m) }

func (l library) sendAll(ctx context.Context, messages []message) error {
	return l.io.Pipelined(ctx, func(io *emitter.Emitter) error {
		for _, m := range messages {
			if err := emit(ctx, io, m); err != nil {
				return err
			}
		}
		return nil
	})
}

func (library) refusal(err, target error) error {
	if !errors.Is(err, target) {
		return fmt.Errorf("got %v, want the error %q", err, target)
	}
	return nil
}

// emit makes only the calls that the message asks for, so that what is left out is tested as well.
func emit(ctx context.Context, io *emitter.Emitter, m message) error {
	op := io.Of("/")
	if m.namespace != "" {
		op = op.Of(m.namespace)
	}
	for i, room := range m.rooms {
		if i%2 == 0 {
			op = op.To(room)
		} else {
			op = op.In(room)
		}
	}
	if len(m.numbers) > 0 {
		op = op.ToNumber(m.numbers...)
	}
	op = op.Except(m.except...).ExceptNumber(m.exceptNumbers...)
	if m.volatile {
		op = op.Volatile()
	}
	if m.compress != nil {
		op = op.Compress(*m.compress)
	}
	return op.Emit(ctx, m.event, m.args...)
}

// commandLine is the command: `emit` for one message, `pipe` for many.
type commandLine struct {
	path  string
	flags []string
	dir   string // for files that it is given
}

func (commandLine) name() string { return "command" }

// maxArg is less than Linux allows for a single argument (128 KiB).
const maxArg = 64 << 10

// send uses `emit`, with the arguments wherever they fit: as words, as a JSON array on standard input when they
// are long, and in files when the last ones are binary.
func (c commandLine) send(ctx context.Context, m message) error {
	args := m.args
	var binary []string
	for len(args) > 0 {
		data, ok := args[len(args)-1].([]byte)
		if !ok {
			break
		}
		path := filepath.Join(c.dir, fmt.Sprintf("%d.bin", len(args)))
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return err
		}
		binary = append([]string{"--binary", path}, binary...)
		args = args[:len(args)-1]
	}

	line := []string{"emit"}
	if m.namespace != "" {
		line = append(line, "--namespace="+m.namespace)
	}
	// A socket id may begin with "-", so the value belongs to the same word.
	for _, room := range m.rooms {
		line = append(line, "--room="+room)
	}
	for _, room := range m.except {
		line = append(line, "--except="+room)
	}
	for _, n := range m.numbers {
		line = append(line, "--room-number", fmt.Sprint(n))
	}
	for _, n := range m.exceptNumbers {
		line = append(line, "--except-number", fmt.Sprint(n))
	}
	if m.volatile {
		line = append(line, "--volatile")
	}
	if m.compress != nil {
		line = append(line, fmt.Sprintf("--compress=%t", *m.compress))
	}
	line = append(line, binary...)

	var words []string
	long := false
	for _, arg := range args {
		text, err := json.Marshal(asJSON(arg))
		if err != nil {
			return err
		}
		words = append(words, string(text))
		long = long || len(text) > maxArg
	}
	if long || len(words) > 50 {
		line = append(line, "--args", "-", "--", m.event)
		return c.run(ctx, "["+strings.Join(words, ",")+"]", line...)
	}
	line = append(line, "--", m.event)
	return c.run(ctx, "", append(line, words...)...)
}

// sendAll uses `pipe`, with a line for each message.
func (c commandLine) sendAll(ctx context.Context, messages []message) error {
	var lines bytes.Buffer
	encoder := json.NewEncoder(&lines) // which ends each value with a newline
	for _, m := range messages {
		if err := encoder.Encode(struct {
			Event     string `json:"event"`
			Args      any    `json:"args"`
			Namespace string `json:"namespace,omitempty"`
			Rooms     []any  `json:"rooms,omitempty"`
			Except    []any  `json:"except,omitempty"`
			Volatile  bool   `json:"volatile,omitempty"`
			Compress  *bool  `json:"compress,omitempty"`
		}{m.event, asJSON(m.args), m.namespace, mixed(m.rooms, m.numbers), mixed(m.except, m.exceptNumbers), m.volatile, m.compress}); err != nil {
			return err
		}
	}
	return c.run(ctx, lines.String(), "pipe", "--quiet")
}

func mixed(names []string, numbers []float64) []any {
	var list []any
	for _, name := range names {
		list = append(list, name)
	}
	for _, n := range numbers {
		list = append(list, n)
	}
	return list
}

func (c commandLine) run(ctx context.Context, stdin string, args ...string) error {
	_, err := c.output(ctx, stdin, args...)
	return err
}

// output runs the command. The error holds what it wrote to stderr.
func (c commandLine) output(ctx context.Context, stdin string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, c.path, append(append([]string{}, c.flags...), args...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute // then it is killed
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = environment()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.Bytes(), fmt.Errorf("sioemit %.200q: %w\n%s", args, err, stderr.String())
	}
	return stdout.Bytes(), nil
}

// environment is this process's without what the command reads: what the caller has set must not change what is tested.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool {
		return strings.HasPrefix(variable, "SIOEMIT_") || strings.HasPrefix(variable, "REDIS_URL=")
	})
}

func (commandLine) refusal(err, target error) error { return exited(err, 2, target.Error()) }

// asJSON writes binary the way that clients.js and sioemit have it in JSON.
func asJSON(value any) any {
	switch v := value.(type) {
	case []byte:
		return map[string]any{"$binary": base64.StdEncoding.EncodeToString(v)}
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = asJSON(item)
		}
		return list
	case map[string]any:
		object := make(map[string]any, len(v))
		for k, item := range v {
			object[k] = asJSON(item)
		}
		return object
	}
	return value
}
