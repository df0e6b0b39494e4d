package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/harness"
	"github.com/sioemit/sioemit/internal/wire"
	"github.com/urfave/cli/v2"
)

func TestEmit(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	received := listenOn(t, server.Client(), "/")
	admin := listenOn(t, server.Client(), "/admin")
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cat, array := file("cat", "\xff\xd8"), file("array", ` [1,"two",{"$binary":"AQ=="}] `)
	no, yes := false, true
	for _, test := range []struct {
		words string
		stdin string
		want  encoding.Broadcast
	}{
		{"emit hello world", "", encoding.Broadcast{Event: "hello", Args: []any{"world"}}},
		{"emit hello", "", encoding.Broadcast{Event: "hello"}},
		{"emit help", "", encoding.Broadcast{Event: "help"}},
		{"emit h help", "", encoding.Broadcast{Event: "h", Args: []any{"help"}}},
		{"emit -- help --help", "", encoding.Broadcast{Event: "help", Args: []any{"--help"}}},
		{`emit hello 1 -5 1.5 true null "quoted" [1,{"a":2}] {"$binary":"AAE="}`, "", encoding.Broadcast{Event: "hello",
			Args: []any{int64(1), int64(-5), 1.5, true, nil, "quoted", []any{int64(1), map[string]any{"a": int64(2)}}, []byte{0, 1}}}},
		{`emit hello --string 1 true {"a":1}`, "", encoding.Broadcast{Event: "hello", Args: []any{"1", "true", `{"a":1}`}}},
		{"emit hello --room r1 -r r2 --to r1 -x r3 --except r4", "", encoding.Broadcast{Event: "hello", Rooms: []encoding.Room{"r1", "r2"}, Except: []encoding.Room{"r3", "r4"}}},
		{"emit --room a,b hi", "", encoding.Broadcast{Event: "hi", Rooms: []encoding.Room{"a,b"}}},
		{"emit --volatile hi --compress=false", "", encoding.Broadcast{Event: "hi", Flags: encoding.Flags{Volatile: true, Compress: &no}}},
		{"emit hi --compress", "", encoding.Broadcast{Event: "hi", Flags: encoding.Flags{Compress: &yes}}},
		{"emit -n admin hi", "", encoding.Broadcast{Event: "hi", Namespace: "/admin"}},
		{"emit -- hi --rom", "", encoding.Broadcast{Event: "hi", Args: []any{"--rom"}}},
		{"emit hi 1 --binary " + cat + " --args " + array + " --binary - 2", "stdin", encoding.Broadcast{Event: "hi",
			Args: []any{int64(1), int64(2), int64(1), "two", []byte{1}, []byte("\xff\xd8"), []byte("stdin")}}},
		{"emit hi --args -", "[]", encoding.Broadcast{Event: "hi"}},
		{"emit hi -", ` {"a":[1]} ` + "\n", encoding.Broadcast{Event: "hi", Args: []any{map[string]any{"a": []any{int64(1)}}}}},
		{"emit hi 1 - 2", "two words\nand a line\r\n\n", encoding.Broadcast{Event: "hi", Args: []any{int64(1), "two words\nand a line", int64(2)}}},
		{"emit hi - --string", "5\n", encoding.Broadcast{Event: "hi", Args: []any{"5"}}},
		{"emit - -", "5", encoding.Broadcast{Event: "-", Args: []any{int64(5)}}},
		{`emit hi "-"`, "5", encoding.Broadcast{Event: "hi", Args: []any{"-"}}},
		{"emit -nadmin hi -rr1 -x=r2", "", encoding.Broadcast{Event: "hi", Namespace: "/admin", Rooms: []encoding.Room{"r1"}, Except: []encoding.Room{"r2"}}},
		{"emit hi --server-version 2 --binary " + cat, "", encoding.Broadcast{Event: "hi", Args: []any{[]byte("\xff\xd8")}}},
		{"emit hi --server-version 2 --socket-ids user-[0-9]+ -x user-7", "", encoding.Broadcast{Event: "hi", Except: []encoding.Room{"user-7"}}},
		{"emit hi -r 5 --room-number 5 --room-number -1.5 -x 7 --except-number 7", "", encoding.Broadcast{Event: "hi",
			Rooms: []encoding.Room{"5", encoding.NumberRoom(5), encoding.NumberRoom(-1.5)}, Except: []encoding.Room{"7", encoding.NumberRoom(7)}}},
		{"emit --room-number=5 hi", "", encoding.Broadcast{Event: "hi", Rooms: []encoding.Room{encoding.NumberRoom(5)}}},
		{"emit hi --codec json 1", "", encoding.Broadcast{Event: "hi", Args: []any{int64(1)}}},
	} {
		r := sioemit(t, []string{"SIOEMIT_REDIS_URL=" + server.URL()}, test.stdin, strings.Fields(test.words)...)
		if r.status != 0 || r.stderr != "" || !strings.Contains(r.stdout, "1 server listens") {
			t.Errorf("%s: %+v", test.words, r)
			continue
		}
		from := received
		if test.want.Namespace == "/admin" {
			from = admin
		}
		channel, got := from.next(t)
		if test.want.Namespace == "" {
			test.want.Namespace = "/"
		}
		if want := (encoding.Classic{}).Channel(test.want.Namespace, test.want.Rooms); channel != want {
			t.Errorf("%s: channel %s, want %s", test.words, channel, want)
		}
		packetType := wire.PacketEvent
		if strings.Contains(test.words, "--binary") && strings.Contains(test.words, "--server-version 2") {
			packetType = wire.PacketBinaryEvent
		}
		if !reflect.DeepEqual(normal(got.Broadcast), normal(test.want)) || got.PacketType != packetType {
			t.Errorf("%s: %+v, want %+v", test.words, *got, test.want)
		}
	}
}

