package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/harness"
)

// TestTooLarge sends more than Redis takes, which closes the connection then.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	small := []string{"--proto-max-bulk-len", "1048576"}
	telling, secretive := harness.RedisFor(t, harness.RedisConfig{Args: small}), harness.RedisFor(t, harness.RedisConfig{Args: append(small, "--rename-command", "CONFIG", "")})
	large := strings.Repeat("x", 2_000_000)
	for _, words := range []string{"emit x --args -", "emit x --args - --quiet", "server-emit x --args -"} {
		for server, text := range map[*harness.Redis]string{telling: "this Redis takes at most 1048576 (proto-max-bulk-len", secretive: "is its proto-max-bulk-len smaller?"} {
			r := sioemit(t, nil, `["`+large+`"]`, append([]string{"--redis", server.URL()}, strings.Fields(words)...)...)
			if r.status != commandline.StatusFailed || r.stdout != "" {
				t.Errorf("%s: %+v", words, r)
			}
			r.oneLine(t, "the event is too large", text)
		}
	}
	lines := `{"event":"a"}` + "\n" + `{"event":"b","args":["` + large + `"]}` + "\n" + `{"event":"c"}` + "\n"
	for _, server := range []*harness.Redis{telling, secretive} {
		received := listenOn(t, server.Client(), "/")
		pipe := []string{"--redis", server.URL(), "pipe", "--json"}
		if server == telling { // there is no use in another try
			pipe = append(pipe, "--retry-for", "1h")
		}
		r := sioemit(t, nil, lines, pipe...)
		if server == telling { // the line is a bad one
			if s := r.summary(t); r.status != commandline.StatusUsage || s != (summary{Lines: 3, Sent: 2, Rejected: 1, Confirmed: 2, Servers: 1}) || !strings.Contains(r.stderr, "sioemit: line 2: it is 2000") {
				t.Errorf("%+v", r)
			}
		} else { // it may be, and the rest can be sent
			if s := r.summary(t); r.status != commandline.StatusFailed || s.Sent != 1 || !strings.Contains(r.stderr, "resume with --from-line 2, or without it with --from-line 3") {
				t.Errorf("%+v", r)
			}
			if r := sioemit(t, nil, lines, append(pipe, "--from-line", "3")...); r.status != 0 {
				t.Errorf("%+v", r)
			}
		}
		for _, want := range []string{"a", "c"} {
			if _, b := received.next(t); b.Event != want {
				t.Errorf("%s arrived, want %s", b.Event, want)
			}
		}
	}
	// What just fits is sent, and what closes the connection for another reason is
	// not said to be too large.
	fits := `{"event":"a","args":["` + strings.Repeat("x", 1_000_000) + `"]}` + "\n"
	if r := sioemit(t, nil, fits, "--redis", telling.URL(), "pipe", "--quiet"); r.status != 0 {
		t.Errorf("%+v", r)
	}
	r := sioemit(t, nil, `["`+large+`"]`, "--redis", fmt.Sprintf("redis://127.0.0.1:%d", 1), "emit", "x", "--args", "-")
	r.oneLine(t, "no Redis at 127.0.0.1:1")
}

// TestMaybeTooLarge tries again, with --retry-for, what may be too large for a
// Redis that does not tell: it may have closed the connection for another reason.
func TestMaybeTooLarge(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{Args: []string{"--rename-command", "CONFIG", ""}})
	received := listenOn(t, server.Client(), "/")
	large := strings.Repeat("x", 2_000_000)
	// The first connection on which the event comes is closed.
	var closed atomic.Bool
	url := through(t, server.Addr, func(toRedis []byte) bool {
		return !bytes.Contains(toRedis, []byte("xxxx")) || !closed.CompareAndSwap(false, true)
	})
	r := sioemit(t, nil, `{"event":"a","args":["`+large+`"]}`+"\n", "--redis", url, "pipe", "--json", "--retry-for", "1m")
	if s := r.summary(t); r.status != 0 || s.Sent != 1 || !closed.Load() {
		t.Errorf("%+v", r)
	}
	if _, b := received.next(t); b.Event != "a" {
		t.Errorf("%s arrived", b.Event)
	}
}

// through is the URL of a way to Redis on which pass looks at all that is sent.
// The connection is closed when it says no.
func through(t *testing.T, address string, pass func(toRedis []byte) bool) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	t.Cleanup(func() { listener.Close(); running.Wait() })
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			redis, err := net.Dial("tcp", address)
			if err != nil {
				conn.Close()
				continue
			}
			running.Go(func() { _, _ = io.Copy(conn, redis); conn.Close() })
			running.Go(func() {
				defer redis.Close()
				defer conn.Close()
				buffer := make([]byte, 64<<10)
				for {
					n, err := conn.Read(buffer)
					if err != nil || !pass(buffer[:n]) {
						return
					}
					if _, err := redis.Write(buffer[:n]); err != nil {
						return
					}
				}
			})
		}
	})
	return "redis://" + listener.Addr().String()
}
