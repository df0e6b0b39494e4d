package main

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sioemit/sioemit/internal/driver"
	"github.com/sioemit/sioemit/internal/harness"
)

// confirmFault begins the name of a fault of a driver that confirms.
const confirmFault = "confirms "

// TestBrokenConfirmers has the driver of the Go library confirm with one fault after the
// other, and without any.
func TestBrokenConfirmers(t *testing.T) {
	harness.NeedServers(t)
	t.Setenv("CONFORMANCE_DRIVER", buildGoDriver(t))
	const (
		plain    = "confirm/servers that answer on a channel of the emitter"
		replaced = "confirm/a connection is replaced behind an event"
		trimmed  = "confirm/an entry is trimmed before it is confirmed, streams"
	)
	for _, test := range []struct{ fault, cases, want string }{
		{"none", plain, "1 passed, 0 failed"},
		{"none", replaced, "1 passed, 0 failed"},
		{"none", trimmed, "1 passed, 0 failed"},
		{"confirms before the events", plain, "command 2, word 2"},
		{"confirms before the events", trimmed, "command 2, word 12"},
		{"confirms without looking", replaced, `instead of [{"ok":true,"result":2},{"ok":true},{"error":"unconfirmed"`},
		{"confirms without looking", trimmed, `"an entry is no longer in the stream"`},
		{"confirms with other words", replaced, `"a subscriber's connection to Redis was cut"`},
		{"confirms with an emitter for each call", replaced, `instead of [{"ok":true,"result":2},{"ok":true},{"error":"unconfirmed"`},
		{"confirms once for all", plain, "2 commands instead of 3"},
	} {
		t.Run(test.fault, func(t *testing.T) {
			t.Setenv("CONFORMANCE_FAULT", test.fault)
			var out bytes.Buffer
			err := execute(t.Context(), []string{"-driver", os.Args[0], "-variant", "go-redis-autopipeline", "-case", test.cases}, &out)
			if (err == nil) != (test.fault == "none") || !strings.Contains(out.String(), test.want) {
				t.Errorf("%v\n%s\nwant %q", err, &out, test.want)
			}
		})
	}
}

// breakSequence has the driver make the calls of a sequence with a fault.
func breakSequence(fault string, line []byte, exchange func([]byte) ([]byte, error)) ([]byte, error) {
	var call driver.Call
	if err := json.Unmarshal(line, &call); err != nil {
		return nil, err
	}
	steps := call.Sequence
	var answers []driver.Answer
	tell := func(steps ...driver.Step) error {
		call.Sequence = steps
		text, err := json.Marshal(call)
		if err != nil {
			return err
		}
		if text, err = exchange(append(text, '\n')); err != nil {
			return err
		}
		var whole driver.Answer
		var several []driver.Answer
		err = json.Unmarshal(text, &whole)
		if err == nil {
			err = json.Unmarshal(whole.Result, &several)
		}
		answers = append(answers, several...)
		return err
	}
	var err error
	switch last := len(steps) - 1; fault {
	case "confirms before the events":
		turned := slices.Clone(steps)
		slices.Reverse(turned[1:])
		err = tell(turned...)
		slices.Reverse(answers[1:])
	case "confirms with an emitter for each call":
		for _, step := range steps {
			if err == nil {
				err = tell(step)
			}
		}
	case "confirms once for all":
		if err = tell(steps[:last]...); err == nil {
			answers = append(answers, answers[0])
		}
	default:
		err = tell(steps...)
	}
	if err != nil {
		return nil, err
	}
	for i := range answers {
		switch a := &answers[i]; {
		case a.Error != "unconfirmed":
		case fault == "confirms without looking":
			*a = driver.Answer{OK: true, Result: answers[0].Result}
		case fault == "confirms with other words":
			a.Message = "no"
		}
	}
	text, err := json.Marshal(map[string]any{"id": call.ID, "ok": true, "result": plainly(answers)})
	return append(text, '\n'), err
}

// plainly leaves out what an answer does not say.
func plainly(answers []driver.Answer) (list []map[string]any) {
	for _, a := range answers {
		said := make(map[string]any)
		if a.OK {
			said["ok"] = true
		}
		if a.Result != nil {
			said["result"] = a.Result
		}
		if a.Error != "" {
			said["error"], said["message"] = a.Error, a.Message
		}
		list = append(list, said)
	}
	return list
}

// TestMisrouted wants a question of the classic adapter to go through every node.
func TestMisrouted(t *testing.T) {
	s := &stage{nodes: make([]*harness.Redis, 3), cluster: true}
	c := &Case{Sequence: []driver.Step{{Call: json.RawMessage(`["confirm"]`)}, {Call: json.RawMessage(`["emit","a"]`)}}}
	event := &sentCommand{words: [][]byte{[]byte("PUBLISH"), []byte("socket.io#/#"), []byte(`{"a":1}`)}, node: "1"}
	question := func(node string) *sentCommand {
		return &sentCommand{words: [][]byte{[]byte("PUBLISH"), []byte("socket.io-request#/#"), []byte(`{"requestId":"x"}`)}, node: node}
	}
	for _, test := range []struct {
		nodes string
		want  int
	}{{"123", 0}, {"312231", 0}, {"113", 1}, {"123113", 1}, {"12", 1}} {
		sent := []*sentCommand{event, event}
		for _, node := range test.nodes {
			sent = append(sent, question(string(node)))
		}
		if got := s.misrouted(c, sent); len(got) != test.want {
			t.Errorf("%s: %q", test.nodes, got)
		}
	}
	if got := s.misrouted(c, []*sentCommand{event, {words: event.words, node: "2"}}); len(got) != 1 {
		t.Errorf("events that are scattered: %q", got)
	}
}

// TestOvertakes wants events answered before a question comes by another connection.
func TestOvertakes(t *testing.T) {
	l := new(log)
	one, other := &connection{log: l}, &connection{log: l}
	send := func(c *connection, payload string) *sentCommand {
		cmd := &sentCommand{words: [][]byte{[]byte("PUBLISH"), []byte("c"), []byte(payload)}, connection: c, subscribed: make(map[string]bool)}
		if c.note(cmd) {
			c.waiting = append(c.waiting, cmd)
		}
		return cmd
	}
	const event, question = `{"a":1}`, `{"requestId":"0123456789012345678901"}`
	c := &Case{Sequence: []driver.Step{{}}}
	wrong := func(cmd *sentCommand) bool {
		cmd.subscribed = map[string]bool{"subscribe cemitter#": true}
		return slices.ContainsFunc((&stage{}).wronglyAsked(c, []*sentCommand{cmd}), func(text string) bool { return strings.Contains(text, "before Redis had answered") })
	}
	send(one, event)
	if !wrong(send(other, question)) {
		t.Error("the event had not been answered")
	}
	if wrong(send(one, question)) {
		t.Error("the event came by the same connection")
	}
	one.answer([]byte(":1"))
	if wrong(send(other, question)) {
		t.Error("the event had been answered")
	}
}
