package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/harness"
)

// servedCluster is some servers with a client each.
type servedCluster struct {
	redis   *harness.Redis
	nodes   []*harness.Node
	clients []*harness.Client
	flags   []string // that name the servers
}

func startServed(t *testing.T, servers int, generation harness.Generation, adapter harness.Adapter, flags string, config harness.RedisConfig) *servedCluster {
	t.Helper()
	c := &servedCluster{redis: harness.RedisFor(t, config)}
	c.flags = append([]string{"--redis", c.redis.URL()}, strings.Fields(flags)...)
	clients := harness.ClientsFor(t, generation)
	for range servers {
		node := harness.NodeFor(t, harness.NodeConfig{Server: generation.Server, Adapter: adapter, Redis: c.redis.Conn()})
		client, err := clients.Connect(t.Context(), harness.ConnectOptions{Node: node})
		if err != nil {
			t.Fatal(err)
		}
		c.nodes, c.clients = append(c.nodes, node), append(c.clients, client)
	}
	return c
}

// numbersOf returns the numbers of the events n that a client has.
func numbersOf(t *testing.T, client *harness.Client) []int {
	t.Helper()
	var numbers []int
	for _, event := range client.Events() {
		if event.Name != "n" {
			continue
		}
		var number int
		if err := json.Unmarshal(event.Args[0], &number); err != nil {
			t.Fatal(err)
		}
		numbers = append(numbers, number)
	}
	return numbers
}

// awaitEvents waits until a client has so many events.
func awaitEvents(t *testing.T, client *harness.Client, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := client.Await(ctx, func(events []harness.Event) bool { return len(events) >= n }); err != nil {
		t.Fatal(err)
	}
}

// TestPipeConfirmed has servers of each adapter take what is piped.
func TestPipeConfirmed(t *testing.T) {
	t.Parallel()
	for name, adapter := range confirmed {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := startServed(t, 2, harness.V4, adapter.adapter, adapter.flags, harness.RedisConfig{})
			const n = 5000
			r := sioemit(t, nil, numbered(n), append(c.flags, "pipe", "--confirm")...)
			r.oneLine(t, "5000 lines: 5000 sent, 5000 confirmed by 2 servers, 0 rejected, 0 not sent")
			if r.status != 0 {
				t.Errorf("%+v", r)
			}
			for _, client := range c.clients {
				awaitEvents(t, client, n)
			}
			r = sioemit(t, nil, numbered(3), append(c.flags, "pipe", "--no-pace", "--json")...)
			if r.status != 0 || !strings.Contains(r.stdout, `"sent":3,"confirmed":null,"servers":null,`) {
				t.Errorf("--no-pace: %+v", r)
			}
		})
	}
}

// confirmed are the adapters whose servers confirm what they have taken.
var confirmed = map[string]struct {
	adapter harness.Adapter
	flags   string
}{
	"classic": {harness.RedisAdapter8, ""},
	"sharded": {harness.ShardedAdapter8, "--adapter sharded"},
	"streams": {harness.StreamsAdapter, "--adapter streams"},
}

// TestPipeFrozen stops one of two servers in the middle of a pipe. No more is called
// confirmed than it has, and what is sent from there on is all that it lacks.
func TestPipeFrozen(t *testing.T) {
	t.Parallel()
	for name, adapter := range confirmed {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := startServed(t, 2, harness.V4, adapter.adapter, adapter.flags, harness.RedisConfig{})
			const n, before = 20_000, 3000
			lines := numbered(n)
			_, rest, _ := strings.Cut(lines, fmt.Sprintf("[%d]}\n", before))
			p := startPipe(t, append(c.flags, "--timeout", "3s")...)
			if _, err := io.WriteString(p.stdin, strings.TrimSuffix(lines, rest)); err != nil {
				t.Fatal(err)
			}
			for _, client := range c.clients {
				awaitEvents(t, client, before)
			}
			frozen := c.nodes[1]
			if err := frozen.Pause(); err != nil {
				t.Fatal(err)
			}
			go func() { _, _ = io.WriteString(p.stdin, rest) }()
			r := p.wait()
			s := r.summary(t)
			if r.status != commandline.StatusReplies || s.Confirmed < 1 || s.Confirmed > before || s.Sent <= s.Confirmed || s.FirstNotConfirmed == nil || *s.FirstNotConfirmed != s.Confirmed+1 || s.Servers != 2 {
				t.Fatalf("%+v", r)
			}
			from := strconv.FormatInt(*s.FirstNotConfirmed, 10)
			r.oneLine(t, "1 of 2 servers have it", "line "+from+" is the first that is not confirmed: resume with --from-line "+from+fmt.Sprintf(", which sends %d lines again", s.Sent-s.Confirmed))
			if err := frozen.Resume(); err != nil {
				t.Fatal(err)
			}
			r = sioemit(t, nil, lines, append(c.flags, "pipe", "--from-line", from, "--json")...)
			if again := r.summary(t); r.status != 0 || again.Confirmed != n-s.Confirmed {
				t.Errorf("%+v", r)
			}
			for i, client := range c.clients {
				awaitEvents(t, client, int(s.Sent+n-s.Confirmed))
				had := make(map[int]bool)
				for _, number := range numbersOf(t, client) {
					had[number] = true
				}
				if len(had) != n {
					t.Errorf("client %d got %d of %d numbers", i, len(had), n)
				}
			}
		})
	}
}

// TestPipeRedisRestarts has Redis start again in the middle of a pipe to a server: what
// it kept for the server is lost, though the lines behind that are sent.
func TestPipeRedisRestarts(t *testing.T) {
	t.Parallel()
	c := startServed(t, 1, harness.V4, harness.RedisAdapter8, "", harness.RedisConfig{})
	const n, before = 10_000, 2000
	lines := numbered(n)
	_, rest, _ := strings.Cut(lines, fmt.Sprintf("[%d]}\n", before))
	p := startPipe(t, append(c.flags, "--retry-for", "5m")...)
	if _, err := io.WriteString(p.stdin, strings.TrimSuffix(lines, rest)); err != nil {
		t.Fatal(err)
	}
	awaitEvents(t, c.clients[0], before)
	c.redis.Kill()
	go func() { _, _ = io.WriteString(p.stdin, rest) }()
	if err := c.redis.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := p.wait()
	s := r.summary(t)
	if r.status != commandline.StatusReplies || s.FirstNotConfirmed == nil || *s.FirstNotConfirmed > before+1 {
		t.Fatalf("%+v", r)
	}
	await(t, func() bool { // the server is back
		return sioemit(t, nil, "", append(c.flags, "servers", "--require", "1")...).status == 0
	})
	from := fmt.Sprint(*s.FirstNotConfirmed)
	r = sioemit(t, nil, lines, append(c.flags, "pipe", "--json", "--from-line", from)...)
	if again := r.summary(t); r.status != 0 || again.Confirmed != n+1-*s.FirstNotConfirmed {
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
	had := make(map[int]bool)
	for _, number := range numbersOf(t, c.clients[0]) {
		had[number] = true
	}
	if len(had) != n {
		t.Errorf("the client got %d of %d numbers", len(had), n)
	}
}
