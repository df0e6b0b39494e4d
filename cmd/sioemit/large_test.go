package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sioemit/sioemit/compat_test/harness"
)

// TestTooLarge sends more than Redis takes, which closes the connection then.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	small := []string{"--proto-max-bulk-len", "1048576"}
	telling, secretive := startRedis(t, harness.RedisConfig{Args: small}), startRedis(t, harness.RedisConfig{Args: append(small, "--rename-command", "CONFIG", "")})
	large := strings.Repeat("x", 2_000_000)
	for _, words := range []string{"emit x --args -", "emit x --args - --quiet", "server-emit x --args -"} {
		for server, text := range map[*harness.Redis]string{telling: "this Redis takes 1048576 at most (proto-max-bulk-len", secretive: "is its proto-max-bulk-len smaller?"} {
			r := sioemit(t, nil, `["`+large+`"]`, append([]string{"--redis", server.URL()}, strings.Fields(words)...)...)
			if r.status != statusFailed || r.stdout != "" {
				t.Errorf("%s: %+v", words, r)
			}
			r.oneLine(t, "the event is too large", text)
		}
	}
	lines := `{"event":"a"}` + "\n" + `{"event":"b","args":["` + large + `"]}` + "\n" + `{"event":"c"}` + "\n"
	for _, server := range []*harness.Redis{telling, secretive} {
		received := listenOn(t, server.Client(), "/")
		pipe := []string{"--redis", server.URL(), "pipe", "--json", "--retry-for", "1h"}
		r := sioemit(t, nil, lines, pipe...)
		if server == telling { // the line is a bad one
			if s := r.summary(t); r.status != statusUsage || s != (summary{Lines: 3, Sent: 2, Rejected: 1}) || !strings.Contains(r.stderr, "sioemit: line 2: it is 2000") {
				t.Errorf("%+v", r)
			}
		} else { // it may be, and the rest can be sent
			if s := r.summary(t); r.status != statusFailed || s.Sent != 1 || !strings.Contains(r.stderr, "resume with --from-line 2, or without it with --from-line 3") {
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
