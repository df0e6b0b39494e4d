package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/event"
	"github.com/sioemit/sioemit/internal/harness"
)

// TestListenServers hears what official servers of every generation and adapter
// emit, in lines that pipe reads.
func TestListenServers(t *testing.T) {
	t.Parallel()
	old := []string{
		`{"event":"all","args":[1,"é 😀",{"a":[true,null,1.5]}],"namespace":"/"}`,
		`{"event":"one","args":[{"$binary":"Af8="},{"deep":[{"$binary":"eA=="}]}],"namespace":"/","rooms":["r1"]}`,
		`{"event":"two","namespace":"/","rooms":["r1","r2"]}`,
	}
	current := append(slices.Clone(old),
		`{"event":"more","args":["1970-01-01T00:00:00.000Z",null,{}],"namespace":"/","rooms":["r1"],"except":["x"],"volatile":true}`,
		`{"event":"plain","namespace":"/","compress":false}`)
	for _, test := range []struct {
		generation harness.Generation
		adapter    harness.Adapter
		words      string
		want       []string
	}{
		{harness.V1, harness.SocketIORedis4, "--server-version 1", old},
		{harness.V2, harness.SocketIORedis5, "--server-version 2", old},
		{harness.V3, harness.SocketIORedis60, "--server-version 3", old},
		{harness.V4, harness.SocketIORedis61, "", current},
		{harness.V4, harness.RedisAdapter7, "", current},
		{harness.V4, harness.RedisAdapter8, "", current},
		{harness.V4, harness.RedisAdapter8.With("key", "a[b]*c"), "--key a[b]*c", current},
		{harness.V4, harness.ShardedAdapter8.With("subscriptionMode", "static"), "--adapter sharded --subscription-mode static", current},
		{harness.V4, harness.ShardedAdapter8.With("channelPrefix", "p"), "--adapter sharded --key p --room r1 --room r2", []string{old[1], old[2], current[3]}},
		{harness.V4, harness.StreamsAdapter, "--adapter streams", current},
		{harness.V4, harness.StreamsAdapter.With("streamName", "s").With("streamCount", 3), "--adapter streams --stream-name s --stream-count 3", current},
	} {
		t.Run(test.adapter.Package+" "+test.words, func(t *testing.T) {
			t.Parallel()
			server := harness.RedisFor(t, harness.RedisConfig{})
			h := startListen(t, server.URL(), strings.Fields(test.words)...)
			speak(t, test.generation.Server, test.adapter, server.Conn(), "events")
			got, want := h.awaitLines(t, len(test.want)), slices.Clone(test.want)
			if strings.Contains(test.words, "--room") {
				// Shard channels have no order among each other.
				slices.Sort(got)
				slices.Sort(want)
			}
			for i := range want {
				if !sameLine(t, got[i], want[i]) {
					t.Errorf("line %d is\n%s, want\n%s", i+1, got[i], want[i])
				}
				var l event.Line
				if err := l.Parse([]byte(got[i])); err != nil {
					t.Errorf("pipe does not read %s: %v", got[i], err)
				}
			}
			if !strings.Contains(test.words, "--room") {
				if end := h.next(t); end != `{"event":"end","namespace":"/"}` {
					t.Errorf("%s after that", end)
				}
			}
			h.interrupt(t)
			if status := h.end(t); status != commandline.StatusDone {
				t.Errorf("status %d after Ctrl-C: %s", status, h.said())
			}
			h.noUndecodable(t)
		})
	}
}

// readyEntry is in the entry by which the harness finds out that a server reads
// its stream. Servers skip it, too.
const readyEntry = `"fields":{"ready":"1"}`

// noUndecodable checks that all could be decoded.
func (h *hearing) noUndecodable(t *testing.T) {
	t.Helper()
	for text := range strings.Lines(h.said()) {
		if strings.Contains(text, "undecodable") && !strings.Contains(text, readyEntry) {
			t.Error(text)
		}
	}
}

// awaitLines returns the next n lines.
func (h *hearing) awaitLines(t *testing.T, n int) []string {
	t.Helper()
	var lines []string
	for range n {
		lines = append(lines, h.next(t))
	}
	return lines
}

// sameLine compares values; Date and NaN of adapters before 8 are theirs.
func sameLine(t *testing.T, a, b string) bool {
	t.Helper()
	var x, y any
	if err := json.Unmarshal([]byte(a), &x); err != nil {
		t.Fatalf("%s: %v", a, err)
	}
	if err := json.Unmarshal([]byte(b), &y); err != nil {
		t.Fatal(err)
	}
	return reflect.DeepEqual(x, y)
}

