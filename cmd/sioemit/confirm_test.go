package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
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
		c.serve(t, clients, harness.NodeConfig{Server: generation.Server, Adapter: adapter, Redis: c.redis.Conn()})
	}
	return c
}

// serve adds a server, with one client.
func (c *servedCluster) serve(t *testing.T, clients *harness.Clients, config harness.NodeConfig) {
	t.Helper()
	node := harness.NodeFor(t, config)
	client, err := clients.Connect(t.Context(), harness.ConnectOptions{Node: node})
	if err != nil {
		t.Fatal(err)
	}
	c.nodes, c.clients = append(c.nodes, node), append(c.clients, client)
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
// confirmed than it has, and what is sent from there on is all that it lacks. With
// SIOEMIT_BULK these are so many lines of about 100 bytes, half of them before it stops.
func TestPipeFrozen(t *testing.T) {
	t.Parallel()
	n, before := int64(20_000), 3000
	padding := ""
	if full := os.Getenv("SIOEMIT_BULK"); full != "" {
		var err error
		if n, err = strconv.ParseInt(full, 10, 0); err != nil {
			t.Fatal(err)
		}
		before, padding = int(n/2), `,"`+strings.Repeat("x", 64)+`"`
	}
	for name, adapter := range confirmed {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := startServed(t, 2, harness.V4, adapter.adapter, adapter.flags, harness.RedisConfig{})
			lines := strings.ReplaceAll(numbered(int(n)), "]}", padding+"]}")
			_, rest, _ := strings.Cut(lines, fmt.Sprintf("[%d%s]}\n", before, padding))
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
			if r.status != commandline.StatusReplies || s.Confirmed < 1 || s.Confirmed > int64(before) || s.Sent <= s.Confirmed || s.FirstNotConfirmed == nil || *s.FirstNotConfirmed != s.Confirmed+1 || s.Servers != 2 {
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
				if int64(len(had)) != n {
					t.Errorf("client %d got %d of %d numbers", i, len(had), n)
				}
			}
			t.Logf("%d sent, %d confirmed, %d received before it stood still; %d sent again and confirmed", s.Sent, s.Confirmed, before, n-s.Confirmed)
		})
	}
}

