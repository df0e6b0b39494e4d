package barrier

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Sent is what has been sent and is not confirmed yet.
type Sent struct {
	// When the first of it was sent, and the namespace that it went to; mixed is set
	// when others did, from when on what is known of one says nothing of the rest.
	first     atomic.Pointer[time.Time]
	namespace atomic.Pointer[string]
	mixed     atomic.Bool

	busy chan struct{} // holds something while a confirmation goes on

	mu     sync.Mutex
	start  *State            // of Sent itself; nil where nobody has looked
	states map[string]*State // by namespace, from its last confirmation
	spans  map[string]span   // by namespace, of the streams adapter
	rooms  map[string]map[string]bool
	lost   bool // not all could be kept
}

// Bounds of what is kept. Beyond them less can be proven, and nothing is lost.
const (
	maxNamespaces = 1000
	maxRooms      = 1000
)

// NewSent returns a Sent that holds nothing. Start is how things were before the
// first event, nil where that is not known.
func NewSent(start *State) *Sent {
	return &Sent{start: start, busy: make(chan struct{}, 1), states: make(map[string]*State), spans: make(map[string]span), rooms: make(map[string]map[string]bool)}
}

// Note notes that something is about to be sent to a namespace.
func (s *Sent) Note(namespace string) {
	if s.first.Load() == nil {
		now := time.Now()
		s.first.CompareAndSwap(nil, &now)
	}
	if s.mixed.Load() {
		return
	}
	if only := s.namespace.Load(); only == nil {
		s.noteNamespace(namespace)
	} else if *only != namespace {
		s.mixed.Store(true)
	}
}

func (s *Sent) noteNamespace(namespace string) {
	if !s.namespace.CompareAndSwap(nil, &namespace) && *s.namespace.Load() != namespace {
		s.mixed.Store(true)
	}
}

// NoteEntry notes that Redis has added an entry to the stream of a namespace.
func (s *Sent) NoteEntry(namespace, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	entries, ok := s.spans[namespace]
	if !ok && len(s.spans) >= maxNamespaces {
		s.lost = true
		return
	}
	s.spans[namespace] = entries.with(id)
}

// NoteRoom notes that something is about to be sent on the channel that one room
// has of its own.
func (s *Sent) NoteRoom(namespace, channel string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	channels := s.rooms[namespace]
	switch {
	case channels == nil && len(s.rooms) >= maxNamespaces, len(channels) >= maxRooms && !channels[channel]:
		s.lost = true
		return
	case channels == nil:
		channels = make(map[string]bool)
		s.rooms[namespace] = channels
	}
	channels[channel] = true
}

// window is what a confirmation is about.
type window struct {
	namespace string
	since     time.Time // zero: nothing was sent
	before    *State
	rooms     []string // their channels
	entries   span
	lost      bool
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

// begin takes what was sent to a namespace so far. What is sent from now on belongs
// to the next confirmation.
func (s *Sent) begin(namespace string) *window {
	w := &window{namespace: namespace}
	first := s.first.Load()
	if only := s.namespace.Load(); !s.mixed.Load() && (only == nil || *only == namespace) {
		first = s.first.Swap(nil)
	}
	if first != nil {
		w.since = *first
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.before = s.states[namespace]; w.before == nil {
		w.before = s.start
	}
	w.rooms = slices.Collect(maps.Keys(s.rooms[namespace]))
	delete(s.rooms, namespace)
	w.entries = s.spans[namespace]
	w.lost, s.lost = s.lost, false
	return w
}

// restore takes back what was not confirmed: the next confirmation is about it, too.
func (s *Sent) restore(w *window) {
	if !w.since.IsZero() {
		for {
			now := s.first.Load()
			if now != nil && !now.After(w.since) || s.first.CompareAndSwap(now, &w.since) {
				break
			}
		}
	}
	for _, channel := range w.rooms {
		s.NoteRoom(w.namespace, channel)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost = s.lost || w.lost
}

// end ends a confirmation: what it was about will not be asked about again. After is
// how things were then, nil where that is not known.
func (s *Sent) end(w *window, after *State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.states) >= maxNamespaces {
		clear(s.states)
	}
	s.states[w.namespace] = after
	if now := s.spans[w.namespace]; now.last == w.entries.last {
		delete(s.spans, w.namespace)
	} else {
		s.spans[w.namespace] = span{w.entries.last, now.last}
	}
}
