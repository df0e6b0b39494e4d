package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/harness"
)

// TestRoomNumbers steers and asks real servers about rooms that are numbers,
// beside rooms of the same text.
func TestRoomNumbers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		adapter harness.Adapter
		flags   []string
		noAcks  bool
	}{
		"redis-adapter 8":     {harness.RedisAdapter8, nil, false},
		"socket.io-redis 6.1": {harness.SocketIORedis61, nil, true},
		"sharded":             {harness.ShardedAdapter8, []string{"--adapter", "sharded"}, false},
		"streams":             {harness.StreamsAdapter, []string{"--adapter", "streams"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := harness.RedisFor(t, harness.RedisConfig{})
			config := harness.NodeConfig{Server: harness.V4.Server, Adapter: test.adapter, Redis: server.Conn()}
			acks := func(name string) harness.ConnectOptions {
				return harness.ConnectOptions{Acks: map[string][]any{"who": {name}}}
			}
			number := admitTo(t, harness.V4, config, acks("number"))
			text := admitTo(t, harness.V4, config, acks("text"))
			for client, rooms := range map[*harness.Client][]any{number: {5, -1.5, nil, "a (number)"}, text: {"5"}} {
				if err := client.Call(t.Context(), "join", rooms); err != nil {
					t.Fatal(err)
				}
			}
			run := func(words ...string) result {
				t.Helper()
				return sioemit(t, []string{"SIOEMIT_REDIS_URL=" + server.URL()}, "", append(test.flags, words...)...)
			}
			check := func(want string, words ...string) {
				t.Helper()
				if r := run(words...); r.status != commandline.StatusDone || r.stderr != "" || sortedLines(r.stdout) != want {
					t.Errorf("%q: %+v, want %s", words, r, want)
				}
			}
			check(sortedLines(strings.Join([]string{"-1.5 (number)", "5 (number)", "5", `"a (number)"`, number.ID, text.ID}, "\n")), "rooms", "--names")
			check(sortedLines("      1 5\n      1 \"a (number)\"\n      1 -1.5 (number)\n      1 5 (number)\n"), "rooms")
			const rooms = `{"room":"5"}` + "\n" + `{"room":"a (number)"}` + "\n" + `{"room":-1.5}` + "\n" + `{"room":5}`
			check(sortedLines(strings.ReplaceAll(rooms, "}", `,"clients":1}`)), "rooms", "--json")
			check(sortedLines(rooms+"\n"+`{"room":"`+number.ID+"\"}\n"+`{"room":"`+text.ID+`"}`), "rooms", "--names", "--json")
			if r := run("sockets", "--room-number", "5"); r.status != commandline.StatusDone || !strings.Contains(r.stdout, number.ID) || strings.Contains(r.stdout, text.ID) ||
				!strings.Contains(r.stdout, `"a (number)" 5 (number) -1.5 (number)`) {
				t.Errorf("sockets: %+v", r)
			}
			for client, want := range map[*harness.Client]string{number: `["a (number)",5,-1.5]`, text: `["5"]`} {
				r := run("sockets", "--json", "--room", client.ID)
				var socket struct{ Rooms json.RawMessage }
				if err := json.Unmarshal([]byte(r.stdout), &socket); err != nil || string(socket.Rooms) != want {
					t.Errorf("sockets --json: %+v, %v, want %s", r, err, want)
				}
			}
			// Steered by number, and in rooms that are numbers, then.
			steer := func(words ...string) {
				t.Helper()
				if r := run(append(words, "--quiet")...); r != (result{}) {
					t.Fatalf("%q: %+v", words, r)
				}
			}
			member := func(flag, room string) string {
				t.Helper()
				r := run("sockets", "--json", flag, room)
				var names []string
				for name, client := range map[string]*harness.Client{"number": number, "text": text} {
					if strings.Contains(r.stdout, client.ID) {
						names = append(names, name)
					}
				}
				slices.Sort(names)
				return strings.Join(names, " ")
			}
			members := func(want, flag, room string) {
				t.Helper()
				if got := member(flag, room); got != want {
					t.Errorf("%s %s: %q, want %q", flag, room, got, want)
				}
			}
			steer("join", "--number", "7", "--number", "8", "--room-number", "5")
			members("number", "--room-number", "7")
			members("", "--room", "7")
			steer("join", "--number", "9", "--all", "--except-number", "5")
			members("text", "--room-number", "9")
			steer("leave", "--number", "7", "--room-number", "8")
			members("", "--room-number", "7")
			members("number", "--room-number", "8")
			if !test.noAcks {
				check(`"number"`, "emit", "--ack", "--room-number", "5", "who")
				check(`"text"`, "emit", "--ack", "--room", "5", "who")
				check("\"number\"\n\"text\"", "emit", "--ack", "--room-number", "5", "--room", "5", "who")
				check(`"text"`, "emit", "--ack", "--except-number", "5", "who")
			}
			steer("disconnect", "--room-number", "5")
			if reason, err := number.AwaitDisconnect(t.Context()); err != nil || reason != "io server disconnect" {
				t.Errorf("%q, %v", reason, err)
			}
			check(sortedLines("      1 5\n      1 9 (number)"), "rooms")
		})
	}
}
