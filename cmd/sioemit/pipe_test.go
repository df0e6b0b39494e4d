package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/redis/go-redis/v9"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/event"
	"github.com/sioemit/sioemit/internal/harness"
	"github.com/sioemit/sioemit/internal/outcome"
	"github.com/sioemit/sioemit/internal/pipe"
	"github.com/sioemit/sioemit/internal/settings"
	"github.com/sioemit/sioemit/internal/show"
	"github.com/sioemit/sioemit/internal/wire"
)

// numbered returns n lines with one number each, from 1.
func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "{\"event\":\"n\",\"args\":[%d]}\n", i+1)
	}
	return b.String()
}

// summary is what pipe --json prints.
type summary struct {
	Lines, Sent, Rejected, NotSent  int64
	FirstNotSent, FirstNotConfirmed *int64
	Confirmed                       int64
	Servers                         int
}

func (r result) summary(t *testing.T) summary {
	t.Helper()
	var s summary
	if err := json.Unmarshal([]byte(r.stdout), &s); err != nil {
		t.Fatalf("%v: %+v", err, r)
	}
	if s.Lines != s.Sent+s.Rejected+s.NotSent {
		t.Errorf("the summary does not add up: %+v", s)
	}
	return s
}

// unlimited is a Redis that does not cut off a subscriber that falls behind, as
// one on a busy machine may.
var unlimited = harness.RedisConfig{Args: []string{"--client-output-buffer-limit", "pubsub 0 0 0"}}

func TestPipeOrder(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, unlimited)
	received := listenOn(t, server.Client(), "/")
	const n = 50000
	done := make(chan result, 1)
	go func() {
		done <- sioemit(t, nil, numbered(n), "pipe", "--redis", server.URL(), "--require", "1", "--json")
	}()
	for i := range n {
		if _, b := received.next(t); b.Event != "n" || b.Args[0] != int64(i+1) {
			t.Fatalf("event %d is %+v", i+1, b)
		}
	}
	r := <-done
	if s := r.summary(t); r.status != 0 || r.stderr != "" || s != (summary{Lines: n, Sent: n, Confirmed: n, Servers: 1}) {
		t.Errorf("%+v", r)
	}
}

