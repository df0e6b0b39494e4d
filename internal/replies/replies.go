// Package replies receives what servers answer: each answer goes to the question
// that it is for, on a connection that is there while a question waits.
package replies

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

// ErrLost is wrapped by the error of a wait that ends because its connection
// broke.
var ErrLost = errors.New("the subscription for replies was lost")

// ErrClosed is returned by waits after Close.
var ErrClosed = errors.New("the emitter has been closed")

// Receiver receives what servers answer to one emitter. It has a connection only
// while a question waits: the first one opens it, the last one closes it.
type Receiver struct {
	// Silence is how long a connection may be without any replies before it is
	// pinged, and how long the answer may take before new questions take another
	// connection: it may be dead, which TCP finds out after minutes if at all, or
	// only slow.
	Silence time.Duration

	// Patience is how long a connection may keep silent altogether before those
	// who wait on it are told that it is dead. The answer to a ping comes behind a
	// reply that is on its way, and a reply may be large, and the network slow.
	// Redis has no more patience: by default it cuts off a subscriber for which
	// more than 8 MB have been waiting for a minute.
	Patience time.Duration

	mu            sync.Mutex
	closed        bool
	subscriptions map[string]*subscription // that calls join
	leaving       map[*subscription]bool   // that calls only leave
}

// New returns a Receiver with no connection yet.
func New() *Receiver { return &Receiver{Silence: 3 * time.Second, Patience: time.Minute} }

// maxChannels is how many channels a connection for replies may have: calls that
// always overlap would keep those of every namespace ever asked.
const maxChannels = 1000

// Wait is one question that waits for replies.
type Wait struct {
	arrived      chan struct{} // has something when a reply has come
	subscription *subscription

	// The rest is guarded by the mutex of the Receiver.
	id    string
	heads []protocol.Head // of replies that the call has not looked at yet
}

// NewID returns an id for a question that nobody else uses.
func NewID() string { return rand.Text() }

// Wait subscribes to channels and returns once Redis has confirmed it, so that
// no reply to a question sent after that is missed. Waits of one name share a
// connection.
func (r *Receiver) Wait(ctx context.Context, client goredis.Subscriber, name string, shard bool, channels []string) (*Wait, error) {
	w := &Wait{id: NewID(), arrived: make(chan struct{}, 1)}
	confirmed, err := r.join(client, name, shard, channels, w)
	if err != nil {
		return nil, err
	}
	for _, c := range confirmed {
		select {
		case <-c:
		case <-w.subscription.ended:
			w.Release()
			return nil, w.subscription.lost()
		case <-ctx.Done():
			w.Release()
			return nil, fmt.Errorf("subscribing for replies: %w", ctx.Err())
		}
	}
	return w, nil
}

// On returns what waits for replies on these channels of a client, or why it cannot.
// All waits of a receiver share a connection, but shard channels of different slots
// live on different nodes of a Redis Cluster, so there each has its own; only of a
// plain client is it sure that it has no slots.
func (r *Receiver) On(ctx context.Context, client *goredis.Client, shard bool, channels []string) (wait func(context.Context) (*Wait, error), err error) {
	subscriber, slots, err := client.Subscriber(ctx)
	if err != nil {
		return nil, err
	}
	name := ""
	if slots && shard {
		name = channels[0]
	}
	return func(ctx context.Context) (*Wait, error) { return r.Wait(ctx, subscriber, name, shard, channels) }, nil
}

// join registers w and returns what is closed when its channels are confirmed.
func (r *Receiver) join(client goredis.Subscriber, name string, shard bool, channels []string, w *Wait) ([]chan struct{}, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, ErrClosed
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
func (r *Receiver) deliver(s *subscription, payload string) {
	head, err := protocol.ReadHead(payload)
	if err != nil || !head.IsReply {
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
func (w *Wait) take() []protocol.Head {
	r := w.subscription.owner
	r.mu.Lock()
	defer r.mu.Unlock()
	heads := w.heads
	w.heads = nil
	return heads
}

// ID is that of the question.
func (w *Wait) ID() string { return w.id }

// Await hands the replies to take, which says whether that was all, and returns
// nil when it was. All replies that have come by the end of ctx or of the
// connection are handed over before the error of that is returned.
func (w *Wait) Await(ctx context.Context, take func([]protocol.Head) (all bool)) error {
	all := take(nil)
	var err error
	for err == nil && !all {
		select {
		case <-w.arrived:
			all = take(w.take())
		case <-w.subscription.ended:
			err = w.subscription.lost()
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if err != nil {
		all = take(w.take()) // nobody else does
	}
	if all {
		return nil
	}
	return err
}

// Renew makes w wait for replies to another question instead.
func (w *Wait) Renew() {
	s := w.subscription
	s.owner.mu.Lock()
	defer s.owner.mu.Unlock()
	delete(s.waiting, w.id)
	w.id, w.heads = NewID(), nil
	s.waiting[w.id] = w
}

// Release ends the wait; after the last one the connection is closed. Both
// happen under one lock, or a call that comes between would lose the connection
// that it has just joined.
func (w *Wait) Release() {
	s := w.subscription
	s.owner.mu.Lock()
	defer s.owner.mu.Unlock()
	delete(s.waiting, w.id)
	if len(s.waiting) == 0 {
		s.endLocked(ErrClosed)
	}
}

// Close fails every call that waits, and all later ones.
func (r *Receiver) Close() {
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
