package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/harness"
)

// slowReader runs listen with an output that is read when the test says so.
type slowReader struct {
	*hearing
	out *bufio.Scanner
}

func startSlow(t *testing.T, url string, words ...string) slowReader {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reader.Close() })
	h := startHearing(t, []string{"SIOEMIT_REDIS_URL=" + url}, writer, append([]string{"listen"}, words...)...)
	writer.Close()
	h.awaitNotice(t, "sioemit: listening on ")
	out := bufio.NewScanner(reader)
	out.Buffer(nil, 1<<20)
	return slowReader{h, out}
}

// untilEnd counts the lines up to the event "end".
func (r slowReader) untilEnd(t *testing.T) (lines int) {
	t.Helper()
	for r.out.Scan() {
		if strings.Contains(r.out.Text(), `{"event":"end"`) {
			return lines
		}
		lines++
	}
	t.Fatalf("the output ended: %v, %s", r.out.Err(), r.said())
	return 0
}

// bigLines are n lines for pipe with an event of 1 kB.
func bigLines(n int) string {
	return strings.Repeat(`{"event":"n","args":["`+strings.Repeat("x", 1000)+`"]}`+"\n", n)
}

var missedEntries = regexp.MustCompile(`missed: (\d+) entries of stream socket.io, between (\S+) and (\S+); Redis trimmed it ([^\n]*)\n`)

// missed adds up what stderr says of entries that were missed.
func (h *hearing) missed(t *testing.T) (entries int) {
	t.Helper()
	for _, match := range missedEntries.FindAllStringSubmatch(h.said(), -1) {
		n, err := strconv.Atoi(match[1])
		if err != nil {
			t.Fatal(err)
		}
		entries += n
	}
	return entries
}

// TestListenSlowStream reads the output so slowly that the stream is trimmed
// before it is read: what is printed and what is said to be missed are all there
// was.
func TestListenSlowStream(t *testing.T) {
	t.Parallel()
	const events = 20000
	for name, words := range map[string][]string{"from now on": nil, "from the beginning": {"--since", "0"}, "alone": {"--count", "1000000"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := harness.RedisFor(t, harness.RedisConfig{})
			pipe := []string{"--redis", server.URL(), "--adapter", "streams", "pipe", "--quiet", "--max-len", "500"}
			if name == "alone" { // nothing was there before
				if err := server.Client().Del(t.Context(), "socket.io").Err(); err != nil {
					t.Fatal(err)
				}
			} else if r := sioemit(t, nil, bigLines(10), pipe...); r.status != 0 {
				t.Fatalf("%+v", r)
			}
			before := 0
			if name == "from the beginning" {
				before = 10
			}
			h := startSlow(t, server.URL(), append(words, "--adapter", "streams")...)
			if r := sioemit(t, nil, bigLines(events), pipe...); r.status != 0 {
				t.Fatalf("%+v", r)
			}
			if r := sioemit(t, nil, `{"event":"end"}`, pipe...); r.status != 0 {
				t.Fatalf("%+v", r)
			}
			printed := h.untilEnd(t)
			h.interrupt(t)
			h.end(t)
			missed := h.missed(t)
			if missed == 0 || printed+missed != before+events {
				t.Errorf("%d printed, %d missed of %d: %s", printed, missed, before+events, h.said())
			}
			if !strings.Contains(h.said(), "because the output is written more slowly than entries come") || !strings.Contains(h.said(), fmt.Sprintf("warning: %d entries were missed", missed)) {
				t.Errorf("%s", h.said())
			}
		})
	}
}

// TestListenStreamGaps trims, deletes and replaces the stream while there is no
// connection, and has a Redis that does not let us count.
func TestListenStreamGaps(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{
		Args: []string{"--appendonly", "yes", "--appendfsync", "always"},
		ACL:  []string{"user default on nopass ~* &* +@all", "user blind on nopass ~* &* +@all -xinfo"},
	})
	rdb := server.Client()
	add := func(events int) {
		t.Helper()
		if r := sioemit(t, nil, numbered(events), "--redis", server.URL(), "--adapter", "streams", "pipe", "--quiet"); r.status != 0 {
			t.Fatalf("%+v", r)
		}
	}
	add(5)
	h := startListen(t, server.URL(), "--adapter", "streams")
	blind := startListen(t, "redis://blind:x@"+server.Addr, "--adapter", "streams")
	both := []*hearing{h, blind}
	expect := func(lines int) {
		t.Helper()
		for _, h := range both {
			h.awaitLines(t, lines)
		}
	}
	add(3)
	expect(3)
	// What is trimmed after it was read is not missed.
	if err := rdb.XTrimMaxLen(t.Context(), "socket.io", 1).Err(); err != nil {
		t.Fatal(err)
	}
	add(2)
	expect(2)
	if h.missed(t) != 0 || strings.Contains(h.said(), "missed") {
		t.Errorf("%s", h.said())
	}
	// Nobody can read while 7 of 10 are trimmed.
	pausing := rdb.TxPipeline()
	for i := range 10 {
		pausing.XAdd(t.Context(), &redis.XAddArgs{Stream: "socket.io", MaxLen: 3, Values: []any{"uid", "emitter", "nsp", "/", "type", "3", "data", fmt.Sprintf(`{"packet":{"type":2,"data":["n",%d]},"opts":{}}`, i)}})
	}
	if _, err := pausing.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(3)
	h.awaitNotice(t, "missed: 7 entries of stream socket.io")
	h.awaitNotice(t, "before they were read\n")
	blind.awaitNotice(t, "if anything, is missed")
	// All of it is gone, and it begins anew.
	if err := rdb.Del(t.Context(), "socket.io").Err(); err != nil {
		t.Fatal(err)
	}
	add(2)
	expect(2)
	if h.missed(t) != 7 {
		t.Errorf("%s", h.said())
	}
	// A Redis that goes and comes back has all of it.
	server.Kill()
	for _, h := range both {
		h.awaitNotice(t, "sioemit: lost ")
	}
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	add(2)
	expect(2)
	h.awaitNotice(t, "nothing is missed that it still holds")
	h.interrupt(t)
	h.end(t)
	if h.missed(t) != 7 || !strings.Contains(h.said(), "warning: 7 entries were missed\n") {
		t.Errorf("%s", h.said())
	}
}