func TestPipeLines(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	received := listenOn(t, server.Client(), "/")
	admin := listenOn(t, server.Client(), "/admin")
	env := []string{"SIOEMIT_REDIS_URL=" + server.URL()}
	no := false
	input := "\ufeff" + `{"event":"plain"}

{"event":"all","args":[1,"two",{"$binary":"AQ=="}],"namespace":"/","rooms":["a","b,c"],"except":["d"],"volatile":false,"compress":false}
  {"event":"spaced" , "args" : [ ] , "except" : [ ] }  ` + "\r" + `
{"event":"numbers","rooms":["a",5,"5",-0,1e21],"except":[2.5]}
{"event":"escaped é\n","rooms":["\ud83d\ude00","\ufffd","�","\\ud800"]}
{"event":"last"}`
	r := sioemit(t, env, input, "pipe", "--room", "default", "--volatile", "--json", "--namespace", "/")
	if s := r.summary(t); r.status != 0 || s != (summary{Lines: 6, Sent: 6, Confirmed: 6, Servers: 1}) {
		t.Fatalf("%+v", r)
	}
	for _, want := range []encoding.Broadcast{
		{Event: "plain", Rooms: []encoding.Room{"default"}, Flags: encoding.Flags{Volatile: true}},
		{Event: "all", Args: []any{int64(1), "two", []byte{1}}, Rooms: []encoding.Room{"a", "b,c"}, Except: []encoding.Room{"d"}, Flags: encoding.Flags{Compress: &no}},
		{Event: "spaced", Rooms: []encoding.Room{"default"}, Flags: encoding.Flags{Volatile: true}},
		{Event: "numbers", Rooms: []encoding.Room{"a", encoding.NumberRoom(5), "5", encoding.NumberRoom(0), encoding.NumberRoom(1e21)},
			Except: []encoding.Room{encoding.NumberRoom(2.5)}, Flags: encoding.Flags{Volatile: true}},
		{Event: "escaped é\n", Rooms: []encoding.Room{"😀", "\ufffd", `\ud800`}, Flags: encoding.Flags{Volatile: true}},
		{Event: "last", Rooms: []encoding.Room{"default"}, Flags: encoding.Flags{Volatile: true}},
	} {
		want.Namespace = "/"
		if _, got := received.next(t); !reflect.DeepEqual(normal(got.Broadcast), normal(want)) || got.PacketType != wire.PacketEvent {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	file := filepath.Join(t.TempDir(), "lines")
	if err := os.WriteFile(file, []byte(`{"event":"a"}`+"\n"+`{"event":"b","namespace":"/"}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := sioemit(t, env, "", "pipe", file, "-n", "admin", "--quiet"); r != (result{}) {
		t.Errorf("from a file, quiet: %+v", r)
	}
	if _, b := admin.next(t); b.Event != "a" {
		t.Errorf("%+v", b)
	}
	if _, b := received.next(t); b.Event != "b" {
		t.Errorf("%+v", b)
	}
	if r := sioemit(t, env, "", "pipe", file, "--dry-run", "--quiet"); r.status != 0 || r.stderr != "" || strings.Count(r.stdout, "PUBLISH \"socket.io#/#\" ") != 2 {
		t.Errorf("--dry-run: %+v", r)
	}
	// The summary of what was not sent is no command.
	r = sioemit(t, env, "", "pipe", file, "--dry-run", "--json")
	if r.status != 0 || strings.Count(r.stdout, `{"args":["PUBLISH",`) != 2 || strings.Count(r.stdout, "\n") != 2 {
		t.Errorf("--dry-run --json: %+v", r)
	}
	r.oneLine(t, "2 lines: 2 printed, 0 rejected, 0 not printed")
	// The last args of a line count, as the last of any other member does.
	input = `{"event":"x","args":[1],"rooms":["a"],"args":[2],"rooms":["b"]}`
	if r := sioemit(t, env, input, "pipe", "--quiet"); r != (result{}) {
		t.Errorf("args twice: %+v", r)
	}
	if channel, b := received.next(t); channel != "socket.io#/#b#" || !slices.Equal(b.Args, []any{int64(2)}) {
		t.Errorf("args twice: %s %+v", channel, b)
	}
	if r := sioemit(t, env, `{"event":"x"}`+"\n"+`{"event":"x","compress":true}`, "pipe", "--quiet", "--compress=false"); r != (result{}) {
		t.Errorf("--compress=false: %+v", r)
	}
	for _, want := range []bool{false, true} {
		if _, b := received.next(t); b.Flags.Compress == nil || *b.Flags.Compress != want {
			t.Errorf("--compress=false: %+v, want %v", b, want)
		}
	}
	for input, want := range map[string]result{
		numbered(1): {0, "", "sioemit: 1 line: 1 sent, 1 confirmed by 1 server, 0 rejected, 0 not sent\n"},
		numbered(2): {0, "", "sioemit: 2 lines: 2 sent, 2 confirmed by 1 server, 0 rejected, 0 not sent\n"},
		"":          {0, "", "sioemit: 0 lines: 0 sent, 0 rejected, 0 not sent\n"},
		"{}\n": {commandline.StatusUsage, "", `sioemit: line 1: there is no "event"; expected {"event":"name","args":[...],"namespace":"/","rooms":["a"],"except":["b"],"volatile":true,"compress":false}, of which only event must be there` + "\n" +
			"sioemit: 1 line: 0 sent, 1 rejected, 0 not sent\nsioemit: 1 of 1 line rejected\n"},
	} {
		if r := sioemit(t, env, input, "pipe"); r != want {
			t.Errorf("%q: %+v, want %+v", input, r, want)
		}
	}
}

// TestPipeUnheard says in which namespaces nobody listens.
func TestPipeUnheard(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	answerOn(t, server.Client(), "/", "/chat")
	env := []string{"SIOEMIT_REDIS_URL=" + server.URL()}
	for input, want := range map[string]string{
		`{"event":"a"}{"event":"a","namespace":"chat"}`: "",
		`{"event":"a"}{"event":"a","namespace":"nobody"}{"event":"a","namespace":"/two words"}{"event":"b","namespace":"/nobody"}`: "sioemit: warning: in namespace /nobody, \"/two words\" nobody receives it: " + outcome.WhatToCheck + "\n",
	} {
		input = strings.ReplaceAll(input, "}{", "}\n{")
		r := sioemit(t, env, input, "pipe")
		_, warning, _ := strings.Cut(r.stderr, "\n") // behind the summary
		if r.status != 0 || warning != want {
			t.Errorf("%s: %+v", input, r)
		}
		if r := sioemit(t, env, input, "pipe", "--quiet"); r != (result{}) {
			t.Errorf("%s, quiet: %+v", input, r)
		}
	}
}

// TestPipeNewStream says that a stream holds nothing but what was sent, and does
// not take one for that which holds less than what was sent to all streams.
func TestPipeNewStream(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	rdb := server.Client()
	subscribed := rdb.Subscribe(t.Context(), "socket.io#/a#", "socket.io#/b#")
	defer subscribed.Close()
	for range 2 {
		if _, err := subscribed.Receive(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	words := []string{"--redis", server.URL(), "pipe", "--no-pace", "--adapter", "streams", "--stream-count", "2"}
	input := strings.Repeat(`{"event":"a","namespace":"/a"}`+"\n", 5) + strings.Repeat(`{"event":"a","namespace":"/b"}`+"\n", 5)
	if r := sioemit(t, nil, input, words...); r.status != 0 || !strings.Contains(r.stderr, outcome.NewStream) {
		t.Fatalf("%+v", r)
	}
	streams, err := rdb.Keys(t.Context(), "*").Result()
	if err != nil || len(streams) != 2 {
		t.Fatalf("the streams are %q, %v: want two", streams, err)
	}
	// Both hold five of others now, and get one and nine.
	input = `{"event":"a","namespace":"/a"}` + "\n" + strings.Repeat(`{"event":"a","namespace":"/b"}`+"\n", 9)
	if r := sioemit(t, nil, input, words...); r.status != 0 || strings.Contains(r.stderr, outcome.NewStream) {
		t.Errorf("%+v", r)
	}
}

// TestPipeManyNamespaces says that it has looked at the first ones only.
func TestPipeManyNamespaces(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	var input strings.Builder
	for i := range pipe.MaxNamespaces + 5 {
		fmt.Fprintf(&input, `{"event":"e","namespace":"/%d"}`+"\n", i)
	}
	r := sioemit(t, nil, input.String(), "pipe", "--redis", server.URL())
	if r.status != 0 || strings.Count(r.stderr, ", /") != pipe.MaxNamespaces-1 || !strings.HasSuffix(r.stderr, fmt.Sprintf(" (%d namespaces were looked at)\n", pipe.MaxNamespaces)) {
		t.Errorf("%+v", r)
	}
}

// TestPipeFromLine begins behind the end of the input, and at it.
func TestPipeFromLine(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	for _, input := range []string{numbered(3), strings.TrimSuffix(numbered(3), "\n")} {
		for from, sent := range map[string]int64{"1": 3, "3": 1, "4": 0} {
			r := sioemit(t, nil, input, "pipe", "--redis", server.URL(), "--json", "--from-line", from)
			if s := r.summary(t); r.status != 0 || s.Sent != sent {
				t.Errorf("from line %s of %q: %+v", from, input, r)
			}
		}
		r := sioemit(t, nil, input, "pipe", "--redis", server.URL(), "--quiet", "--from-line", "5")
		if r.status != commandline.StatusUsage || r.stdout != "" || !strings.HasSuffix(r.stderr, "sioemit: --from-line 5: the input has 3 lines\n") {
			t.Errorf("from line 5 of %q: %+v", input, r)
		}
	}
}

// TestPipeFull prints the commands where there is no room for them.
func TestPipeFull(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "pipe", "--dry-run", "--quiet")
	cmd.Env = []string{runMain + "=1"}
	var stderr strings.Builder
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(numbered(2)), full, &stderr
	_ = cmd.Run() // the status is looked at
	if cmd.ProcessState.ExitCode() != commandline.StatusFailed || !strings.Contains(stderr.String(), "no space left") || strings.Contains(stderr.String(), "resume") {
		t.Errorf("status %d: %s", cmd.ProcessState.ExitCode(), stderr.String())
	}
}

// TestPipeStderrFull has a stderr that takes nothing, which is no reason to call
// what was sent not sent.
func TestPipeStderrFull(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	received := listenOn(t, server.Client(), "/")
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	for words, want := range map[string]int{"pipe": 0, "pipe --require 2": commandline.StatusListeners, "emit end": 0} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], append([]string{"--redis", server.URL()}, strings.Fields(words)...)...)
		cmd.Env = []string{runMain + "=1"}
		cmd.Stdin, cmd.Stderr = strings.NewReader(numbered(2)), full
		_ = cmd.Run() // the status is looked at
		if status := cmd.ProcessState.ExitCode(); status != want {
			t.Errorf("%s: status %d, want %d", words, status, want)
		}
	}
	for range 3 {
		received.next(t)
	}
}

// TestPipeOtherInput is given something else than event lines: it stops soon, and
// says what that looks like.
func TestPipeOtherInput(t *testing.T) {
	t.Parallel()
	var csv, shifted, tagged strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&csv, "%d,hello,world\n", i)
	}
	for _, unit := range utf16.Encode([]rune("\ufeff" + numbered(100))) {
		shifted.Write([]byte{byte(unit), byte(unit >> 8)})
	}
	for i := range 100 {
		fmt.Fprintf(&tagged, `{"id":%d}`+"\n", i)
	}
	var compressed bytes.Buffer
	writer := gzip.NewWriter(&compressed)
	if _, err := io.WriteString(writer, csv.String()); err != nil {
		t.Fatal(err)
	}
	writer.Close()
	array := "[\n" + strings.Repeat(" {\n  \"event\": \"x\"\n },\n", 100)
	for name, test := range map[string]struct{ input, text string }{
		"CSV":             {csv.String(), "looks like CSV"},
		"gz":              {compressed.String(), "gunzip -c FILE"},
		"UTF-16":          {shifted.String(), "iconv -f UTF-16 -t UTF-8"},
		"UTF-16 unmarked": {shifted.String()[2:], "zero bytes"},
		"jq without -c":   {strings.Repeat("{\n  \"event\": \"x\"\n}\n", 100), "jq -c . FILE"},
		"an array":        {array, "jq -c '.[]' FILE"},
		"other objects":   {tagged.String(), "JSON objects and no events"},
		"HTML":            {strings.Repeat("<p>\n", 100), "HTML"},
		"text":            {strings.Repeat("hello\n", 100), "needs one JSON object per line"},
	} {
		r := sioemit(t, nil, test.input, "pipe", "--dry-run")
		if r.status != commandline.StatusUsage || r.stdout != "" || len(r.stderr) > 20_000 {
			t.Errorf("%s: status %d, %d bytes on stderr", name, r.status, len(r.stderr))
		}
		if last := r.stderr[strings.LastIndexByte(strings.TrimSpace(r.stderr), '\n')+1:]; !strings.Contains(last, "after 20 bad lines in a row: ") || !strings.Contains(last, test.text) {
			t.Errorf("%s: %.2000s", name, last)
		}
	}
	// They are counted in a row, and the flag says how many.
	mixed := strings.Repeat(strings.Repeat("bad\n", 19)+`{"event":"x"}`+"\n", 5)
	for words, want := range map[string]int{"pipe": 5, "pipe --max-bad-lines 19": 0, "pipe --max-bad-lines 0": 5, "pipe --max-bad-lines 19 --from-line 20": 1} {
		r := sioemit(t, nil, mixed, append(strings.Fields(words), "--dry-run")...)
		if got := strings.Count(r.stdout, "\n"); got != want || r.status != commandline.StatusUsage || strings.Contains(r.stderr, "in a row") != (want < 5) {
			t.Errorf("%s: %d sent, %.3000s", words, got, r.stderr)
		}
	}
	if r := sioemit(t, nil, csv.String(), "pipe", "--dry-run", "--max-bad-lines", "0"); !strings.Contains(r.stderr, "100000 of 100000 lines rejected") {
		t.Errorf("status %d, %d bytes", r.status, len(r.stderr))
	}
	if r := sioemit(t, nil, csv.String(), "pipe", "--dry-run", "--max-bad-lines", "-1"); r.status != commandline.StatusUsage {
		t.Errorf("%+v", r)
	}
}

// TestPipeHalfLine presses Ctrl-C while a line has come in part: it does not
// count, and nothing is said of it.
func TestPipeHalfLine(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	received := listenOn(t, server.Client(), "/")
	fifo := filepath.Join(t.TempDir(), "fifo")
	if out, err := exec.CommandContext(t.Context(), "mkfifo", fifo).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	p := startPipe(t, "--redis", server.URL(), fifo)
	writer, err := os.OpenFile(fifo, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	if _, err := io.WriteString(writer, numbered(1)+`{"event":"half"`); err != nil {
		t.Fatal(err)
	}
	received.next(t)
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	r := p.wait()
	if s := r.summary(t); r.status != commandline.StatusInterrupt || s.Lines != 1 || s.Rejected != 0 || *s.FirstNotSent != 2 || r.stderr != "sioemit: resume with --from-line 2\nsioemit: interrupted\n" {
		t.Errorf("%+v", r)
	}
}

// TestPipeRetryRefused has a Redis that is out of memory, and then is not.
func TestPipeRetryRefused(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	rdb := server.Client()
	if err := rdb.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	words := []string{"--redis", server.URL(), "--adapter", "streams"}
	r := sioemit(t, nil, numbered(3), append(words, "pipe", "--json")...)
	if s := r.summary(t); r.status != commandline.StatusFailed || s.Sent != 0 || !strings.Contains(r.stderr, "is out of memory") {
		t.Errorf("%+v", r)
	}
	p := startPipe(t, append(words, "--retry-for", "1h")...)
	go func() {
		_, _ = io.WriteString(p.stdin, numbered(3))
		p.stdin.Close()
	}()
	await(t, func() bool { // it has been refused again
		_, count, _ := strings.Cut(rdb.Info(t.Context(), "errorstats").Val(), "errorstat_OOM:count=")
		n, _ := strconv.Atoi(strings.TrimSpace(strings.SplitN(count, "\r", 2)[0]))
		return n >= 3
	})
	if err := rdb.ConfigSet(t.Context(), "maxmemory", "0").Err(); err != nil {
		t.Fatal(err)
	}
	if r := p.wait(); r.status != 0 {
		t.Errorf("%+v", r)
	}
	checkNumbers(t, rdb, 3)
}

// badLines are lines that pipe rejects, with what the message must name.
var badLines = map[string]string{
	`nonsense`:                                    "not JSON",
	`{"event":"x"} {"event":"y"}`:                 "not JSON",
	`["x"]`:                                       "not a JSON object",
	`{}`:                                          `no "event"`,
	`{"args":[]}`:                                 `no "event"`,
	`{"event":"x","time":"yesterday"}`:            `"time" is "yesterday": it must be a time such as 2006-01-02T15:04:05.123Z`,
	`{"event":"x","time":1}`:                      `"time" is 1: it must be a time`,
	`{"event":""}`:                                "empty",
	`{"event":7}`:                                 `"event" is 7: it must be a string`,
	`{"event":"connect"}`:                         `"connect"`,
	`{"evnt":"x"}`:                                `"evnt"`,
	`{"event":"x","args":1}`:                      `"args" is 1: it must be an array`,
	`{"event":"x","rooms":"a"}`:                   `"rooms" is "a": it must be an array of strings`,
	`{"event":"x","rooms":["a",true]}`:            "array of strings",
	`{"event":"x","rooms":[1e999]}`:               "1e999 is too large for JavaScript",
	`{"event":"x","except":[null]}`:               "array of strings, or of numbers",
	`{"event":"x","rooms":[[1]]}`:                 "array of strings, or of numbers",
	`{"event":"x","rooms":[""]}`:                  "room's name is empty",
	`{"event":"x","except":[""]}`:                 "room's name is empty",
	`{"event":"x","rooms":[]}`:                    "it must name at least one room",
	`{"event":"x","rooms":["a"],"rooms":[]}`:      "it must name at least one room",
	`{"event":"x","rooms":["a` + "\xff" + `"]}`:   "not valid UTF-8",
	`{"event":"x","except":["a` + "\xff" + `"]}`:  "not valid UTF-8",
	`{"event":"x","rooms":["\ud800"]}`:            "half of a surrogate pair",
	`{"event":"x","rooms":["a","\udc00\ud800"]}`:  "half of a surrogate pair",
	`{"event":"x","except":["\ud83d\u0041","a"]}`: "half of a surrogate pair",
	`{"event":"x\ud83d"}`:                         "half of a surrogate pair",
	`{"event":"x` + "\xc3" + `"}`:                 "not valid UTF-8",
	`{"event":"x","namespace":"\udead"}`:          "half of a surrogate pair",
	`{"event":"x","namespace":null}`:              "it must be a string",
	`{"event":"x","volatile":1}`:                  "true or false",
	`{"event":"x","compress":"yes"}`:              "true or false",
	`{"event":"x","room":"a"}`:                    `"room"`,
	`{"event":"x","args":[{"$binary":"?"}]}`:      "base64",
	`{"event":"x","args":[1e999]}`:                "1e999",
	`{"event":"x","args":["` + "\x01" + `"]}`:     "not JSON",

	`{"event":"x","args":[0,` + levels(1001) + `]}`:                  `argument 2 of event "x": the value is nested deeper than 1000 levels`,
	`{"event":"x","args":[` + levels(20000) + `]}`:                   "the value is nested deeper than 1000 levels",
	`{"event":"x","args":[{"__proto__":[]}]}`:                        `argument 1 of event "x": the key "__proto__"`,
	`{"event":"x","args":[` + strings.Join(binaries(11), ",") + `]}`: `argument 11 of event "x": more than 10 binary values`,
	`{"event":"x","args":[{"$binary":"AQ=="},{"_placeholder":1}]}`:   `argument 2 of event "x": a member "_placeholder"`,
}

func TestPipeRejects(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	received := listenOn(t, server.Client(), "/")
	env := []string{"SIOEMIT_REDIS_URL=" + server.URL()}
	for bad, text := range badLines {
		input := `{"event":"before"}` + "\n\n" + bad + "\n" + `{"event":"after"}` + "\n"
		r := sioemit(t, env, input, "pipe", "--json")
		if s := r.summary(t); r.status != commandline.StatusUsage || s != (summary{Lines: 3, Sent: 2, Confirmed: 2, Servers: 1, Rejected: 1}) {
			t.Errorf("%s: %+v", bad, r)
		}
		if !strings.Contains(r.stderr, "line 3: ") || !strings.Contains(r.stderr, text) || !strings.Contains(r.stderr, "1 of 3 lines") {
			t.Errorf("%s: stderr %q does not name %s", bad, r.stderr, text)
		}
		r = sioemit(t, env, input, "pipe", "--json", "--fail-fast")
		if s := r.summary(t); r.status != commandline.StatusUsage || s != (summary{Lines: 2, Sent: 1, Confirmed: 1, Servers: 1, Rejected: 1}) {
			t.Errorf("%s, --fail-fast: %+v", bad, r)
		}
		for _, want := range []string{"before", "after", "before"} {
			if _, b := received.next(t); b.Event != want {
				t.Fatalf("%s: received %+v, want %s", bad, b, want)
			}
		}
	}
	for _, words := range [][]string{
		{"pipe", "/no/such/file"}, {"pipe", "/"}, {"pipe", "a", "b"}, {"pipe", "--room", ""}, {"pipe", "--rate", "fast"}, {"pipe", "--rate", "5"}, {"pipe", "--rate", "0/s"}, {"pipe", "--rate", "NaN/s"}, {"pipe", "--rate", "inf/m"}, {"pipe", "--rate", "5m/s"}, {"pipe", "--rate", "k/s"},
		{"pipe", "--from-line", "0"}, {"pipe", "--retry-for", "-1s"}, {"pipe", "--server-version", "9"},
	} {
		if r := sioemit(t, env, numbered(1), words...); r.status != commandline.StatusUsage || r.stdout != "" {
			t.Errorf("%q: %+v", words, r)
		}
	}
	if r := sioemit(t, env, numbered(1), "pipe", "--require", "2"); r.status != commandline.StatusListeners || !strings.Contains(r.stderr, "nothing was sent") {
		t.Errorf("--require: %+v", r)
	}
}

// TestPipeEmptyRooms has lines whose lists came out empty beside flags: what the
// flags say must not be lost by them.
func TestPipeEmptyRooms(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	received := listenOn(t, server.Client(), "/")
	env := []string{"SIOEMIT_REDIS_URL=" + server.URL()}
	input := `{"event":"x","rooms":[]}` + "\n" + `{"event":"y","except":[]}` + "\n" + `{"event":"z"}` + "\n"
	r := sioemit(t, env, input, "pipe", "--json", "--room", "vip", "--except", "bob")
	if s := r.summary(t); r.status != commandline.StatusUsage || s != (summary{Lines: 3, Sent: 1, Confirmed: 1, Servers: 1, Rejected: 2}) ||
		!strings.Contains(r.stderr, `line 1: "rooms" is []: it must name at least one room`) || !strings.Contains(r.stderr, `line 2: "except" is []: it must name at least one room; leave it out to except the rooms of --except`) {
		t.Errorf("%+v", r)
	}
	if channel, b := received.next(t); channel != "socket.io#/#vip#" || b.Event != "z" || !slices.Equal(b.Except, []encoding.Room{"bob"}) {
		t.Errorf("%s %+v", channel, b)
	}
}

// TestNotUnicode has text that is not UTF-8 wherever it becomes a name.
func TestNotUnicode(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	all := server.Client().PSubscribe(t.Context(), "*")
	defer all.Close()
	if _, err := all.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	const bad = "a\xff"
	for _, words := range [][]string{
		{"emit", bad}, {"emit", "-r", bad, "x"}, {"emit", "-x", bad, "x"}, {"emit", "-n", bad, "x"}, {"emit", "--key", bad, "x"}, {"emit", "--ack", "-r", bad, "x"},
		{"--adapter", "sharded", "--key", bad, "emit", "x"}, {"--adapter", "streams", "--stream-name", bad, "emit", "x"},
		{"pipe", "-r", bad}, {"pipe", "-n", bad}, {"pipe", "-x", bad},
		{"join", bad, "--all"}, {"leave", bad, "--all"}, {"join", "a", "-r", bad}, {"disconnect", "-r", bad}, {"disconnect", "--all", "-n", bad},
		{"server-emit", bad}, {"server-emit", "-n", bad, "x"}, {"sockets", "-r", bad}, {"sockets", "-n", bad}, {"rooms", "-n", bad}, {"servers", "-n", bad},
		{"listen", "-n", bad}, {"listen", "-r", bad}, {"listen", "--event", bad}, {"doctor", "-n", bad},
	} {
		r := sioemit(t, nil, `{"event":"x"}`, append(words, "--redis", server.URL())...)
		if r.status != commandline.StatusUsage || r.stdout != "" || !strings.Contains(r.stderr, "not valid UTF-8") {
			t.Errorf("%q: %+v", words, r)
		}
	}
	for _, name := range []string{"NAMESPACE", "KEY"} {
		r := sioemit(t, []string{"SIOEMIT_" + name + "=" + bad}, "", "emit", "x", "--redis", server.URL())
		if r.status != commandline.StatusUsage || !strings.Contains(r.stderr, "not valid UTF-8") {
			t.Errorf("%s: %+v", name, r)
		}
	}
	if err := server.Client().Publish(t.Context(), "end", "").Err(); err != nil {
		t.Fatal(err)
	}
	if m, err := all.ReceiveMessage(t.Context()); err != nil || m.Channel != "end" {
		t.Errorf("%v, %v was sent", m, err)
	}
	if n, err := server.Client().DBSize(t.Context()).Result(); n != 0 || err != nil {
		t.Errorf("%d keys were written, %v", n, err)
	}
}

// TestPipeRefused has Redis refuse one line for good: it is not lost, and what
// was sent behind it is not hidden.
func TestPipeRefused(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	if err := server.Client().Do(t.Context(), "ACL", "SETUSER", "app", "on", "nopass", "~*", "+@all", "resetchannels", "&socket.io#/#").Err(); err != nil {
		t.Fatal(err)
	}
	env := []string{"SIOEMIT_REDIS_URL=redis://app:x@" + server.Addr}
	received := listenOn(t, server.Client(), "/")
	input := `{"event":"e1"}` + "\n\n" + `{"event":"e2","rooms":["r"]}` + "\n" + `{"event":"e3"}` + "\n" + `{"event":"e4"}` + "\n"
	three := int64(3)
	run := func(from string) (result, summary) {
		r := sioemit(t, env, input, "pipe", "--no-pace", "--json", "--from-line", from)
		return r, r.summary(t)
	}
	expect := func(events ...string) {
		t.Helper()
		for _, want := range events {
			if _, b := received.next(t); b.Event != want {
				t.Fatalf("received %s, want %s", b.Event, want)
			}
		}
	}
	// How many lines are read before line 3 is refused, and how many of them are in its
	// batch, is a matter of time: run until all are.
	giveUp := time.Now().Add(time.Minute)
	for behind := int64(0); behind < 2; {
		if time.Now().After(giveUp) {
			t.Fatal("not all lines were in one batch in any run of a minute")
		}
		r, s := run("1")
		behind = s.Sent - 1
		if r.status != commandline.StatusFailed || behind < 0 || !reflect.DeepEqual(s, summary{Lines: s.Lines, Sent: s.Sent, NotSent: s.Lines - s.Sent, FirstNotSent: &three}) || s.Lines <= s.Sent {
			t.Fatalf("%+v", r)
		}
		resume := "resume with --from-line 3\n"
		if behind > 0 {
			resume = fmt.Sprintf("resume with --from-line 3, which sends %s after it again\n", show.Plural(int(behind), "line"))
		}
		r.oneLine(t, "lacks a permission", "NOPERM", resume)
		expect([]string{"e1", "e3", "e4"}[:s.Sent]...)
	}
	r, s := run("3")
	if r.status != commandline.StatusFailed || s.Lines == 0 || !reflect.DeepEqual(s, summary{Lines: s.Lines, NotSent: s.Lines, FirstNotSent: &three}) {
		t.Fatalf("%+v", r)
	}
	r.oneLine(t, "lacks a permission", "NOPERM", "resume with --from-line 3\n")
	r, s = run("4")
	if r.status != commandline.StatusDone || s != (summary{Lines: 2, Sent: 2}) {
		t.Fatalf("%+v", r)
	}
	expect("e3", "e4")
}

// TestLineSchema holds docs/line.schema.json to what pipe takes.
func TestLineSchema(t *testing.T) {
	t.Parallel()
	schema, err := jsonschema.NewCompiler().Compile("../../docs/line.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	rdb := redis.NewClient(&redis.Options{})
	defer rdb.Close()
	accepts := func(text string) bool {
		l := event.Line{Target: settings.Target{Namespace: "/"}}
		return l.Parse([]byte(text)) == nil && l.Emit(t.Context(), emitter.New(rdb.Pipeline())) == nil
	}
	check := func(text string) {
		t.Helper()
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			return // no JSON is no question for a schema
		}
		if valid, taken := schema.Validate(value) == nil, accepts(text); valid != taken {
			t.Errorf("%s: valid by the schema: %v, taken by pipe: %v", text, valid, taken)
		}
	}
	for bad := range badLines {
		if !strings.Contains(bad, "$binary") && !strings.Contains(bad, "1e999") && !strings.Contains(bad, "[[[[") && !strings.Contains(bad, `\ud`) && utf8.ValidString(bad) { // beyond a schema
			check(bad)
		}
	}
	for _, good := range []string{
		`{"event":"x"}`, `{"event":"x","args":[]}`, `{"time":"2026-02-28T23:59:59.1Z","event":"x"}`, `{"time":"2026-02-28T23:59:59+01:00","event":"x"}`, `{"event":"x","rooms":[5],"except":["5",-1.5e3]}`, `{"event":"x","args":[1,{"a":[null]}],"namespace":"admin","rooms":["a"],"except":[],"volatile":true,"compress":false}`,
	} {
		if !accepts(good) {
			t.Errorf("pipe rejects %s", good)
		}
		check(good)
	}
}

func TestPipeLongLines(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	// A line of n bytes.
	of := func(n int) string {
		const frame = len(`{"event":"x","args":[""]}`)
		return `{"event":"x","args":["` + strings.Repeat("x", n-frame) + `"]}`
	}
	input := of(event.MaxLine) + "\n" + of(event.MaxLine+1) + "\n" + of(300000) + "\n" + of(100)
	r := sioemit(t, nil, input, "pipe", "--redis", server.URL(), "--json")
	if s := r.summary(t); r.status != commandline.StatusUsage || s != (summary{Lines: 4, Sent: 3, Rejected: 1}) || !strings.Contains(r.stderr, "line 2: the line is longer than 16 MiB") {
		t.Errorf("%+v", r)
	}
}

// running is a pipe process whose stdin is still open.
type running struct {
	cmd            *exec.Cmd
	stdin          io.WriteCloser
	stdout, stderr bytes.Buffer
}

func startPipe(t *testing.T, words ...string) *running {
	t.Helper()
	p := &running{cmd: exec.Command(os.Args[0], inTime(nil, append([]string{"pipe", "--json"}, words...))...)}
	p.cmd.Env = []string{runMain + "=1", "GORACE=atexit_sleep_ms=0", "PATH=" + os.Getenv("PATH")}
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.cmd.Process.Kill() })
	return p
}

func (p *running) wait() result {
	_ = p.cmd.Wait()
	return result{p.cmd.ProcessState.ExitCode(), p.stdout.String(), p.stderr.String()}
}

// TestPipeTrickle has each line arrive before the next one is written.
func TestPipeTrickle(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	received := listenOn(t, server.Client(), "/")
	p := startPipe(t, "--redis", server.URL())
	for i := range 5 {
		if _, err := fmt.Fprintf(p.stdin, "\n{\"event\":\"n\",\"args\":[%d]}\n", i); err != nil {
			t.Fatal(err)
		}
		if _, b := received.next(t); b.Args[0] != int64(i) {
			t.Fatalf("%+v", b)
		}
	}
	// Ctrl-C while it waits for the next line.
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	r := p.wait()
	if s := r.summary(t); r.status != commandline.StatusInterrupt || s.Lines != 5 || s.Sent != 5 || s.FirstNotSent == nil || *s.FirstNotSent != 11 {
		t.Errorf("%+v", r)
	}
	if r.stderr != "sioemit: resume with --from-line 11\nsioemit: interrupted\n" {
		t.Errorf("stderr: %s", r.stderr)
	}
}

// TestPipeInterrupted stops a pipe in full flight: what it calls sent is what a
// subscriber got.
func TestPipeInterrupted(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, unlimited)
	received := listenOn(t, server.Client(), "/")
	p := startPipe(t, "--redis", server.URL())
	go func() { _, _ = io.WriteString(p.stdin, numbered(2000000)) }()
	received.next(t)
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	r := p.wait()
	s := r.summary(t)
	if r.status != commandline.StatusInterrupt || s.Sent == 0 || s.Confirmed != s.Sent || s.FirstNotSent == nil || *s.FirstNotSent != s.Sent+1 {
		t.Errorf("%+v", r)
	}
	if r := sioemit(t, nil, "", "emit", "end", "--redis", server.URL()); r.status != 0 {
		t.Fatalf("%+v", r)
	}
	for got := int64(1); ; got++ {
		_, b := received.next(t)
		if b.Event == "end" {
			if got != s.Sent {
				t.Errorf("%d arrived, %d are called sent", got, s.Sent)
			}
			break
		}
	}
}

// TestPipeRate needs at least as long as the rate says.
func TestPipeRate(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	started := time.Now()
	r := sioemit(t, nil, numbered(30), "pipe", "--redis", server.URL(), "--rate", "0.1k/s", "--json")
	if s := r.summary(t); s.Sent != 30 {
		t.Errorf("%+v", r)
	}
	if took := time.Since(started); took < 280*time.Millisecond {
		t.Errorf("30 lines at 100/s took %v", took)
	}
	// Ctrl-C while it waits until the second line may be sent.
	received := listenOn(t, server.Client(), "/")
	p := startPipe(t, "--redis", server.URL(), "--rate", "1/m", "--from-line", "3")
	if _, err := io.WriteString(p.stdin, numbered(5)); err != nil {
		t.Fatal(err)
	}
	received.next(t)
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	r = p.wait()
	if s := r.summary(t); r.status != commandline.StatusInterrupt || s.Lines != 1 || s.Sent != 1 || s.FirstNotSent == nil || *s.FirstNotSent != 4 {
		t.Errorf("%+v", r)
	}
}

// TestPipeRetryInterrupted presses Ctrl-C while --retry-for waits for a Redis
// that is loading for ever.
func TestPipeRetryInterrupted(t *testing.T) {
	t.Parallel()
	loading, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan struct{}, 3)
	answer := func(conn net.Conn) {
		defer conn.Close()
		for {
			if _, err := conn.Read(make([]byte, 4096)); err != nil {
				return
			}
			if _, err := io.WriteString(conn, "-LOADING Redis is loading the dataset in memory\r\n"); err != nil {
				return
			}
			select {
			case asked <- struct{}{}:
			default: // often enough
			}
		}
	}
	var answering sync.WaitGroup
	defer answering.Wait()
	defer loading.Close()
	answering.Go(func() {
		for {
			conn, err := loading.Accept()
			if err != nil {
				return
			}
			answering.Go(func() { answer(conn) })
		}
	})
	p := startPipe(t, "--redis", "redis://"+loading.Addr().String(), "--retry-for", "1h")
	if _, err := io.WriteString(p.stdin, "\n"+numbered(1)); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		<-asked
	}
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	r := p.wait()
	if s := r.summary(t); r.status != commandline.StatusInterrupt || s.NotSent != 1 || s.FirstNotSent == nil || *s.FirstNotSent != 2 {
		t.Errorf("%+v", r)
	}
}

// TestPipeRedisGone kills Redis in the middle of a pipe, without and with
// --retry-for, and counts what Redis took with a stream, which survives.
func TestPipeRedisGone(t *testing.T) {
	t.Parallel()
	const n = 400000
	for _, retry := range []bool{false, true} {
		t.Run(fmt.Sprintf("retry %v", retry), func(t *testing.T) {
			t.Parallel()
			// Every entry is on disk before Redis answers.
			server := harness.RedisFor(t, harness.RedisConfig{Args: []string{"--appendonly", "yes", "--appendfsync", "always"}})
			words := []string{"--redis", server.URL(), "--adapter", "streams", "--max-len", "100000000"}
			if retry {
				words = append(words, "--retry-for", "5m")
			} else {
				words = append(words, "--no-pace") // or what is not confirmed is sent again
			}
			p := startPipe(t, words...)
			// The last line comes after Redis has gone, however fast the others are.
			lines, killed := numbered(n), make(chan struct{})
			last := strings.LastIndexByte(lines[:len(lines)-1], '\n') + 1
			go func() {
				_, _ = io.WriteString(p.stdin, lines[:last])
				<-killed
				_, _ = io.WriteString(p.stdin, lines[last:])
				p.stdin.Close()
			}()
			awaitLength(t, server.Client(), 20000)
			server.Kill()
			close(killed)
			if retry {
				if err := server.Restart(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			r := p.wait()
			s := r.summary(t)
			if !retry {
				if err := server.Restart(t.Context()); err != nil {
					t.Fatal(err)
				}
				if r.status != commandline.StatusFailed || s.FirstNotSent == nil || *s.FirstNotSent != s.Sent+1 || !strings.Contains(r.stderr, fmt.Sprintf("--from-line %d", s.Sent+1)) {
					t.Fatalf("%+v", r)
				}
				again := sioemit(t, nil, numbered(n), append([]string{"pipe", "--json", "--from-line", fmt.Sprint(*s.FirstNotSent)}, words...)...)
				if a := again.summary(t); again.status != 0 || a.Sent != n-s.Sent {
					t.Errorf("resumed: %+v", again)
				}
			} else if r.status != 0 || s != (summary{Lines: n, Sent: n}) {
				t.Errorf("%+v", r)
			}
			checkNumbers(t, server.Client(), n)
		})
	}
}

// awaitLength waits until the stream has so many entries.
func awaitLength(t *testing.T, rdb *redis.Client, entries int64) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(time.Minute)
	for {
		n, err := rdb.XLen(t.Context(), "socket.io").Result()
		if err == nil && n >= entries {
			return
		}
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("%d entries, %v", n, err)
		}
	}
}

// checkNumbers finds each of the numbers 1 to n in the stream: all, and in
// order but for the lines of one batch that were sent again.
func checkNumbers(t *testing.T, rdb *redis.Client, n int) {
	t.Helper()
	count := make([]int, n+1)
	last, doubled := 0, 0
	start := "-"
	for {
		entries, err := rdb.XRangeN(t.Context(), "socket.io", start, "+", 10000).Result()
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			var data struct {
				Packet struct{ Data []any }
			}
			if err := json.Unmarshal([]byte(entry.Values["data"].(string)), &data); err != nil {
				t.Fatal(err)
			}
			number := int(data.Packet.Data[1].(float64))
			if count[number]++; count[number] > 1 {
				doubled++
			} else if number != last+1 {
				t.Fatalf("%d after %d", number, last)
			}
			last = max(last, number)
			start = "(" + entry.ID
		}
		if len(entries) < 10000 {
			break
		}
	}
	if last != n || doubled > pipe.MaxBatchLines {
		t.Errorf("%d is the last of %d, %d came twice", last, n, doubled)
	}
}
