package emitter

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sioemit/sioemit/internal/goredis"
	"github.com/sioemit/sioemit/internal/protocol"
)

// ErrSubscription is wrapped by the error of a call whose replies cannot come
// any more, because the connection on which they were awaited broke.
var ErrSubscription = errors.New("the subscription for replies was lost")

// ErrClosed is returned by calls with replies after Close.
var ErrClosed = errors.New("the emitter has been closed")

// replies receives what servers answer to this emitter. It has a connection
// only while a call waits: the first one opens it, the last one closes it.
type replies struct {
	mu            sync.Mutex
	closed        bool
	subscriptions map[string]*subscription // that calls join
	leaving       map[*subscription]bool   // that calls only leave

	silence, patience time.Duration
}

func newReplies() *replies { return &replies{silence: silence, patience: patience} }

// silence is how long a connection for replies may be without any before it is
// pinged, and how long the answer may take before new calls take another
// connection: it may be dead, which TCP finds out after minutes if at all, or
// only slow.
const silence = 3 * time.Second

// patience is how long a connection may keep silent altogether before those who
// wait on it are told that it is dead. The answer to a ping comes behind a reply
// that is on its way, and a reply may be large, and the network slow. Redis has no
// more patience: by default it cuts off a subscriber for which more than 8 MB have
// been waiting for a minute.
const patience = time.Minute

// maxChannels is how many channels a connection for replies may have: calls that
// always overlap would keep those of every namespace ever asked.
const maxChannels = 1000

// waiter is one call that waits for replies.
type waiter struct {
	arrived      chan struct{} // has something when a reply has come
	subscription *subscription

	// The rest is guarded by the mutex of replies.
	id    string
	heads []protocol.ReplyHead // of replies that the call has not looked at yet
}

// newRequestID returns an id that nobody else uses.
func newRequestID() string { return rand.Text() }

// wait subscribes to channels and returns once Redis has confirmed it, so that
// no reply to a question sent after that is missed. Calls of one name share a
// connection.
func (r *replies) wait(ctx context.Context, client goredis.Subscriber, name string, shard bool, channels []string) (*waiter, error) {
	w := &waiter{id: newRequestID(), arrived: make(chan struct{}, 1)}
	confirmed, err := r.join(client, name, shard, channels, w)
	if err != nil {
		return nil, err
	}
	for _, c := range confirmed {
		select {
		case <-c:
		case <-w.subscription.ended:
			w.release()
			return nil, w.subscription.lost()
		case <-ctx.Done():
			w.release()
			return nil, fmt.Errorf("emitter: subscribing for replies: %w", ctx.Err())
		}
	}
	return w, nil
}

// join registers w and returns what is closed when its channels are confirmed.
func (r *replies) join(client goredis.Subscriber, name string, shard bool, channels []string, w *waiter) ([]chan struct{}, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, fmt.Errorf("emitter: %w", ErrClosed)
	}
	s := r.subscriptions[name]
	if s != nil && len(s.channels) >= maxChannels {
		s.retire()
		s = nil
	}
	if s == nil {
		s = newSubscription(r, name, shard)
		if r.subscriptions == nil {
			r.subscriptions = make(map[string]*subscription)
		}
		r.subscriptions[name] = s
	}
	w.subscription = s
	s.waiting[w.id] = w
	var confirmed []chan struct{}
	var missing []string
	for _, channel := range channels {
		if s.channels[channel] == nil {
			s.channels[channel] = make(chan struct{})
			missing = append(missing, channel)
		}
		confirmed = append(confirmed, s.channels[channel])
	}
	s.subscribe(client, missing)
	return confirmed, nil
}

// deliver hands a reply to the call that waits for it, which decodes it: however
// large it is and however busy the call, others get theirs. What is no reply to a
// call of this emitter is ignored: answers to others, late ones, and whatever
// cannot be read.
func (r *replies) deliver(s *subscription, payload string) {
	head, err := protocol.ReadReplyHead(payload)
	if err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	w := s.waiting[head.RequestID]
	if w == nil {
		return
	}
	w.heads = append(w.heads, head)
	select {
	case w.arrived <- struct{}{}:
	default:
	}
}

// take returns the replies that have come since the last time.
func (w *waiter) take() []protocol.ReplyHead {
	r := w.subscription.owner
	r.mu.Lock()
	defer r.mu.Unlock()
	heads := w.heads
	w.heads = nil
	return heads
}

// renew makes w wait for replies to another question instead.
func (w *waiter) renew() {
	s := w.subscription
	s.owner.mu.Lock()
	defer s.owner.mu.Unlock()
	delete(s.waiting, w.id)
	w.id, w.heads = newRequestID(), nil
	s.waiting[w.id] = w
}

// release ends the wait; after the last one the connection is closed. Both
// happen under one lock, or a call that comes between would lose the connection
// that it has just joined.
func (w *waiter) release() {
	s := w.subscription
	s.owner.mu.Lock()
	defer s.owner.mu.Unlock()
	delete(s.waiting, w.id)
	if len(s.waiting) == 0 {
		s.endLocked(ErrClosed)
	}
}

// close fails every call that waits, and all later ones.
func (r *replies) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for _, s := range r.subscriptions {
		s.endLocked(ErrClosed)
	}
	for s := range r.leaving {
		s.endLocked(ErrClosed)
	}
}
