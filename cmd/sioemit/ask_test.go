package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/harness"
	"github.com/urfave/cli/v2"
)

// askCluster is three official nodes, each with one client in room r1, of which
// the one called mute never acknowledges, and one in no room.
type askCluster struct {
	env     []string
	redis   *harness.Redis
	members []*harness.Client
	others  []*harness.Client
}

func startAskCluster(t *testing.T) *askCluster {
	t.Helper()
	c := &askCluster{redis: harness.RedisFor(t, harness.RedisConfig{})}
	c.env = []string{"SIOEMIT_REDIS_URL=" + c.redis.URL()}
	clients := harness.ClientsFor(t, harness.V4)
	for i := range 3 {
		node := harness.NodeFor(t, harness.NodeConfig{
			Server: harness.V4.Server, Adapter: harness.RedisAdapter8, Redis: c.redis.Conn(), ServerSideAck: fmt.Sprint("node", i),
		})
		for _, rooms := range [][]string{{"r1"}, nil} {
			client, err := clients.Connect(t.Context(), harness.ConnectOptions{
				Node: node, Rooms: rooms, Acks: map[string][]any{"ping": {map[string]any{"from": i, "bytes": map[string]any{"$binary": "AQI="}}}},
			})
			if err != nil {
				t.Fatal(err)
			}
			if rooms == nil {
				c.others = append(c.others, client)
			} else {
				c.members = append(c.members, client)
			}
		}
	}
	return c
}

