package traffic

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/internal/connect"
	"github.com/sioemit/sioemit/internal/show"
)

// pubsubFeed is a subscription to patterns, or to shard channels.
type pubsubFeed struct {
	client    redis.UniversalClient
	namespace string
	timeout   time.Duration
	channels  []string
	pattern   bool
	answers   *bystander // nil: nobody waits for answers
	whyLost   func(error) string

	pace pace
}

// EscapeGlob makes a pattern that matches just text. Servers do not escape the
// patterns of theirs, and look at each channel again instead.
func EscapeGlob(text string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(text)
}

func (f *pubsubFeed) name() string {
	quoted := make([]string, len(f.channels))
	for i, channel := range f.channels {
		quoted[i] = show.Quote(channel)
		if strings.HasPrefix(quoted[i], `"`) && show.IsText(channel) {
			quoted[i] = channel // # needs no quotes here
		}
	}
	return strings.Join(quoted, ", ")
}

// What is said where the reader of the output is too slow.
const (
	tooSlow   = "Redis closed the connection, because the output is written more slowly than messages come, and what it keeps for a subscriber has a limit (client-output-buffer-limit pubsub)"
	uncounted = "what was published in the %v before and is not printed is missed, and Redis does not count it"
)

// lost tells a Redis that had to keep too much for us from one that has gone.
func (f *pubsubFeed) lost(err error) string {
	if connect.IsClosed(err) && f.pace.isSlow() {
		return tooSlow
	}
	return f.whyLost(err)
}

func (f *pubsubFeed) missed() string {
	if f.pace.isSlow() {
		return fmt.Sprintf(uncounted, f.pace.age())
	}
	return "what was published meanwhile is missed"
}

var errReplaced = errors.New("the connection was replaced")

func (f *pubsubFeed) read(ctx context.Context, ready func(), deliver func(Arrival)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	pubsub := f.client.Subscribe(ctx) // dials with the first channel only
	stop := context.AfterFunc(ctx, func() { pubsub.Close() })
	defer func() {
		if stop() {
			pubsub.Close()
		}
	}()
	subscribe := pubsub.SSubscribe
	if f.pattern {
		subscribe = pubsub.PSubscribe
	}
	if err := subscribe(ctx, f.channels...); err != nil {
		return f.moved(err)
	}
	watch := newWatch(f.timeout)
	go watch.run(ctx, pubsub, cancel)
	waiting := len(f.channels)
	for {
		began := time.Now()
		message, err := pubsub.Receive(ctx)
		watch.heard()
		if err == nil && waiting == 0 {
			f.pace.waited(began)
		}
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		if err != nil {
			if waiting == 0 && connect.IsReply(err) {
				continue // to PING: whatever it says, the connection lives
			}
			return f.moved(err)
		}
		switch message := message.(type) {
		case *redis.Subscription:
			if message.Kind != "psubscribe" && message.Kind != "ssubscribe" {
				// The slot of a shard channel has moved to another node.
				return f.moved(fmt.Errorf("redis ended the subscription to %s", message.Channel))
			}
			waiting--
			switch {
			case waiting == 0:
				ready()
				f.pace = pace{caughtUp: time.Now()}
			case waiting < 0:
				return errReplaced
			}
		case *redis.Message:
			if f.answers != nil && message.Channel == f.answers.channel {
				f.answers.consider(ctx, message.Payload, deliver)
			}
			began = time.Now()
			watch.busy(func() { deliver(Arrival{Channel: message.Channel, Payload: message.Payload}) })
			f.pace.passedOn(began)
		}
	}
}

// moved makes a Redis Cluster be looked at again before the next attempt: the
// node that had the channel may not be the one any more.
func (f *pubsubFeed) moved(err error) error {
	if cluster, ok := f.client.(*redis.ClusterClient); ok {
		cluster.ReloadState(context.Background())
	}
	return err
}

var errSilent = errors.New("redis no longer answers")

// watch finds out when Redis has gone without closing the connection: it pings,
// and something must come back before the next time.
type watch struct {
	interval time.Duration
	alive    atomic.Bool
	isBusy   atomic.Bool
}

func newWatch(interval time.Duration) *watch {
	w := &watch{interval: interval}
	w.alive.Store(true)
	return w
}

func (w *watch) heard() { w.alive.Store(true) }

// busy runs what may wait for the reader of our output. Nothing is read from
// Redis in that time, so nothing is heard.
func (w *watch) busy(f func()) {
	w.isBusy.Store(true)
	f()
	w.isBusy.Store(false)
	w.alive.Store(true)
}

func (w *watch) run(ctx context.Context, pubsub *redis.PubSub, cancel context.CancelCauseFunc) {
	ticker := time.NewTicker(w.interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if w.isBusy.Load() {
			continue
		}
		if !w.alive.Swap(false) {
			cancel(errSilent)
			return
		}
		if err := pubsub.Ping(ctx); err != nil {
			cancel(err)
			return
		}
	}
}
