package replies

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/internal/goredis"
)

// subscription is one connection that receives replies.
type subscription struct {
	owner  *Receiver
	name   string
	pubsub *redis.PubSub
	shard  bool // SSUBSCRIBE instead of SUBSCRIBE

	// A dial that hangs must not outlive the calls that wait for it.
	ctx    context.Context
	cancel context.CancelFunc

	// Whoever writes holds this, so that commands are noted in the order in which
	// they are written.
	writing sync.Mutex

	// The rest is guarded by owner.mu. Each channel has what is closed when
	// Redis has confirmed it. A channel stays subscribed as long as the
	// connection, which is until no call waits; when it has maxChannels, the
	// next call opens another one.
	channels map[string]chan struct{}
	waiting  map[string]*Wait
	written  []command     // that Redis has not answered yet
	heard    time.Time     // when Redis last said anything
	err      error         // why it ended
	ended    chan struct{} // closed then
}

// command is one that was written on the connection.
type command struct {
	channels int // to confirm; of PING there are none
}

func newSubscription(r *Receiver, name string, shard bool) *subscription {
	s := &subscription{
		owner: r, name: name, shard: shard,
		channels: make(map[string]chan struct{}), waiting: make(map[string]*Wait), ended: make(chan struct{}),
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// subscribe adds channels, and opens the connection with the first of them. It
// must not wait for Redis, because it holds the lock: go-redis dials when the
// first command is written.
func (s *subscription) subscribe(client goredis.Subscriber, channels []string) {
	if len(channels) == 0 {
		return
	}
	if s.pubsub != nil {
		go s.add(channels)
		return
	}
	// Without channels, go-redis does not dial yet.
	if s.shard {
		s.pubsub = client.SSubscribe(s.ctx)
	} else {
		s.pubsub = client.Subscribe(s.ctx)
	}
	s.heard = time.Now()
	go func() {
		s.add(channels)
		s.receive()
	}()
	go s.watch()
}

// add subscribes to channels.
func (s *subscription) add(channels []string) {
	s.write(command{channels: len(channels)}, func() error {
		if s.shard {
			return s.pubsub.SSubscribe(s.ctx, channels...)
		}
		return s.pubsub.Subscribe(s.ctx, channels...)
	})
}

// write writes a command, and ends the connection when that fails.
func (s *subscription) write(c command, write func() error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.owner.mu.Lock()
	s.written = append(s.written, c)
	s.owner.mu.Unlock()
	if err := write(); err != nil {
		s.end(err)
	}
}

// receive hands every reply to the call that waits for it, until the connection
// ends. It reads without a deadline, which could pass in the middle of a reply,
// and the bytes read so far would be lost.
func (s *subscription) receive() {
	for {
		message, err := s.pubsub.Receive(s.ctx)
		if err != nil && !s.isPong(err) {
			s.end(readable(err))
			return
		}
		switch message := message.(type) {
		case *redis.Subscription:
			s.confirm(message)
		case *redis.Message:
			s.answered(nil)
			s.owner.deliver(s, message.Payload)
		default:
			s.answered(func(c *command) bool { return c.channels == 0 })
		}
	}
}

// isPong reports whether an error is the answer to a PING. Any answer proves that
// the connection lives: that the user may not PING, that Redis has no disk any
// more, or no master.
func (s *subscription) isPong(err error) bool {
	refused := redis.Error(nil)
	if !errors.As(err, &refused) {
		return false
	}
	s.owner.mu.Lock()
	defer s.owner.mu.Unlock()
	return len(s.written) > 0 && s.written[0].channels == 0
}

// answered notes that Redis has said something, and that it was the last of the
// answer to the oldest command if done says so.
func (s *subscription) answered(done func(*command) bool) {
	s.owner.mu.Lock()
	defer s.owner.mu.Unlock()
	s.answeredLocked(done)
}

func (s *subscription) answeredLocked(done func(*command) bool) {
	s.heard = time.Now()
	if done != nil && len(s.written) > 0 && done(&s.written[0]) {
		s.written = s.written[1:]
	}
}

// readable hides what comes of bytes that are no answers of Redis: go-redis puts
// them into its error, and they may be anybody's.
func readable(err error) error {
	var network net.Error
	refused := redis.Error(nil)
	switch {
	case errors.As(err, &network), errors.As(err, &refused), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, redis.ErrClosed), errors.Is(err, redis.ErrPoolTimeout), errors.Is(err, context.Canceled):
		return err
	}
	return errors.New("what came on it is not a reply from Redis")
}

// watch finds out when the connection has gone without being closed.
func (s *subscription) watch() {
	ticker := time.NewTicker(s.owner.Silence)
	defer ticker.Stop()
	for {
		select {
		case <-s.ended:
			return
		case <-ticker.C:
		}
		s.owner.mu.Lock()
		silent := time.Since(s.heard)
		waits := len(s.written) > 0
		switch {
		case silent >= s.owner.Patience:
			s.endLocked(fmt.Errorf("it has not answered for %v", s.owner.Patience))
		case silent < s.owner.Silence:
		case waits:
			s.retire()
		default:
			// It may wait for a connection that is being replaced.
			go s.write(command{}, func() error { return s.pubsub.Ping(s.ctx) })
		}
		s.owner.mu.Unlock()
	}
}

// retire lets no more calls join. The lock is held.
func (s *subscription) retire() {
	if s.owner.subscriptions[s.name] != s {
		return
	}
	delete(s.owner.subscriptions, s.name)
	if s.owner.leaving == nil {
		s.owner.leaving = make(map[*subscription]bool)
	}
	s.owner.leaving[s] = true
}

// confirm notes that Redis has subscribed the connection to a channel. Any
// other news means that replies may have been missed: Redis ends a subscription
// when the slot of a shard channel moves to another node, and a second
// confirmation comes when go-redis has replaced the connection by itself.
func (s *subscription) confirm(m *redis.Subscription) {
	s.owner.mu.Lock()
	defer s.owner.mu.Unlock()
	s.answeredLocked(func(c *command) bool {
		c.channels--
		return c.channels <= 0
	})
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
	delete(s.owner.leaving, s)
	s.cancel()
	// Close waits while go-redis dials or authenticates. The calls that have
	// ended must not, nor those that need the lock.
	go s.pubsub.Close()
}

func (s *subscription) lost() error {
	s.owner.mu.Lock()
	defer s.owner.mu.Unlock()
	return fmt.Errorf("%w: %w", ErrLost, s.err)
}