// TestPipeRedisRestarts has Redis start again in the middle of a pipe to a server: what
// it kept for the server is lost, though the lines behind that are sent. The server has
// ioredis: one with node-redis ends if Redis goes while it answers, see asking.md.
func TestPipeRedisRestarts(t *testing.T) {
	t.Parallel()
	c := startServed(t, 0, harness.V4, harness.RedisAdapter8, "", harness.RedisConfig{})
	conn := c.redis.Conn()
	conn.Package = "ioredis"
	c.serve(t, harness.ClientsFor(t, harness.V4), harness.NodeConfig{Server: harness.V4.Server, Adapter: harness.RedisAdapter8, Redis: conn})
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

// TestConfirm has each command that sends something wait for the servers, one of which
// then stands still.
func TestConfirm(t *testing.T) {
	t.Parallel()
	for name, adapter := range confirmed {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := startServed(t, 3, harness.V4, adapter.adapter, adapter.flags, harness.RedisConfig{})
			run := func(words ...string) result { return sioemit(t, nil, "", append(slices.Clone(c.flags), words...)...) }
			commands := [][]string{
				{"emit", "hello", "--confirm"}, {"emit", "hello", "--confirm", "--room", "nobody"}, {"join", "r", "--all", "--confirm"}, {"leave", "r", "--all", "--confirm"},
				{"disconnect", "--room", "nobody", "--confirm"},
			}
			if name == "streams" { // it goes beside the stream, so that an answer proves nothing
				if r := run("server-emit", "note", "--confirm"); r.status != commandline.StatusReplies || !strings.Contains(r.stderr, "goes beside the stream") {
					t.Errorf("server-emit: %+v", r)
				}
			} else {
				commands = append(commands, []string{"server-emit", "note", "--confirm"})
			}
			for _, words := range commands {
				if r := run(words...); r.status != 0 || r.stderr != "" || !strings.HasPrefix(r.stdout, "sent ") || !strings.HasSuffix(r.stdout, "; 3 servers have it\n") {
					t.Errorf("%q: %+v", words, r)
				}
			}
			if r := run("emit", "hello", "--confirm", "--json"); r.status != 0 || !strings.HasSuffix(r.stdout, `","servers":3,"confirmed":3}`+"\n") {
				t.Errorf("--json: %+v", r)
			}
			if r := run("emit", "hello", "--confirm", "--quiet"); r != (result{}) {
				t.Errorf("--quiet: %+v", r)
			}
			if r := run("emit", "hello", "--confirm", "--require", "4"); r.status != commandline.StatusListeners {
				t.Errorf("--require 4: %+v", r)
			}
			if r := run("emit", "hello", "--confirm", "-n", "nowhere"); r.status != commandline.StatusReplies || !strings.Contains(r.stderr, "no server has it, because none listens there") {
				t.Errorf("in an empty namespace: %+v", r)
			}
			if r := run("servers"); r.status != 0 || !strings.HasPrefix(r.stdout, "3 servers listen, 3 answered in ") {
				t.Errorf("servers: %+v", r)
			}
			if n, err := c.redis.Client().Exists(t.Context(), "other").Result(); n != 0 || err != nil {
				t.Fatal(n, err)
			}
			if err := c.nodes[1].Pause(); err != nil {
				t.Fatal(err)
			}
			var group sync.WaitGroup
			inTime := func(words ...string) result { return run(append(words, "--timeout", "5s")...) }
			for _, words := range commands {
				group.Go(func() {
					r := inTime(words...)
					if r.status != commandline.StatusReplies || r.stdout != "" {
						t.Errorf("%q, one stands still: %+v", words, r)
					}
					r.oneLine(t, "2 of 3 servers have it; it was sent")
				})
			}
			group.Go(func() {
				if r := inTime("emit", "hello", "--confirm", "--json"); r.status != commandline.StatusReplies || !strings.HasSuffix(r.stdout, `","servers":3,"confirmed":2}`+"\n") {
					t.Errorf("--json, one stands still: %+v", r)
				}
			})
			for words, want := range map[string]int{"servers": commandline.StatusReplies, "servers --json": commandline.StatusReplies, "servers --require 2": 0, "servers --require 3": commandline.StatusListeners} {
				group.Go(func() {
					began := time.Now()
					r := inTime(strings.Fields(words)...)
					if r.status != want || !strings.HasPrefix(r.stdout, "3 servers listen, 2 answered in ") && !strings.HasPrefix(r.stdout, `{"servers":3,"answered":2,"milliseconds":[`) {
						t.Errorf("%s, one stands still: %+v", words, r)
					}
					if took := time.Since(began); took < 4*time.Second {
						t.Errorf("%s gave up after %v", words, took)
					}
				})
			}
			group.Wait()
			if err := c.nodes[1].Resume(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestListenIsNoServer has listen answer as one, and not be counted as one.
func TestListenIsNoServer(t *testing.T) {
	t.Parallel()
	c := startServed(t, 1, harness.V4, harness.ShardedAdapter8, "--adapter sharded", harness.RedisConfig{})
	startListen(t, c.redis.URL(), "--adapter", "sharded")
	if r := sioemit(t, nil, "", append(c.flags, "servers")...); r.status != 0 || !strings.HasPrefix(r.stdout, "1 server listens, 1 answered in ") {
		t.Errorf("%+v", r)
	}
	r := sioemit(t, nil, numbered(10), append(c.flags, "pipe")...)
	r.oneLine(t, "10 lines: 10 sent, 10 confirmed by 1 server, 0 rejected, 0 not sent")
}

// TestPipeUnasked has servers that cannot be asked, or a user who may not ask them: it
// says so, where that is no matter of the flags, and sends all the same.
func TestPipeUnasked(t *testing.T) {
	t.Parallel()
	old := startServed(t, 1, harness.V2, harness.SocketIORedis5, "", harness.RedisConfig{})
	current := startServed(t, 1, harness.V4, harness.RedisAdapter8, "", harness.RedisConfig{})
	for user, rules := range map[string]string{
		"mute":   "+publish +pubsub",
		"asking": "+publish +pubsub +subscribe +unsubscribe",
		"seeing": "+publish +client|list",
	} {
		words := append([]any{"ACL", "SETUSER", user, "on", ">secret", "allchannels", "+ping", "+hello", "+auth", "+cluster", "+info"}, anys(strings.Fields(rules))...)
		if user != "seeing" {
			words = append(words, "-info")
		}
		if err := current.redis.Client().Do(t.Context(), words...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	as := func(user string) []string {
		return []string{"--redis", "redis://" + user + ":secret@" + current.redis.Addr}
	}
	for _, test := range []struct {
		name    string
		flags   []string
		client  *harness.Client
		warning string
	}{
		{"Socket.IO 2, said to be", append(old.flags, "--server-version", "2"), old.clients[0], ""},
		{"Socket.IO 2", append(old.flags, "--timeout", "3s"), old.clients[0], "warning: nothing can be confirmed, because the servers are of Socket.IO 1 or 2: see --server-version"},
		{"not to look", as("asking"), current.clients[0], "warning: nothing can be confirmed, because Redis does not let this user look whether servers lost their connection: "},
		{"not to ask", as("seeing"), current.clients[0], "warning: nothing can be confirmed, because Redis does not let this user "},
		{"nothing", as("mute"), current.clients[0], "warning: lines are sent however far the servers are behind, because Redis does not let this user look: "},
	} {
		had := len(test.client.Events())
		r := sioemit(t, nil, numbered(100), append(test.flags, "pipe", "--json")...)
		if s := r.summary(t); r.status != 0 || s.Sent != 100 || !strings.Contains(r.stdout, `"confirmed":null`) || !strings.Contains(r.stderr, test.warning) || test.warning == "" && r.stderr != "" {
			t.Errorf("%s: %+v", test.name, r)
		}
		awaitEvents(t, test.client, had+100)
		if r := sioemit(t, nil, numbered(1), append(test.flags, "pipe", "--confirm", "--json")...); r.status == 0 || strings.Contains(r.stdout, `"confirmed":1`) {
			t.Errorf("%s, --confirm: %+v", test.name, r)
		}
	}
}

func anys(words []string) (all []any) {
	for _, word := range words {
		all = append(all, word)
	}
	return all
}

// TestDeliveryPage runs the commands of docs/delivery.md to three servers, one of which
// stands still where the page says so, and holds their output to what it shows.
func TestDeliveryPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/delivery.md")
	if err != nil {
		t.Fatal(err)
	}
	c := startServed(t, 3, harness.V4, harness.RedisAdapter8, "", harness.RedisConfig{})
	bin := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\n%s=1 exec '%s' \"$@\"\n", runMain, os.Args[0])
	if err := os.WriteFile(filepath.Join(bin, "sioemit"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	duration := regexp.MustCompile(`in [0-9.]+ ms`)
	blocks := regexp.MustCompile("(?s)```console( frozen)?\n(.*?)```").FindAllSubmatch(page, -1)
	if len(blocks) < 6 {
		t.Fatalf("the page has %d blocks of commands", len(blocks))
	}
	for _, block := range blocks {
		isFrozen, text := len(block[1]) > 0, string(block[2])
		if isFrozen {
			if err := c.nodes[0].Pause(); err != nil {
				t.Fatal(err)
			}
		}
		for _, example := range strings.Split(text, "$ ")[1:] {
			command, want, _ := strings.Cut(example, "\n")
			cmd := exec.CommandContext(t.Context(), "sh", "-c", command)
			cmd.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=" + bin, "SIOEMIT_REDIS_URL=" + c.redis.URL()}
			out, _ := cmd.CombinedOutput() // the page shows what is said
			if got := duration.ReplaceAllString(string(out), "in 4 ms"); got != want {
				t.Errorf("%s printed\n%s, the page says\n%s", command, got, want)
			}
		}
		if isFrozen {
			if err := c.nodes[0].Resume(); err != nil {
				t.Fatal(err)
			}
		}
	}
}
