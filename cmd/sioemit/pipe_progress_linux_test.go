package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/harness"
	"golang.org/x/sys/unix"
)

// openTerminal returns both ends of a pseudo-terminal.
func openTerminal(t *testing.T) (screen, terminal *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { screen.Close() })
	if err := unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminal.Close() })
	return screen, terminal
}

// TestPipeProgress has stderr be a terminal: the bar counts what is sent, makes
// room for messages, and is gone at the end.
func TestPipeProgress(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	screen, terminal := openTerminal(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // its end ends the reading
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "pipe", "--redis", server.URL())
	cmd.Env = []string{runMain + "=1"}
	cmd.Stderr = terminal
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	terminal.Close()
	var shown strings.Builder
	await := func(text string) {
		t.Helper()
		buffer := make([]byte, 4096)
		for !strings.Contains(shown.String(), text) {
			n, err := screen.Read(buffer)
			if err != nil {
				t.Fatalf("%v: no %q in %q", err, text, shown.String())
			}
			shown.Write(buffer[:n])
		}
	}
	if _, err := io.WriteString(stdin, numbered(2)); err != nil {
		t.Fatal(err)
	}
	await("2 lines, ")
	if _, err := io.WriteString(stdin, "bad\n"); err != nil {
		t.Fatal(err)
	}
	await("\rsioemit: line 3: ")
	stdin.Close()
	await("\rsioemit: 3 lines: 2 sent, 1 rejected, 0 not sent\r\n")
	await("1 of 3 lines rejected")
	_ = cmd.Wait() // the status is looked at
	if cmd.ProcessState.ExitCode() != commandline.StatusUsage {
		t.Errorf("status %d", cmd.ProcessState.ExitCode())
	}
}
