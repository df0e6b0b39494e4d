package compat_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/sioemit/sioemit/emitter"
)

// whom says who is asked or steered, independent of who does it.
type whom struct {
	namespace string // "" is "/"
	rooms     []string
	except    []string
	timeout   time.Duration // 0: none but that of the test
}

// asker is a way to ask and to steer servers: as with senders, the library and the command have to keep the same promises.
type asker interface {
	name() string
	emitWithAck(ctx context.Context, w whom, event string, args ...any) (acks, error)
	serverSideEmit(ctx context.Context, w whom, event string, args ...any) error
	serverSideEmitWithAck(ctx context.Context, w whom, event string, args ...any) ([]answer, error)
	fetchSockets(context.Context, whom) ([]socket, error)
	rooms(context.Context, whom) ([]string, error)
	serverCount(context.Context, whom) (int, error)
	join(ctx context.Context, w whom, rooms ...string) error
	leave(ctx context.Context, w whom, rooms ...string) error
	disconnect(ctx context.Context, w whom, close bool) error

	// incomplete returns nil when err says exactly so much of what is missing.
	incomplete(err error, want emitter.IncompleteError) error
	// failed returns nil when err comes of target, one of the errors of package emitter.
	failed(err, target error) error
}

// answer is what a client or a server answered.
type answer interface{ Decode(v any) error }

type acks struct {
	values           []answer
	clients, servers int
	perServer        []int // nil where it is not told
}

type socket struct {
	id        string
	rooms     []string // with its own id
	data      answer
	handshake emitter.Handshake
}

func (l library) operator(w whom) *emitter.BroadcastOperator {
	op := l.io.Of("/")
	if w.namespace != "" {
		op = op.Of(w.namespace)
	}
	for _, room := range w.rooms {
		op = op.To(room)
	}
	if w.timeout != 0 {
		op = op.Timeout(w.timeout)
	}
	return op.Except(w.except...)
}

func answers(values []emitter.Value) []answer {
	list := make([]answer, len(values))
	for i, value := range values {
		list[i] = value
	}
	return list
}

func (l library) emitWithAck(ctx context.Context, w whom, event string, args ...any) (acks, error) {
	got, err := l.operator(w).EmitWithAck(ctx, event, args...)
	return acks{answers(got.Values), got.Clients, got.Servers, got.PerServer}, err
}

func (l library) serverSideEmit(ctx context.Context, w whom, event string, args ...any) error {
	return l.operator(w).ServerSideEmit(ctx, event, args...)
}

func (l library) serverSideEmitWithAck(ctx context.Context, w whom, event string, args ...any) ([]answer, error) {
	got, err := l.operator(w).ServerSideEmitWithAck(ctx, event, args...)
	return answers(got), err
}

func (l library) fetchSockets(ctx context.Context, w whom) ([]socket, error) {
	got, err := l.operator(w).FetchSockets(ctx)
	list := make([]socket, len(got))
	for i, s := range got {
		list[i] = socket{s.ID, s.Rooms, s.Data, s.Handshake}
	}
	return list, err
}

func (l library) rooms(ctx context.Context, w whom) ([]string, error) {
	return l.operator(w).Rooms(ctx)
}

func (l library) serverCount(ctx context.Context, w whom) (int, error) {
	return l.operator(w).ServerCount(ctx)
}

func (l library) join(ctx context.Context, w whom, rooms ...string) error {
	return l.operator(w).SocketsJoin(ctx, rooms...)
}

func (l library) leave(ctx context.Context, w whom, rooms ...string) error {
	return l.operator(w).SocketsLeave(ctx, rooms...)
}

func (l library) disconnect(ctx context.Context, w whom, close bool) error {
	return l.operator(w).DisconnectSockets(ctx, close)
}

func (library) incomplete(err error, want emitter.IncompleteError) error {
	var got *emitter.IncompleteError
	if !errors.As(err, &got) || !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("got %w, want an IncompleteError", err)
	}
	if want.Err = got.Err; *got != want {
		return fmt.Errorf("got %+v, want %+v", *got, want)
	}
	return nil
}

func (library) failed(err, target error) error {
	if !errors.Is(err, target) {
		return fmt.Errorf("got %v, want the error %q", err, target)
	}
	return nil
}

// The command, by what it prints as JSON.

// taggedAnswer is an answer in which binary is {"$binary": base64}.
type taggedAnswer json.RawMessage

func (a taggedAnswer) Decode(v any) error {
	var tagged any
	decoder := json.NewDecoder(bytes.NewReader(a))
	decoder.UseNumber()
	if err := decoder.Decode(&tagged); err != nil {
		return err
	}
	text, err := json.Marshal(untagged(tagged))
	if err != nil {
		return err
	}
	return json.Unmarshal(text, v)
}

// untagged leaves the base64 of binary, which is what encoding/json reads into []byte.
func untagged(value any) any {
	switch v := value.(type) {
	case []any:
		for i, item := range v {
			v[i] = untagged(item)
		}
	case map[string]any:
		if data, ok := v["$binary"]; ok && len(v) == 1 {
			return data
		}
		for k, item := range v {
			v[k] = untagged(item)
		}
	}
	return value
}

func taggedAnswers(texts []json.RawMessage) []answer {
	list := make([]answer, len(texts))
	for i, text := range texts {
		list[i] = taggedAnswer(text)
	}
	return list
}