// TestListenSlowSubscriber reads the output so slowly that Redis cuts listen off.
func TestListenSlowSubscriber(t *testing.T) {
	t.Parallel()
	for _, adapter := range []string{"classic", "sharded"} {
		t.Run(adapter, func(t *testing.T) {
			t.Parallel()
			server := harness.RedisFor(t, harness.RedisConfig{Args: []string{"--client-output-buffer-limit", "pubsub 8mb 0 0"}})
			h := startSlow(t, server.URL(), "--adapter", adapter)
			const events = 20000
			pipe := []string{"--redis", server.URL(), "--adapter", adapter, "pipe", "--quiet", "--no-pace"}
			if r := sioemit(t, nil, bigLines(events), pipe...); r.status != 0 {
				t.Fatalf("%+v", r)
			}
			lines := make(chan int)
			go func() {
				n := 0
				for h.out.Scan() && !strings.Contains(h.out.Text(), `{"event":"end"`) {
					n++
				}
				lines <- n
			}()
			h.awaitNotice(t, "because the output is written more slowly than messages come")
			h.awaitNotice(t, "before and is not printed is missed, and Redis does not count it")
			if r := sioemit(t, nil, `{"event":"end"}`, pipe...); r.status != 0 {
				t.Fatalf("%+v", r)
			}
			if n := <-lines; n >= events {
				t.Errorf("%d lines, nothing was missed", n)
			}
			// Who is killed and not slow is not said to be.
			if err := server.Client().ClientKillByFilter(t.Context(), "TYPE", "pubsub").Err(); err != nil {
				t.Fatal(err)
			}
			h.awaitNotice(t, "Redis closed the connection; trying again")
			h.awaitNotice(t, "what was published meanwhile is missed")
		})
	}
}

// TestListenPingRefused has a Redis that answers PING with an error, which proves
// that the connection lives.
func TestListenPingRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	failing := harness.RedisFor(t, harness.RedisConfig{Args: []string{"--dir", dir, "--save", "3600 1"}})
	t.Cleanup(func() { // or it does not want to end
		if err := failing.Client().ConfigSet(context.Background(), "save", "").Err(); err != nil {
			t.Error(err)
		}
	})
	// What is to be saved cannot take the place of a folder with something in it.
	if err := os.MkdirAll(filepath.Join(dir, "dump.rdb", "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	_ = failing.Client().BgSave(t.Context()).Err() // PING shows how it ends
	master := harness.RedisFor(t, harness.RedisConfig{})
	stale := harness.RedisFor(t, harness.RedisConfig{Args: []string{"--replicaof", "127.0.0.1", strconv.Itoa(master.Port), "--replica-serve-stale-data", "no"}})
	if err := master.Stop(); err != nil {
		t.Fatal(err)
	}
	forbidding := harness.RedisFor(t, harness.RedisConfig{ACL: []string{"user default on nopass ~* &* +@all -ping"}})
	for prefix, server := range map[string]*harness.Redis{"MISCONF": failing, "MASTERDOWN": stale, "NOPERM": forbidding} {
		await(t, func() bool {
			err := server.Client().Ping(t.Context()).Err()
			return err != nil && strings.HasPrefix(err.Error(), prefix)
		})
		for _, adapter := range []string{"classic", "sharded"} {
			t.Run(prefix+", "+adapter, func(t *testing.T) {
				h := startListen(t, server.URL(), "--adapter", adapter, "--timeout", "300ms")
				pings := func() (n int) {
					match := regexp.MustCompile(`cmdstat_ping:.*rejected_calls=(\d+)`).FindStringSubmatch(server.Client().Info(t.Context(), "commandstats").Val())
					if len(match) > 1 {
						n, _ = strconv.Atoi(match[1])
					}
					return n
				}
				before := pings()
				await(t, func() bool { return pings() >= before+4 })
				channel, publish := "socket.io#/#", server.Client().Publish
				message := `["emitter",{"type":2,"data":["x"],"nsp":"/"},{"rooms":[],"flags":{},"except":[]}]`
				if adapter == "sharded" {
					publish, message = server.Client().SPublish, `{"uid":"emitter","nsp":"/","type":3,"data":{"packet":{"type":2,"data":["x"],"nsp":"/"},"opts":{"rooms":[],"except":[],"flags":{}}}}`
				}
				if prefix != "MASTERDOWN" { // where nothing can be published
					if err := publish(t.Context(), channel, message).Err(); err != nil {
						t.Fatal(err)
					}
					if got := h.next(t); got != `{"event":"x","namespace":"/"}` {
						t.Error(got)
					}
				}
				if strings.Contains(h.said(), "lost") {
					t.Error(h.said())
				}
			})
		}
	}
}

// TestListenForTooShort does not end as if it had listened.
func TestListenForTooShort(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	if err := server.Pause(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Resume() }()
	for _, adapter := range []string{"classic", "sharded", "streams"} {
		r := sioemit(t, nil, "", "listen", "--redis", server.URL(), "--adapter", adapter, "--for", "300ms")
		if r.status != commandline.StatusReplies || r.stdout != "" {
			t.Errorf("%s: %+v", adapter, r)
		}
		r.oneLine(t, "time ran out after 300ms (--for), before it listened")
	}
}
