package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sioemit/sioemit/internal/harness"
)

// hearing is a run of the command that goes on while the test does.
type hearing struct {
	cmd   *exec.Cmd
	lines chan string // of stdout; closed at its end

	mu     sync.Mutex
	stderr bytes.Buffer
	heard  chan struct{} // gets something whenever stderr has grown
	ended  chan struct{}
}

// Write takes what the command writes to stderr.
func (h *hearing) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	select {
	case h.heard <- struct{}{}:
	default:
	}
	return h.stderr.Write(b)
}

func (h *hearing) said() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.stderr.String()
}

// startListen runs "sioemit listen" and returns once it says that it listens.
func startListen(t *testing.T, url string, words ...string) *hearing {
	t.Helper()
	h := &hearing{lines: make(chan string, 1<<16), heard: make(chan struct{}, 1), ended: make(chan struct{})}
	h.cmd = exec.Command(os.Args[0], inTime(nil, append([]string{"listen"}, words...))...)
	h.cmd.Env = []string{runMain + "=1", "GORACE=atexit_sleep_ms=0", "SIOEMIT_REDIS_URL=" + url, "PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	h.cmd.Stderr = h
	stdout, err := h.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		in := bufio.NewReader(stdout)
		for {
			text, err := in.ReadString('\n')
			if text != "" {
				h.lines <- strings.TrimSuffix(text, "\n")
			}
			if err != nil {
				break
			}
		}
		close(h.lines)
		_ = h.cmd.Wait() // the status is looked at by end
		close(h.ended)
	}()
	t.Cleanup(func() {
		_ = h.cmd.Process.Kill() // it fails when the process has ended
		<-h.ended
	})
	h.awaitNotice(t, "sioemit: listening on ")
	return h
}

// startHearing runs the command with stdout as its output.
func startHearing(t *testing.T, env []string, stdout *os.File, words ...string) *hearing {
	t.Helper()
	h := &hearing{cmd: exec.CommandContext(t.Context(), os.Args[0], inTime(nil, words)...), heard: make(chan struct{}, 1), ended: make(chan struct{})}
	h.cmd.Env = append([]string{runMain + "=1"}, env...)
	h.cmd.Stdout, h.cmd.Stderr = stdout, h
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = h.cmd.Wait() // the status is looked at by end
		close(h.ended)
	}()
	return h
}

// awaitNotice waits until stderr holds text.
func (h *hearing) awaitNotice(t *testing.T, text string) {
	t.Helper()
	h.awaitNotices(t, text, 1)
}

// awaitNotices waits until stderr holds text so many times.
func (h *hearing) awaitNotices(t *testing.T, text string, times int) {
	t.Helper()
	deadline := time.After(time.Minute)
	for strings.Count(h.said(), text) < times {
		select {
		case <-h.heard:
		case <-h.ended:
			if strings.Count(h.said(), text) < times {
				t.Fatalf("listen ended without saying %q: %s", text, h.said())
			}
		case <-deadline:
			t.Fatalf("listen did not say %q: %s", text, h.said())
		}
	}
}

// next returns the next line of stdout.
func (h *hearing) next(t *testing.T) string {
	t.Helper()
	select {
	case text, ok := <-h.lines:
		if !ok {
			t.Fatalf("listen has ended: %s", h.said())
		}
		return text
	case <-time.After(time.Minute):
		t.Fatalf("no line came: %s", h.said())
	}
	return ""
}

// until returns the lines up to the one that contains text, without it.
func (h *hearing) until(t *testing.T, text string) []string {
	t.Helper()
	var lines []string
	for {
		line := h.next(t)
		if strings.Contains(line, text) {
			return lines
		}
		lines = append(lines, line)
	}
}

// end waits for the end and returns the exit status.
func (h *hearing) end(t *testing.T) int {
	t.Helper()
	select {
	case <-h.ended:
	case <-time.After(time.Minute):
		t.Fatalf("listen did not end: %s", h.said())
	}
	return h.cmd.ProcessState.ExitCode()
}

func (h *hearing) interrupt(t *testing.T) {
	t.Helper()
	if err := h.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
}

// speak runs an official server that says something; see testdata/speak.js. It
// returns what the server learned.
func speak(t *testing.T, server string, adapter harness.Adapter, conn harness.RedisConn, say string) json.RawMessage {
	t.Helper()
	dir, err := harness.NodeModules()
	if err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs("testdata/speak.js")
	if err != nil {
		t.Fatal(err)
	}
	config, err := json.Marshal(map[string]any{"server": server, "adapter": adapter, "redis": conn, "say": say})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", script, dir, string(config))
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	return out
}
