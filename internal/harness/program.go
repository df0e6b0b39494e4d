package harness

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ProgramConfig says how to run a program that serves HTTP on one port of 127.0.0.1, such as a load balancer.
type ProgramConfig struct {
	Name string // for error messages
	// Command makes the arguments, the program's name first, for a port and a temporary folder of its own.
	Command func(port int, dir string) ([]string, error)
	Env     []string // besides the environment of this process; $PORT is the port
	Package string   // the Debian package that the program comes from
}

// Program is such a program, running.
type Program struct {
	URL  string // http://127.0.0.1:port
	Port int

	proc *process
	dir  string
}

// programGrace is how long a program may take to end: httpd gives its own children ten seconds.
const programGrace = 10*time.Second + stopGrace

// StartProgram starts the program and returns once it accepts connections.
func StartProgram(ctx context.Context, config ProgramConfig) (*Program, error) {
	dir, err := os.MkdirTemp("", "sioemit-program-")
	if err != nil {
		return nil, err
	}
	p := &Program{dir: dir}
	// A port may be taken between the kernel naming it and the program listening on it.
	for range 5 {
		err = p.run(ctx, config)
		if err == nil {
			return p, nil
		}
		if text := err.Error(); !strings.Contains(text, "in use") && !strings.Contains(text, "EADDRINUSE") {
			break
		}
	}
	os.RemoveAll(dir)
	return nil, err
}

func (p *Program) run(ctx context.Context, config ProgramConfig) error {
	ports, err := freePorts(1)
	if err != nil {
		return err
	}
	p.Port = ports[0]
	p.URL = "http://127.0.0.1:" + strconv.Itoa(p.Port)
	args, err := config.Command(p.Port, p.dir)
	if err != nil {
		return err
	}
	path, err := FindProgram(args[0], config.Package)
	if err != nil {
		return err
	}
	cmd := endGently(append([]string{path}, args[1:]...))
	cmd.Dir = p.dir
	cmd.Env = append(append(os.Environ(), config.Env...), "PORT="+strconv.Itoa(p.Port))
	output := new(tail)
	p.proc, err = startProcess(config.Name, cmd, func(line []byte) {
		_, _ = output.Write(append(line, '\n')) // never fails
	})
	if err != nil {
		return err
	}
	for {
		if p.accepts(ctx) && p.proc.running() {
			return nil
		}
		if !p.proc.running() {
			return fmt.Errorf("%w\n%s", p.proc.failure(), output)
		}
		if err := pause(ctx); err != nil {
			return errors.Join(fmt.Errorf("%s does not accept connections: %w\n%s\n%s",
				config.Name, err, output, p.proc.stderr), p.stop())
		}
	}
}

func (p *Program) accepts(ctx context.Context) bool {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(p.Port)))
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// endGently makes the command for the arguments. A server that has worker processes (nginx, httpd) is not to be
// killed when this process dies, which is what startProcess arranges, but asked to end: killed, it would leave
// its workers behind. setpriv, from util-linux, arranges that.
func endGently(args []string) *exec.Cmd {
	if runtime.GOOS == "linux" {
		args = append([]string{"setpriv", "--pdeathsig", "TERM"}, args...)
	}
	return exec.Command(args[0], args[1:]...)
}

// FindProgram looks for a program in $PATH and where Debian keeps servers. When it is missing, the error says
// what to install: a test that needs it fails, it is never skipped.
func FindProgram(name, pkg string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil {
		return path, nil
	}
	if path = filepath.Join("/usr/sbin", name); !strings.Contains(name, "/") {
		if _, statErr := os.Stat(path); statErr == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%w; to install it: apt-get install --no-install-recommends %s", err, pkg)
}

// Stderr is the end of what the program wrote to its standard error.
func (p *Program) Stderr() string { return p.proc.stderr.String() }

func (p *Program) stop() error {
	if err := p.proc.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("%s: %w", p.proc.name, err)
	}
	select {
	case <-p.proc.done:
		p.proc.stdin.Close()
		return nil
	case <-time.After(programGrace):
		_ = p.proc.cmd.Process.Kill() // it fails only when the process has ended already
		select {
		case <-p.proc.done:
			p.proc.stdin.Close()
		case <-time.After(stopGrace): // workers that outlive it keep its output open
		}
		return fmt.Errorf("%s did not end within %v and was killed\n%s", p.proc.name, programGrace, p.proc.stderr)
	}
}

// Close asks the program to end, waits until it and the processes that it started have, and removes its files.
// It is an error when the program had ended before: nobody asked it to.
func (p *Program) Close() error {
	if !p.proc.running() {
		return errors.Join(p.proc.failure(), os.RemoveAll(p.dir))
	}
	return errors.Join(p.stop(), os.RemoveAll(p.dir))
}

// Output runs a program to its end and returns everything that it printed.
func Output(ctx context.Context, pkg string, command ...string) (string, error) {
	path, err := FindProgram(command[0], pkg)
	if err != nil {
		return "", err
	}
	output, err := exec.CommandContext(ctx, path, command[1:]...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%q: %w\n%s", command, err, output)
	}
	return string(output), nil
}
