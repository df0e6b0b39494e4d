package decode

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/event"
	"github.com/sioemit/sioemit/internal/protocol"
	"github.com/sioemit/sioemit/internal/show"
)

// helloWorld is io.emit("hello", "world") of the official emitter.
const helloWorld = "93a7656d697474657283a47479706502a46461746192a568656c6c6fa5776f726c64a36e7370a12f83a5726f6f6d7390a5666c61677380a665786365707490"

// result is what one run of the command left behind.
type result struct {
	status         int
	stdout, stderr string
}

// decoded runs the command.
func decoded(t *testing.T, stdin string, words ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	p := &commandline.Program{IO: commandline.IO{In: strings.NewReader(stdin), Out: &stdout, Err: &stderr}, ErrorText: func(err error) string { return show.OneLine(err.Error()) }}
	p.Commands = []*commandline.Command{Command(p)}
	status := p.Run(t.Context(), append([]string{"sioemit", "decode"}, words...))
	return result{status, stdout.String(), stderr.String()}
}

// oneLine checks that stderr is a single line that holds all of texts.
func (r result) oneLine(t *testing.T, texts ...string) {
	t.Helper()
	if strings.Count(r.stderr, "\n") != 1 || !strings.HasPrefix(r.stderr, "sioemit: ") {
		t.Errorf("stderr is not one line of sioemit: %q", r.stderr)
	}
	for _, text := range texts {
		if !strings.Contains(r.stderr, text) {
			t.Errorf("stderr %q does not say %q", r.stderr, text)
		}
	}
}

// TestDecodeForms gives one message in every form that decode reads.
func TestDecodeForms(t *testing.T) {
	raw, err := hex.DecodeString(helloWorld)
	if err != nil {
		t.Fatal(err)
	}
	var escaped strings.Builder
	for _, c := range raw {
		fmt.Fprintf(&escaped, `\x%02x`, c)
	}
	x := escaped.String()
	publish := `"PUBLISH" "socket.io#/#" "` + x + `"`
	channel := "socket.io#/#"
	file := filepath.Join(t.TempDir(), "payload file")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name    string
		words   []string
		stdin   string
		channel string
	}{
		{"raw", nil, string(raw), ""},
		{"raw, a line", []string{"-"}, string(raw) + "\n", ""},
		{"file", []string{file}, "", ""},
		{"hex", []string{helloWorld}, "", ""},
		{"hex in capitals, with spaces", nil, strings.ToUpper(helloWorld[:10] + " " + helloWorld[10:50] + "\n" + helloWorld[50:]), ""},
		{"hex with 0x", []string{"0x" + helloWorld}, "", ""},
		{"base64", []string{base64.StdEncoding.EncodeToString(raw)}, "", ""},
		{"base64 in lines", nil, base64.StdEncoding.EncodeToString(raw[:30]) + "\n" + base64.StdEncoding.EncodeToString(raw[30:]) + "\n", ""},
		{"base64 without padding", nil, base64.RawURLEncoding.EncodeToString(raw), ""},
		{"escapes", []string{x}, "", ""},
		{"escapes in quotes", nil, `"` + x + `"`, ""},
		{"redis-cli line", []string{`PUBLISH socket.io#/# "` + x + `"`}, "", channel},
		{"redis-cli line in the shell's words", []string{"PUBLISH", "socket.io#/#", x}, "", channel},
		{"redis-cli with its name", []string{"redis-cli", "-p", "6380", "publish", "socket.io#/#", x}, "", channel},
		{"MONITOR", nil, "OK\n1700000000.123456 [0 127.0.0.1:4711] \"PING\"\n1700000000.2 [0 127.0.0.1:1] \"SET\" \"publish\" \"x\"\n1700000000.123457 [0 [::1]:4711] " + publish + "\n", channel},
		{"MONITOR of a unix socket", nil, `1700000000.1 [3 unix:/run/redis.sock] ` + publish, channel},
		{"dry-run JSON", nil, `{"args":["PUBLISH","socket.io#/#",{"$binary":"` + base64.StdEncoding.EncodeToString(raw) + `"}]}`, channel},
		{"binary of a JSON line", nil, `{"$binary":"` + base64.StdEncoding.EncodeToString(raw) + `"}`, ""},
		{"undecodable line", nil, `{"undecodable":{"channel":"socket.io#/#","payload":{"$binary":"` + base64.StdEncoding.EncodeToString(raw) + `"},"error":"x"}}`, channel},
	} {
		r := decoded(t, test.stdin, append([]string{"--json", "--"}, test.words...)...)
		var got explanation
		if err := json.Unmarshal([]byte(r.stdout), &got); err != nil || r.status != 0 || r.stderr != "" {
			t.Errorf("%s: %+v, %v", test.name, r, err)
			continue
		}
		hello := "hello"
		want := explanation{
			Adapter: "classic", Kind: protocol.KindEvent, Form: "MessagePack", Bytes: 63, Channel: test.channel, PacketType: 2, UID: "emitter", Namespace: "/",
			Rooms: []encoding.Room{}, Except: []encoding.Room{}, Event: &hello, Args: []json.RawMessage{json.RawMessage(`"world"`)}, Notes: []note{{"", "clients of Socket.IO 1 to 4 all get the event"}},
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", test.name, got, want)
		}
	}
}

