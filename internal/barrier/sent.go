package barrier

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Sent is what has been sent and is not confirmed yet. Its notes are made when Redis
// has answered, or may not have: what is still on its way then belongs to no
// confirmation that has begun.
type Sent struct {
	first     atomic.Pointer[time.Time] // when the first of it was sent, of all namespaces
	ever      atomic.Pointer[time.Time] // when anything was
	namespace atomic.Pointer[string]    // to which all of it went
	mixed     atomic.Bool               // it went to others, too

	busy chan struct{} // holds something while a confirmation goes on

	mu    sync.Mutex
	start *state             // of Sent itself; nil where nobody has looked
	last  map[string]outcome // of the last confirmation, by namespace
	spans map[string]span    // by namespace, of the streams adapter
	rooms map[string]map[string]bool
	beats map[string]beats // by namespace, of the streams adapter before 0.3
	lost  time.Time        // when something could not be kept
}

// outcome is what a confirmation leaves for the next one.
type outcome struct {
	began time.Time
	state *state // how things were; nil where that is not known
	// doubt is why nothing is known of what was sent until then, if anything is.
	doubt string
	until time.Time
	// inDoubt says that something was, as a confirmation of another namespace has found.
	inDoubt bool
	// missed is how many servers there were before some of them may have been cut off,
	// until as many have answered again. One that comes back has not got what was sent
	// while it was away.
	missed int
}

// missedNow is missed behind the next confirmation, which so many servers have answered.
// Interrupted says that some may have been cut off since o, if only behind their answers.
func (o *outcome) missedNow(servers int, interrupted bool) int {
	switch {
	case !interrupted && servers >= o.missed:
		return 0
	case !interrupted || o.state == nil:
		return o.missed
	case o.state.servers > 0:
		return max(o.missed, o.state.servers)
	}
	subscribers := 0 // as nobody has counted servers
	for _, n := range o.state.nodes {
		subscribers += len(n.subscribers)
	}
	return max(o.missed, subscribers)
}

// Bounds of what is kept. Beyond them less can be proven.
const (
	maxNamespaces = 1000
	maxRooms      = 1000
)

// newSent returns a Sent that holds nothing. Start is how things were before the
// first event, nil where that is not known.
func newSent(start *state) *Sent {
	return &Sent{start: start, busy: make(chan struct{}, 1), last: make(map[string]outcome), spans: make(map[string]span), rooms: make(map[string]map[string]bool), beats: make(map[string]beats)}
}

// Note notes that something was sent to a namespace, since some time.
func (s *Sent) Note(namespace string, since time.Time) {
	s.NoteNamespace(namespace)
	s.NoteTime(since)
}

// NoteNamespace notes that something goes to a namespace.
func (s *Sent) NoteNamespace(namespace string) {
	if s.mixed.Load() {
		return
	}
	if s.namespace.Load() == nil {
		own := namespace // so that nothing is allocated later
		s.namespace.CompareAndSwap(nil, &own)
	}
	if *s.namespace.Load() != namespace {
		s.mixed.Store(true)
	}
}

// NoteTime notes that something was sent since some time.
func (s *Sent) NoteTime(since time.Time) {
	for _, earliest := range []*atomic.Pointer[time.Time]{&s.ever, &s.first} {
		for {
			now := earliest.Load()
			if now != nil && !since.Before(*now) {
				break
			}
			own := since // so that nothing is allocated where nothing changes
			if earliest.CompareAndSwap(now, &own) {
				break
			}
		}
	}
}

// NoteEntry notes that Redis has added an entry to the stream of a namespace.
func (s *Sent) NoteEntry(namespace, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	entries, ok := s.spans[namespace]
	if !ok && len(s.spans) >= maxNamespaces {
		s.lost = time.Now()
		return
	}
	s.spans[namespace] = entries.with(id)
}