// normal makes nil and empty lists equal.
func normal(b encoding.Broadcast) encoding.Broadcast {
	b.Args, b.Rooms, b.Except = append([]any{}, b.Args...), append([]encoding.Room{}, b.Rooms...), append([]encoding.Room{}, b.Except...)
	return b
}

// TestRefused checks that what cannot be sent has status 2, one clear line, and
// leaves Redis alone.
func TestRefused(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	received := listenOn(t, server.Client(), "/")
	dir := t.TempDir()
	file, text, null := filepath.Join(dir, "object"), filepath.Join(dir, "text"), filepath.Join(dir, "null")
	deep, deepest := filepath.Join(t.TempDir(), "deep"), filepath.Join(t.TempDir(), "deepest")
	for name, content := range map[string]string{
		file: ` {"a":1}`, text: "[1,", null: "null\n", deep: levels(1002), deepest: levels(10001), // the outermost array is no argument
	} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		words []string
		text  string
	}{
		{[]string{"emit"}, "EVENT"},
		{[]string{"emit", ""}, "empty"},
		{[]string{"emit", "connect"}, `"connect"`},
		{[]string{"emit", "--room", "", "x"}, "--room is empty: is a variable not set?"},
		{[]string{"emit", "--except", "", "x"}, "--except is empty"},
		{[]string{"emit", "--namespace", "", "x"}, "--namespace is empty"},
		{[]string{"emit", "--redis=", "x"}, "--redis is empty"},
		{[]string{"emit", "--room", "a", "--room", "", "x"}, "--room is empty"},
		{[]string{"emit", "hello", "--rom", "r1"}, "--rom"},
		{[]string{"emit", "x", "1e999"}, "1e999"},
		{[]string{"emit", "x", `{"$binary":"?"}`}, `sioemit: argument 1 of event "x": {"$binary":…} must hold base64 text: illegal`},
		{[]string{"emit", "x", "--args", file}, "--args " + file + `: expected a JSON array, such as [1,"two"], not {"a":1}`},
		{[]string{"emit", "x", "--args", text}, "--args " + text + ": not JSON"},
		{[]string{"emit", "x", "--args", null}, `such as [1,"two"], not null`},
		{[]string{"emit", "x", "--room", "\xff"}, "--room is not valid UTF-8"},
		{[]string{"emit", "\xff"}, "not valid UTF-8"},
		{[]string{"join", "\xff", "--all"}, "not valid UTF-8"},
		{[]string{"emit", "x", "--args", "/no/such/file"}, "/no/such/file"},
		{[]string{"emit", "x", "--binary", "/no/such/file"}, "--binary"},
		{[]string{"emit", "x", "--binary", "-", "--binary", "-"}, "stdin"},
		{[]string{"emit", "x", "--args", "-"}, "--args"},
		{[]string{"emit", "x", "-"}, `the argument -: stdin is empty; an empty string is '""'`},
		{[]string{"server-emit", "x", "-"}, "the argument -: stdin is empty"},
		{[]string{"emit", "x", "--server-version", "5"}, "--server-version must be 1, 2, 3 or 4, not 5"},
		{[]string{"emit", "x", "--server-version", "0"}, "--server-version must be 1, 2, 3 or 4, not 0"},
		{[]string{"emit", "x", "--server-version", "x"}, `--server-version must be a whole number, not "x"`},
		{[]string{"emit", "x", "--server-version", "3", "--adapter", "sharded"}, "--server-version 3: the sharded adapter exists for Socket.IO 4 only"},
		{[]string{"emit", "x", "--server-version", "3", "--adapter", "streams"}, "--server-version 3: the streams adapter exists for Socket.IO 4 only"},
		{[]string{"emit", "x", "--adapter", "sharded", "--subscription-mode", "all"}, `--subscription-mode must be static, dynamic or dynamic-private, not "all"`},
		{[]string{"emit", "x", "--codec", "json", "--stream-name", "a", "--adapter", "sharded"}, "--codec is an option of the classic adapter, not of the sharded adapter"},
		{[]string{"emit", "x", "--max-len", "5", "--sharded-pubsub"}, "--max-len is an option of the streams adapter, not of the classic adapter"},
		{[]string{"sockets", "--server-version", "3"}, "sockets needs servers with Socket.IO 4, and --server-version is 3"},
		{[]string{"rooms", "--server-version", "1"}, "rooms needs servers with Socket.IO 4, and --server-version is 1"},
		{[]string{"emit", "x", "--ack", "--server-version", "2"}, "emit --ack needs servers with Socket.IO 4, and --server-version is 2"},
		{[]string{"disconnect", "--all", "--server-version", "3"}, "disconnect needs servers with Socket.IO 4, and --server-version is 3"},
		{[]string{"server-emit", "x", "--server-version", "3"}, "server-emit needs servers with Socket.IO 4, and --server-version is 3"},
		{[]string{"emit", "x", "--server-version", "2", "--except", "room"}, "socket ids only, not rooms (see --socket-ids"},
		{[]string{"emit", "x", "--server-version", "2", "--except", "users-7", "--socket-ids", "user-[0-9]+"}, "socket ids only"},
		{[]string{"emit", "x", "--room-number", "five"}, `--room-number must be a number, not "five"`},
		{[]string{"emit", "x", "--except-number", "NaN"}, `--except-number must be a number, not "NaN"`},
		{[]string{"emit", "x", "--server-version", "3", "--except-number", "5"}, "except 5: Socket.IO before 4 and python-socketio can exclude socket ids only"},
		{[]string{"join", "a", "--number", "5", "--all"}, "join takes the names of rooms or --number, not both"},
		{[]string{"leave", "--number", "5"}, "leave needs --room ROOM, or --all"},
		{[]string{"emit", "x", "--server-version", "2", "--socket-ids", "("}, "--socket-ids: error parsing regexp"},
		{[]string{"emit", "x", "--adapter", "sharded", "--socket-ids", "x"}, "--socket-ids is an option of the classic adapter"},
		{[]string{"emit", "x", "--codec", "xml"}, "xml"},
		{[]string{"emit", "x", levels(1001)}, `argument 1 of event "x": the value is nested deeper than 1000 levels`},
		{[]string{"emit", "x", levels(20000)}, `argument 1 of event "x": the value is nested deeper than 1000 levels`},
		{[]string{"emit", "x", "1", "--args", deep}, `argument 2 of event "x": the value is nested deeper than 1000 levels`},
		{[]string{"emit", "x", "--args", deepest}, "--args " + deepest + ": the value is nested deeper than 1000 levels"},
		{[]string{"emit", "x", "--dry-run", levels(1001)}, "deeper than 1000 levels"},
		{[]string{"emit", "x", `{"__proto__":1}`}, `argument 1 of event "x": the key "__proto__"`},
		{append([]string{"emit", "x"}, binaries(11)...), `argument 11 of event "x": more than 10 binary values in one event, which is what maxAttachments allows`},
		{append([]string{"emit", "x", "--max-attachments", "2"}, binaries(3)...), "more than 2 binary values"},
		{[]string{"emit", "x", "--max-attachments", "0"}, "--max-attachments must be 1 or more"},
		{[]string{"emit", "x", `{"_placeholder":true}`, `{"$binary":""}`}, `argument 1 of event "x": a member "_placeholder" beside binary`},
		{[]string{"server-emit", "error"}, `event "error": the event's name is reserved by Socket.IO`},
		{[]string{"emit", "x", "--codec", "json", "--binary", file}, "--codec json cannot carry binary"},
		{[]string{"emit", "x", "--timeout", "soon"}, "such as 5s"},
		{[]string{"emit", "x", "--timeout", "0s"}, "timeout"},
		{[]string{"emit", "x", "--require", "-1"}, "require"},
		{[]string{"emit", "x", "--tls-ca", file}, "rediss"},
		{[]string{"nonsense"}, "nonsense"},
	} {
		r := sioemit(t, []string{"SIOEMIT_REDIS_URL=" + server.URL()}, "", test.words...)
		if r.status != commandline.StatusUsage || r.stdout != "" {
			t.Errorf("%q: %+v", test.words, r)
		}
		r.oneLine(t, test.text)
	}
	if r := sioemit(t, nil, ""); r.status != commandline.StatusUsage || !strings.Contains(r.stderr, "USAGE") {
		t.Errorf("without a command: %+v", r)
	}
	if r := sioemit(t, nil, "", "--redis", server.URL(), "emit", "end"); r.status != 0 {
		t.Fatalf("%+v", r)
	}
	if _, b := received.next(t); b.Event != "end" {
		t.Errorf("a refused event was published: %+v", b)
	}
}