// TestDecodeText holds the readable text to the letter.
func TestDecodeText(t *testing.T) {
	for _, test := range []struct{ input, want string }{
		{`PUBLISH socket.io#/#r1# '["emitter",{"type":2,"data":["e",1,{"a":null}],"nsp":"/"},{"rooms":["r1","r 2"],"flags":{"volatile":true,"compress":false},"except":["x"]}]'`,
			`adapter     classic
kind        event for clients
channel     socket.io#/#r1#
form        JSON, 139 bytes
sender      emitter, which is not a server
namespace   /
rooms       r1 "r 2"
except      x
flags       volatile compress=false
event       e (packet type 2)
argument 1  1
argument 2  {"a":null}
* the channel is that of room r1, but the message targets other rooms, too:
  servers without a client in r1 ignore it
* volatile: servers drop it for clients that cannot take it right now
* Socket.IO 4: compress only affects HTTP long-polling; for websockets, the
  server's perMessageDeflate decides
* Socket.IO 1 to 3: except takes only socket ids: clients in x are not left out
* only servers whose adapter has a JSON parser read this; the others expect
  MessagePack
`},
		{`{"type":4,"opts":{"rooms":[],"except":[]},"close":true}`,
			`adapter     classic
kind        clients are disconnected (type 4)
form        JSON, 55 bytes
rooms       none: everyone in the namespace
except      none
close       yes: the connection, with all its namespaces
* Socket.IO 4: servers with socket.io-redis 6.1 or later do this
* Socket.IO 1 and 2: type 4 there means: a client leaves a room
`},
		{`SPUBLISH socket.io#/n#0123456789abcdefghij# '{"uid":"aa11","nsp":"/n","type":3,"data":{"packet":{"type":2,"data":["e"]},"opts":{"rooms":["0123456789abcdefghij"],"except":[],"flags":{}}}}'`,
			`adapter     sharded
kind        event for clients (type 3)
channel     socket.io#/n#0123456789abcdefghij#
form        JSON, 141 bytes
sender      aa11, a server
namespace   /n
rooms       0123456789abcdefghij
except      none
event       e (packet type 2)
arguments   none
* for servers of Socket.IO 4 with the sharded adapter; the classic one does not
  read it
* servers listen on the channel of a socket id only with subscriptionMode
  dynamic-private
* its sender signs as a server: adapters with heartbeats count it as one from
  then on, and if it is not, their fetchSockets() waits for it in vain; an
  emitter signs "emitter"
`},
		{`XADD socket.io--1 MAXLEN ~ 10000 1700000000000-5 uid emitter nsp /n type 5 data '{"opts":{"rooms":["r"],"except":[],"flags":{}},"rooms":["a","b"]}'`,
			`adapter     streams
kind        clients leave rooms (type 5)
stream      socket.io--1 1700000000000-5
form        JSON, 89 bytes
sender      emitter, which is not a server
namespace   /n
rooms       r
except      none
leaves      a b
* for servers of Socket.IO 4 with the streams adapter; the classic one does not
  read it
* no server reads a stream with a negative number: with this streamCount, events
  of this namespace do not arrive
`},
		{`{"type":9,"requestId":"q","packet":["yes"]}`,
			`adapter     classic
kind        acknowledgement of one client (type 9)
form        JSON, 43 bytes
request id  q
holds       ["yes"]
`},
	} {
		if r := decoded(t, test.input); r != (result{0, test.want, ""}) {
			t.Errorf("%s:\n%s%s want\n%s", test.input, r.stdout, r.stderr, test.want)
		}
	}
}

