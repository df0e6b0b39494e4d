package main

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/harness"
)

// TestPaidByBrowserThatLeaves has the context of the request end before the
// customer is told.
func TestPaidByBrowserThatLeaves(t *testing.T) {
	server := harness.RedisFor(t, harness.RedisConfig{})
	pubsub := server.Client().PSubscribe(t.Context(), "socket.io#*")
	defer pubsub.Close()
	if _, err := pubsub.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	rdb, err := connect(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer rdb.Close()
	if err := paid(gone, emitter.New(rdb), payment{Order: "1", Customer: "7"}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"socket.io#/#customer:7#", "socket.io#/staff#"} {
		if m, err := pubsub.ReceiveMessage(t.Context()); err != nil || m.Channel != want {
			t.Errorf("%v, %v, want one on %s", m, err, want)
		}
	}
}

// TestServicePage has docs/service.md show the code of connect.
func TestServicePage(t *testing.T) {
	page, err := os.ReadFile("../../docs/service.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("redis.go")
	if err != nil {
		t.Fatal(err)
	}
	_, code, _ := strings.Cut(string(source), "func connect")
	if code = "func connect" + code; !strings.Contains(string(page), "```go\n"+code+"```\n") {
		t.Errorf("docs/service.md does not show\n%s", code)
	}
}

// TestFrozenRedis has a Redis that keeps its connections and answers nothing.
func TestFrozenRedis(t *testing.T) {
	server := harness.RedisFor(t, harness.RedisConfig{})
	rdb, err := connect(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer rdb.Close()
	io := emitter.New(rdb)
	if err := io.Emit(t.Context(), "e"); err != nil {
		t.Fatal(err)
	}
	if err := server.Pause(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Resume(); err != nil {
			t.Error(err)
		}
	}()
	for name, deadline := range map[string]time.Duration{"a deadline": 500 * time.Millisecond, "none": 0} {
		ctx := t.Context()
		if deadline > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, deadline)
			defer cancel()
		}
		started := time.Now()
		err := io.Emit(ctx, "e")
		if took := time.Since(started); err == nil || took > 30*time.Second {
			t.Errorf("with %s: %v after %v", name, err, took)
		}
	}
}

// TestDeadRedis says what dialling says although the deadline is short.
func TestDeadRedis(t *testing.T) {
	server := harness.RedisFor(t, harness.RedisConfig{})
	rdb, err := connect(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer rdb.Close()
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	err = paid(t.Context(), emitter.New(rdb), payment{Customer: "7"})
	if err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Error(err)
	}
}