// line is the name of a command and its flags. A socket id may begin with "-", so the value belongs to the same word.
func (w whom) line(command string, more ...string) []string {
	line := append([]string{command}, more...)
	if w.namespace != "" {
		line = append(line, "--namespace="+w.namespace)
	}
	for _, room := range w.rooms {
		line = append(line, "--room="+room)
	}
	for _, room := range w.except {
		line = append(line, "--except="+room)
	}
	timeout := w.timeout
	if timeout == 0 {
		timeout = deadline
	}
	return append(line, "--timeout="+timeout.String())
}

// words are arguments that follow the name of an event.
func words(event string, args []any) ([]string, error) {
	list := []string{"--", event}
	for _, arg := range args {
		text, err := json.Marshal(asJSON(arg))
		if err != nil {
			return nil, err
		}
		list = append(list, string(text))
	}
	return list, nil
}

// ask runs the command and reads what it prints into v, also when it fails, since it prints what came.
func (c commandLine) ask(ctx context.Context, v any, line ...string) error {
	out, err := c.output(ctx, "", line...)
	if len(out) > 0 {
		if jsonErr := json.Unmarshal(out, v); jsonErr != nil {
			return fmt.Errorf("%w in %.200q, %w", jsonErr, out, err)
		}
	} else if err == nil {
		return fmt.Errorf("sioemit %.200q prints nothing", line)
	}
	return err
}

func (c commandLine) emitWithAck(ctx context.Context, w whom, event string, args ...any) (acks, error) {
	list, err := words(event, args)
	if err != nil {
		return acks{}, err
	}
	var got struct {
		Acks             []json.RawMessage
		Clients, Servers int
	}
	err = c.ask(ctx, &got, append(w.line("emit", "--ack", "--json"), list...)...)
	return acks{values: taggedAnswers(got.Acks), clients: got.Clients, servers: got.Servers}, err
}

func (c commandLine) serverSideEmit(ctx context.Context, w whom, event string, args ...any) error {
	list, err := words(event, args)
	if err != nil {
		return err
	}
	return c.run(ctx, "", append(w.line("server-emit"), list...)...)
}

func (c commandLine) serverSideEmitWithAck(ctx context.Context, w whom, event string, args ...any) ([]answer, error) {
	list, err := words(event, args)
	if err != nil {
		return nil, err
	}
	var got struct{ Answers []json.RawMessage }
	err = c.ask(ctx, &got, append(w.line("server-emit", "--ack", "--json"), list...)...)
	return taggedAnswers(got.Answers), err
}

func (c commandLine) fetchSockets(ctx context.Context, w whom) ([]socket, error) {
	out, err := c.output(ctx, "", w.line("sockets", "--json", "--handshake")...)
	var list []socket
	for line := range bytes.Lines(out) {
		var s struct {
			ID        string
			Rooms     []string
			Data      json.RawMessage
			Handshake emitter.Handshake
		}
		if err := json.Unmarshal(line, &s); err != nil {
			return nil, fmt.Errorf("%w in %.200q", err, line)
		}
		// The room of its own id is left out.
		list = append(list, socket{s.ID, append(s.Rooms, s.ID), taggedAnswer(s.Data), s.Handshake})
	}
	return list, err
}

func (c commandLine) rooms(ctx context.Context, w whom) (rooms []string, err error) {
	out, err := c.output(ctx, "", w.line("rooms", "--names", "--json")...)
	for line := range bytes.Lines(out) {
		var listed struct{ Room string }
		if err := json.Unmarshal(line, &listed); err != nil {
			return nil, fmt.Errorf("%w in %.200q", err, line)
		}
		rooms = append(rooms, listed.Room)
	}
	return rooms, err
}

func (c commandLine) serverCount(ctx context.Context, w whom) (int, error) {
	var got struct{ Servers int }
	err := c.ask(ctx, &got, w.line("servers", "--json")...)
	return got.Servers, err
}

func (c commandLine) join(ctx context.Context, w whom, rooms ...string) error {
	return c.steer(ctx, w, "join", append([]string{"--"}, rooms...)...)
}

func (c commandLine) leave(ctx context.Context, w whom, rooms ...string) error {
	return c.steer(ctx, w, "leave", append([]string{"--"}, rooms...)...)
}

func (c commandLine) disconnect(ctx context.Context, w whom, close bool) error {
	return c.steer(ctx, w, "disconnect", slices.Repeat([]string{"--close"}, map[bool]int{true: 1}[close])...)
}

func (c commandLine) steer(ctx context.Context, w whom, command string, rest ...string) error {
	line := w.line(command)
	if len(w.rooms) == 0 {
		line = append(line, "--all")
	}
	return c.run(ctx, "", append(line, rest...)...)
}

func (commandLine) incomplete(err error, want emitter.IncompleteError) error {
	texts := []string{fmt.Sprintf("%d of %d servers answered", want.Servers, want.Asked)}
	if want.Expected > 0 {
		texts = append(texts, fmt.Sprintf(", %d of %d clients", want.Clients, want.Expected))
	}
	if want.Needs != "" {
		texts = append(texts, "; servers answer this with "+want.Needs)
	}
	return exited(err, 4, strings.Join(texts, ""))
}

func (commandLine) failed(err, target error) error {
	text := target.Error()
	switch {
	case errors.Is(target, emitter.ErrNoServers):
		text = "no server listens there"
	case errors.Is(target, context.Canceled):
		return exited(err, 130, "interrupted")
	}
	return exited(err, 1, text)
}

// exited returns nil when err says that a process ended with that status, and wrote the text.
func exited(err error, status int, text string) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != status || !strings.Contains(err.Error(), text) {
		return fmt.Errorf("got %w, want exit status %d with %q", err, status, text)
	}
	return nil
}