// TestStdinOnce has stdin wanted twice, which only one can have, and as text that
// it is not.
func TestStdinOnce(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ words, stdin, text string }{
		{"emit x - -", "1", "the argument -: stdin was already read by the argument -"},
		{"emit x - --args -", "[1]", "--args -: stdin was already read by the argument -"},
		{"emit x - --binary -", "1", "--binary -: stdin was already read by the argument -"},
		{"server-emit x --args - --binary -", "[1]", "--binary -: stdin was already read by --args -"},
		{"emit x -", "\xff", "the argument -: stdin is not valid UTF-8; --binary - sends bytes"},
	} {
		r := sioemit(t, nil, test.stdin, append(strings.Fields(test.words), "--dry-run")...)
		if r.status != commandline.StatusUsage || r.stdout != "" {
			t.Errorf("%s: %+v", test.words, r)
		}
		r.oneLine(t, test.text)
	}
	r := sioemit(t, nil, "{a:1}\n", "emit", "x", "-", "--dry-run")
	if r.status != 0 {
		t.Errorf("%+v", r)
	}
	r.oneLine(t, "argument 1, {a:1}, begins like JSON and is none")
}

// TestNoJSON warns of an argument that begins like JSON and is sent as a string.
func TestNoJSON(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	received := listenOn(t, server.Client(), "/")
	for word, warned := range map[string]bool{
		"{id:1}": true, `{"id":1`: true, "[1,2": true, `"open`: true, "{'id':1}": true, " [INFO]": true,
		"id:1": false, "": false, "1,5": false, "(x)": false, `{"id":1}`: false, "[]": false,
	} {
		r := sioemit(t, nil, "", "--redis", server.URL(), "emit", "--quiet", "--", "x", "1", word)
		if r.status != 0 || r.stdout != "" || warned != (r.stderr != "") {
			t.Errorf("%s: %+v", word, r)
		}
		if warned {
			r.oneLine(t, "argument 2, "+strings.TrimSpace(word)+", begins like JSON and is none", "--string")
		}
		if _, b := received.next(t); warned && b.Args[1] != any(word) {
			t.Errorf("%s arrived as %v", word, b.Args)
		}
		if r := sioemit(t, nil, "", "--redis", server.URL(), "emit", "--quiet", "--string", "--", "x", "1", word); r != (result{}) {
			t.Errorf("%s with --string: %+v", word, r)
		}
		received.next(t)
	}
}

