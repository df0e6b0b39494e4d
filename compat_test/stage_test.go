package compat_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/harness"
)

// stage is where one promise is put to one cluster through one sender. A promise says what is sent and who is
// to get it; settle then proves that they got it, and that nobody got anything else.
type stage struct {
	*testing.T
	*cluster
	ctx  context.Context
	via  sender
	want map[*member][]expectation

	lanes []laneTarget // that were used since the last fence
}

// expectation is an event that a client is to get.
type expectation struct {
	event string
	args  []json.RawMessage
	// optional events may be missing: volatile ones.
	optional bool
	// lane is the way that it takes: there is no order between events of different lanes.
	lane string
}

func expected(event string, args ...any) expectation {
	e := expectation{event: event}
	for _, arg := range args {
		var text bytes.Buffer
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false) // as JavaScript writes it
		if err := encoder.Encode(asJSON(arg)); err != nil {
			panic(err) // a test that asks for the impossible
		}
		e.args = append(e.args, bytes.TrimSpace(text.Bytes()))
	}
	return e
}

// send sends a message that exactly those members are to get for which the condition holds.
func (s *stage) send(m message, to func(*member) bool) {
	s.Helper()
	if err := s.via.send(s.ctx, m); err != nil {
		s.Fatal(err)
	}
	s.expect(m, to)
}

// sendAll is send for many messages.
func (s *stage) sendAll(messages []message, to func(*member) bool) {
	s.Helper()
	if err := s.via.sendAll(s.ctx, messages); err != nil {
		s.Fatal(err)
	}
	for _, m := range messages {
		s.expect(m, to)
	}
}

// expect notes who is to get a message that was sent.
func (s *stage) expect(m message, to func(*member) bool) {
	s.Helper()
	s.note(m, false, to)
}

// permit notes who may get a message that was sent, or may not; nobody else may.
func (s *stage) permit(m message, to func(*member) bool) {
	s.Helper()
	s.note(m, true, to)
}

func (s *stage) note(m message, optional bool, to func(*member) bool) {
	s.Helper()
	s.sent++
	e := expected(m.event, m.args...)
	e.optional, e.lane = optional, s.row.lane(m)
	s.use(m, e.lane)
	receivers := s.some(s.T, to)
	for _, receiver := range receivers {
		s.want[receiver] = append(s.want[receiver], e)
	}
	s.withheld += len(s.members) - len(receivers)
}

// refused sends a message that has to be refused. Since nobody is noted, settle proves that nothing was sent.
func (s *stage) refused(m message, target error) {
	s.Helper()
	if err := s.via.refusal(s.via.send(s.ctx, m), target); err != nil {
		s.Error(err)
	}
}

// fence is the event that ends a stage: Redis and the servers keep the order, so whatever was sent before it has
// arrived before it, or never will.
const fence = "fence"

// use notes that a message went to a room by a way of its own.
func (s *stage) use(m message, lane string) {
	if lane == "" {
		return
	}
	target := laneTarget{namespace: encoding.Namespace(m.namespace), room: lane}
	if !slices.Contains(s.lanes, target) {
		s.lanes = append(s.lanes, target)
	}
}

// laneTarget is a room whose events take a way of their own.
type laneTarget struct{ namespace, room string }

// settle sends the fence to everyone, waits until everyone has it, and compares what each client got with what it
// was to get: nothing lost, nothing doubled, nothing out of order, nothing that was meant for others.
// It returns how many events each member got.
func (s *stage) settle() map[*member]int {
	s.Helper()
	s.awaitFence()
	got := make(map[*member]int)
	for _, m := range s.members {
		events := m.Take()
		events = slices.DeleteFunc(events, func(e harness.Event) bool { return e.Name == fence })
		s.received += len(events)
		got[m] = len(events)
		if problem := compare(events, s.want[m]); problem != "" {
			s.Errorf("client %q (%s): %s", m.Name, m.ID, problem)
		}
	}
	clear(s.want)
	return got
}

// forget lets everything arrive that a promise left behind when it failed, so that the next one is judged by
// what it does itself.
func (s *stage) forget() {
	s.Helper()
	s.awaitFence()
	for _, m := range s.members {
		m.Take()
	}
}

func (s *stage) awaitFence() {
	s.Helper()
	// Where rooms have ways of their own, each of these comes to its end first.
	for _, lane := range s.lanes {
		if in := s.matching(func(m *member) bool { return m.Namespace == lane.namespace && (m.in(lane.room) || m.ID == lane.room) }); len(in) > 0 {
			s.sendFence(in, s.fences.Of(lane.namespace).To(lane.room))
		}
	}
	s.lanes = nil
	s.sendFence(s.members, s.everyNamespace()...)
}

