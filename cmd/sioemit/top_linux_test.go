package main

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/harness"
	"golang.org/x/sys/unix"
)

// noise is what TestTop sends: three paid to a and b, one of them to 5 as well, and
// one tick to everyone.
const noise = `{"event":"paid","rooms":["a","b"]}
{"event":"paid","rooms":["a","b",5]}
{"event":"paid","rooms":["a","b"]}
{"event":"tick"}
`

// TestTop counts events, for programs and on a terminal.
func TestTop(t *testing.T) {
	t.Parallel()
	for _, adapter := range []string{"classic", "streams"} {
		t.Run(adapter, func(t *testing.T) {
			t.Parallel()
			server := harness.RedisFor(t, harness.RedisConfig{})
			env := []string{"SIOEMIT_REDIS_URL=" + server.URL(), "SIOEMIT_ADAPTER=" + adapter}
			send := func() {
				t.Helper()
				if r := sioemit(t, env, noise, "pipe", "--quiet", "--no-pace"); r != (result{}) {
					t.Fatalf("%+v", r)
				}
			}
			out, in, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer out.Close()
			h := startHearing(t, env, in, "top", "--json", "--for", "15s", "--rows", "3")
			in.Close()
			h.awaitNotice(t, "sioemit: listening on ")
			screen, terminal := openTerminal(t)
			if err := unix.IoctlSetWinsize(int(terminal.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 60}); err != nil {
				t.Fatal(err)
			}
			live := startHearing(t, env, terminal, "top")
			terminal.Close()
			shown := new(strings.Builder)
			await := func(texts ...string) {
				t.Helper()
				buffer := make([]byte, 4096)
				for slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(shown.String(), text) }) {
					n, err := screen.Read(buffer)
					if err != nil {
						t.Fatalf("%v: %q", err, shown)
					}
					shown.Write(buffer[:n])
				}
			}
			await("\x1b[Hlistening on ")
			send()
			await("  EVENT\x1b[K", "  paid\x1b[K", "  tick\x1b[K", "  ROOM\x1b[K", "  a\x1b[K", "  5 (number)\x1b[K", "  (everyone)\x1b[K")
			live.interrupt(t)
			if status := live.end(t); status != commandline.StatusDone {
				t.Errorf("status %d: %s", status, live.said())
			}
			if status := h.end(t); status != commandline.StatusDone {
				t.Errorf("status %d: %s", status, h.said())
			}
			var got []string
			decoder := json.NewDecoder(out)
			for decoder.More() {
				var line struct {
					Event           string
					Room            any
					Events, Bytes   int
					EventsPerSecond float64
				}
				if err := decoder.Decode(&line); err != nil {
					t.Fatal(err)
				}
				if line.Bytes < 10*line.Events {
					t.Errorf("%+v", line)
				}
				text, err := json.Marshal([]any{line.Event, line.Room, line.Events})
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, string(text))
			}
			want := []string{`["paid",null,3]`, `["tick",null,1]`, `["",null,1]`, `["","a",3]`, `["","b",3]`}
			if !slices.Equal(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
	r := sioemit(t, nil, "", "top", "--rows", "0")
	r.oneLine(t, "--rows 1 or more")
	server := harness.RedisFor(t, harness.RedisConfig{})
	if r := sioemit(t, nil, "", "top", "--redis", server.URL(), "--for", "10ms"); r.status != 0 || !strings.HasPrefix(r.stdout, "       0.0            0  (all)\n\n  EVENTS/S      BYTES/S  EVENT\n") {
		t.Errorf("%+v", r)
	}
}
