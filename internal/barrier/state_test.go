package barrier

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestInterrupted compares what was before the events with what is behind the
// answers.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	// The first event was sent ten seconds ago, by a clock that is a minute ahead of
	// that of Redis.
	seen := time.Now()
	since, clock := seen.Add(-10*time.Second), seen.Add(-time.Minute).Truncate(time.Second).Add(900*time.Millisecond)
	at := func(servers int, isMaster bool, link int64, ages map[string]time.Duration) *state {
		return &state{servers: servers, nodes: map[string]node{"a": {isMaster: isMaster, subscribers: ages, links: map[string]int64{"b": link}, clock: clock, seen: seen}}}
	}
	ages := func(seconds ...int) map[string]time.Duration {
		all := make(map[string]time.Duration)
		for i, s := range seconds {
			all[string(rune('a'+i))] = time.Duration(s) * time.Second
		}
		return all
	}
	with := func(all map[string]time.Duration, name string, seconds int) map[string]time.Duration {
		all[name] = time.Duration(seconds) * time.Second
		return all
	}
	const old = 1 // when a link was made, in milliseconds
	both := at(2, true, old, ages(100, 100))
	moved := at(2, true, old, ages(100, 100))
	moved.nodes["a"] = node{isMaster: true, subscribers: ages(100, 100), links: both.nodes["a"].links, slots: "0-16383 x"}
	one := at(1, true, old, ages(100))
	for _, test := range []struct {
		name          string
		before, after *state
		since         time.Time
		why           string
	}{
		{"nothing has changed", both, both, since, ""},
		{"one more", both, at(3, true, old, ages(100, 100, 1)), since, ""},
		{"one has gone", both, at(1, true, old, ages(100)), since, "a subscriber's connection to Redis was cut"},
		{"one was replaced", both, at(2, true, old, with(ages(100), "c", 1)), since, "a subscriber's connection to Redis was cut"},
		{"both were replaced", both, at(2, true, old, with(with(ages(), "c", 1), "d", 1)), since, "2 subscribers"},
		{"one was replaced before the first event", both, at(2, true, old, with(ages(100), "c", 12)), since, ""},
		{"one was replaced in the second of the first event", both, at(2, true, old, with(ages(100), "c", 10)), since, "cut"},
		{"one was replaced before the first event, and one is away", both, at(1, true, old, with(ages(), "c", 12)), since, "2 subscribers"},
		{"the same when nobody has counted", at(0, true, old, ages(100, 100)), at(2, true, old, with(ages(100), "c", 12)), since, "cut"},
		{"somebody who was none of them has gone", at(2, true, old, ages(100, 100, 100)), at(2, true, old, ages(100, 100)), since, ""},
		{"another Redis", both, &state{nodes: map[string]node{"b": both.nodes["a"]}}, since, "started again"},
		{"a slot was moved", both, moved, since, "a slot of the Redis Cluster was moved"},
		{"no master any more", both, at(2, false, old, ages(100, 100)), since, "no longer a master"},
		{"a new master", at(2, false, old, ages(100, 100)), both, since, "has become a master"},
		{"a link was cut", both, at(2, true, seen.UnixMilli(), ages(100, 100)), since, "bus was cut"},
		{"a link of a replica was cut", at(2, false, old, ages(100)), at(2, false, seen.UnixMilli(), ages(100)), since, ""},

		{"first, and all were there before", nil, both, since, ""},
		{"first, and one was not", nil, at(2, true, old, ages(100, 5)), since, "at about the time"},
		{"first, and one may not have been", nil, at(2, true, old, ages(100, 10)), since, "at about the time"},
		{"first, and one was there just before", nil, at(2, true, old, ages(100, 12)), since, ""},
		{"first, and a link is new", nil, at(2, true, clock.Add(-9*time.Second).UnixMilli(), ages(100)), since, "bus was made"},
		{"first, and a link is old enough", nil, at(2, true, clock.Add(-11*time.Second).UnixMilli(), ages(100)), since, ""},
		{"first, and nothing was sent", nil, at(2, true, old, ages(0)), time.Time{}, ""},
	} {
		if why := interrupted(test.before, test.after, test.since, false); (why == "") != (test.why == "") || !strings.Contains(why, test.why) {
			t.Errorf("%s: %q, not %q", test.name, why, test.why)
		}
	}
	// One was cut off.
	for age, why := range map[int]string{1: "was cut off", 12: ""} {
		if got := interrupted(one, at(2, true, old, ages(100, age)), since, true); (got == "") != (why == "") || !strings.Contains(got, why) {
			t.Errorf("it is back for %d s: %q, not %q", age, got, why)
		}
	}
	if why := interrupted(one, one, since, true); why != "" {
		t.Errorf("it is still away: %q", why)
	}
}