// TestDecodeControls shows no control characters of what was captured, which a
// terminal would obey.
func TestDecodeControls(t *testing.T) {
	const evil = `a\u001b[2J\u0007\u007f\u009b1mb\u202e`
	for _, payload := range []string{
		`["` + evil + `",{"type":2,"data":["` + evil + `",{"` + evil + `":"` + evil + `"}],"nsp":"/` + evil + `"},{"rooms":["` + evil + `"],"flags":{},"except":["` + evil + `"]}]`,
		`{"uid":"` + evil + `","requestId":"` + evil + `","type":7,"packet":{"type":2,"data":["disconnect"],"nsp":"/` + evil + `"},"opts":{"rooms":[],"flags":{},"except":[]}}`,
		`{"type":9,"requestId":"` + evil + `","packet":"` + evil + `"}`,
		`{"type":"` + evil + `"}`,
	} {
		r := decoded(t, "", "PUBLISH", "socket.io#/\x1b[2J\x9b1m#", payload)
		for _, c := range r.stdout + r.stderr {
			if c != '\n' && !unicode.IsPrint(c) {
				t.Errorf("%s: %q in %q", payload, c, r.stdout+r.stderr)
				break
			}
		}
	}
	r := decoded(t, "\x1b[2J\x1b[1m nonsense")
	if strings.Contains(r.stderr, "\x1b") {
		t.Errorf("%+q", r.stderr)
	}
	// They can be read all the same.
	r = decoded(t, `["emitter",{"type":2,"data":["e","\u009b😀"],"nsp":"/"},{"rooms":[],"flags":{},"except":[]}]`)
	if !strings.Contains(r.stdout, `argument 1  "\u009b😀"`) {
		t.Error(r.stdout)
	}
}

