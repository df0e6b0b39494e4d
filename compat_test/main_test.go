// Package compat_test runs sioemit against the real thing: redis-server, the official Socket.IO servers of every
// generation, and the official clients of every generation with every transport.
//
//	go test ./compat_test -run 'Matrix'                   every row
//	go test ./compat_test -run 'Matrix/3.1.2'             one row alone
//	go test ./compat_test -run 'Matrix/.*/.*/.*/binary'   one promise on every row
//	go test ./compat_test -run 'Matrix' -update           and write docs/compatibility.md
//
// rows_test.go holds the table of servers, promises_test.go the table of what is promised to all of them. A new
// server generation or adapter is a new row, and every promise is then put to it.
package compat_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sioemit/sioemit/internal/harness"
)

var update = flag.Bool("update", false, "write docs/compatibility.md from what the matrix saw")

func TestMain(m *testing.M) {
	flag.Parse()
	status := m.Run()
	if err := command.remove(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	if err := goleak.Find(); err != nil && status == 0 {
		fmt.Fprintln(os.Stderr, "goroutines are left behind:", err)
		status = 1
	}
	os.Exit(status)
}

// command is the sioemit binary, built once, when the first test needs it.
var command builtCommand

type builtCommand struct {
	once sync.Once
	dir  string
	path string
	err  error
}

func (b *builtCommand) build() (string, error) {
	b.once.Do(func() {
		if b.dir, b.err = os.MkdirTemp("", "sioemit-build-"); b.err != nil {
			return
		}
		b.path = filepath.Join(b.dir, "sioemit")
		out, err := exec.Command("go", "build", "-o", b.path, "github.com/sioemit/sioemit/cmd/sioemit").CombinedOutput()
		if err != nil {
			b.err = fmt.Errorf("go build cmd/sioemit: %w\n%s", err, out)
		}
	})
	return b.path, b.err
}

func (b *builtCommand) remove() error {
	if b.dir == "" {
		return nil
	}
	return os.RemoveAll(b.dir)
}

// filtered tells whether flags of go test may keep a part of a test from being run. Otherwise a part that is not run is
// a mistake.
func filtered() bool {
	return strings.Contains(flag.Lookup("test.run").Value.String(), "/") || flag.Lookup("test.skip").Value.String() != ""
}

// deadline ends what a healthy run never comes near to, so that a lost event fails a test and does not hang it.
const deadline = 4 * time.Minute

func withDeadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(context.Background(), deadline, errors.New("the deadline has passed"))
	t.Cleanup(cancel)
	return ctx
}

func closeAtEnd(t *testing.T, thing interface{ Close() error }) {
	t.Helper()
	t.Cleanup(func() {
		if err := thing.Close(); err != nil {
			t.Error(err)
		}
	})
}

// redis-server cuts off a subscriber that falls 32 MB behind, which a server on a busy machine may.
var unlimited = []string{"--client-output-buffer-limit", "pubsub 0 0 0"}

func startRedis(t *testing.T) *harness.Redis {
	t.Helper()
	return harness.RedisFor(t, harness.RedisConfig{Args: unlimited})
}

const masters = 3 // of every Redis Cluster here
