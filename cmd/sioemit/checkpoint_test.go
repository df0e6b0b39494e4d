package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/harness"
)

// checkpointOf returns the line that a checkpoint says is done, 0 where there is no
// file.
func checkpointOf(t *testing.T, path string) int64 {
	t.Helper()
	text, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return 0
	}
	var done struct{ Line int64 }
	if err == nil {
		err = json.Unmarshal(text, &done)
	}
	if err != nil {
		t.Fatalf("%v: %q", err, text)
	}
	return done.Line
}

// TestPipeCheckpointKilled kills pipe again and again, with a signal that it cannot
// see. No line is lost, and what is sent again begins behind the checkpoint.
func TestPipeCheckpointKilled(t *testing.T) {
	t.Parallel()
	c := startServed(t, 1, harness.V4, harness.RedisAdapter8, "", harness.RedisConfig{})
	const n = 20_000
	dir := t.TempDir()
	input, kept := filepath.Join(dir, "events.jsonl"), filepath.Join(dir, "checkpoint")
	write(t, input, numbered(n), 0o600)
	words := append(c.flags, "--checkpoint", kept, input)
	from := []int{1}
	for _, target := range []int64{1000, 5000, 9000} {
		p := startPipe(t, append(words, "--rate", "10k/s")...)
		await(t, func() bool { return checkpointOf(t, kept) >= target })
		if err := p.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if r := p.wait(); r.status != -1 || r.stdout != "" {
			t.Fatalf("it ended before it was killed: %+v", r)
		}
		from = append(from, int(checkpointOf(t, kept))+1)
	}
	r := sioemit(t, nil, "", append([]string{"pipe", "--json"}, words...)...)
	if s := r.summary(t); r.status != 0 || s.Lines != int64(n-from[3]+1) || s.Confirmed != s.Lines || checkpointOf(t, kept) != n {
		t.Fatalf("%+v", r)
	}
	if r := sioemit(t, nil, "", append(c.flags, "emit", "end")...); r.status != 0 {
		t.Fatalf("%+v", r)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := c.clients[0].Await(ctx, func(events []harness.Event) bool { return events[len(events)-1].Name == "end" }); err != nil {
		t.Fatal(err)
	}
	// In order, and after each kill from the line behind the checkpoint.
	expected, run := 1, 0
	for _, number := range numbersOf(t, c.clients[0]) {
		if number != expected && run+1 < len(from) && number == from[run+1] {
			run++
			expected = number
		}
		if number != expected {
			t.Fatalf("%d came in place of %d; the runs began with %d", number, expected, from)
		}
		expected++
	}
	if expected != n+1 {
		t.Errorf("the last number was %d", expected-1)
	}
}

// TestPipeCheckpointUnconfirmed stops the server in the middle: what Redis has taken
// for it is not done.
func TestPipeCheckpointUnconfirmed(t *testing.T) {
	t.Parallel()
	c := startServed(t, 1, harness.V4, harness.RedisAdapter8, "", harness.RedisConfig{})
	const n, before = 5000, 1000
	lines := numbered(n)
	_, rest, _ := strings.Cut(lines, fmt.Sprintf("[%d]}\n", before))
	kept := filepath.Join(t.TempDir(), "checkpoint")
	p := startPipe(t, append(c.flags, "--timeout", "3s", "--checkpoint", kept)...)
	if _, err := io.WriteString(p.stdin, strings.TrimSuffix(lines, rest)); err != nil {
		t.Fatal(err)
	}
	awaitEvents(t, c.clients[0], before)
	if err := c.nodes[0].Pause(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(p.stdin, rest); err != nil {
		t.Fatal(err)
	}
	p.stdin.Close()
	r := p.wait()
	done := checkpointOf(t, kept)
	if s := r.summary(t); r.status != commandline.StatusReplies || s.Sent <= before || done > before || s.FirstNotConfirmed == nil || *s.FirstNotConfirmed != done+1 {
		t.Errorf("%d are done: %+v", done, r)
	}
	r.oneLine(t, fmt.Sprintf("the same command continues with line %d", done+1))
	if err := c.nodes[0].Resume(); err != nil {
		t.Fatal(err)
	}
	r = sioemit(t, nil, lines, append(c.flags, "pipe", "--json", "--checkpoint", kept)...)
	if s := r.summary(t); r.status != 0 || s.Confirmed != n-done || checkpointOf(t, kept) != n {
		t.Errorf("%+v", r)
	}
}

// TestPipeCheckpoint has the same command run again and again, with inputs that grow,
// shrink, or are others.
func TestPipeCheckpoint(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	dir := t.TempDir()
	kept := filepath.Join(dir, "checkpoint")
	run := func(input string, words ...string) result {
		t.Helper()
		return sioemit(t, nil, input, append([]string{"pipe", "--redis", server.URL(), "--json", "--checkpoint", kept}, words...)...)
	}
	for _, step := range []struct {
		input string
		words []string
		lines int64 // that the run read behind the checkpoint
		done  int64
		said  string
	}{
		{numbered(3), nil, 3, 3, ""},
		{numbered(3), nil, 0, 3, ""},
		{numbered(5) + "\n\n", nil, 2, 5, ""},
		{numbered(4), nil, 0, 5, kept + " says that 5 lines are done, but the input has only 4: is it another input?"},
		{strings.Replace(numbered(6), "[5]", "[50]", 1), nil, 0, 5, "line 5 of the input is not the line that " + kept + " says was done last"},
		{numbered(6) + "bad\n", nil, 2, 7, "1 of 2 lines rejected"},
		{numbered(6) + "bad\n" + numbered(1), nil, 1, 8, ""},
		// A line at which the run stops is to be put right, and comes again.
		{numbered(6) + "bad\n" + numbered(2) + "bad\n" + numbered(1), []string{"--fail-fast"}, 2, 9, "1 of 2 lines rejected"},
		{numbered(6) + "bad\n" + numbered(2) + "bad\nbad\n" + numbered(1), []string{"--max-bad-lines", "2"}, 2, 9, "2 bad lines in a row: pipe needs one JSON object per line; --max-bad-lines 0 goes on after them"},
		{numbered(6) + "bad\n" + numbered(2) + numbered(2), nil, 2, 11, ""},
	} {
		r := run(step.input, step.words...)
		if want := commandline.StatusUsage; step.said != "" && r.status != want || step.said == "" && r.status != 0 || !strings.Contains(r.stderr, step.said) {
			t.Errorf("%q: %+v", step.input, r)
		}
		if s := r.summary(t); s.Lines != step.lines || checkpointOf(t, kept) != step.done {
			t.Errorf("%q: %+v, done is %d", step.input, r, checkpointOf(t, kept))
		}
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("%v, %v", files, err)
	}
	other := filepath.Join(dir, "other")
	write(t, other, "something else\n", 0o600)
	for words, text := range map[string]string{
		"--checkpoint " + other:                   other + " was not written by pipe, so it is not overwritten",
		"--checkpoint /no/such/folder/file":       "--checkpoint: open /no/such/folder/file.",
		"--checkpoint " + dir:                     "--checkpoint: read " + dir,
		"--checkpoint " + kept + " --from-line 2": "--checkpoint cannot be used with --from-line or --dry-run",
		"--checkpoint " + kept + " --dry-run":     "--checkpoint cannot be used with --from-line or --dry-run",
		"--replay --rate 5/s":                     "use --replay or --rate, not both",
	} {
		r := sioemit(t, nil, numbered(1), append([]string{"pipe", "--redis", server.URL()}, strings.Fields(words)...)...)
		if r.status != commandline.StatusUsage || r.stdout != "" {
			t.Errorf("%s: %+v", words, r)
		}
		r.oneLine(t, text)
	}
	// Redis is gone: the run says how to go on.
	server.Kill()
	r := run(numbered(6) + "bad\n" + numbered(2) + numbered(3))
	if r.status != commandline.StatusFailed || !strings.Contains(r.stderr, "the same command continues with line 12") || checkpointOf(t, kept) != 11 {
		t.Errorf("%+v", r)
	}
}

// TestPipeReplay keeps the pace in which lines came.
func TestPipeReplay(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	received := listenOn(t, server.Client(), "/")
	p := startPipe(t, "--redis", server.URL(), "--replay", "--from-line", "2")
	began := time.Now() // before pipe can have read the first line
	// The first is skipped, the last is a day behind: only Ctrl-C can end that wait.
	for i, at := range []string{"00:00:00Z", "10:00:00Z", "10:00:00.7Z", "10:00:00.6Z", "10:00:01.4Z"} {
		if _, err := fmt.Fprintf(p.stdin, "{\"time\":\"2026-01-01T%s\",\"event\":\"n\",\"args\":[%d]}\n", at, i); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := fmt.Fprint(p.stdin, numbered(1)+`{"time":"2026-01-02T00:00:00Z","event":"n"}`+"\n"); err != nil {
		t.Fatal(err)
	}
	for i, least := range []time.Duration{0, 700 * time.Millisecond, 700 * time.Millisecond, 1400 * time.Millisecond} {
		received.next(t)
		if took := time.Since(began); took < least {
			t.Errorf("line %d came after %v", i+2, took)
		}
	}
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	r := p.wait()
	if s := r.summary(t); r.status != commandline.StatusInterrupt || s.Sent != 4 || s.Rejected != 1 || s.FirstNotSent == nil || *s.FirstNotSent != 7 ||
		!strings.Contains(r.stderr, `line 6: there is no "time", which --replay needs: sioemit listen --time writes it`) {
		t.Errorf("%+v", r)
	}
}