// TestDecodeNotes makes each warning come, and not come.
func TestDecodeNotes(t *testing.T) {
	classic := func(packet, options string) string {
		return `["emitter",{` + packet + `},{` + options + `}]`
	}
	const event, options = `"type":2,"data":["e"],"nsp":"/"`, `"rooms":[],"flags":{},"except":[]`
	binary := `"data":["e",{"$binary":"AQ=="}],"nsp":"/"`
	for _, test := range []struct{ name, channel, tagged, about, text string }{
		{"type 5, 3", "", classic(`"type":5,`+binary, options), "Socket.IO 3", "Illegal attachments"},
		{"type 5, 4", "", classic(`"type":5,`+binary, options), "Socket.IO 4", `disconnected with "parse error"`},
		{"type 5, 1 and 2", "", classic(`"type":5,`+binary, options), "Socket.IO 1 and 2", "binary as binary"},
		{"type 2 with binary, old", "", classic(`"type":2,`+binary, options), "Socket.IO 1 and 2", `{"type":"Buffer"`},
		{"type 2 with binary", "", classic(`"type":2,`+binary, options), "Socket.IO 3 and 4", "binary as binary"},
		{"another namespace", "socket.io#/n#", classic(event, options), "", "namespace /n, but the message says /: servers ignore it"},
		{"another room", "socket.io#/#r1#", classic(event, `"rooms":["r2"],"flags":{},"except":[]`), "", "room r1, which the message does not target"},
		{"one of two rooms", "k#/#r1#", classic(event, `"rooms":["r1","r2"],"flags":{},"except":[]`), "", "targets other rooms, too"},
		{"old options", "", classic(event, `"rooms":[],"flags":{}`), "", "the options have no except"},
		{"except a room", "", classic(event, `"rooms":[],"flags":{},"except":["r"]`), "Socket.IO 1 to 3", "clients in r are not left out"},
		{"another sender", "", `["aBcDeF",{` + event + `},{` + options + `}]`, "", `an emitter signs "emitter"`},
		{"reserved event", "", classic(`"type":2,"data":["disconnect"],"nsp":"/"`, options), "Socket.IO 4", "reserved"},
		{"fetchSockets", "", `{"uid":"emitter","requestId":"q","type":5,"opts":{` + options + `}}`, "Socket.IO 1 and 2", "a custom request"},
		{"asks for answers", "", `{"uid":"emitter","requestId":"q","type":5,"opts":{` + options + `}}`, "", "asks for answers"},
		{"serverSideEmit", "", `{"uid":"emitter","type":6,"data":["e"]}`, "Socket.IO 4", "@socket.io/redis-adapter 7.0"},
		{"emit with ack", "", `{"uid":"emitter","requestId":"q","type":7,"packet":{` + event + `},"opts":{` + options + `}}`, "Socket.IO 4", "@socket.io/redis-adapter 7.2"},
		{"request on the channel of a room", "socket.io#/#r1#", `{"uid":"emitter","nsp":"/","type":4,"data":{"opts":{` + options + `},"rooms":["a"]}}`, "", "expect only events"},
		{"sharded by PUBLISH", "PUBLISH socket.io#/#", `{"uid":"emitter","nsp":"/","type":3,"data":{"packet":{` + event + `},"opts":{` + options + `}}}`, "", "by SPUBLISH only: servers ignore it"},
		{"classic by SPUBLISH", "SPUBLISH socket.io#/#", classic(event, options), "", "by PUBLISH only: servers ignore it"},
		{"request on the event channel", "PUBLISH socket.io#/#", `{"type":4,"opts":{` + options + `},"close":true}`, "", "requests of the classic adapter come on socket.io-request#/#: servers ignore it"},
		{"ack on the event channel", "socket.io#/#r1#", `{"uid":"emitter","requestId":"q","type":7,"packet":{` + event + `},"opts":{` + options + `}}`, "", "requests of the classic adapter come on socket.io-request#/#: servers ignore it"},
		{"event on the request channel", "socket.io-request#/#", classic(event, options), "", "events of the classic adapter come on socket.io#/#: servers ignore it"},
		{"reply on the request channel", "socket.io-request#/#", `{"type":9,"requestId":"q","packet":1}`, "", "replies of the classic adapter come on socket.io-response#/#: servers ignore it"},
		{"room of the sharded adapter", "socket.io#/#r1#", `{"uid":"emitter","nsp":"/","type":3,"data":{"packet":{` + event + `},"opts":{"rooms":["r1"],"flags":{},"except":[]}}}`, "", "unless they set subscriptionMode static"},
	} {
		payload, err := encoding.Append(nil, encoding.TaggedJSON(test.tagged))
		if err != nil {
			t.Fatal(err)
		}
		explain := func(channel string, payload []byte) *explanation {
			t.Helper()
			c := capture{channel: channel, payload: payload}
			if command, channel, found := strings.Cut(channel, " "); found {
				c.command, c.channel = command, channel
			}
			m, err := c.message()
			if err != nil {
				t.Fatalf("%s: %v", test.name, err)
			}
			e, err := explainMessage(c, m)
			if err != nil {
				t.Fatal(err)
			}
			return e
		}
		has := func(n note) bool { return n.About == test.about && strings.Contains(n.Text, test.text) }
		notes := explain(test.channel, payload).Notes
		if !slices.ContainsFunc(notes, has) {
			t.Errorf("%s: %q", test.name, notes)
		}
		alike := slices.ContainsFunc(notes, func(n note) bool { return strings.Contains(n.Text, "all get the event") })
		if want := test.name == "old options" || test.name == "another sender"; alike != want {
			t.Errorf("%s: alike is %v in %q", test.name, alike, notes)
		}
		plain, err := encoding.Classic{}.Marshal(&encoding.Broadcast{Namespace: "/", Event: "e", Rooms: []encoding.Room{"r1"}})
		if err != nil {
			t.Fatal(err)
		}
		if notes := explain("socket.io#/#r1#", plain).Notes; slices.ContainsFunc(notes, has) {
			t.Errorf("%s: an ordinary event has the note too", test.name)
		}
	}
}

