package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// patience is how long a driver may take for one line, its start included,
// which may compile it.
const patience = 2 * time.Minute

// hello is the first line of a driver.
type hello struct {
	Language string   `json:"language"`
	Variant  string   `json:"variant"`
	Version  string   `json:"version"`
	Features []string `json:"features"`
}

// missing returns which of the features the driver does not have.
func (h *hello) missing(features []string) []string {
	return slices.DeleteFunc(features, func(f string) bool { return slices.Contains(h.Features, f) })
}

// ask is a line to a driver.
type ask struct {
	ID       int             `json:"id"`
	Redis    string          `json:"redis"`
	Cluster  bool            `json:"cluster"`
	Options  json.RawMessage `json:"options,omitempty"`
	Pipeline []Step          `json:"pipeline,omitzero"`
	Step
}

// answer is a line from a driver.
type answer struct {
	ID      int             `json:"id"`
	OK      bool            `json:"ok"`
	Result  json.RawMessage `json:"result"`
	Error   string          `json:"error"`
	Message string          `json:"message"`
	Skip    string          `json:"skip"`
}

// driver is the program through which the runner calls an emitter.
type driver struct {
	hello
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	lines  chan []byte // closed at the end of its output
	stderr *bytes.Buffer
	id     int
}

// variants returns what a driver prints with --list.
func variants(ctx context.Context, path string) ([]string, error) {
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

// startDriver starts a variant of a driver and reads its first line.
func startDriver(ctx context.Context, path, variant string) (*driver, error) {
	d := &driver{cmd: exec.CommandContext(ctx, path, variant), lines: make(chan []byte), stderr: new(bytes.Buffer)}
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
		err = json.Unmarshal(line, &d.hello)
	}
	if err == nil && (d.Language == "" || d.Variant != variant) {
		err = fmt.Errorf("it says language %q, variant %q in its first line", d.Language, d.Variant)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("driver %s %s: %w", path, variant, err), d.close())
	}
	return d, nil
}

func (d *driver) read() ([]byte, error) {
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

// call has the driver make a call and returns what it says of it.
func (d *driver) call(a ask) (*answer, error) {
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
	out := new(answer)
	if err := json.Unmarshal(line, out); err != nil {
		return nil, fmt.Errorf("the driver answered %.200q: %w", line, err)
	}
	if out.ID != a.ID {
		return nil, fmt.Errorf("the driver answered call %d with the id %d", a.ID, out.ID)
	}
	return out, nil
}

// close ends the driver by the end of its input, which has to be enough.
func (d *driver) close() error {
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
