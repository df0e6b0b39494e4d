package emitter

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/encoding"
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
	full          map[*subscription]bool   // that calls only leave
}

// subscription is one connection that receives replies.
type subscription struct {
	owner  *replies
	name   string
	pubsub *redis.PubSub
	shard  bool // SSUBSCRIBE instead of SUBSCRIBE

	// A dial that hangs must not outlive the calls that wait for it.
	ctx    context.Context
	cancel context.CancelFunc

	// The rest is guarded by owner.mu. Each channel has what is closed when
	// Redis has confirmed it. A channel stays subscribed as long as the
	// connection, which is until no call waits; when it has maxChannels, the
	// next call opens another one.
	channels map[string]chan struct{}
	waiting  map[string]*waiter
	err      error         // why it ended
	ended    chan struct{} // closed then
}

// waiter is one call that waits for replies.
type waiter struct {
	id           string
	replies      chan *encoding.Reply
	done         chan struct{} // closed when the call has ended
	subscription *subscription
}

// maxChannels is how many channels a connection for replies may have: calls that
// always overlap would keep those of every namespace ever asked.
const maxChannels = 1000

// silence is how long a connection for replies may be without any before it is
// pinged.
const silence = 3 * time.Second

// newRequestID returns an id that nobody else uses.
func newRequestID() string { return rand.Text() }

// wait subscribes to channels and returns once Redis has confirmed it, so that
// no reply to a question sent after that is missed. Calls of one name share a
// connection.
func (r *replies) wait(ctx context.Context, client subscriber, name string, shard bool, channels []string) (*waiter, error) {
	w := &waiter{id: newRequestID(), replies: make(chan *encoding.Reply, 16), done: make(chan struct{})}
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
func (r *replies) join(client subscriber, name string, shard bool, channels []string, w *waiter) ([]chan struct{}, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, fmt.Errorf("emitter: %w", ErrClosed)
	}
	s := r.subscriptions[name]
	if s != nil && len(s.channels) >= maxChannels {
		if r.full == nil {
			r.full = make(map[*subscription]bool)
		}
		r.full[s] = true
		s = nil
	}
	if s == nil {
		s = &subscription{
			owner: r, name: name, shard: shard,
			channels: make(map[string]chan struct{}), waiting: make(map[string]*waiter), ended: make(chan struct{}),
		}
		s.ctx, s.cancel = context.WithCancel(context.Background())
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

// subscribe adds channels, and opens the connection with the first of them. It
// must not wait for Redis, because it holds the lock: go-redis dials when the
// goroutine of receive reads.
func (s *subscription) subscribe(client subscriber, channels []string) {
	switch {
	case len(channels) == 0:
	case s.pubsub == nil:
		// Without channels, go-redis does not dial yet.
		if s.shard {
			s.pubsub = client.SSubscribe(s.ctx)
		} else {
			s.pubsub = client.Subscribe(s.ctx)
		}
		go s.receive(channels)
	default:
		go s.add(channels)
	}
}

// add subscribes to more channels on a connection that is in use.
func (s *subscription) add(channels []string) {
	subscribe := s.pubsub.Subscribe
	if s.shard {
		subscribe = s.pubsub.SSubscribe
	}
	if err := subscribe(s.ctx, channels...); err != nil {
		s.end(err)
	}
}

// receive hands every reply to the call that waits for it, until the
// connection ends.
func (s *subscription) receive(channels []string) {
	s.add(channels)
	pinged := false
	for {
		message, err := s.pubsub.ReceiveTimeout(s.ctx, silence)
		if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() && s.ctx.Err() == nil {
			// It may be that nobody says anything, or that the connection is
			// dead, which TCP finds out after minutes if at all.
			if pinged {
				err = fmt.Errorf("it has not answered for %v", 2*silence)
			} else {
				pinged, err = true, s.pubsub.Ping(s.ctx)
			}
			if err == nil {
				continue
			}
		}
		if err != nil {
			s.end(err)
			return
		}
		pinged = false
		switch message := message.(type) {
		case *redis.Subscription:
			s.confirm(message)
		case *redis.Message:
			s.dispatch(message.Payload)
		}
	}
}

// confirm notes that Redis has subscribed the connection to a channel. Any
// other news means that replies may have been missed: Redis ends a subscription
// when the slot of a shard channel moves to another node, and a second
// confirmation comes when go-redis has replaced the connection by itself.
func (s *subscription) confirm(m *redis.Subscription) {
	s.owner.mu.Lock()
	defer s.owner.mu.Unlock()
	c := s.channels[m.Channel]
	if c == nil {
		return
	}
	if m.Kind != "subscribe" && m.Kind != "ssubscribe" {
		s.endLocked(fmt.Errorf("the subscription to %s was ended by Redis", m.Channel))
		return
	}
	select {
	case <-c:
		s.endLocked(errors.New("its connection was replaced"))
	default:
		close(c)
	}
}

// dispatch ignores what is no reply to a call of this emitter: answers to
// others, late ones, and whatever cannot be read.
func (s *subscription) dispatch(payload string) {
	reply, err := encoding.UnmarshalReply([]byte(payload))
	if err != nil {
		return
	}
	s.owner.mu.Lock()
	w := s.waiting[reply.RequestID]
	s.owner.mu.Unlock()
	if w == nil {
		return
	}
	select {
	case w.replies <- reply:
	case <-w.done:
	}
}

// end fails every call that waits; a later call opens a new connection.
func (s *subscription) end(err error) {
	s.owner.mu.Lock()
	defer s.owner.mu.Unlock()
	s.endLocked(err)
}

func (s *subscription) endLocked(err error) {
	if s.err != nil {
		return
	}
	s.err = err
	close(s.ended)
	if s.owner.subscriptions[s.name] == s {
		delete(s.owner.subscriptions, s.name)
	}
	delete(s.owner.full, s)
	s.cancel()
	// Close waits while go-redis dials or authenticates. The calls that have
	// ended must not, nor those that need the lock.
	go s.pubsub.Close()
}

func (s *subscription) lost() error {
	s.owner.mu.Lock()
	defer s.owner.mu.Unlock()
	return fmt.Errorf("emitter: %w: %w", ErrSubscription, s.err)
}

// release ends the wait; after the last one the connection is closed. Both
// happen under one lock, or a call that comes between would lose the connection
// that it has just joined.
func (w *waiter) release() {
	close(w.done)
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
	for s := range r.full {
		s.endLocked(ErrClosed)
	}
}