// TestListenMirror copies the events of one cluster to another, and finds the
// same there, to the byte of every argument.
func TestListenMirror(t *testing.T) {
	t.Parallel()
	from, to := harness.RedisFor(t, harness.RedisConfig{}), harness.RedisFor(t, harness.RedisConfig{})
	original, copied := listenOn(t, from.Client(), "/"), listenOn(t, to.Client(), "/")
	h := startListen(t, from.URL())
	pipe := exec.CommandContext(t.Context(), os.Args[0], "--redis", to.URL(), "pipe", "--quiet")
	pipe.Env = []string{runMain + "=1"}
	in, err := pipe.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := pipe.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		for text := range h.lines {
			if _, err := io.WriteString(in, text+"\n"); err != nil {
				break
			}
		}
		in.Close()
	}()
	for _, words := range [][]string{
		{"emit", "hello", "world", "1", "-1.5", "1e300", "null", `{"a":{"$binary":"AAH/"},"<&>":"\u2028é😀"}`},
		{"emit", "hello", "--room", "a", "-x", "b", "-x", "c", "--volatile", "--compress=false"},
		{"emit", `it's "quoted"\`, "--room", "a,b", "--room", "é 😀", "--compress"},
		{"emit", "numbers", "--room-number", "5", "-r", "5", "--except-number", "-0.5"}, {"emit", "number", "--room-number", "5"}, {"emit", "text", "--room", "5"},
		{"emit", "big", strings.Repeat("x", 100000)},
	} {
		if r := sioemit(t, nil, "", append([]string{"--redis", from.URL()}, words...)...); r.status != 0 {
			t.Fatalf("%q: %+v", words, r)
		}
		wantChannel, want := original.next(t)
		gotChannel, got := copied.next(t)
		if gotChannel != wantChannel || !reflect.DeepEqual(got, want) {
			t.Errorf("%q arrived as %q %+v, want %q %+v", words, gotChannel, got, wantChannel, want)
		}
	}
	h.interrupt(t)
	if status := h.end(t); status != commandline.StatusDone {
		t.Errorf("status %d", status)
	}
	if err := pipe.Wait(); err != nil {
		t.Error(err)
	}
}

func TestListenFilters(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	env := []string{"SIOEMIT_REDIS_URL=" + server.URL()}
	byRoom := startListen(t, server.URL(), "--room", "a", "--room", "b,c")
	byEvent := startListen(t, server.URL(), "--event", "x", "--event", "end", "--count", "3")
	admin := startListen(t, server.URL(), "-n", "admin", "--for", "1h", "--count", "1")
	for _, words := range []string{
		"emit x", "emit x --room a", "emit y --room a --room d", "emit y --room d", "emit x --room b,c", "emit end --room a", "emit x -n admin",
	} {
		if r := sioemit(t, env, "", append(strings.Fields(words), "--quiet")...); r != (result{}) {
			t.Fatalf("%s: %+v", words, r)
		}
	}
	want := []string{
		`{"event":"x","namespace":"/","rooms":["a"]}`, `{"event":"y","namespace":"/","rooms":["a","d"]}`, `{"event":"x","namespace":"/","rooms":["b,c"]}`,
	}
	if got := byRoom.until(t, `"end"`); !slices.Equal(got, want) {
		t.Errorf("--room: %q", got)
	}
	want = []string{`{"event":"x","namespace":"/"}`, `{"event":"x","namespace":"/","rooms":["a"]}`, `{"event":"x","namespace":"/","rooms":["b,c"]}`}
	if got := byEvent.awaitLines(t, 3); !slices.Equal(got, want) || byEvent.end(t) != commandline.StatusDone {
		t.Errorf("--event: %q, %s", got, byEvent.said())
	}
	if got := admin.next(t); got != `{"event":"x","namespace":"/admin"}` || admin.end(t) != commandline.StatusDone {
		t.Errorf("--namespace: %s, %s", got, admin.said())
	}
	if _, more := <-byEvent.lines; more {
		t.Error("--count 3 printed more")
	}
}

// TestListenEnds checks the exit status of every way to end.
func TestListenEnds(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	env := []string{"SIOEMIT_REDIS_URL=" + server.URL()}
	// Long enough to begin to listen, on a busy machine, too.
	started := time.Now()
	if r := sioemit(t, env, "", "listen", "--for", "3s"); r != (result{0, "", "sioemit: listening on socket.io#/#*\n"}) || time.Since(started) < 3*time.Second {
		t.Errorf("--for: %+v after %v", r, time.Since(started))
	}
	r := sioemit(t, env, "", "listen", "--for", "3s", "--count", "2")
	if r.status != commandline.StatusReplies || !strings.HasSuffix(r.stderr, "sioemit: time ran out after 3s (--for): 0 of 2 printed\n") {
		t.Errorf("--for --count: %+v", r)
	}
	h := startListen(t, server.URL(), "--count", "1")
	h.interrupt(t)
	if status := h.end(t); status != commandline.StatusInterrupt {
		t.Errorf("status %d of --count that was interrupted", status)
	}
	if full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0); err == nil { // of Linux
		defer full.Close()
		status := make(chan result, 1)
		go func() { status <- sioemitTo(t, full, env, "", "listen", "--count", "1") }()
		rdb := server.Client()
		for rdb.PubSubNumPat(t.Context()).Val() == 0 && t.Context().Err() == nil {
			time.Sleep(10 * time.Millisecond)
		}
		if r := sioemit(t, env, "", "emit", "x"); r.status != 0 {
			t.Errorf("%+v", r)
		}
		if r := <-status; r.status != commandline.StatusFailed || !strings.Contains(r.stderr, "no space left on device") {
			t.Errorf("a full disk: %+v", r)
		}
	}
	// Nobody reads the output any more: a pipe tells so before any event comes, a
	// socket when one is written.
	for _, event := range []bool{false, true} {
		reader, writer, err := os.Pipe()
		if event {
			reader, writer, err = socketPair()
		}
		if err != nil {
			t.Fatal(err)
		}
		h := startHearing(t, env, writer, "listen")
		writer.Close()
		h.awaitNotice(t, "listening on")
		reader.Close()
		if event {
			sioemit(t, env, "", "emit", "x", "--quiet")
		}
		if status := h.end(t); status != commandline.StatusDone || strings.Count(h.said(), "\n") != 1 {
			t.Errorf("status %d without a reader, event %v: %s", status, event, h.said())
		}
	}
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	for _, adapter := range []string{"classic", "sharded", "streams"} {
		r := sioemit(t, env, "", "listen", "--adapter", adapter)
		if r.status != commandline.StatusFailed || r.stdout != "" {
			t.Errorf("Redis is down, %s: %+v", adapter, r)
		}
		r.oneLine(t, "no Redis at "+server.Addr)
	}
}

// TestListenStalled has a reader of the output that stops reading.
func TestListenStalled(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	env := []string{"SIOEMIT_REDIS_URL=" + server.URL(), "SIOEMIT_ADAPTER=streams"}
	line := `{"event":"x","args":["` + strings.Repeat("x", 10000) + `"]}` + "\n"
	if r := sioemit(t, env, strings.Repeat(line, 300), "pipe", "--quiet"); r != (result{}) {
		t.Fatalf("%+v", r)
	}
	for _, end := range []string{"--for", "SIGTERM", "SIGINT"} {
		reader, writer, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer reader.Close()
		// Both long enough to print what fills the pipe, on a busy machine, too.
		words := []string{"listen", "--since", "0", "--timeout", "2s"}
		if end == "--for" {
			words = append(words, "--for", "4s")
		}
		h := startHearing(t, env, writer, words...)
		writer.Close()
		// It prints by now, and there is more than fits into the pipe.
		if _, err := io.ReadFull(reader, make([]byte, 50000)); err != nil {
			t.Fatal(err)
		}
		switch end {
		case "SIGTERM":
			err = h.cmd.Process.Signal(syscall.SIGTERM)
		case "SIGINT":
			err = h.cmd.Process.Signal(syscall.SIGINT)
		}
		if err != nil {
			t.Fatal(err)
		}
		status := h.end(t)
		if end == "--for" && (status != commandline.StatusFailed || !strings.Contains(h.said(), "nobody reads the output")) {
			t.Errorf("%s: status %d, %s", end, status, h.said())
		}
		// What is called read was written.
		written, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		if _, id, found := strings.Cut(h.said(), "the last entry read is "); found {
			id, _, _ = strings.Cut(id, ";")
			entries, err := server.Client().XRange(t.Context(), "socket.io", "-", id).Result()
			if got := (50000 + len(written)) / len(line); err != nil || len(entries) > got {
				t.Errorf("%s: %d entries are called read, %d written, %v", end, len(entries), got, err)
			}
		}
	}
}

func TestListenRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ words, text string }{
		{"listen hello", "no argument"},
		{"listen --count 0", "--count"},
		{"listen --for 0s", "--for"},
		{"listen --for soon", "for"},
		{"listen --since 0", "streams"},
		{"listen --adapter streams --since yesterday", "--since"},
		{"listen --adapter streams --since 99999999999999999999999999", "--since"},
		{"listen --adapter streams --since 1-99999999999999999999999999", "--since"},
		{"listen --adapter streams --since 1-", "--since"},
		{"listen --adapter sharded --since 0", "streams"},
		{"listen --room=", "--room"},
		{"listen --adapter nats", "nats"},
		{"listen --except a", "--except"},
		{"listen --adapter streams --stream-count 3 -n /chatroom", "no server reads"},
	} {
		r := sioemit(t, nil, "", strings.Fields(test.words)...)
		if r.status != commandline.StatusUsage || r.stdout != "" {
			t.Errorf("%s: %+v", test.words, r)
		}
		r.oneLine(t, test.text)
	}
	protected := harness.RedisFor(t, harness.RedisConfig{Password: "right"})
	r := sioemit(t, nil, "", "listen", "--redis", "redis://"+protected.Addr)
	if r.status != commandline.StatusFailed {
		t.Errorf("%+v", r)
	}
	r.oneLine(t, "wants a password")
	// Who may not read is told so, and not that all is well.
	forbidding := harness.RedisFor(t, harness.RedisConfig{})
	for adapter, rule := range map[string]string{"classic": "-psubscribe", "sharded": "-ssubscribe", "streams": "-xread"} {
		if err := forbidding.Client().Do(t.Context(), "ACL", "SETUSER", adapter, "on", "nopass", "~*", "&*", "+@all", rule).Err(); err != nil {
			t.Fatal(err)
		}
		r := sioemit(t, nil, "", "listen", "--redis", "redis://"+adapter+":x@"+forbidding.Addr, "--adapter", adapter, "--for", "1m")
		if r.status != commandline.StatusFailed || r.stdout != "" {
			t.Errorf("%s: %+v", rule, r)
		}
		r.oneLine(t, "lacks a permission", rule[1:])
	}
}

// TestListenUndecodable publishes what servers do not understand.
func TestListenUndecodable(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	rdb := server.Client()
	plain, all := startListen(t, server.URL()), startListen(t, server.URL(), "--requests")
	shards := startListen(t, server.URL(), "--adapter", "sharded")
	stream := startListen(t, server.URL(), "--adapter", "streams", "--requests", "--key", "other")
	good, err := encoding.Classic{}.Marshal(&encoding.Broadcast{Namespace: "/admin", Event: "x"})
	if err != nil {
		t.Fatal(err)
	}
	for _, message := range []struct {
		channel string
		payload any
	}{
		{"socket.io#/#", "garbage\xff"}, {"socket.io#/#", `{"uid":"emitter","requestId":"q","type":1}`}, {"socket.io#/#r1#", good},
	} {
		if err := rdb.Publish(t.Context(), message.channel, message.payload).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if err := rdb.SPublish(t.Context(), "socket.io#/#", good).Err(); err != nil {
		t.Fatal(err)
	}
	if err := rdb.Do(t.Context(), "XADD", "socket.io", "*", "nsp", "/", "type", "3", "data", "?").Err(); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"7 bytes after the value", "expect something else on this channel than rooms", `it says namespace \"/admin\"`} {
		plain.awaitNotice(t, want)
		text := all.next(t)
		if !strings.HasPrefix(text, `{"undecodable":{"channel":"socket.io#/#`) || !strings.Contains(text, want) {
			t.Errorf("%s does not say %q", text, want)
		}
		if r := sioemit(t, nil, text, "decode"); i == 0 && r.status != commandline.StatusUsage || i > 0 && r.status != 0 {
			t.Errorf("decode %s: %+v", text, r)
		}
		if r := sioemit(t, nil, text, "pipe", "--dry-run"); r.status != commandline.StatusUsage || r.stdout != "" {
			t.Errorf("pipe takes %s: %+v", text, r)
		}
	}
	shards.awaitNotice(t, `{"undecodable":{"channel":"socket.io#/#"`)
	if text := stream.next(t); !strings.HasPrefix(text, `{"undecodable":{"channel":"socket.io","id":"`) || !strings.Contains(text, `"data":"?"`) {
		t.Error(text)
	}
	if r := sioemit(t, nil, "", "--redis", server.URL(), "emit", "end"); r.status != 0 {
		t.Fatalf("%+v", r)
	}
	if text := plain.next(t); !strings.Contains(text, `"end"`) {
		t.Errorf("on stdout: %s", text)
	}
}

