package compat_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sioemit/sioemit/internal/harness"
)

// TestBulk pipes more than a default Redis keeps for a server, which stands still for a
// while: all of it arrives, in order, though the server is cut off where nothing waits
// for it. With SIOEMIT_BULK it pipes so many lines of 100 bytes to a server that does
// not stand still, as fast as it goes, and says how fast that is.
func TestBulk(t *testing.T) {
	lines, size := 40_000, 1000
	full := os.Getenv("SIOEMIT_BULK")
	if full != "" {
		var err error
		if lines, err = strconv.Atoi(full); err != nil {
			t.Fatal(err)
		}
		size = 100
	} else {
		t.Parallel()
	}
	file := filepath.Join(t.TempDir(), "lines.jsonl")
	if err := os.WriteFile(file, bulk(lines, size), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, way := range []struct {
		name    string
		adapter harness.Adapter
	}{
		{"classic", harness.RedisAdapter8},
		{"sharded", harness.ShardedAdapter8},
		{"streams", harness.StreamsAdapter},
	} {
		t.Run(way.name, func(t *testing.T) {
			if full == "" {
				t.Parallel()
			}
			redis := harness.RedisFor(t, harness.RedisConfig{})
			node := harness.NodeFor(t, harness.NodeConfig{Server: harness.V4.Server, Adapter: way.adapter, Redis: redis.Conn()})
			client, err := harness.ClientsFor(t, harness.V4).Connect(t.Context(), harness.ConnectOptions{Node: node})
			if err != nil {
				t.Fatal(err)
			}
			pipe := func(words ...string) *exec.Cmd {
				command, err := command.build()
				if err != nil {
					t.Fatal(err)
				}
				cmd := exec.CommandContext(t.Context(), command, append([]string{"pipe", "--redis", redis.URL(), "--adapter", way.name, "--timeout", "1m", "--json", file}, words...)...)
				cmd.Stdout, cmd.Stderr = new(bytes.Buffer), new(bytes.Buffer)
				return cmd
			}
			paced := pipe()
			started := time.Now()
			if err := paced.Start(); err != nil {
				t.Fatal(err)
			}
			if full == "" {
				ctx := withDeadline(t)
				if err := client.Await(ctx, func(events []harness.Event) bool { return len(events) > 3000 }); err != nil {
					t.Fatal(err)
				}
				if err := node.Pause(); err != nil {
					t.Fatal(err)
				}
				standStill(t, redis)
				if err := node.Resume(); err != nil {
					t.Fatal(err)
				}
			}
			err = paced.Wait()
			took := time.Since(started)
			var summary struct{ Lines, Sent, Confirmed int }
			if jsonErr := json.Unmarshal(paced.Stdout.(*bytes.Buffer).Bytes(), &summary); err != nil || jsonErr != nil || summary.Sent != lines || summary.Confirmed != lines {
				t.Fatalf("%v, %v, %+v: %s", err, jsonErr, summary, paced.Stderr)
			}
			if got := numbersReceived(t, client, lines); got != lines {
				t.Errorf("%d of %d arrived", got, lines)
			}
			if full == "" {
				return
			}
			t.Logf("%d lines a second, and all arrived within %v", int(float64(lines)/took.Seconds()), time.Since(started).Round(time.Second))
			started = time.Now()
			if err := pipe("--no-pace").Run(); err != nil {
				t.Fatal(err)
			}
			t.Logf("%d lines a second without waiting", int(float64(lines)/time.Since(started).Seconds()))
		})
	}
}

// bulk is numbered lines of so many bytes.
func bulk(lines, size int) []byte {
	var b bytes.Buffer
	for i := range lines {
		head := fmt.Sprintf(`{"event":"n","args":[%d,"`, i+1)
		fmt.Fprintf(&b, "%s%s\"]}\n", head, strings.Repeat("x", size-len(head)-len(`"]}`)-1))
	}
	return b.Bytes()
}

// standStill returns when nothing more is sent: the window is full.
func standStill(t *testing.T, redis *harness.Redis) {
	t.Helper()
	rdb := redis.Client()
	ctx := withDeadline(t)
	var last string
	for since := time.Now(); ; {
		info, err := rdb.Info(ctx, "commandstats").Result()
		if err != nil {
			t.Fatal(err)
		}
		sent := ""
		for line := range strings.Lines(info) {
			if name, _, _ := strings.Cut(line, ":"); name == "cmdstat_publish" || name == "cmdstat_spublish" || name == "cmdstat_xadd" {
				sent += line
			}
		}
		if sent != last {
			last, since = sent, time.Now()
		}
		if last != "" && time.Since(since) > time.Second {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// numbersReceived counts the events that a client gets, which are numbered from 1 and
// must come in order, until the last one is there.
func numbersReceived(t *testing.T, client *harness.Client, last int) (received int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	isLast := func(e harness.Event) bool { return len(e.Args) > 0 && string(e.Args[0]) == strconv.Itoa(last) }
	if err := client.Await(ctx, func(events []harness.Event) bool { return len(events) > 0 && isLast(events[len(events)-1]) }); err != nil {
		t.Fatal(err)
	}
	for i, event := range client.Take() {
		if string(event.Args[0]) != strconv.Itoa(i+1) {
			t.Fatalf("event %d is %s", i+1, event)
		}
		received++
	}
	return received
}
