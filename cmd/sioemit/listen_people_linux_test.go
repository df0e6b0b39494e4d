package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/internal/harness"
	"golang.org/x/sys/unix"
)

// TestListenTerminal shows events on a terminal as people read them, and as JSON
// where that is asked for.
func TestListenTerminal(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	emit := func(words ...string) {
		t.Helper()
		if r := sioemit(t, nil, "", append([]string{"emit", "--redis", server.URL()}, words...)...); r.status != 0 {
			t.Fatalf("%+v", r)
		}
	}
	const clock = `\d\d:\d\d:\d\d\.\d\d\d`
	for _, test := range []struct {
		env, words []string
		want       []string // lines, as regular expressions
	}{
		{nil, nil, []string{
			"\x1b\\[2m" + clock + "\x1b\\[0m \x1b\\[2m/\x1b\\[0m \x1b\\[36m\\[user:7 5 \\(number\\)\\]\x1b\\[0m \x1b\\[36mnot \\[c\\]\x1b\\[0m \x1b\\[1mpaid\x1b\\[0m {\"id\":1} \"two words\"",
			"\x1b\\[2m" + clock + "\x1b\\[0m \x1b\\[2m/\x1b\\[0m \x1b\\[1m\"a b\"\x1b\\[0m \"x{47}…",
		}},
		{[]string{"NO_COLOR=1"}, []string{"--requests"}, []string{
			clock + ` / \[user:7 5 \(number\)\] not \[c\] paid {"id":1} "two words"`,
			clock + ` / "a b" "x{47}…`,
			clock + ` {"request":"join","namespace":"/",.*…`,
		}},
		{nil, []string{"--json"}, []string{
			`{"event":"paid","args":\[{"id":1},"two words"\],"namespace":"/","rooms":\["user:7",5\],"except":\["c"\]}`,
			`{"event":"a b","args":\["x{200}"\],"namespace":"/"}`,
		}},
	} {
		screen, terminal := openTerminal(t)
		if err := unix.IoctlSetWinsize(int(terminal.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 70}); err != nil {
			t.Fatal(err)
		}
		words := append([]string{"listen", "--count", "3"}, test.words...)
		h := startHearing(t, append(test.env, "SIOEMIT_REDIS_URL="+server.URL()), terminal, words...)
		terminal.Close()
		h.awaitNotice(t, "sioemit: listening on ")
		emit("--room", "user:7", "--room-number", "5", "-x", "c", "paid", `{"id":1}`, "two words")
		emit("a b", strings.Repeat("x", 200))
		if r := sioemit(t, nil, "", "join", "--redis", server.URL(), "b", "--room", "a"); r.status != 0 {
			t.Fatalf("%+v", r)
		}
		emit("end") // the third where there are no requests
		var shown strings.Builder
		buffer := make([]byte, 4096)
		for strings.Count(shown.String(), "\n") < 3 {
			n, err := screen.Read(buffer)
			if err != nil {
				t.Fatalf("%v: %q", err, &shown)
			}
			shown.Write(buffer[:n])
		}
		if status := h.end(t); status != 0 {
			t.Errorf("%q: status %d", words, status)
		}
		lines := strings.Split(shown.String(), "\r\n")
		for i, want := range test.want {
			if !regexp.MustCompile("^" + want + "$").MatchString(lines[i]) {
				t.Errorf("%q: line %q, want %s", words, lines[i], want)
			}
		}
	}
}

// TestListenTime has lines say when they came, which pipe takes.
func TestListenTime(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	type timed struct {
		Time  time.Time
		Event string
	}
	parse := func(line string) (l timed) {
		t.Helper()
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		return l
	}
	h := startListen(t, server.URL(), "--time", "--count", "2", "--requests")
	before := time.Now().Truncate(time.Millisecond)
	for _, words := range []string{"emit one", "join a --room b"} {
		if r := sioemit(t, nil, "", append(strings.Fields(words), "--redis", server.URL())...); r.status != 0 {
			t.Fatalf("%+v", r)
		}
	}
	line := h.next(t)
	for _, text := range []string{line, h.next(t)} {
		if l := parse(text); l.Time.Before(before) || l.Time.After(time.Now()) {
			t.Errorf("%s is not between %v and now", text, before)
		}
	}
	h.end(t)
	if r := sioemit(t, nil, line+"\n", "pipe", "--redis", server.URL(), "--quiet"); r != (result{}) {
		t.Errorf("pipe: %+v", r)
	}
	// Of a stream, when it came there.
	id, err := server.Client().XAdd(t.Context(), &redis.XAddArgs{Stream: "socket.io", ID: "1500000000123-0", Values: []string{
		"uid", "emitter", "nsp", "/", "type", "3", "data", `{"packet":{"type":2,"data":["old"]},"opts":{"rooms":[],"except":[],"flags":{}}}`,
	}}).Result()
	if err != nil {
		t.Fatal(err)
	}
	r := sioemit(t, nil, "", "listen", "--redis", server.URL(), "--adapter", "streams", "--since", "0", "--count", "1", "--time")
	if l := parse(r.stdout); l.Event != "old" || !l.Time.Equal(time.UnixMilli(1500000000123)) {
		t.Errorf("%s: %+v", id, r)
	}
}