// TestListenForeign hears what emitters of others send and servers deliver,
// whatever its options are: text in place of a list, nothing in place of flags.
func TestListenForeign(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	node := harness.NodeFor(t, harness.NodeConfig{Server: harness.V4.Server, Adapter: harness.RedisAdapter8, Redis: server.Conn()})
	clients := harness.ClientsFor(t, harness.V4)
	client, err := clients.Connect(t.Context(), harness.ConnectOptions{Node: node, Rooms: []string{"v"}})
	if err != nil {
		t.Fatal(err)
	}
	h := startListen(t, server.URL())
	for i, test := range []struct{ options, rooms string }{
		{`{"rooms":"","flags":""}`, ""},
		{`{"rooms":"","flags":"","except":""}`, ""},
		{`{"rooms":[],"flags":[],"except":[]}`, ""},
		{`{"rooms":null,"flags":null}`, ""},
		{`{"flags":false}`, ""},
		{`{"rooms":"vip","flags":0}`, `,"rooms":["v","i","p"]`},
	} {
		message, err := encoding.Append(nil, json.RawMessage(fmt.Sprintf(`["foreign",{"type":2,"data":["e",%d],"nsp":"/"},%s]`, i, test.options)))
		if err != nil {
			t.Fatal(err)
		}
		if err := server.Client().Publish(t.Context(), "socket.io#/#", message).Err(); err != nil {
			t.Fatal(err)
		}
		if got, want := h.next(t), fmt.Sprintf(`{"event":"e","args":[%d],"namespace":"/"%s}`, i, test.rooms); got != want {
			t.Errorf("%s: %s, want %s", test.options, got, want)
		}
		await(t, func() bool { return len(client.Events()) == i+1 }) // it has been delivered
	}
	h.noUndecodable(t)
}

