package compat_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sioemit/sioemit/internal/harness"
)

// What is judged here: an Emit that returned no error was received by everyone who was subscribed at that moment.
// "At that moment" means from before the call until after its return. Whoever is subscribed for a part of it only
// may get the event or not.

// emission is one call of Emit.
type emission struct {
	number   int
	from, to time.Time
	err      error
	// node is the address of the Redis node that took it, where that is known.
	node string
}

// traffic calls Emit again and again, from several goroutines, until it is stopped.
type traffic struct {
	name   string
	cancel context.CancelFunc
	group  sync.WaitGroup

	mu   sync.Mutex
	sent []emission
}

// lastNumber counts the emissions of a whole test binary, so that no two have the same number.
var lastNumber atomic.Int64

// accepted is where a hook of go-redis notes the node that took a command.
type accepted struct{ node atomic.Value }

type acceptedKey struct{}

// startTraffic starts the calls, which end with the test at the latest. Each has a deadline: one that hangs would hide
// all that follow.
func startTraffic(test *testing.T, name string, workers int, emit func(ctx context.Context, number int) error) *traffic {
	ctx, cancel := context.WithCancel(context.Background())
	t := &traffic{name: name, cancel: cancel}
	test.Cleanup(func() { t.stop() })
	for range workers {
		t.group.Go(func() {
			for ctx.Err() == nil {
				e := emission{number: int(lastNumber.Add(1)), from: time.Now()}
				took := new(accepted)
				one, done := context.WithTimeout(context.WithValue(context.Background(), acceptedKey{}, took), 30*time.Second)
				e.err = emit(one, e.number)
				done()
				e.to = time.Now()
				e.node, _ = took.node.Load().(string)
				t.mu.Lock()
				t.sent = append(t.sent, e)
				t.mu.Unlock()
				time.Sleep(time.Millisecond) // the rate of the calls, not a wait for something
			}
		})
	}
	return t
}

// stop returns the emissions once the last call has returned.
func (t *traffic) stop() []emission {
	t.cancel()
	t.group.Wait()
	return t.sent
}

// count is how many calls have returned without an error.
func (t *traffic) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, e := range t.sent {
		if e.err == nil {
			n++
		}
	}
	return n
}

// span is a time during which a witness was subscribed for certain; it is still going on while to is zero.
type span struct {
	from, to time.Time
	killed   bool // it ended with the node that the subscription was on
}

// witness is someone who is subscribed as a server is, and what they received.
type witness struct {
	name string

	mu    sync.Mutex
	node  *harness.Redis // where the subscription is
	spans []span
	got   map[int]int
}

func newWitness(name string) *witness { return &witness{name: name, got: make(map[int]int)} }

// subscribed notes that from now on the witness is to receive everything.
func (w *witness) subscribed(node *harness.Redis) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.node = node
	w.spans = append(w.spans, span{from: time.Now()})
}

// gone notes that from now on the witness may miss something.
func (w *witness) gone() { w.end(false) }

func (w *witness) end(killed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if last := len(w.spans) - 1; last >= 0 && w.spans[last].to.IsZero() {
		w.spans[last].to, w.spans[last].killed = time.Now(), killed
	}
	w.node = nil
}

func (w *witness) at() *harness.Redis {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.node
}

func (w *witness) receive(number int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.got[number]++
}

// owed tells whether the witness was subscribed all the time that the emission took, and whether the node that it
// was subscribed to was killed right after.
func (w *witness) owed(e emission) (owed, killed bool) {
	for _, s := range w.spans {
		if s.from.Before(e.from) && (s.to.IsZero() || e.to.Before(s.to)) {
			return true, s.killed && e.to.After(s.to.Add(-around))
		}
	}
	return false, false
}

// death is when a Redis node was killed, which was between two moments; its zero value: none was.
type death struct {
	from, to time.Time
	node     string
}

// around is how long before a node's death an event may have been confirmed that the node no longer passed on. Redis
// answers the publisher before it writes to other nodes, which hand the event to their subscribers.
// That is one moment for Redis, unless a busy machine stops it between the two.
const around = time.Second