// TestMissed follows servers that are cut off and come back.
func TestMissed(t *testing.T) {
	t.Parallel()
	two := map[string]node{"a": {subscribers: map[string]time.Duration{"x": 0, "y": 0}}}
	for _, test := range []struct {
		name        string
		last        outcome
		interrupted bool
		servers     int
		missed      int
	}{
		{"nobody has looked before", outcome{}, true, 1, 0},
		{"all is well", outcome{state: &state{servers: 2}}, false, 2, 0},
		{"one has ended", outcome{state: &state{servers: 2}}, false, 1, 0},
		{"one was cut off", outcome{state: &state{servers: 2}}, true, 1, 2},
		{"one was cut off behind its answer", outcome{state: &state{servers: 2}}, true, 2, 2},
		{"one was cut off before anybody counted", outcome{state: &state{nodes: two}}, true, 1, 2},
		{"it is still away", outcome{state: &state{servers: 1}, missed: 2}, false, 1, 2},
		{"nobody could look", outcome{missed: 2}, true, 1, 2},
		{"the other one is cut off, too", outcome{state: &state{servers: 1}, missed: 2}, true, 1, 2},
		{"both are back", outcome{state: &state{servers: 1}, missed: 2}, false, 2, 0},
	} {
		if missed := test.last.missedNow(test.servers, test.interrupted); missed != test.missed {
			t.Errorf("%s: %d are missed, not %d", test.name, missed, test.missed)
		}
	}
}

// TestSubscribers reads CLIENT LIST of several versions of Redis.
func TestSubscribers(t *testing.T) {
	t.Parallel()
	const list = `id=3 addr=127.0.0.1:4 laddr=127.0.0.1:6379 fd=8 name= age=7 idle=0 flags=P db=0 sub=2 psub=1 ssub=0 multi=-1 cmd=psubscribe user=default lib-name=node-redis lib-ver=5.0.0
id=4 addr=127.0.0.1:5 laddr=127.0.0.1:6379 fd=9 name= age=8 idle=0 flags=P db=0 sub=0 psub=0 ssub=2 multi=-1 cmd=ssubscribe
id=5 addr=127.0.0.1:6 laddr=127.0.0.1:6379 fd=9 name= age=9 idle=0 flags=P db=0 sub=0 psub=0 ssub=1 multi=-1 cmd=ssubscribe lib-name=ioredis
id=6 addr=127.0.0.1:7 laddr=127.0.0.1:6379 fd=9 name= age=9 idle=0 flags=P db=0 sub=2 psub=1 ssub=2 multi=-1 cmd=ssubscribe lib-name=go-redis(,go1.26)
id=8 addr=127.0.0.1:9 laddr=127.0.0.1:6379 fd=9 name=sioemit-replies age=9 idle=0 flags=P db=0 sub=2 psub=1 ssub=2 multi=-1 cmd=ssubscribe lib-name=node-redis
id=7 addr=127.0.0.1:8 fd=9 name=no\ name age=10 idle=0 flags=P db=0 sub=2 psub=3 multi=-1 cmd=psubscribe
`
	for _, test := range []struct {
		by        *subscription
		isCluster bool
		want      string
	}{
		{&byPattern, false, "3:7s 7:10s"},
		{&byShardChannel, false, "4:8s"},
		{&byShardChannel, true, "4:8s 5:9s"},
	} {
		var got []string
		for name, age := range subscribers(list, test.by, test.isCluster) {
			id, _, _ := strings.Cut(name, " ")
			got = append(got, id+":"+age.String())
		}
		slices.Sort(got)
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s, cluster %t: %v, not %s", test.by.field, test.isCluster, got, test.want)
		}
	}
}

// TestSpan has entries of all orders.
func TestSpan(t *testing.T) {
	t.Parallel()
	var s span
	for _, id := range []string{"10-1", "9-5", "10-0", "10-10", "10-9"} {
		s = s.with(id)
	}
	if want := (span{"9-5", "10-10"}); s != want {
		t.Errorf("%v, not %v", s, want)
	}
}