func (s *stage) everyNamespace() []*emitter.BroadcastOperator {
	var all []*emitter.BroadcastOperator
	for _, namespace := range namespaces {
		all = append(all, s.fences.Of(namespace))
	}
	return all
}

// sendFence sends a fence and waits until those who are meant have it.
func (s *stage) sendFence(members []*member, targets ...*emitter.BroadcastOperator) {
	s.Helper()
	s.lastFence++
	number := s.lastFence
	for _, target := range targets {
		if err := target.Emit(s.ctx, fence, number); err != nil {
			s.Fatal(err)
		}
	}
	mark := fmt.Sprint(number)
	var group sync.WaitGroup
	errs := make([]error, len(members))
	for i, m := range members {
		group.Go(func() {
			errs[i] = m.Await(s.ctx, func(events []harness.Event) bool {
				// Behind it there may be something that came another way.
				for _, event := range slices.Backward(events) {
					if event.Name == fence {
						return string(event.Args[0]) == mark
					}
				}
				return false
			})
		})
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		s.broken = true
		for _, node := range s.nodes {
			if text := node.Stderr(); text != "" {
				s.Log(node.URL, text)
			}
		}
		s.Fatal(err)
	}
}

// compare returns what is wrong with the events that a client got, or "". Between events of different lanes there is
// no order, so that each lane is compared for itself.
func compare(got []harness.Event, want []expectation) string {
	var lanes []string
	split := make(map[string][]expectation)
	for _, w := range want {
		if split[w.lane] == nil {
			lanes = append(lanes, w.lane)
		}
		split[w.lane] = append(split[w.lane], w)
	}
	if len(lanes) < 2 {
		return compareLane(got, want)
	}
	rest := make(map[string][]expectation, len(lanes))
	for lane, list := range split {
		rest[lane] = list
	}
	for i, event := range got {
		found := false
		for _, lane := range lanes {
			for n, w := range rest[lane] {
				if found = same(event, w); found {
					rest[lane] = rest[lane][n+1:]
				}
				if found || !w.optional {
					break
				}
			}
			if found {
				break
			}
		}
		if !found {
			return fmt.Sprintf("event %d of %d is %s, which is not the next one of any of %d lanes", i+1, len(got), event, len(lanes))
		}
	}
	for _, lane := range lanes {
		if problem := compareLane(nil, rest[lane]); problem != "" {
			return fmt.Sprintf("lane %q: %s", lane, problem)
		}
	}
	return ""
}

// compareLane compares events that have one order.
func compareLane(got []harness.Event, want []expectation) string {
	i := 0
	for _, w := range want {
		switch {
		case i < len(got) && same(got[i], w):
			i++
		case w.optional:
		case i < len(got) && i > 0 && got[i].String() == got[i-1].String():
			return fmt.Sprintf("event %d of %d is %s again, want %s", i+1, len(got), got[i], show(w))
		case i < len(got):
			return fmt.Sprintf("event %d of %d is %s, want %s", i+1, len(got), got[i], show(w))
		default:
			return fmt.Sprintf("got %d events and then nothing, want %s", len(got), show(w))
		}
	}
	if i < len(got) {
		return fmt.Sprintf("got %d events instead of %d, the first too many is %s", len(got), i, got[i])
	}
	return ""
}

func same(got harness.Event, want expectation) bool {
	if got.Name != want.event || len(got.Args) != len(want.args) {
		return false
	}
	for i, arg := range want.args {
		if bytes.Equal(got.Args[i], arg) {
			continue
		}
		// The same value may be written in other ways.
		var a, b any
		if json.Unmarshal(got.Args[i], &a) != nil || json.Unmarshal(arg, &b) != nil || !reflect.DeepEqual(a, b) {
			return false
		}
	}
	return true
}

func show(w expectation) string { return harness.Event{Name: w.event, Args: w.args}.String() }

// Conditions that say who is meant.

// everyone means all clients of a namespace.
func everyone(namespace string) func(*member) bool {
	return func(m *member) bool { return m.Namespace == namespace }
}

// inAny means the clients of "/" that are in at least one of the rooms.
func inAny(rooms ...string) func(*member) bool {
	return and(everyone("/"), func(m *member) bool {
		for _, room := range rooms {
			if m.in(room) {
				return true
			}
		}
		return false
	})
}