// TestDecodeMonitor mixes the traffic of adapters with that of others, and
// loses nothing of it.
func TestDecodeMonitor(t *testing.T) {
	const ours = `1700000000.2 [0 127.0.0.1:1] "PUBLISH" "socket.io#/#" "{\"type\":9,\"requestId\":\"q\",\"packet\":1}"` + "\n"
	entry := func(options string) string {
		return `1700000000.3 [0 [::1]:1] "xadd" "socket.io" ` + options + ` "uid" "emitter" "nsp" "/" "type" "3" "data" "{\"packet\":{\"type\":2,\"data\":[\"e\"]},\"opts\":{\"rooms\":[],\"except\":[],\"flags\":{}}}"` + "\n"
	}
	other := func(words string) string { return "1700000000.1 [0 lua] " + words + "\n" }
	for _, test := range []struct {
		name, input string
		explained   int
		stderr      string
	}{
		{"last line cut off", "OK\n" + ours + ours[:90], 1, "sioemit: skipped 1 line"},
		{"first line cut off", ours[20:] + ours, 1, "sioemit: skipped 1 line"},
		{"another stream", other(`"XADD" "jobs" "1000" "a" "b"`) + ours + other(`"XADD" "jobs" "*" "a"`), 1, "sioemit: skipped 2 lines"},
		{"another channel", ours + other(`"PUBLISH" "other" "hello"`) + ours, 2, "sioemit: skipped 1 line"},
		{"a line too long", ours + other(`"SET" "a" "`+strings.Repeat("x", event.MaxLine)+`"`) + ours, 2, "sioemit: skipped 1 line"},
		{"other commands", ours + other(`"SET" "publish" "x"`) + "OK\n\n" + ours, 2, ""},
		{"options of XADD", entry(`"*"`) + entry(`"1-1"`) + entry(`"MINID" "~" "1000-0" "*"`) + entry(`"NOMKSTREAM" "MAXLEN" "=" "5" "LIMIT" "100" "1700000000000-*"`), 4, ""},
		{"garbage on an adapter's channel", ours + other(`"PUBLISH" "socket.io#/#" "garbage"`) + ours, 2, "sioemit: payload 2: "},
	} {
		r := decoded(t, test.input, "--json")
		wantStatus := 0
		if strings.Contains(test.stderr, "payload") {
			wantStatus = commandline.StatusUsage
		}
		if r.status != wantStatus || strings.Count(r.stdout, "\n") != test.explained || !strings.HasPrefix(r.stderr, test.stderr) || test.stderr == "" && r.stderr != "" {
			t.Errorf("%s: status %d, %d explained, %s", test.name, r.status, strings.Count(r.stdout, "\n"), r.stderr)
		}
	}
}

