package harness

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// stopGrace is how long a child may take to end by itself once it was asked to, on a machine that is busy with others.
const stopGrace = time.Minute

// process is a child process whose standard output is read line by line. Its standard input stays open until the
// process is to end; when this process dies, the pipe closes by itself, and the child ends too.
type process struct {
	name   string
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stderr *tail
	done   chan struct{} // closed once the process has ended and its output was read to the end
	err    error         // how it ended; set before done is closed
}

// startProcess starts cmd and calls onLine for each line of its standard output, one at a time.
func startProcess(name string, cmd *exec.Cmd, onLine func([]byte)) (*process, error) {
	p := &process{name: name, cmd: cmd, stderr: new(tail), done: make(chan struct{})}
	cmd.Stderr = p.stderr
	dieWithParent(cmd)
	var err error
	if p.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		defer close(p.done)
		r := bufio.NewReaderSize(stdout, 1<<20)
		for {
			line, err := r.ReadBytes('\n')
			if line = bytes.TrimSuffix(line, []byte("\n")); len(line) > 0 {
				onLine(line)
			}
			if err != nil {
				break
			}
		}
		p.err = cmd.Wait()
	}()
	return p, nil
}

// failure describes a process that ended when it should not have.
func (p *process) failure() error {
	how := "exit status 0"
	if p.err != nil {
		how = p.err.Error()
	}
	if text := p.stderr.String(); text != "" {
		how += "\n" + text
	}
	return fmt.Errorf("%s ended: %s", p.name, how)
}

// running tells whether the process has not ended yet.
func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// close ends the process by closing its standard input, and by force if that does not help.
func (p *process) close() error {
	p.stdin.Close()
	select {
	case <-p.done:
	case <-time.After(stopGrace):
		p.kill()
		return fmt.Errorf("%s did not end within %v and was killed\n%s", p.name, stopGrace, p.stderr)
	}
	if p.err != nil {
		var exit *exec.ExitError
		if errors.As(p.err, &exit) {
			return p.failure()
		}
		return fmt.Errorf("%s: %w", p.name, p.err)
	}
	return nil
}

// kill ends the process at once.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it fails only when the process has ended already
	<-p.done
	p.stdin.Close()
}

// interrupt asks the process to end, and returns once it has.
func (p *process) interrupt(sig os.Signal) error {
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	select {
	case <-p.done:
		p.stdin.Close()
		return nil
	case <-time.After(stopGrace):
		p.kill()
		return fmt.Errorf("%s did not end within %v of %v and was killed", p.name, stopGrace, sig)
	}
}

// tail keeps the end of what is written to it, for error messages.
type tail struct {
	mu   sync.Mutex
	data []byte
}

func (t *tail) Write(b []byte) (int, error) {
	const keep = 8 << 10
	t.mu.Lock()
	defer t.mu.Unlock()
	t.data = append(t.data, b...)
	if len(t.data) > 2*keep {
		t.data = append(t.data[:0], t.data[len(t.data)-keep:]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.data))
}