// TestNoStdin refuses to send what nobody has written to a stdin that is closed,
// and says where one is empty.
func TestNoStdin(t *testing.T) {
	t.Parallel()
	for _, words := range []string{"emit x --binary -", "server-emit x --binary -", "emit x --args -", "emit x -"} {
		for _, closing := range []string{"<&-", "</dev/null"} {
			cmd := exec.CommandContext(t.Context(), "sh", "-c", `exec "$0" "$@" `+closing, os.Args[0])
			cmd.Args = append(cmd.Args, append(strings.Fields(words), "--dry-run")...)
			cmd.Env = []string{runMain + "=1"}
			var stdout, stderr strings.Builder
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			_ = cmd.Run() // the status is looked at
			r := result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
			if r.status != commandline.StatusUsage || r.stdout != "" {
				t.Errorf("%s %s: %+v", words, closing, r)
			}
			r.oneLine(t, "stdin is closed or /dev/null")
		}
	}
	r := sioemit(t, nil, "", "emit", "x", "--binary", "-", "--dry-run")
	if r.status != 0 || !strings.HasPrefix(r.stdout, "PUBLISH ") {
		t.Errorf("%+v", r)
	}
	r.oneLine(t, "stdin is empty")
}

// TestWrongType has something else where the stream should be.
func TestWrongType(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	if err := server.Client().Set(t.Context(), "socket.io", "x", 0).Err(); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"emit x", "pipe", "listen", "join a --all"} {
		r := sioemit(t, nil, `{"event":"x"}`, append([]string{"--redis", server.URL(), "--adapter", "streams"}, strings.Fields(command)...)...)
		if r.status != commandline.StatusFailed || !strings.Contains(r.stderr, "the key socket.io in this Redis is not a stream: check --stream-name") || strings.Contains(r.stderr, "WRONGTYPE") {
			t.Errorf("%s: %+v", command, r)
		}
	}
}