// TestListenReconnect takes Redis away, in three ways.
func TestListenReconnect(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{Args: []string{"--appendonly", "yes", "--appendfsync", "always"}})
	classic := startListen(t, server.URL())
	// The one that finds out that Redis hangs, which a busy one must not seem to.
	shards := startListen(t, server.URL(), "--adapter", "sharded", "--timeout", "3s")
	stream := startListen(t, server.URL(), "--adapter", "streams")
	emit := func(words ...string) {
		t.Helper()
		for _, adapter := range []string{"classic", "sharded", "streams"} {
			if r := sioemit(t, nil, "", append([]string{"--redis", server.URL(), "--adapter", adapter, "emit", "--quiet"}, words...)...); r != (result{}) {
				t.Fatalf("%q: %+v", words, r)
			}
		}
	}
	expect := func(want string, from ...*hearing) {
		t.Helper()
		for _, h := range from {
			if got := h.next(t); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
	}
	emit("first")
	expect(`{"event":"first","namespace":"/"}`, classic, shards, stream)

	server.Kill()
	for _, h := range []*hearing{classic, shards, stream} {
		h.awaitNotice(t, "sioemit: lost ")
	}
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	// Nobody reads this entry right now.
	if r := sioemit(t, nil, "", "--redis", server.URL(), "--adapter", "streams", "emit", "between"); r.status != 0 {
		t.Fatalf("%+v", r)
	}
	classic.awaitNotice(t, "sioemit: listening again on socket.io#/#* after ")
	classic.awaitNotice(t, "what was published meanwhile is missed")
	shards.awaitNotice(t, "sioemit: listening again on socket.io#/# after ")
	stream.awaitNotice(t, "nothing is missed that it still holds")
	expect(`{"event":"between","namespace":"/"}`, stream)
	emit("second")
	expect(`{"event":"second","namespace":"/"}`, classic, shards, stream)

	// A Redis that hangs keeps its connections open.
	if err := server.Pause(); err != nil {
		t.Fatal(err)
	}
	shards.awaitNotice(t, "redis no longer answers")
	if err := server.Resume(); err != nil {
		t.Fatal(err)
	}
	shards.awaitNotices(t, "listening again on socket.io#/# ", 2)
	emit("third")
	expect(`{"event":"third","namespace":"/"}`, classic, shards, stream)
	for _, h := range []*hearing{classic, shards, stream} {
		h.interrupt(t)
		if status := h.end(t); status != commandline.StatusDone {
			t.Errorf("status %d: %s", status, h.said())
		}
		if text, more := <-h.lines; more {
			t.Errorf("one more line: %s", text)
		}
	}
}

