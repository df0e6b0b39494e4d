// Package driver starts the program through which an emitter in any language is
// called, and speaks to it: a line of JSON for each call, a line for each answer.
// docs/conformance.md says how such a program is written.
package driver

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"
)

// patience is how long a driver may take for one line, its start included,
// which may compile it.
const patience = 2 * time.Minute

// Hello is the first line of a driver.
type Hello struct {
	Language string   `json:"language"`
	Variant  string   `json:"variant"`
	Version  string   `json:"version"`
	Features []string `json:"features"`
}

// Missing returns which of the features the driver does not have.
func (h *Hello) Missing(features []string) []string {
	return slices.DeleteFunc(features, func(f string) bool { return slices.Contains(h.Features, f) })
}

// Call is a line to a driver: one step, several at the same time, or one after the other
// on the same emitter.
type Call struct {
	ID      int             `json:"id"`
	Redis   string          `json:"redis"`
	Cluster bool            `json:"cluster"`
	Options json.RawMessage `json:"options,omitempty"`
	Step
	After    *Step  `json:"after,omitempty"` // the pipeline's end
	Together []Step `json:"together,omitzero"`
	Sequence []Step `json:"sequence,omitzero"`
}

// Step is one call with its target, or a pipeline of them.
type Step struct {
	Chain    json.RawMessage `json:"chain,omitempty"`
	Call     json.RawMessage `json:"call,omitempty"`
	Pipeline []Step          `json:"pipeline,omitzero"`
}

// Name is that of the method that the step calls.
func (s *Step) Name() string {
	var words []json.RawMessage
	var name string
	if json.Unmarshal(s.Call, &words) != nil || len(words) == 0 || json.Unmarshal(words[0], &name) != nil {
		return ""
	}
	return name
}

// Answer is a line from a driver.
type Answer struct {
	ID      int             `json:"id"`
	OK      bool            `json:"ok"`
	Result  json.RawMessage `json:"result"`
	Error   string          `json:"error"`
	Message string          `json:"message"`
	Missing map[string]int  `json:"missing"` // of an incomplete result
	Skip    string          `json:"skip"`
}

// Driver is a running driver.
type Driver struct {
	Hello
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	lines  chan []byte // closed at the end of its output
	stderr *stderr
	id     int
}

// Variants returns what a driver prints with --list.
func Variants(ctx context.Context, path string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, "--list").Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w\n%s", err, exit.Stderr)
		}
		return nil, fmt.Errorf("%s --list: %w", path, err)
	}
	names := strings.Fields(string(out))
	if len(names) == 0 {
		return nil, fmt.Errorf("%s --list names no variant", path)
	}
	return names, nil
}

// Start starts a variant of a driver and reads its first line.
func Start(ctx context.Context, path, variant string) (*Driver, error) {
	d := &Driver{cmd: exec.CommandContext(ctx, path, variant), lines: make(chan []byte), stderr: new(stderr)}
	d.cmd.Stderr = d.stderr
	var err error
	if d.stdin, err = d.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := d.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := d.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the driver: %w", err)
	}
	go func() {
		defer close(d.lines)
		in := bufio.NewReader(stdout)
		for {
			line, err := in.ReadBytes('\n')
			if err != nil {
				return
			}
			d.lines <- line
		}
	}()
	line, err := d.read()
	if err == nil {
		err = json.Unmarshal(line, &d.Hello)
	}
	if err == nil && (d.Language == "" || d.Variant != variant) {
		err = fmt.Errorf("it says language %q, variant %q in its first line", d.Language, d.Variant)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("driver %s %s: %w", path, variant, err), d.Close())
	}
	return d, nil
}

func (d *Driver) read() ([]byte, error) {
	select {
	case line, ok := <-d.lines:
		if !ok {
			return nil, fmt.Errorf("it ended\n%s", d.stderr)
		}
		return line, nil
	case <-time.After(patience):
		return nil, fmt.Errorf("it said nothing for %v\n%s", patience, d.stderr)
	}
}

// Call has the driver make a call and returns what it says of it.
func (d *Driver) Call(a Call) (*Answer, error) {
	d.id++
	a.ID = d.id
	line, err := json.Marshal(a)
	if err != nil {
		return nil, err
	}
	if _, err := d.stdin.Write(append(line, '\n')); err != nil {
		return nil, fmt.Errorf("write to the driver: %w\n%s", err, d.stderr)
	}
	if line, err = d.read(); err != nil {
		return nil, fmt.Errorf("driver: %w", err)
	}
	out := new(Answer)
	if err := json.Unmarshal(line, out); err != nil {
		return nil, fmt.Errorf("the driver answered %.200q: %w", line, err)
	}
	if out.ID != a.ID {
		return nil, fmt.Errorf("the driver answered call %d with the id %d", a.ID, out.ID)
	}
	return out, nil
}

// Close ends the driver by the end of its input, which has to be enough.
func (d *Driver) Close() error {
	d.stdin.Close()
	ended := time.AfterFunc(patience, func() { _ = d.cmd.Process.Kill() })
	defer ended.Stop()
	for range d.lines { // read to the end, or it would hang
	}
	if err := d.cmd.Wait(); err != nil {
		return fmt.Errorf("the driver ended with %w\n%s", err, d.stderr)
	}
	return nil
}

// stderr keeps what a driver says beside its answers. It is written while it is
// read.
type stderr struct {
	mu   sync.Mutex
	text []byte
}

// maxStderr is how much is kept of it, in bytes.
const maxStderr = 64 << 10

func (s *stderr) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if room := maxStderr - len(s.text); room > 0 {
		s.text = append(s.text, p[:min(len(p), room)]...)
	}
	return len(p), nil
}

func (s *stderr) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.text)
}