// TestSentMeanwhile sends while a confirmation goes on that finds a connection cut:
// neither that one nor the next one may say that it has arrived.
func TestSentMeanwhile(t *testing.T) {
	t.Parallel()
	s := newSent(new(state))
	s.Note("/", time.Now())
	w := s.begin("/")
	began := time.Now() // and Redis answers after the end
	s.end(w, outcome{state: new(state), doubt: "cut", until: time.Now()})
	s.Note("/", began)
	if w = s.begin("/"); w.doubtful() != "cut" || w.since != began {
		t.Errorf("sent meanwhile: %q, since %v", w.doubtful(), w.since)
	}
	s.end(w, outcome{state: new(state), until: time.Now()})
	s.Note("/", time.Now())
	if w = s.begin("/"); w.doubtful() != "" || w.since.IsZero() {
		t.Errorf("sent later: %q, since %v", w.doubtful(), w.since)
	}
	s.end(w, outcome{state: new(state), doubt: "cut", until: time.Now()})
	if w = s.begin("/"); w.doubtful() != "" || !w.since.IsZero() {
		t.Errorf("nothing was sent: %q, since %v", w.doubtful(), w.since)
	}
	s.restore(w)

	// Of several namespaces it is known only when the first event was sent.
	s.Note("/a", began)
	s.Note("/b", began.Add(time.Second))
	for _, namespace := range []string{"/b", "/a", "/b"} {
		if w = s.begin(namespace); w.since.After(began) {
			t.Errorf("%s: since %v", namespace, w.since)
		}
		s.end(w, outcome{state: new(state), until: time.Now()})
	}

	// A confirmation in another namespace takes nothing away, nor a doubt.
	s = newSent(new(state))
	s.Note("/", began)
	w = s.begin("/other")
	if !w.since.IsZero() {
		t.Errorf("nothing was sent there, and since %v", w.since)
	}
	s.end(w, outcome{state: new(state), until: time.Now()})
	if w = s.begin("/"); w.since != began {
		t.Errorf("beside another namespace: since %v", w.since)
	}
	s.Note("/", time.Now())
	s.Note("/other", time.Now())
	s.end(w, outcome{state: new(state), doubt: "cut", until: time.Now()})
	s.end(s.begin("/other"), outcome{state: new(state), until: time.Now()})
	if w = s.begin("/"); w.doubtful() != "cut" {
		t.Errorf("beside another namespace: %q", w.doubtful())
	}

	// What is not confirmed is asked about again, with what came since.
	s = newSent(new(state))
	s.Note("/", began)
	s.NoteRoom("/", "room")
	s.NoteEntry("/", "1-1")
	w = s.begin("/")
	s.Note("/", began.Add(time.Second))
	s.NoteEntry("/", "2-1")
	s.restore(w)
	if w = s.begin("/"); w.since != began || !slices.Equal(w.rooms, []string{"room"}) || w.entries != (span{"1-1", "2-1"}) {
		t.Errorf("restored: %+v", w)
	}
	s.NoteEntry("/", "3-1")
	s.end(w, outcome{state: new(state), until: time.Now()})
	if w = s.begin("/"); w.entries != (span{"2-1", "3-1"}) || w.rooms != nil {
		t.Errorf("the next one: %+v", w)
	}
}

// TestTooMany has more rooms and namespaces than are kept.
func TestTooMany(t *testing.T) {
	t.Parallel()
	for name, note := range map[string]func(s *Sent, i string){
		"rooms":      func(s *Sent, i string) { s.NoteRoom("/", i) },
		"namespaces": func(s *Sent, i string) { s.NoteRoom(i, "") },
		"streams":    func(s *Sent, i string) { s.NoteEntry(i, "1-1") },
	} {
		s := newSent(nil)
		for i := range maxRooms {
			note(s, fmt.Sprint(i))
			note(s, fmt.Sprint(i))
		}
		if w := s.begin("/"); w.doubtful() != "" {
			t.Errorf("%s: %s", name, w.doubtful())
		} else {
			s.restore(w)
		}
		note(s, "one more")
		w := s.begin("/")
		if w.doubtful() == "" {
			t.Errorf("%s: one too many is no doubt", name)
		}
		s.end(w, outcome{state: new(state), until: time.Now()})
		if w = s.begin("/other"); w.doubtful() == "" {
			t.Errorf("%s: one too many is no doubt in a namespace that is confirmed later", name)
		}
	}
}

// FuzzSubscribers has Redis say anything: at most one subscriber is read from a line,
// and none is as old as time cannot be.
func FuzzSubscribers(f *testing.F) {
	f.Add("id=3 addr=127.0.0.1:50000 laddr=127.0.0.1:6379 age=7 psub=1 ssub=0 lib-name=node-redis\n", false)
	f.Add("id= addr= age=99999999999999999999 psub=9223372036854775807\r\nage=-5 psub=1 lib-name=go-redis", true)
	f.Fuzz(func(t *testing.T, list string, isCluster bool) {
		all := subscribers(list, &byPattern, isCluster)
		if lines := strings.Count(list, "\n") + 1; len(all) > lines {
			t.Errorf("%d subscribers in %d lines", len(all), lines)
		}
		for connection, age := range all {
			if age < 0 {
				t.Errorf("%s is %v old", connection, age)
			}
		}
	})
}