// TestListenSince begins in the past, and goes on where another run stopped.
func TestListenSince(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	env := []string{"SIOEMIT_REDIS_URL=" + server.URL(), "SIOEMIT_ADAPTER=streams"}
	for i := range 250 {
		fields := []string{"XADD", "socket.io", fmt.Sprintf("%d-0", 1000+i), "nsp", "/", "uid", "emitter", "type", "3",
			"data", fmt.Sprintf(`{"packet":{"type":2,"data":["n",%d]},"opts":{"rooms":[],"except":[],"flags":{}}}`, i)}
		args := make([]any, len(fields))
		for j := range fields {
			args[j] = fields[j]
		}
		if err := server.Client().Do(t.Context(), args...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	r := sioemit(t, env, "", "listen", "--since", "0", "--count", "120")
	if r.status != 0 || strings.Count(r.stdout, "\n") != 120 || !strings.Contains(r.stderr, "--since 1119-0 continues after it") {
		t.Errorf("%d lines, %s", strings.Count(r.stdout, "\n"), r.stderr)
	}
	r = sioemit(t, env, "", "listen", "--since", "1119-0", "--count", "130")
	if r.status != 0 || !strings.HasPrefix(r.stdout, `{"event":"n","args":[120],"namespace":"/"}`) || strings.Count(r.stdout, "\n") != 130 {
		t.Errorf("%.100s..., %s", r.stdout, r.stderr)
	}
	r = sioemit(t, env, "", "listen", "--since", "5", "--count", "1")
	if r.status != 0 || !strings.Contains(r.stderr, "begins with 1000-0; what came between 5 and that, if anything, is missed") {
		t.Errorf("%+v", r)
	}
}

// TestListenCluster listens on a Redis Cluster, where shard channels and streams
// live on different nodes.
func TestListenCluster(t *testing.T) {
	t.Parallel()
	cluster := harness.ClusterFor(t, 3, 0, harness.RedisConfig{})
	urls := cluster.URLs()
	rooms := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	for adapter, words := range map[string][]string{
		"classic": nil, "sharded": {"--room", strings.Join(rooms, " --room ")}, "streams": {"--since", "0"},
	} {
		words = strings.Fields("--cluster --adapter " + adapter + " " + strings.Join(words, " "))
		h := startListen(t, urls[1], words...)
		for _, room := range rooms {
			if r := sioemit(t, nil, "", "--redis", urls[0], "--cluster", "--adapter", adapter, "emit", "x", "--room", room, "--quiet"); r != (result{}) {
				t.Fatalf("%s, %s: %+v", adapter, room, r)
			}
			if got := h.next(t); got != `{"event":"x","namespace":"/","rooms":["`+room+`"]}` {
				t.Errorf("%s, %s: %s", adapter, room, got)
			}
		}
		h.interrupt(t)
		if status := h.end(t); status != commandline.StatusDone {
			t.Errorf("%s: status %d, %s", adapter, status, h.said())
		}
	}
	// A cluster that is not said to be one.
	r := sioemit(t, nil, "", "--redis", urls[0], "--adapter", "sharded", "listen", "--room", "a", "--room", "b", "--room", "c")
	if r.status != commandline.StatusFailed {
		t.Errorf("%+v", r)
	}
	r.oneLine(t, "add --cluster")
}

// TestListenRooms follows the channels of rooms as clients join and leave.
func TestListenRooms(t *testing.T) {
	t.Parallel()
	single := harness.RedisFor(t, harness.RedisConfig{})
	cluster := harness.ClusterFor(t, 3, 0, harness.RedisConfig{})
	for name, test := range map[string]struct {
		url   string
		conn  harness.RedisConn
		words []string
		rdb   []*redis.Client
	}{
		"one Redis": {single.URL(), single.Conn(), []string{"--adapter", "sharded"}, []*redis.Client{single.Client()}},
		"cluster":   {cluster.URLs()[0], cluster.Conn(), []string{"--adapter", "sharded", "--cluster"}, []*redis.Client{cluster.Nodes[0].Client(), cluster.Nodes[1].Client(), cluster.Nodes[2].Client()}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			node := harness.NodeFor(t, harness.NodeConfig{Server: harness.V4.Server, Adapter: harness.ShardedAdapter8, Redis: test.conn})
			clients := harness.ClientsFor(t, harness.V4)
			rooms := []string{"a", "b", "c*", "0123456789abcdef"}
			if _, err := clients.Connect(t.Context(), harness.ConnectOptions{Node: node, Rooms: rooms}); err != nil {
				t.Fatal(err)
			}
			subscribers := func(room string) (n int64) {
				channel := "socket.io#/#" + room + "#"
				for _, rdb := range test.rdb {
					n += rdb.PubSubShardNumSub(t.Context(), channel).Val()[channel]
				}
				return n
			}
			h := startListen(t, test.url, test.words...)
			h.awaitNotice(t, "each room that a server has a channel for")
			env := []string{"SIOEMIT_REDIS_URL=" + test.url}
			emit := func(room string) {
				t.Helper()
				await(t, func() bool { return subscribers(room) == 2 })
				if r := sioemit(t, env, "", append(test.words, "emit", "x", "--room", room, "--quiet")...); r != (result{}) {
					t.Fatalf("%+v", r)
				}
				if got := h.next(t); got != `{"event":"x","namespace":"/","rooms":["`+room+`"]}` {
					t.Errorf("%s: %s", room, got)
				}
			}
			for _, room := range rooms {
				emit(room)
			}
			// A room that comes and goes.
			if r := sioemit(t, env, "", append(test.words, "join", "new", "--all", "--quiet")...); r != (result{}) {
				t.Fatalf("%+v", r)
			}
			emit("new")
			if r := sioemit(t, env, "", append(test.words, "leave", "new", "--all", "--quiet")...); r != (result{}) {
				t.Fatalf("%+v", r)
			}
			await(t, func() bool { return subscribers("new") == 0 })
			if r := sioemit(t, env, "", append(test.words, "emit", "end", "--quiet")...); r != (result{}) {
				t.Fatalf("%+v", r)
			}
			if got := h.next(t); got != `{"event":"end","namespace":"/"}` {
				t.Errorf("twice, or something else: %s", got)
			}
			h.noUndecodable(t)
		})
	}
	// Who may not list the channels is told what is not heard.
	if err := single.Client().Do(t.Context(), "ACL", "SETUSER", "blind", "on", "nopass", "~*", "&*", "+@all", "-pubsub|shardchannels").Err(); err != nil {
		t.Fatal(err)
	}
	h := startListen(t, "redis://blind:x@"+single.Addr, "--adapter", "sharded")
	h.awaitNotice(t, "may not list shard channels")
}

// TestListenReplica listens on a replica, where nobody is counted as a server.
func TestListenReplica(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{Args: []string{"--repl-diskless-sync-delay", "0"}})
	replica := harness.RedisFor(t, harness.RedisConfig{Args: []string{"--replicaof", "127.0.0.1", fmt.Sprint(server.Port)}})
	awaitReplica(t, replica)
	for _, adapter := range []string{"classic", "sharded", "streams"} {
		h := startListen(t, replica.URL(), "--adapter", adapter)
		if said := strings.Contains(h.said(), "only those to rooms named with --room are heard"); said != (adapter == "sharded") {
			t.Errorf("%s: %s", adapter, h.said())
		}
		r := sioemit(t, nil, "", "--redis", server.URL(), "--adapter", adapter, "emit", "x", "--json")
		if r.status != 0 || !strings.Contains(r.stdout, `"servers":0`) {
			t.Errorf("%s: %+v", adapter, r)
		}
		if got := h.next(t); got != `{"event":"x","namespace":"/"}` {
			t.Errorf("%s: %s", adapter, got)
		}
	}
}