// TestFlagVariables has variables that stand for flags: empty ones count as not
// set.
func TestFlagVariables(t *testing.T) {
	t.Parallel()
	words := []string{"emit", "--dry-run", "x"}
	plain := sioemit(t, nil, "", words...)
	if plain.status != 0 {
		t.Fatalf("%+v", plain)
	}
	left := make(map[string]bool) // variables of which this test has not seen what they do
	for _, f := range newProgram(nil, io.Discard, io.Discard).Flags {
		for _, name := range f.(cli.DocGenerationFlag).GetEnvVars() {
			left[name] = true
		}
	}
	help := sioemit(t, nil, "", "--help").stdout
	for name := range left {
		if r := sioemit(t, []string{name + "="}, "", words...); r != plain {
			t.Errorf("%s is empty: %+v", name, r)
		}
		if !strings.Contains(help, "$"+name) {
			t.Errorf("sioemit --help does not list $%s", name)
		}
	}
	// Each does what its flag does.
	for flag, adapter := range map[string]string{
		"--adapter=sharded": "", "--key=k": "classic", "--codec=json": "classic", "--server-version=2": "classic", "--socket-ids=(": "classic",
		"--namespace=admin": "classic", "--max-attachments=1": "classic", "--timeout=-1s": "classic", "--cluster=true": "classic",
		"--redis-password-file=/no/such/file": "classic", "--profile=p": "classic", "--tls-ca=/no/such/file": "classic", "--tls-cert=/no/such/file": "classic", "--tls-key=/no/such/file": "classic",
		"--subscription-mode=static": "sharded", "--stream-name=s": "streams", "--stream-count=3": "streams", "--max-len=7": "streams", "--sharded-pubsub=yes": "streams", "--channel=c": "python", "--allow-binary=true": "python",
	} {
		flagName, value, _ := strings.Cut(flag, "=")
		name := "SIOEMIT_" + strings.ToUpper(strings.ReplaceAll(flagName[2:], "-", "_"))
		env := []string{"SIOEMIT_ADAPTER=" + adapter, "SIOEMIT_TIMEOUT=1m", "XDG_CONFIG_HOME=/no/such/folder", "SIOEMIT_REDIS_URL=rediss://localhost/1"} // a Redis Cluster has no database 1
		if flagName == "--channel" {
			env = append(env, "SIOEMIT_ALLOW_BINARY=true")
		}
		words := append(words, `{"$binary":""}`, `{"$binary":""}`, "--room", "a")
		without, byVariable, byFlag := sioemit(t, env, "", words...), sioemit(t, append(env, name+"="+value), "", words...), sioemit(t, env, "", append(words, flag)...)
		byVariable.stderr = strings.ReplaceAll(byVariable.stderr, name, flagName)
		if byVariable == without || byVariable != byFlag {
			t.Errorf("%s=%s: %+v, as a flag: %+v, without: %+v", name, value, byVariable, byFlag, without)
		}
		delete(left, name)
	}
	if len(left) > 0 {
		t.Errorf("no test of %v", left)
	}
	r := sioemit(t, []string{"SIOEMIT_KEY=k", "SIOEMIT_NAMESPACE=admin", "SIOEMIT_SERVER_VERSION=3"}, "", words...)
	if r.status != 0 || !strings.HasPrefix(r.stdout, `PUBLISH "k#/admin#" `) {
		t.Errorf("%+v", r)
	}
	for variable, text := range map[string]string{
		"SIOEMIT_SERVER_VERSION=x": `SIOEMIT_SERVER_VERSION must be a whole number, not "x"`,
		"SIOEMIT_SERVER_VERSION=9": "SIOEMIT_SERVER_VERSION must be 1, 2, 3 or 4, not 9",
		"SIOEMIT_ADAPTER=redis":    `SIOEMIT_ADAPTER must be classic, sharded, streams or python, not "redis"`,
		"SIOEMIT_KEY=\xff":         "SIOEMIT_KEY is not valid UTF-8",
		"SIOEMIT_NAMESPACE=\xff":   "SIOEMIT_NAMESPACE is not valid UTF-8",
	} {
		r := sioemit(t, []string{variable}, "", words...)
		if r.status != commandline.StatusUsage || r.stdout != "" {
			t.Errorf("%q: %+v", variable, r)
		}
		r.oneLine(t, text)
	}
	// A flag goes before its variable, and is blamed then.
	r = sioemit(t, []string{"SIOEMIT_ADAPTER=redis"}, "", append(words, "--adapter", "nats")...)
	r.oneLine(t, `--adapter must be classic, sharded, streams or python, not "nats"`)
	r = sioemit(t, []string{"SIOEMIT_SERVER_VERSION=3"}, "", append(words, "--adapter", "streams")...)
	r.oneLine(t, "SIOEMIT_SERVER_VERSION 3: the streams adapter exists for Socket.IO 4 only")
	if r := sioemit(t, []string{"SIOEMIT_SERVER_VERSION=x"}, "", append(words, "--server-version", "4")...); r != plain {
		t.Errorf("%+v", r)
	}
	// What a variable says of another adapter, or of another URL, than the flags have is left out.
	for flag, env := range map[string][]string{
		"--adapter=classic":         {"SIOEMIT_ADAPTER=streams", "SIOEMIT_MAX_LEN=7"},
		"--redis=redis://localhost": {"SIOEMIT_REDIS_URL=rediss://localhost", "SIOEMIT_TLS_CA=/no/such/file"},
	} {
		if r := sioemit(t, env, "", append(words, flag)...); r != plain {
			t.Errorf("%q, %s: %+v", env, flag, r)
		}
		if r := sioemit(t, env, "", words...); r == plain {
			t.Errorf("%q: %+v", env, r)
		}
	}
	r = sioemit(t, []string{"SIOEMIT_SERVER_VERSION=2"}, "", "rooms")
	r.oneLine(t, "rooms needs servers with Socket.IO 4, and SIOEMIT_SERVER_VERSION is 2")
}

