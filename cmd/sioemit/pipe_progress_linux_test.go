package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
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

// TestPipeProgressSkips has the rate be that of what is sent: what --from-line skips
// takes time, and is none of it.
func TestPipeProgressSkips(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	screen, terminal := openTerminal(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "pipe", "--redis", server.URL(), "--from-line", "3")
	cmd.Env, cmd.Stderr = []string{runMain + "=1"}, terminal
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	terminal.Close()
	var shown string
	await := func(text string, times int) {
		t.Helper()
		buffer := make([]byte, 4096)
		for strings.Count(shown, text) < times {
			n, err := screen.Read(buffer)
			if err != nil {
				t.Fatalf("%v: not %d times %q in %q", err, times, text, shown)
			}
			shown += string(buffer[:n])
		}
	}
	if _, err := io.WriteString(stdin, numbered(2)); err != nil {
		t.Fatal(err)
	}
	await("skipping to line 3", 5) // it takes a second
	began := time.Now()
	if _, err := io.WriteString(stdin, numbered(1000)); err != nil {
		t.Fatal(err)
	}
	await("/s", 1+strings.Count(shown, "/s"))
	drawn := regexp.MustCompile(`(\d+) lines?, (\d+)/s`)
	for drawn.FindString(shown) == "" {
		await("/s", 1+strings.Count(shown, "/s"))
	}
	took := time.Since(began).Seconds()
	match := drawn.FindStringSubmatch(shown)
	lines, _ := strconv.ParseFloat(match[1], 64)
	rate, _ := strconv.ParseFloat(match[2], 64)
	if lines == 0 || rate < lines/took-1 {
		t.Errorf("%s, after %.3f s", match[0], took)
	}
	stdin.Close()
	_ = cmd.Wait() // the status is looked at
	if cmd.ProcessState.ExitCode() != commandline.StatusDone {
		t.Errorf("status %d: %q", cmd.ProcessState.ExitCode(), shown)
	}
}