// awaitReplica returns once the replica follows its master.
func awaitReplica(t *testing.T, replica *harness.Redis) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(time.Minute)
	for {
		info, err := replica.Client().Info(t.Context(), "replication").Result()
		if err == nil && strings.Contains(info, "master_link_status:up") {
			return
		}
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("the replica does not follow: %v\n%s", err, info)
		}
	}
}

// TestListenRequests hears what servers ask each other and answer, and does not
// disturb them.
func TestListenRequests(t *testing.T) {
	t.Parallel()
	common := []string{"request join", "request leave", "request disconnect", "request server-emit", "request sockets", "request emit-ack"}
	for name, test := range map[string]struct {
		adapter harness.Adapter
		words   string
		want    []string
	}{
		"classic": {harness.RedisAdapter8, "", append(slices.Clone(common),
			"request server-emit", "request rooms", "reply sockets", "reply rooms", "reply ack-count", "reply emit-ack", "reply server-emit")},
		"classic, specific channel": {harness.RedisAdapter8.With("publishOnSpecificResponseChannel", true), "", append(slices.Clone(common),
			"request server-emit", "request rooms", "reply sockets", "reply rooms", "reply ack-count", "reply emit-ack", "reply server-emit")},
		"sharded": {harness.ShardedAdapter8, "--adapter sharded", append(slices.Clone(common), "request server-emit")},
		"streams": {harness.StreamsAdapter, "--adapter streams", append(slices.Clone(common),
			"request server-emit", "reply sockets", "reply ack-count", "reply emit-ack", "reply server-emit")},
		"streams, sharded pub/sub": {harness.StreamsAdapter.With("useShardedPubSub", true), "--adapter streams --sharded-pubsub", append(slices.Clone(common), "request server-emit")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := harness.RedisFor(t, harness.RedisConfig{})
			node := harness.NodeFor(t, harness.NodeConfig{Server: harness.V4.Server, Adapter: test.adapter, Redis: server.Conn(), ServerSideAck: "fine"})
			clients := harness.ClientsFor(t, harness.V4)
			if _, err := clients.Connect(t.Context(), harness.ConnectOptions{Node: node, Rooms: []string{"r1"}, Acks: map[string][]any{"ping": {"pong"}}}); err != nil {
				t.Fatal(err)
			}
			h := startListen(t, server.URL(), append(strings.Fields(test.words), "--requests")...)
			quiet := startListen(t, server.URL(), strings.Fields(test.words)...)
			var learned struct {
				Sockets int
				Acks    []string
				Answers any
				Took    int
			}
			out := speak(t, harness.V4.Server, test.adapter, server.Conn(), "requests")
			if err := json.Unmarshal(out, &learned); err != nil {
				t.Fatal(err)
			}
			if learned.Sockets != 1 || !slices.Equal(learned.Acks, []string{"pong"}) || learned.Took >= 5000 { // after which they give up waiting
				t.Errorf("the servers were disturbed: %s", out)
			}
			// With sharded pub/sub the question for answers of servers times out;
			// the help says so.
			wantAnswers := "[fine]"
			if strings.Contains(test.words, "sharded") {
				wantAnswers = "Error: timeout reached"
			}
			if !strings.HasPrefix(fmt.Sprint(learned.Answers), wantAnswers) {
				t.Errorf("the servers answered %v, want %s", learned.Answers, wantAnswers)
			}
			var got []string
			// The streams adapter sends on two connections, and the last event can
			// come before other messages.
			for ended := false; !ended || len(got) < len(test.want); {
				text := h.next(t)
				if text == `{"event":"end","namespace":"/"}` {
					ended = true
					continue
				}
				if strings.Contains(text, readyEntry) || name == "sharded" && strings.HasPrefix(text, `{"reply"`) {
					continue // replies on shard channels are heard where the channel was found in time
				}
				var l struct{ Request, Reply, Namespace string }
				if err := json.Unmarshal([]byte(text), &l); err != nil || l.Namespace != "/" {
					t.Errorf("%s: %v", text, err)
				}
				if l.Request != "" {
					got = append(got, "request "+l.Request)
				} else {
					got = append(got, "reply "+l.Reply)
				}
				if r := sioemit(t, nil, text, "pipe", "--dry-run"); r.status != commandline.StatusUsage || r.stdout != "" {
					t.Errorf("pipe takes %s: %+v", text, r)
				}
			}
			slices.Sort(got)
			want := slices.Sorted(slices.Values(test.want))
			if !slices.Equal(got, want) {
				t.Errorf("heard %q, want %q", got, want)
			}
			if text := quiet.next(t); text != `{"event":"end","namespace":"/"}` {
				t.Errorf("without --requests: %s", text)
			}
			quiet.noUndecodable(t)
			// Our own questions are answered in full, too.
			env := []string{"SIOEMIT_REDIS_URL=" + server.URL()}
			started := time.Now()
			r := sioemit(t, env, "", append(strings.Fields(test.words), "sockets", "--json")...)
			if took := time.Since(started); r.status != 0 || strings.Count(r.stdout, "\n") != 1 || took > 30*time.Second {
				t.Errorf("sockets: %+v after %v, as if one more had been waited for", r, took)
			}
		})
	}
}