// TestInterrupted stops commands that wait for their input.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	for _, words := range []string{
		"emit x --args -", "emit x -", "emit x --ack --binary -", "server-emit x --binary -", "emit x --args FIFO", "emit x --binary FIFO", "decode", "decode -", "decode FIFO", "pipe", "pipe FIFO",
	} {
		t.Run(words, func(t *testing.T) {
			t.Parallel()
			fifo := filepath.Join(t.TempDir(), "fifo")
			if err := exec.Command("mkfifo", fifo).Run(); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), os.Args[0], strings.Fields(strings.ReplaceAll(words, "FIFO", fifo))...)
			cmd.Env = []string{runMain + "=1", "GORACE=atexit_sleep_ms=0", "PATH=" + os.Getenv("PATH")}
			stdin, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			defer stdin.Close()
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(words, "FIFO") {
				if stdin, err = os.OpenFile(fifo, os.O_WRONLY, 0); err != nil {
					t.Fatal(err)
				}
				defer stdin.Close()
			}
			// More than fits into the pipe: it has been reading when this is written.
			if _, err := stdin.Write(bytes.Repeat([]byte(" "), 1<<17)); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			timer := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
			_ = cmd.Wait() // the status is looked at
			timer.Stop()
			if status := cmd.ProcessState.ExitCode(); status != commandline.StatusInterrupt || stdout.Len() > 0 || !strings.HasSuffix(stderr.String(), "sioemit: interrupted\n") {
				t.Errorf("status %d, %q, %q", status, stdout.String(), stderr.String())
			}
		})
	}
}

func TestRequire(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	env := []string{"SIOEMIT_REDIS_URL=" + server.URL()}
	r := sioemit(t, env, "", "emit", "--require", "1", "x")
	if r.status != commandline.StatusListeners {
		t.Errorf("nobody listens: %+v", r)
	}
	r.oneLine(t, "1 required")
	if r := sioemit(t, env, "", "emit", "x", "--quiet"); r != (result{}) {
		t.Errorf("--quiet: %+v", r)
	}
	const now = "sioemit: warning: nobody receives it: check --redis, --adapter, --key and --namespace, or run sioemit doctor with these flags\n"
	const later = "sioemit: warning: no server listens now, so only a server that was cut off from Redis will read it: run sioemit doctor with these flags\n"
	for words, want := range map[string]string{
		"emit x": now, "emit x --json": now, "join a --all": now, "server-emit x": now, "emit x --adapter sharded": now,
		"emit x --adapter streams": later, "join a --all --adapter streams": later, "server-emit x --adapter streams": now,
	} {
		if r := sioemit(t, env, "", strings.Fields(words)...); r.status != 0 || r.stdout == "" || r.stderr != want {
			t.Errorf("%s, nobody listens: %+v", words, r)
		}
	}
	listenOn(t, server.Client(), "/")
	listenOn(t, server.Client(), "/")
	if r := sioemit(t, env, "", "emit", "x", "--quiet", "--require", "2"); r != (result{}) {
		t.Errorf("--quiet --require 2 of 2: %+v", r)
	}
	if r := sioemit(t, env, "", "emit", "x", "--require", "3", "--json"); r.status != commandline.StatusListeners || r.stdout != `{"channel":"socket.io#/#","servers":2}`+"\n" {
		t.Errorf("--require 3 of 2: %+v", r)
	}
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	r = sioemit(t, env, "", "emit", "--require", "1", "x")
	if r.status != commandline.StatusFailed {
		t.Errorf("Redis stopped: %+v", r)
	}
	r.oneLine(t, server.Addr)
}