// NoteRoom notes that something was sent on the channel that one room has of its own.
func (s *Sent) NoteRoom(namespace, channel string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	channels := s.rooms[namespace]
	switch {
	case channels == nil && len(s.rooms) >= maxNamespaces, len(channels) >= maxRooms && !channels[channel]:
		s.lost = time.Now()
		return
	case channels == nil:
		channels = make(map[string]bool)
		s.rooms[namespace] = channels
	}
	channels[channel] = true
}

// Add adds what was sent with another Sent, which is not used any more.
func (s *Sent) Add(other *Sent) {
	ever, namespace := other.ever.Load(), other.namespace.Load()
	if ever == nil {
		return // nothing was
	}
	s.Note(*namespace, *ever)
	if other.mixed.Load() {
		s.mixed.Store(true)
	}
	for namespace, channels := range other.rooms {
		for channel := range channels {
			s.NoteRoom(namespace, channel)
		}
	}
	for namespace, entries := range other.spans {
		s.NoteEntry(namespace, entries.first)
		s.NoteEntry(namespace, entries.last)
	}
	if other.lost.IsZero() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost = time.Now()
}

// window is what a confirmation is about.
type window struct {
	namespace string
	began     time.Time
	since     time.Time // of the first event; zero: nothing was sent
	noted     time.Time // the same, of events that no confirmation in any namespace was about
	last      outcome
	rooms     []string // their channels
	entries   span
	isLost    bool
}

func (s *Sent) lock(ctx context.Context) error {
	select {
	case s.busy <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Sent) unlock() { <-s.busy }

// begin takes what was sent to a namespace so far. What is noted from now on belongs
// to the next confirmation.
func (s *Sent) begin(namespace string) *window {
	w := &window{namespace: namespace}
	if only := s.namespace.Load(); s.mixed.Load() || only == nil || *only == namespace {
		if first := s.first.Swap(nil); first != nil {
			w.since, w.noted = *first, *first
		}
	}
	if ever := s.ever.Load(); ever != nil && s.mixed.Load() {
		w.since = *ever // which is all that is known of this namespace
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.last = s.last[namespace]; w.last.state == nil && w.last.doubt == "" {
		w.last.state = s.start
	}
	for other, last := range s.last {
		if other != namespace && last.isDoubted(w.noted) {
			last.inDoubt = true
			s.last[other] = last
		}
	}
	w.began = time.Now()
	w.isLost = !s.lost.IsZero() && !s.lost.Before(w.last.began)
	w.rooms = slices.Collect(maps.Keys(s.rooms[namespace]))
	delete(s.rooms, namespace)
	w.entries = s.spans[namespace]
	return w
}

// doubtful says why nothing can be known of what a confirmation is about, whatever
// the servers answer.
func (w *window) doubtful() string {
	switch {
	case w.isLost:
		return "events went to more rooms or namespaces than are kept in mind"
	case w.last.isDoubted(w.noted):
		return w.last.doubt
	}
	return ""
}

// isDoubted reports whether nothing is known of what was sent at a time.
func (o *outcome) isDoubted(noted time.Time) bool {
	return o.doubt != "" && (o.inDoubt || !noted.IsZero() && !noted.After(o.until))
}

// restore takes back what was not confirmed: the next confirmation is about it, too.
func (s *Sent) restore(w *window) {
	if !w.noted.IsZero() {
		s.NoteTime(w.noted)
	}
	for _, channel := range w.rooms {
		s.NoteRoom(w.namespace, channel)
	}
}

// end ends a confirmation: what it was about will not be asked about again.
func (s *Sent) end(w *window, o outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.last) >= maxNamespaces {
		clear(s.last)
		s.start = nil // it was the one of all of them
	}
	o.began = w.began
	s.last[w.namespace] = o
	if now := s.spans[w.namespace]; now.last == w.entries.last {
		delete(s.spans, w.namespace)
	} else {
		s.spans[w.namespace] = span{w.entries.last, now.last}
	}
}