// takes tells whether an emission may have died with the node: the node confirmed it and was killed at once.
func (d death) takes(e emission) bool {
	return !d.from.IsZero() && (e.node == "" || e.node == d.node) && e.from.Before(d.to) && e.to.After(d.from.Add(-around))
}

// figures is what became of all emissions and all witnesses.
type figures struct {
	emits, errors     int
	owed              int // receipts that had to be
	receipts          int // of them and others, each event once per witness
	duplicates        int
	despiteError      int           // receipts of emissions that returned an error
	whileUnsubscribed int           // emissions without error that a witness missed while it was not subscribed
	diedWithNode      int           // that it missed because the node of the emitter or its own was killed at that moment
	before            time.Duration // how long before the death the first of these returned
	lost              []string
}

func judge(sent []emission, witnesses []*witness, d death) figures {
	var f figures
	for _, e := range sent {
		f.emits++
		if e.err != nil {
			f.errors++
		}
	}
	for _, w := range witnesses {
		w.mu.Lock()
		for _, e := range sent {
			n := w.got[e.number]
			owed, killed := w.owed(e)
			if owed = owed && e.err == nil; owed {
				f.owed++
			}
			switch {
			case n > 0:
				f.receipts++
				f.duplicates += n - 1
				if e.err != nil {
					f.despiteError++
				}
			case e.err != nil:
			case !owed:
				f.whileUnsubscribed++
			case killed, d.takes(e):
				f.diedWithNode++
				f.before = max(f.before, d.from.Sub(e.to))
			default:
				when := ""
				if !d.from.IsZero() {
					when = fmt.Sprintf(", emitted %v to %v after the death", e.from.Sub(d.to), e.to.Sub(d.to))
				}
				f.lost = append(f.lost, fmt.Sprintf("%s did not get %d, taken by %q%s", w.name, e.number, e.node, when))
			}
		}
		w.mu.Unlock()
	}
	return f
}

// report prints the figures and fails the test when an event was lost silently.
func (f figures) report(t *testing.T, name string, witnesses int) {
	t.Helper()
	fmt.Fprintf(os.Stdout, "resilience %-46s %d emits, %d errors, %d witnesses, %d receipts, %d duplicates, %d despite an error, "+
		"%d missed while not subscribed, %d with the node that died (up to %v before); silent losses: %d\n",
		name+":", f.emits, f.errors, witnesses, f.receipts, f.duplicates, f.despiteError, f.whileUnsubscribed,
		f.diedWithNode, f.before.Round(time.Millisecond), len(f.lost))
	if len(f.lost) > 0 {
		t.Errorf("%s: %d silent losses\n%s", name, len(f.lost), strings.Join(f.lost[:min(5, len(f.lost))], "\n"))
	}
	if f.emits-f.errors == 0 || f.owed == 0 || f.receipts == 0 {
		t.Errorf("%s: nothing was put to the test: %+v", name, f)
	}
}

// errorsOf counts the errors by their text, for the log.
func errorsOf(sent []emission) string {
	counts := make(map[string]int)
	for _, e := range sent {
		if e.err != nil {
			text := e.err.Error()
			if i := strings.Index(text, "127.0.0.1:"); i >= 0 {
				text = text[:i] + "..."
			}
			counts[text]++
		}
	}
	var b strings.Builder
	for _, text := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&b, "\n  %d times %s", counts[text], text)
	}
	return b.String()
}

// settled waits until every witness has what it is owed, but for what may have died with a node, or until nothing has
// arrived for so long that it never will. What clients have received has to be collected from them.
func settled(sent []emission, witnesses []*witness, d death, collect func()) {
	const patience = 20 * time.Second
	received := func() (n int) {
		for _, w := range witnesses {
			w.mu.Lock()
			n += len(w.got)
			w.mu.Unlock()
		}
		return n
	}
	complete := func() bool {
		for _, w := range witnesses {
			w.mu.Lock()
			for _, e := range sent {
				if owed, killed := w.owed(e); owed && !killed && !d.takes(e) && e.err == nil && w.got[e.number] == 0 {
					w.mu.Unlock()
					return false
				}
			}
			w.mu.Unlock()
		}
		return true
	}
	last, since := received(), time.Now()
	for time.Since(since) < patience && !complete() {
		time.Sleep(50 * time.Millisecond)
		collect()
		if n := received(); n != last {
			last, since = n, time.Now()
		}
	}
}