func TestDecodeRefused(t *testing.T) {
	for _, test := range []struct {
		input string
		texts []string
	}{
		{"", []string{"nothing to decode", "hex or base64"}},
		{" \n", []string{"nothing to decode"}},
		{"nonsense", []string{"nonsense", "expected a payload"}},
		{"GET key", []string{"GET key", "PUBLISH, SPUBLISH or XADD"}},
		{"PUBLISH channel", []string{"a channel and a payload"}},
		{`PUBLISH channel "open`, []string{"quote is not closed"}},
		{`PUBLISH channel text`, []string{"not a payload of a Socket.IO adapter"}},
		{"XADD stream", []string{"fields"}},
		{"XADD stream * a", []string{"pairs"}},
		{"XADD stream * a b", []string{"no field nsp"}},
		{"1700000000.1 [0 127.0.0.1:1] \"PING\"", []string{"nothing in there was sent by an adapter"}},
		{"pmessage\nsocket.io#/#*\nsocket.io#/#\n\x93", []string{"line 1, \"pmessage\"", expectedInput}},
		{"1) \"message\"\n2) \"socket.io#/#\"\n3) \"{}\"", []string{"line 1, ", expectedInput}},
		{"127.0.0.1:6379> PING\nPONG", []string{"line 1, ", expectedInput}},
		{"\xc1\xff", []string{"MessagePack", "2 bytes"}},
		{"deadbeefdeadbeef00", []string{"read as hex"}},
		{`{"event":"e"}`, []string{"already decoded"}},
		{`{"a":1}`, []string{"without type", "read as JSON"}},
		{`{"a":`, []string{"read as JSON"}},
		{`{"args":["GET","x"]}`, []string{"not a command that sends"}},
		{`{"args":["PUBLISH","x",1]}`, []string{"neither a string"}},
		{`["emitter",{"type":3,"data":["e"]},{}]`, []string{"packet type 3 is not an event"}},
		{strings.Repeat("[", 1<<20), []string{"read as JSON"}},
	} {
		r := decoded(t, test.input)
		if r.status != commandline.StatusUsage || r.stdout != "" {
			t.Errorf("%.40q: %+v", test.input, r)
		}
		r.oneLine(t, test.texts...)
		if len(r.stderr) > 500 {
			t.Errorf("%.40q: %d bytes of error", test.input, len(r.stderr))
		}
	}
	r := decoded(t, "", "no-such-file.bin")
	r.oneLine(t, "no-such-file.bin", "not a file")
	// One of two is explained, and the other one named.
	r = decoded(t, "PUBLISH a b\nPUBLISH socket.io#/# '"+`{"type":9,"requestId":"q","packet":1}'`, "--json")
	if r.status != commandline.StatusUsage || strings.Count(r.stdout, "\n") != 1 || !strings.Contains(r.stderr, "payload 1: ") || !strings.Contains(r.stderr, "1 of 2 are not payloads") {
		t.Errorf("%+v", r)
	}
	// What stands before something that cannot be read is explained.
	const reply = `{"type":9,"requestId":"q","packet":1}`
	for input, want := range map[string]string{
		"PUBLISH socket.io-response#/# '" + reply + "'\nnonsense": "line 2, ",
		reply + reply[:20]: "sioemit: payload 2: not a payload",
		reply + "nonsense": "(read as JSON, 8 bytes)",
	} {
		r := decoded(t, input, "--json")
		if r.status != commandline.StatusUsage || strings.Count(r.stdout, "\n") != 1 || !strings.Contains(r.stderr, want) {
			t.Errorf("%q: %+v", input, r)
		}
	}
	r = decoded(t, "PUBLISH a b\nnonsense")
	if r.status != commandline.StatusUsage || !strings.Contains(r.stderr, "sioemit: payload 1: not a payload") || !strings.Contains(r.stderr, "sioemit: line 2, ") {
		t.Errorf("%+v", r)
	}
}

func TestSplitWords(t *testing.T) {
	for line, want := range map[string][]string{
		``:                                 nil,
		`  a  b `:                          {"a", "b"},
		`a "b c" 'd e'`:                    {"a", "b c", "d e"},
		`"\x00\xfF\n\r\t\b\a\\\"\q"`:       {"\x00\xff\n\r\t\b\a\\\"q"},
		`'it\'s' '\x41'`:                   {"it's", `\x41`},
		`"\x4" ""`:                         {"x4", ""},
		`a"b`:                              {`a"b`},
		`"open`:                            nil,
		`"a"b`:                             nil,
		`'a'b`:                             nil,
		`"ends in a backslash\`:            nil,
		"tabs\tand\r":                      {"tabs", "and"},
		`"` + strings.Repeat("é", 3) + `"`: {"ééé"},
	} {
		got, err := splitWords(line)
		if !slices.Equal(got, want) || (err != nil) != (want == nil && line != "") {
			t.Errorf("%s: %q, %v, want %q", line, got, err, want)
		}
	}
}

// FuzzParseCaptures checks that nothing that is pasted makes the command fail in
// another way than by an error.
func FuzzParseCaptures(f *testing.F) {
	raw, err := hex.DecodeString(helloWorld)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	for _, seed := range []string{
		helloWorld, `PUBLISH a "\x93"`, `{"args":["XADD","s","*","nsp","/"]}`,
		"1700000000.1 [0 127.0.0.1:1] \"PUBLISH\" \"a\" \"b\"", `["u",{"type":5,"data":["e",1]},{"rooms":["a"]}]`, "a> XADD s 1-0 a b",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var captures []capture
		_, err := readCaptures(bytes.NewReader(data), func(c capture) error {
			captures = append(captures, c)
			return nil
		})
		if err == nil && len(captures) == 0 {
			t.Fatal("neither a message nor an error")
		}
		for _, c := range captures {
			m, err := c.message()
			if err != nil {
				continue
			}
			e, err := explainMessage(c, m)
			if err != nil {
				t.Fatal(err)
			}
			var text bytes.Buffer
			if err := e.print(&text); err != nil {
				t.Fatal(err)
			}
			if err := show.JSON(&text, e); err != nil {
				t.Fatal(err)
			}
		}
	})
}