func sortedLines(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func TestAsk(t *testing.T) {
	t.Parallel()
	c := startAskCluster(t)
	run := func(words ...string) result { return sioemit(t, c.env, "", words...) }

	if r := run("servers"); r.status != 0 || !regexp.MustCompile(`^3 servers listen, 3 answered in [0-9.]+ ms\n$`).MatchString(r.stdout) {
		t.Errorf("servers: %+v", r)
	}
	if r := run("servers", "--json", "--require", "4"); r.status != commandline.StatusListeners || !strings.HasPrefix(r.stdout, `{"servers":3,"answered":3,"milliseconds":[`) {
		t.Errorf("servers --require 4: %+v", r)
	}
	r := run("servers", "-n", "nowhere")
	if r.status != 0 || r.stdout != "no server listens\n" {
		t.Errorf("servers of no namespace: %+v", r)
	}
	r.oneLine(t, "warning: no server listens there", "--namespace")

	r = run("emit", "--ack", "--room", "r1", "ping", "1")
	want := `{"bytes":{"$binary":"AQI="},"from":0}
{"bytes":{"$binary":"AQI="},"from":1}
{"bytes":{"$binary":"AQI="},"from":2}`
	if r.status != 0 || r.stderr != "" || sortedLines(r.stdout) != want {
		t.Errorf("emit --ack: %+v", r)
	}
	var acks struct {
		Acks             []json.RawMessage
		Clients, Servers int
	}
	r = run("emit", "--ack", "ping", "--json", "--require", "3")
	if err := json.Unmarshal([]byte(r.stdout), &acks); err != nil || r.status != 0 || len(acks.Acks) != 6 || acks.Clients != 6 || acks.Servers != 3 {
		t.Errorf("emit --ack --json: %+v, %v", r, err)
	}
	// With too few servers nothing is sent, and so nothing is answered.
	for _, words := range [][]string{{"emit", "--ack", "ping"}, {"emit", "--ack", "ping", "--room", "r1", "-x", "r2"}, {"emit", "--ack", "ping", "--json"}, {"server-emit", "--ack", "status"}} {
		r := run(append(words, "--require", "4")...)
		if r != (result{commandline.StatusListeners, "", "sioemit: 3 servers listen, 4 required; nothing was sent\n"}) {
			t.Errorf("%q --require 4: %+v", words, r)
		}
		if r := run(append(words, "--require", "3", "--quiet")...); r.status != 0 || r.stderr != "" || (r.stdout == "") == slices.Contains(words, "--json") {
			t.Errorf("%q --require 3 --quiet: %+v", words, r)
		}
		r = run(append(words, "--require", "1", "-n", "nowhere")...)
		if r.status != commandline.StatusListeners || r.stdout != "" {
			t.Errorf("%q --require 1 of no namespace: %+v", words, r)
		}
		r.oneLine(t, "no server listens, 1 required; nothing was sent")
		r = run(append(words, "--require", "-1")...)
		if r.status != commandline.StatusUsage || r.stdout != "" {
			t.Errorf("%q --require -1: %+v", words, r)
		}
		r.oneLine(t, "--require must not be negative")
	}
	if r := run("servers", "--require", "-1"); r != (result{commandline.StatusUsage, "", "sioemit: --require must not be negative\n"}) {
		t.Errorf("servers --require -1: %+v", r)
	}
	if r := run("emit", "--ack", "ping", "--room", "r1", "--json", "--quiet"); r.status != 0 || strings.Count(r.stdout, "\n") != 1 {
		t.Errorf("emit --ack --json --quiet: %+v", r)
	}
	// Nobody is asked.
	for words, text := range map[string]string{
		"--room empty":                "no client is in that room, so nobody was asked; check --room and --namespace",
		"--room empty --json":         "no client is in that room",
		"--room r1 --except r1":       "no client but those of --except is in that room, so nobody was asked; check --except, --room and --namespace",
		"-x r1 -r " + c.members[0].ID: "no client but those of --except is in that room",
	} {
		r := run(append([]string{"emit", "--ack", "ping"}, strings.Fields(words)...)...)
		if r.status != 0 {
			t.Errorf("emit --ack %s: %+v", words, r)
		}
		r.oneLine(t, text)
		if strings.Contains(words, "--json") != (r.stdout == `{"acks":[],"clients":0,"servers":3}`+"\n") {
			t.Errorf("emit --ack %s: %+v", words, r)
		}
	}
	if r := run("emit", "--ack", "ping", "--room", "empty", "--quiet"); r != (result{}) {
		t.Errorf("emit --ack to nobody, quiet: %+v", r)
	}
	// Nobody answers this event. The wait is longer than without --timeout, and
	// long enough for the servers to say how many clients they have.
	started := time.Now()
	r = run("emit", "--ack", "--room", "r1", "silence", "--timeout", "6s")
	if took := time.Since(started); r.status != commandline.StatusReplies || r.stdout != "" || took < 6*time.Second || took > time.Minute {
		t.Errorf("emit --ack, no answer: %+v after %v", r, took)
	}
	r.oneLine(t, "3 of 3 servers", "0 of 3 clients", "6s")
	r = run("emit", "--ack", "-n", "nowhere", "ping")
	if r.status != commandline.StatusFailed {
		t.Errorf("emit --ack to nobody: %+v", r)
	}
	r.oneLine(t, "no server listens there: check --redis, --adapter, --key and --namespace, or run sioemit doctor with these flags")

	var ids []string
	for _, client := range append(slices.Clone(c.members), c.others...) {
		ids = append(ids, client.ID)
	}
	slices.Sort(ids)
	rooms := append(slices.Clone(ids), "r1")
	slices.Sort(rooms)
	if r := run("rooms", "--names"); r.status != 0 || r.stdout != strings.Join(rooms, "\n")+"\n" {
		t.Errorf("rooms --names: %+v", r)
	}
	if r := run("rooms"); r != (result{0, "      3 r1\n", ""}) {
		t.Errorf("rooms: %+v", r)
	}
	if r := run("rooms", "--json"); r != (result{0, `{"room":"r1","clients":3}` + "\n", ""}) {
		t.Errorf("rooms --json: %+v", r)
	}
	if r := run("rooms", "--ids", "--json"); r.status != 0 || sortedLines(r.stdout) != sortedLines(`{"room":"r1","clients":3}`+"\n"+`{"room":"`+strings.Join(ids, `","clients":1}`+"\n"+`{"room":"`)+`","clients":1}`) {
		t.Errorf("rooms --ids --json: %+v", r)
	}
	if r := run("namespaces"); r != (result{0, "      3 /\n", ""}) {
		t.Errorf("namespaces: %+v", r)
	}
	if r := run("namespaces", "--json"); r != (result{0, `{"namespace":"/","servers":3}` + "\n", ""}) {
		t.Errorf("namespaces --json: %+v", r)
	}
	checkFullDisk(t, c)
	checkJSONLines(t, c)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := c.members[0].SetData(ctx, map[string]any{"user": "Ada"}); err != nil {
		t.Fatal(err)
	}
	r = run("sockets", "--room", c.members[0].ID)
	if r.status != 0 || r.stdout != fmt.Sprintf("%-*s  ROOMS  DATA\n%s  r1     {\"user\":\"Ada\"}\n", len(c.members[0].ID), "ID", c.members[0].ID) {
		t.Errorf("sockets: %+v", r)
	}
	r = run("sockets", "--json")
	if r.status != 0 || strings.Count(r.stdout, "\n") != 6 || strings.Contains(r.stdout, "handshake") || strings.Contains(r.stdout, "127.0.0.1") {
		t.Errorf("sockets --json: %+v", r)
	}
	if r := run("sockets", "--json", "--handshake", "--except", "r1"); strings.Count(r.stdout, "\n") != 3 || strings.Count(r.stdout, `"address":"127.0.0.1"`) != 3 {
		t.Errorf("sockets --handshake: %+v", r)
	}
	// A name must not look like two, or reach the terminal as a command.
	strange := []string{"a b,c é", "x\ny", "\x1b[31mred\x1b[0m", `"x"`, "'x'", "\u202egnp.exe"}
	if r := run(append([]string{"join", "--room", c.members[0].ID, "--quiet"}, strange...)...); r != (result{}) {
		t.Errorf("join: %+v", r)
	}
	shown := `"\x1b[31mred\x1b[0m"
'"x"'
"'x'"
a b,c é
"x\x0ay"
"\xe2\x80\xaegnp.exe"`
	r = run("rooms", "--names")
	lines := slices.DeleteFunc(strings.Split(strings.TrimSpace(r.stdout), "\n"), func(line string) bool { return slices.Contains(rooms, line) })
	slices.Sort(lines)
	want = sortedLines(shown)
	if r.status != 0 || strings.Join(lines, "\n") != want {
		t.Errorf("rooms: %q, want %q", lines, want)
	}
	for _, flag := range []string{"--names", "--ids"} {
		var all []string
		r := run("rooms", "--json", flag)
		for line := range strings.Lines(r.stdout) {
			var listed struct{ Room string }
			if err := json.Unmarshal([]byte(line), &listed); err != nil {
				t.Fatalf("%v: %+v", err, r)
			}
			all = append(all, listed.Room)
		}
		if slices.Sort(all); !slices.Equal(all, slices.Sorted(slices.Values(append(slices.Clone(rooms), strange...)))) {
			t.Errorf("rooms --json %s: %+v", flag, r)
		}
	}
	if r := run(append([]string{"leave", "--room", c.members[0].ID, "--quiet"}, strange...)...); r != (result{}) {
		t.Errorf("leave: %+v", r)
	}
	if r := run("server-emit", "--ack", "status"); r.status != 0 || sortedLines(r.stdout) != "\"node0\"\n\"node1\"\n\"node2\"" {
		t.Errorf("server-emit --ack: %+v", r)
	}

	// A node that has stopped counts as a listener and does not answer.
	if err := c.members[2].Node.Pause(); err != nil {
		t.Fatal(err)
	}
	// All at once, since each has to wait to the end of its time, in which the
	// others answer on a busy machine, too.
	var group sync.WaitGroup
	for _, test := range []struct {
		words string
		lines int // that came
		text  string
	}{
		{"emit --ack --room r1 ping", 2, "2 of 3 servers"},
		// What did come is printed, because not all went well.
		{"emit --ack --room r1 ping --quiet", 2, ""},
		{"server-emit --ack status --quiet", 2, ""},
		{"sockets", 5, ""},
	} {
		group.Go(func() {
			r := run(append(strings.Fields(test.words), "--timeout", "5s")...)
			if r.status != commandline.StatusReplies || strings.Count(r.stdout, "\n") != test.lines {
				t.Errorf("%s, one node hangs: %+v", test.words, r)
			}
			r.oneLine(t, test.text)
		})
	}
	group.Wait()
	if err := c.members[2].Node.Resume(); err != nil {
		t.Fatal(err)
	}
}

// checkJSONLines has every command that takes --json print one object a line, and
// nothing else.
func checkJSONLines(t *testing.T, c *askCluster) {
	t.Helper()
	left := make(map[string]bool)
	for _, command := range newProgram(nil, io.Discard, io.Discard).All() {
		left[command.Name] = slices.ContainsFunc(command.Flags, func(f cli.Flag) bool { return f.Names()[0] == "json" })
	}
	for words, least := range map[string]int{
		"emit x": 1, "emit x --dry-run": 1, "emit ping --ack": 1, "server-emit x": 1, "server-emit status --ack": 1, "server-emit x --dry-run": 1,
		"join a --room nobody": 1, "leave a --room nobody": 1, "disconnect --room nobody": 1, "pipe": 1, "pipe --dry-run": 3,
		"sockets": 6, "sockets --handshake": 6, "rooms": 1, "rooms --ids": 7, "rooms --names": 7, "namespaces": 1, "servers": 1,
		"doctor --for 0s": 5, "top --for 1ms": 0, "listen --for 1ms": 0, // of which the tests of listen read more lines
		"version": 1, `decode {"type":2,"opts":{"rooms":[],"except":[]},"rooms":["a"]}`: 1,
	} {
		r := sioemit(t, c.env, numbered(3), append(strings.Fields(words), "--json")...)
		lines := 0
		for line := range strings.Lines(r.stdout) {
			lines++
			var object map[string]any
			if err := json.Unmarshal([]byte(line), &object); err != nil || object == nil {
				t.Errorf("%s --json printed %q", words, line)
			}
		}
		if lines < least {
			t.Errorf("%s --json: %+v", words, r)
		}
		left[strings.Fields(words)[0]] = false
	}
	for command, isLeft := range left {
		if isLeft {
			t.Errorf("%s --json is not tested", command)
		}
	}
}

// checkFullDisk has no command end well whose output could not be written.
func checkFullDisk(t *testing.T, c *askCluster) {
	t.Helper()
	if _, err := os.Stat("/dev/full"); err != nil {
		return // not on Linux
	}
	payload := `{"type":2,"opts":{"rooms":[],"except":[]},"rooms":["a"]}`
	for _, test := range []struct{ words, text string }{
		{"rooms", ""}, {"rooms --json", ""}, {"rooms --names", ""}, {"namespaces", ""}, {"namespaces --json", ""}, {"sockets", ""}, {"sockets --json", ""}, {"servers", ""}, {"servers --json", ""}, {"emit --ack ping", ""}, {"emit --ack ping --json", ""},
		{"server-emit --ack status", ""}, {"server-emit --ack status --json", ""}, {"emit x", "it was sent, but "}, {"emit x --json", "it was sent, but "}, {"join a --room nobody", "it was sent, but "},
		{"emit x --dry-run", ""}, {"emit x --dry-run --json", ""}, {"decode " + payload, ""}, {"decode --json " + payload, ""}, {"pipe --dry-run", ""}, {"pipe --json", ""}, {"doctor", ""}, {"doctor --json", ""},
		{"help", ""}, {"emit --help", ""}, {"man", ""}, {"version", ""}, {"version --json", ""}, {"completion bash", ""},
	} {
		r := sioemitFull(t, c.env, numbered(1), strings.Fields(test.words)...)
		if r.status != commandline.StatusFailed {
			t.Errorf("%s with a full disk: %+v", test.words, r)
		}
		if !strings.Contains(r.stderr, test.text) || !strings.Contains(r.stderr, "no space left on device") {
			t.Errorf("%s with a full disk: stderr %q does not say %q", test.words, r.stderr, test.text)
		}
	}
}

// TestSteer joins, leaves and disconnects, and reaches exactly who it should.
func TestSteer(t *testing.T) {
	t.Parallel()
	c := startAskCluster(t)
	run := func(words ...string) {
		t.Helper()
		if r := sioemit(t, c.env, "", append(words, "--quiet")...); r != (result{}) {
			t.Fatalf("%q: %+v", words, r)
		}
	}
	run("join", "vip", "--room", "r1")
	run("emit", "--room", "vip", "hi")
	run("leave", "vip", "--room", c.members[0].ID)
	run("emit", "--room", "vip", "again")
	run("server-emit", "note", "1")
	run("emit", "end")
	expect := func(clients []*harness.Client, want string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for _, client := range clients {
			var got []string
			if err := client.Await(ctx, func(events []harness.Event) bool {
				return len(events) > 0 && events[len(events)-1].Name == "end"
			}); err != nil {
				t.Fatal(err)
			}
			for _, event := range client.Events() {
				got = append(got, event.Name)
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%s received %q, want %s", client.Name, got, want)
			}
		}
	}
	expect(c.members[:1], "hi end")
	expect(c.members[1:], "hi again end")
	expect(c.others, "end")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, client := range c.members {
		if err := client.Node.AwaitServerSide(ctx, func(events []harness.ServerSideEvent) bool { return len(events) == 1 && events[0].Event == "note" }); err != nil {
			t.Error(err)
		}
	}
	run("disconnect", "--room", "r1")
	for _, client := range c.members {
		if reason, err := client.AwaitDisconnect(ctx); err != nil || reason != "io server disconnect" {
			t.Errorf("%s: %q, %v", client.Name, reason, err)
		}
	}
	run("emit", "end")
	for _, client := range c.others {
		if err := client.Await(ctx, func(events []harness.Event) bool { return len(events) == 2 }); err != nil {
			t.Error(err)
		}
	}
	for _, words := range [][]string{
		{"disconnect"}, {"disconnect", "--close"}, {"disconnect", "r1"}, {"disconnect", "--room", "a", "--all"}, {"join", "vip"}, {"leave", "vip"}, {"join", "--all"}, {"join", "", "--all"},
		{"disconnect", "--except", "a"}, {"server-emit"}, {"server-emit", "connection"}, {"sockets", "r1"}, {"rooms", "--room", "a"}, {"emit", "x", "--ack", "--dry-run"},
		{"join", "vip", "--all", "--server-version", "3"}, {"sockets", "--server-version", "2"}, {"emit", "--ack", ""},
	} {
		r := sioemit(t, c.env, "", words...)
		if r.status != commandline.StatusUsage || r.stdout != "" {
			t.Errorf("%q: %+v", words, r)
		}
		r.oneLine(t)
	}
	r := sioemit(t, nil, "", "join", "vip", "--room", "r1", "--dry-run")
	if r != (result{0, `PUBLISH "socket.io-request#/#" '{"type":2,"opts":{"rooms":["r1"],"except":[]},"rooms":["vip"]}'` + "\n", ""}) {
		t.Errorf("join --dry-run: %+v", r)
	}
}

// TestServerEmitBinary sends binary to servers, which the classic adapter reads
// from version 7.2 on, with which older ones end.
func TestServerEmitBinary(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	start := func(adapter harness.Adapter) *harness.Node {
		t.Helper()
		node := harness.NodeFor(t, harness.NodeConfig{Server: harness.V4.Server, Adapter: adapter, Redis: server.Conn(), ServerSideAck: "seen"})
		return node
	}
	nodes := []*harness.Node{start(harness.RedisAdapter8), start(harness.RedisAdapter7)}
	run := func(words ...string) result {
		return sioemit(t, []string{"SIOEMIT_REDIS_URL=" + server.URL()}, "\x01\x02", append([]string{"server-emit"}, words...)...)
	}
	for _, test := range []struct {
		words []string
		want  result
	}{
		{[]string{"note", "--binary", "-"}, result{0, `sent note on "socket.io-request#/#", where 2 servers listen` + "\n", ""}},
		{[]string{"note", `{"$binary":"AQI="}`, "--json"}, result{0, `{"channel":"socket.io-request#/#","servers":2}` + "\n", ""}},
		{[]string{"note", `{"$binary":"AQI="}`, "--quiet", "--require", "2"}, result{}},
		{[]string{"note", `{"$binary":"AQI="}`, "--require", "3", "--json"}, result{commandline.StatusListeners, `{"channel":"socket.io-request#/#","servers":2}` + "\n",
			`sioemit: 2 servers listen on "socket.io-request#/#", 3 required; it was sent anyway` + "\n"}},
		{[]string{"note", "--ack", "--binary", "-"}, result{0, "\"seen\"\n\"seen\"\n", ""}},
	} {
		if r := run(test.words...); r != test.want {
			t.Errorf("%q: %+v, want %+v", test.words, r, test.want)
		}
	}
	// The command that --dry-run prints is the one that is sent.
	r := sioemit(t, nil, "", "server-emit", "note", `{"$binary":"AQI="}`, "--dry-run", "--json")
	var printed struct{ Args []json.RawMessage }
	var message struct {
		Binary []byte `json:"$binary"`
	}
	if err := json.Unmarshal([]byte(r.stdout), &printed); err != nil || len(printed.Args) != 3 || json.Unmarshal(printed.Args[2], &message) != nil {
		t.Fatalf("--dry-run: %+v, %v", r, err)
	}
	if err := server.Client().Publish(t.Context(), "socket.io-request#/#", message.Binary).Err(); err != nil {
		t.Fatal(err)
	}
	r = sioemit(t, nil, "", "server-emit", "note", `{"$binary":"AQI="}`, "--dry-run")
	if r.status != 0 || r.stderr != "" || !strings.HasPrefix(r.stdout, `PUBLISH "socket.io-request#/#" "\x83\xa3uid\xa7emitter\xa4type\x06`) {
		t.Errorf("--dry-run: %+v", r)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, node := range nodes {
		if err := node.AwaitServerSide(ctx, func(events []harness.ServerSideEvent) bool { return len(events) == 6 }); err != nil {
			t.Error(err)
		}
		for _, event := range node.ServerSideEvents() {
			if fmt.Sprintf("%s %s", event.Event, event.Args) != `note [{"type":"Buffer","data":[1,2]}]` {
				t.Errorf("%+v", event)
			}
		}
	}
	// One that cannot read it joins them.
	old := start(harness.SocketIORedis61)
	for _, ack := range []string{"--ack=false", "--ack"} {
		r := run("note", "--binary", "-", ack, "--timeout", "4s")
		if r.status != commandline.StatusReplies || r.stdout != "" {
			t.Errorf("%s, with an old server: %+v", ack, r)
		}
		r.oneLine(t, "binary was not sent", "2 of 3 servers answered", "4s (--timeout)")
	}
	if r := run("end", "--require", "3", "--quiet"); r != (result{}) {
		t.Errorf("with an old server: %+v, %s", r, old.Stderr())
	}
	for _, node := range nodes {
		if err := node.AwaitServerSide(ctx, func(events []harness.ServerSideEvent) bool { return len(events) == 7 && events[6].Event == "end" }); err != nil {
			t.Error(err)
		}
	}
}

// TestRoomsHarmless lists the rooms of servers one of which would end if it had to write down the data of a socket: see
// TestDoctorCircular for that. There are more rooms than questions go out at the same time.
func TestRoomsHarmless(t *testing.T) {
	t.Parallel()
	c := startServed(t, 2, harness.V4, harness.RedisAdapter8, "", harness.RedisConfig{})
	var all, half []string
	var want strings.Builder
	for i := range 150 {
		room := fmt.Sprintf("room%03d", i)
		all = append(all, room)
		if i%2 == 1 {
			half = append(half, room)
		}
		fmt.Fprintf(&want, "%7d %s\n", 1+i%2, room)
	}
	want.WriteString("      1 5 (number)\n")
	for _, words := range [][]string{
		append([]string{"--room", c.clients[0].ID}, all...), append([]string{"--room", c.clients[1].ID}, half...), {"--room", c.clients[1].ID, "--number", "5"},
	} {
		if r := sioemit(t, nil, "", slices.Concat(c.flags, []string{"join", "--quiet", "--confirm"}, words)...); r != (result{}) {
			t.Fatalf("%s: %+v", words, r)
		}
	}
	if err := c.clients[0].Call(t.Context(), "circular", nil); err != nil {
		t.Fatal(err)
	}
	if r := sioemit(t, nil, "", append(c.flags, "rooms")...); r != (result{0, want.String(), ""}) {
		t.Errorf("%+v", r)
	}
	frozen := c.nodes[1]
	if err := frozen.Pause(); err != nil {
		t.Fatal(err)
	}
	r := sioemit(t, nil, "", append(c.flags, "--timeout", "3s", "rooms")...)
	if r.status != commandline.StatusReplies {
		t.Errorf("with a frozen server: %+v", r)
	}
	r.oneLine(t, "1 of 2 servers")
	if err := frozen.Resume(); err != nil {
		t.Fatal(err)
	}
}