// A judge that never finds a loss would prove nothing.
func TestJudge(t *testing.T) {
	t.Parallel()
	start := time.Now()
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	during := func(from, to int, err error, node string) emission {
		return emission{number: 1, from: at(from), to: at(to), err: err, node: node}
	}
	failed := fmt.Errorf("failed")
	for _, c := range []struct {
		name  string
		e     emission
		spans []span
		got   int
		death death
		want  figures
	}{
		{"received", during(10, 20, nil, ""), []span{{from: at(0)}}, 1, death{}, figures{emits: 1, owed: 1, receipts: 1}},
		{"twice", during(10, 20, nil, ""), []span{{from: at(0)}}, 2, death{}, figures{emits: 1, owed: 1, receipts: 1, duplicates: 1}},
		{"lost", during(10, 20, nil, ""), []span{{from: at(0)}}, 0, death{}, figures{emits: 1, owed: 1, lost: make([]string, 1)}},
		{"lost long before the death", during(10, 20, nil, "a"), []span{{from: at(0)}}, 0, death{at(5000), at(5003), "a"}, figures{emits: 1, owed: 1, lost: make([]string, 1)}},
		{"lost after the death", during(5003, 5004, nil, "a"), []span{{from: at(0)}}, 0, death{at(5000), at(5003), "a"}, figures{emits: 1, owed: 1, lost: make([]string, 1)}},
		{"lost by another node", during(4990, 5002, nil, "b"), []span{{from: at(0)}}, 0, death{at(5000), at(5003), "a"}, figures{emits: 1, owed: 1, lost: make([]string, 1)}},
		{"while the node was killed", during(5001, 5002, nil, "a"), []span{{from: at(0)}}, 0, death{at(5000), at(5003), "a"}, figures{emits: 1, owed: 1, diedWithNode: 1}},
		{"died with the node", during(4990, 5001, nil, "a"), []span{{from: at(0)}}, 0, death{at(5000), at(5003), "a"}, figures{emits: 1, owed: 1, diedWithNode: 1}},
		{"error", during(10, 20, failed, ""), []span{{from: at(0)}}, 0, death{}, figures{emits: 1, errors: 1}},
		{"error, received", during(10, 20, failed, ""), []span{{from: at(0)}}, 1, death{}, figures{emits: 1, errors: 1, receipts: 1, despiteError: 1}},
		{"subscribed too late", during(10, 20, nil, ""), []span{{from: at(15)}}, 0, death{}, figures{emits: 1, whileUnsubscribed: 1}},
		{"gone meanwhile", during(10, 20, nil, ""), []span{{from: at(0), to: at(15)}}, 0, death{}, figures{emits: 1, whileUnsubscribed: 1}},
		{"subscribed again", during(10, 20, nil, ""), []span{{from: at(0), to: at(5)}, {from: at(6)}}, 0, death{}, figures{emits: 1, owed: 1, lost: make([]string, 1)}},
		{"own node killed right after", during(10, 20, nil, "b"), []span{{at(0), at(25), true}}, 0, death{at(25), at(26), "a"}, figures{emits: 1, owed: 1, diedWithNode: 1}},
		{"own node killed long after", during(10, 20, nil, "b"), []span{{at(0), at(4000), true}}, 0, death{at(4000), at(4001), "a"}, figures{emits: 1, owed: 1, lost: make([]string, 1)}},
		{"gone right after", during(10, 20, nil, "b"), []span{{from: at(0), to: at(25)}}, 0, death{}, figures{emits: 1, owed: 1, lost: make([]string, 1)}},
	} {
		w := newWitness("w")
		w.spans = c.spans
		if c.got > 0 {
			w.got[1] = c.got
		}
		got := judge([]emission{c.e}, []*witness{w}, c.death)
		if len(got.lost) != len(c.want.lost) {
			t.Errorf("%s: lost %q", c.name, got.lost)
		}
		got.lost, c.want.lost, got.before = nil, nil, 0
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}