// TestRequireOnCluster has the listeners on different nodes of a Redis Cluster,
// each of which counts its own only.
func TestRequireOnCluster(t *testing.T) {
	t.Parallel()
	cluster := harness.ClusterFor(t, 3, 0, harness.RedisConfig{})
	for _, node := range cluster.Nodes {
		listenOn(t, node.Client(), "/")
	}
	urls := cluster.URLs()
	for _, words := range [][]string{
		{"--redis", urls[0], "--cluster"},
		{"--redis", urls[0], "--redis", urls[1]},
	} {
		r := sioemit(t, nil, "", append(words, "emit", "x", "--require", "3", "--json")...)
		if r.status != 0 || r.stdout != `{"channel":"socket.io#/#","servers":3}`+"\n" {
			t.Errorf("%q: %+v", words, r)
		}
		if r := sioemit(t, nil, "", append(words, "emit", "x", "--require", "4")...); r.status != commandline.StatusListeners {
			t.Errorf("%q: %+v", words, r)
		}
	}
	r := sioemit(t, nil, "", "--redis", urls[0]+"/1", "--cluster", "emit", "x")
	r.oneLine(t, "database 0")
}

// TestACL uses a user that may only publish, then one that may also count.
func TestACL(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{ACL: []string{
		"user default off",
		"user pub on >pw resetchannels &socket.io* -@all +publish",
		"user both on >pw resetchannels &socket.io* -@all +publish +pubsub",
		"user none on >pw -@all",
	}})
	url := func(user string) string { return fmt.Sprintf("redis://%s:pw@%s", user, server.Addr) }
	if r := sioemit(t, nil, "", "emit", "x", "--quiet", "--redis", url("pub")); r != (result{}) {
		t.Errorf("may publish, quiet: %+v", r)
	}
	if r := sioemit(t, nil, "", "emit", "x", "--redis", url("pub")); r.status != 0 || !strings.Contains(r.stdout, "sent x") || !strings.Contains(r.stderr, "could not be counted") {
		t.Errorf("may publish: %+v", r)
	}
	if r := sioemit(t, nil, "", "emit", "x", "--json", "--redis", url("pub")); r.status != 0 || r.stdout != `{"channel":"socket.io#/#","servers":null}`+"\n" {
		t.Errorf("may publish, JSON: %+v", r)
	}
	r := sioemit(t, nil, "", "emit", "x", "--require", "1", "--redis", url("pub"))
	if r.status != commandline.StatusFailed {
		t.Errorf("may not count: %+v", r)
	}
	r.oneLine(t, "was sent", "permission")
	if r := sioemit(t, nil, "", "emit", "x", "--require", "0", "--json", "--redis", url("both")); r.status != 0 || r.stderr == "" || !strings.Contains(r.stdout, `"servers":0`) {
		t.Errorf("may count: %+v", r)
	}
	for _, words := range [][]string{{"--redis", url("none")}, {"--redis", url("pub"), "--key", "other"}} {
		r := sioemit(t, nil, "", append(words, "emit", "x")...)
		if r.status != commandline.StatusFailed || r.stdout != "" {
			t.Errorf("%q: %+v", words, r)
		}
		r.oneLine(t, "permission")
	}
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	r := sioemit(t, nil, "", "emit", "--dry-run", "--json", "hello", "world")
	var printed struct {
		Args []json.RawMessage
	}
	if err := json.Unmarshal([]byte(r.stdout), &printed); err != nil || r.status != 0 || r.stderr != "" {
		t.Fatalf("%+v, %v", r, err)
	}
	payload := base64.StdEncoding.EncodeToString([]byte("\x93\xa7emitter\x83\xa4type\x02\xa4data\x92\xa5hello\xa5world\xa3nsp\xa1/\x83\xa5rooms\x90\xa5flags\x80\xa6except\x90"))
	if got, want := fmt.Sprintf("%s", printed.Args), `["PUBLISH" "socket.io#/#" {"$binary":"`+payload+`"}]`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	a := sioemit(t, nil, "", "emit", "hello", "--room", "r1", `{"a":1}`, "-x", "r2", "--dry-run")
	b := sioemit(t, nil, "", "emit", "--room", "r1", "--except", "r2", "--dry-run", "hello", `{"a":1}`)
	if a != b || a.status != 0 || !strings.HasPrefix(a.stdout, `PUBLISH "socket.io#/#r1#" "\x93`) {
		t.Errorf("%+v\n%+v", a, b)
	}
}

// TestSpaces has those around the name of a room be part of it.
func TestSpaces(t *testing.T) {
	t.Parallel()
	r := sioemit(t, nil, "", "emit", "--dry-run", "hello", "--room", " a ", "--except", " b")
	if r.status != 0 || !strings.HasPrefix(r.stdout, `PUBLISH "socket.io#/# a #" `) || !strings.Contains(r.stdout, `\xa2 b`) {
		t.Errorf("%+v", r)
	}
}

