package pipe

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/connect"
	"github.com/sioemit/sioemit/internal/event"
	"github.com/sioemit/sioemit/internal/harness"
	"github.com/sioemit/sioemit/internal/settings"
)

// TestPipeSaysWhatComesTwice stops at a line behind which others, in the same
// round trip, were sent.
func TestPipeSaysWhatComesTwice(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	if err := server.Client().Do(t.Context(), "ACL", "SETUSER", "default", "-publish", "+publish|socket.io#/#").Err(); err != nil {
		t.Fatal(err)
	}
	given := &settings.Settings{
		Servers: settings.Servers{Adapter: settings.Classic, Key: encoding.DefaultKey, Version: 4, MaxAttachments: encoding.DefaultMaxAttachments, Namespace: "/"},
		Redis:   settings.Redis{URLs: []*settings.URL{{Options: server.Client().Options(), Shown: "redis://" + server.Addr}}, Timeout: time.Minute},
	}
	var stdout, stderr bytes.Buffer
	o := options{IO: commandline.IO{Out: &stdout, Err: &stderr}, settings: given, target: settings.Target{Namespace: "/"}, json: true}
	p := newPiper(t.Context(), o, &connect.Redis{Client: server.Client(), Settings: given}, nil)
	for i, text := range []string{`{"event":"e1"}`, `{"event":"e2","rooms":["r"]}`, `{"event":"e3"}`, `{"event":"e4"}`, `{"event":"e5","rooms":["r"]}`} {
		if _, err := p.put(int64(10*i), new(event.Line), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	p.queue.close()
	err := p.finish(nil, p.queue.drain(p.execute))
	if err == nil || !strings.Contains(err.Error(), "resume with --from-line 10, which sends 2 lines after it again") {
		t.Errorf("%v", err)
	}
	if got, want := stdout.String(), `{"lines":5,"sent":3,"confirmed":null,"servers":null,"rejected":0,"notSent":2,"firstNotSent":10,"firstNotConfirmed":null}`+"\n"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestPassing has what may be too large for Redis be tried again, and what is for
// certain not.
func TestPassing(t *testing.T) {
	t.Parallel()
	for err, passes := range map[error]bool{
		&connect.TooLargeError{Size: 2 << 20, Err: io.EOF}:                 true,
		&connect.TooLargeError{Size: 2 << 20, Limit: 1 << 20, Err: io.EOF}: false,
	} {
		if isPassing(err) != passes {
			t.Errorf("%v: passing is %v", err, !passes)
		}
	}
}