// only means these members.
func only(members ...*member) func(*member) bool {
	return func(m *member) bool {
		for _, one := range members {
			if m == one {
				return true
			}
		}
		return false
	}
}

func and(a, b func(*member) bool) func(*member) bool {
	return func(m *member) bool { return a(m) && b(m) }
}

func or(a, b func(*member) bool) func(*member) bool {
	return func(m *member) bool { return a(m) || b(m) }
}

func not(a func(*member) bool) func(*member) bool {
	return func(m *member) bool { return !a(m) }
}

// transport means the clients with that transport.
func transport(name string) func(*member) bool {
	return func(m *member) bool { return m.Transport == name }
}

// A comparison that accepts everything would make every promise hold.
func TestCompare(t *testing.T) {
	event := func(name string, args ...string) harness.Event {
		e := harness.Event{Name: name}
		for _, a := range args {
			e.Args = append(e.Args, json.RawMessage(a))
		}
		return e
	}
	one, two, maybe := expected("e", 1), expected("e", 2), expected("e", 2)
	maybe.optional = true
	other := expected("f")
	other.lane = "other"
	for _, c := range []struct {
		name string
		got  []harness.Event
		want []expectation
		say  string // "" when all is well
	}{
		{"nothing", nil, nil, ""},
		{"equal", []harness.Event{event("e", "1"), event("e", "2")}, []expectation{one, two}, ""},
		{"lost", []harness.Event{event("e", "1")}, []expectation{one, two}, "and then nothing"},
		{"lost at first", []harness.Event{event("e", "2")}, []expectation{one, two}, "event 1 of 1"},
		{"doubled", []harness.Event{event("e", "1"), event("e", "1")}, []expectation{one}, "too many"},
		{"doubled at first", []harness.Event{event("e", "1"), event("e", "1"), event("e", "2")}, []expectation{one, two}, "again"},
		{"swapped", []harness.Event{event("e", "2"), event("e", "1")}, []expectation{one, two}, "event 1 of 2"},
		{"not asked for", []harness.Event{event("e", "1")}, nil, "too many"},
		{"other name", []harness.Event{event("f", "1")}, []expectation{one}, "event 1 of 1"},
		{"spelled in another way", []harness.Event{event("e", "1.0")}, []expectation{one}, ""},
		{"other type", []harness.Event{event("e", `"1"`)}, []expectation{one}, "event 1 of 1"},
		{"one argument more", []harness.Event{event("e", "1", "null")}, []expectation{one}, "event 1 of 1"},
		{"optional and there", []harness.Event{event("e", "1"), event("e", "2")}, []expectation{one, maybe}, ""},
		{"optional and lost", []harness.Event{event("e", "1")}, []expectation{maybe, one}, ""},
		{"optional but doubled", []harness.Event{event("e", "2"), event("e", "2")}, []expectation{maybe}, "too many"},
		{
			"binary", []harness.Event{event("e", `{"a":[{"$binary":"AQI="}]}`)},
			[]expectation{expected("e", map[string]any{"a": []any{[]byte{1, 2}}})}, "",
		},
		{
			"garbled binary", []harness.Event{event("e", `{"type":"Buffer","data":[1,2]}`)},
			[]expectation{expected("e", []byte{1, 2})}, "event 1 of 1",
		},
		{"two lanes, in order", []harness.Event{event("e", "1"), event("f")}, []expectation{one, other}, ""},
		{"two lanes, swapped", []harness.Event{event("f"), event("e", "1")}, []expectation{one, other}, ""},
		{"two lanes, interleaved", []harness.Event{event("f"), event("e", "1"), event("e", "2")}, []expectation{one, two, other}, ""},
		{"two lanes, one swapped", []harness.Event{event("e", "2"), event("f"), event("e", "1")}, []expectation{one, two, other}, "next one"},
		{"two lanes, lost", []harness.Event{event("f"), event("e", "1")}, []expectation{one, two, other}, "and then nothing"},
		{"two lanes, doubled", []harness.Event{event("f"), event("e", "1"), event("f")}, []expectation{one, other}, "next one"},
		{"two lanes, optional lost", []harness.Event{event("f"), event("e", "1")}, []expectation{maybe, one, other}, ""},
	} {
		problem := compare(c.got, c.want)
		if (problem == "") != (c.say == "") || !strings.Contains(problem, c.say) {
			t.Errorf("%s: %q, want %q", c.name, problem, c.say)
		}
	}
}