// TestDryRunHelp has names that are those of a command or a flag.
func TestDryRunHelp(t *testing.T) {
	t.Parallel()
	for _, word := range []string{"help", "h", "emit", "version"} {
		for words, text := range map[string]string{
			"emit --dry-run " + word:                       word,
			"emit --dry-run -- " + word:                    word,
			"server-emit --dry-run " + word:                `"data":["` + word + `"]`,
			"join --dry-run --room user:8 " + word:         `"rooms":["` + word + `"]`,
			"leave --dry-run --all " + word:                `"rooms":["` + word + `"]`,
			"disconnect --dry-run --room " + word:          `"rooms":["` + word + `"]`,
			"leave --dry-run --all a " + word + " --quiet": `"rooms":["a","` + word + `"]`,
		} {
			if r := sioemit(t, nil, "", strings.Fields(words)...); r.status != 0 || r.stderr != "" || !strings.HasPrefix(r.stdout, "PUBLISH ") || !strings.Contains(r.stdout, text) {
				t.Errorf("%s: %+v", words, r)
			}
		}
		// The FILE of pipe; there is none of that name.
		r := sioemit(t, nil, "", "pipe", "--dry-run", word)
		if r.status != commandline.StatusUsage || r.stdout != "" {
			t.Errorf("pipe %s: %+v", word, r)
		}
		r.oneLine(t, word+": no such file")
	}
}

// TestDryRunPasted gives the printed lines to a real redis-cli.
func TestDryRunPasted(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	received := listenOn(t, server.Client(), "/")
	for _, args := range [][]string{
		{"hello", "world"},
		{"it's", `"double"`, `back\slash`, "\x01\x7f\r\n\t", "é 😀"},
		{"e", "--room", `it's "a" room\`},
		{"e", "--room", "é 😀 room"},
		{"e", "--codec", "json", `{"a":"it's"}`, "x"},
		{"e", "--codec", "json", `{"a":"\\ \""}`},
	} {
		r := sioemit(t, nil, "", append([]string{"emit", "--dry-run"}, args...)...)
		if r.status != 0 || strings.Count(r.stdout, "\n") != 1 {
			t.Fatalf("%q: %+v", args, r)
		}
		direct := sioemit(t, nil, "", append([]string{"emit", "--redis", server.URL()}, args...)...)
		if direct.status != 0 {
			t.Fatalf("%q: %+v", args, direct)
		}
		wantChannel, want := received.next(t)
		cli := exec.CommandContext(t.Context(), "redis-cli", "-p", fmt.Sprint(server.Port))
		cli.Stdin = strings.NewReader(r.stdout)
		var out bytes.Buffer
		cli.Stdout, cli.Stderr = &out, &out
		if err := cli.Run(); err != nil || strings.TrimSpace(out.String()) != "1" {
			t.Fatalf("redis-cli: %v, %q for %s", err, out.String(), r.stdout)
		}
		gotChannel, got := received.next(t)
		if gotChannel != wantChannel || !reflect.DeepEqual(got, want) {
			t.Errorf("redis-cli sent %q %+v, sioemit %q %+v", gotChannel, got, wantChannel, want)
		}
	}
}

// levels is JSON of so many levels.
func levels(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }

// binaries are ARGs that are binary.
func binaries(n int) []string { return slices.Repeat([]string{`{"$binary":"AQ=="}`}, n) }

// TestLimits has what is just not too much sent, by each way in.
func TestLimits(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	received := listenOn(t, server.Client(), "/")
	args := filepath.Join(t.TempDir(), "args")
	if err := os.WriteFile(args, []byte("["+levels(1000)+","+levels(1000)+"]"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{"SIOEMIT_REDIS_URL=" + server.URL()}
	line := `{"event":"x","args":[` + levels(1000) + `,` + strings.Join(binaries(9), ",") + `]}`
	many := `{"event":"x","args":[` + strings.Join(binaries(100), ",") + `]}`
	for _, test := range []struct {
		stdin string
		words []string
	}{
		{"", []string{"emit", "x", levels(1000)}},
		{"", []string{"emit", "x", "--args", args}},
		{"", append([]string{"emit", "x"}, binaries(10)...)},
		{"", append([]string{"emit", "x", "--max-attachments", "11"}, binaries(11)...)},
		{"", []string{"emit", "x", `{"_placeholder":true,"num":0}`}},
		{line, []string{"pipe"}},
		{many, []string{"pipe", "--max-attachments=100"}},
	} {
		if r := sioemit(t, env, test.stdin, test.words...); r.status != 0 {
			t.Errorf("%.60q: %.300v", test.words, r)
		} else if _, b := received.next(t); b.Event != "x" {
			t.Errorf("%.60q: %s", test.words, b.Event)
		}
	}
}
