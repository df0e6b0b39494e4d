package emitter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
)

// TestJoinInTheLastMoment has calls join a subscription while the last other
// one leaves it: nobody may lose a connection that others have closed. No Redis
// is needed, because nothing is awaited.
func TestJoinInTheLastMoment(t *testing.T) {
	t.Parallel()
	rdb := neverDials(t)
	r := newReplies()
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 3000 {
				w := join(t, r, rdb, "c")
				select {
				case <-w.subscription.ended:
					t.Error("the subscription ended while a call waits:", w.subscription.lost())
					return
				default:
				}
				w.release()
			}
		})
	}
	group.Wait()
	if len(r.subscriptions) > 0 {
		t.Errorf("%d subscriptions are left", len(r.subscriptions))
	}
}

// TestRepliesAtTheEnd has time run out, and the connection break, when replies
// have come that nobody has looked at yet: none is lost. Again and again,
// because select takes what is ready in any order.
func TestRepliesAtTheEnd(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	close(ended)
	late, cancel := context.WithCancel(t.Context())
	cancel()
	for range 50 {
		for name, test := range map[string]struct {
			ctx   context.Context
			ended chan struct{}
			came  int // of 3 acknowledgements
			want  error
		}{
			"all, and time ran out":           {late, nil, 3, nil},
			"some, and time ran out":          {late, nil, 2, context.Canceled},
			"all, and the connection broke":   {t.Context(), ended, 3, nil},
			"some, and the connection broke":  {t.Context(), ended, 2, ErrSubscription},
			"all, before anything else ended": {t.Context(), nil, 3, nil},
		} {
			owner := newReplies()
			s := &subscription{owner: owner, ended: test.ended, err: errors.New("broken"), waiting: make(map[string]*waiter)}
			w := &waiter{id: "q", arrived: make(chan struct{}, 1), subscription: s}
			s.waiting[w.id] = w
			owner.deliver(s, `{"type":8,"requestId":"q","clientCount":3}`)
			for range test.came {
				owner.deliver(s, `{"type":9,"requestId":"q","packet":1}`)
			}
			var c ackCollector
			err := w.await(test.ctx, &c, 1)
			if !errors.Is(err, test.want) || len(c.acks.Values) != test.came || c.acks.Clients != 3 {
				t.Fatalf("%s: %v, %+v", name, err, c.acks)
			}
			var incomplete *IncompleteError
			if errors.As(err, &incomplete) && *incomplete != (IncompleteError{Servers: 1, Asked: 1, Clients: 2, Expected: 3, Err: context.Canceled}) {
				t.Fatalf("%s: %+v", name, incomplete)
			}
		}
	}
}

// neverDials is a client whose connections for replies never come about.
func neverDials(t *testing.T) *redis.Client {
	rdb := redis.NewClient(&redis.Options{Dialer: func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	t.Cleanup(func() { rdb.Close() })
	return rdb
}

func join(t *testing.T, r *replies, rdb *redis.Client, channels ...string) *waiter {
	t.Helper()
	w := &waiter{id: newRequestID(), arrived: make(chan struct{}, 1)}
	if _, err := r.join(rdb, "", false, channels, w); err != nil {
		t.Fatal(err)
	}
	return w
}

// TestNoSubscriptionIsKept has connections that are full, that keep silent, and
// that are in use end in every way: nothing may hold them afterwards.
func TestNoSubscriptionIsKept(t *testing.T) {
	t.Parallel()
	rdb := neverDials(t)
	many := make([]string, maxChannels)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	for name, end := range map[string]func(*replies, *waiter){
		"released": func(_ *replies, w *waiter) { w.release() },
		"broken":   func(_ *replies, w *waiter) { w.subscription.end(errors.New("broken")) },
		"closed":   func(r *replies, _ *waiter) { r.close() },
	} {
		r := newReplies()
		full := join(t, r, rdb, many...)
		next := join(t, r, rdb, "one more")
		if full.subscription == next.subscription || len(r.leaving) != 1 || len(r.subscriptions) != 1 {
			t.Errorf("%s: %d and %d subscriptions", name, len(r.leaving), len(r.subscriptions))
		}
		end(r, full)
		end(r, next)
		if len(r.leaving) != 0 || len(r.subscriptions) != 0 {
			t.Errorf("%s: %d and %d subscriptions are left", name, len(r.leaving), len(r.subscriptions))
		}
		for _, w := range []*waiter{full, next} {
			select {
			case <-w.subscription.ended:
			default:
				t.Errorf("%s: a subscription goes on", name)
			}
		}
	}
}

// TestSubscriptionLost has Redis say that a subscription is not what it was, in
// every way that it has: those who wait must know, since replies may be missing.
func TestSubscriptionLost(t *testing.T) {
	t.Parallel()
	rdb := neverDials(t)
	for name, test := range map[string]struct {
		news []redis.Subscription
		lost string // in the error; empty: all is well
	}{
		"confirmed":                     {[]redis.Subscription{{Kind: "subscribe", Channel: "c"}, {Kind: "ssubscribe", Channel: "d"}}, ""},
		"one of another":                {[]redis.Subscription{{Kind: "subscribe", Channel: "c"}, {Kind: "unsubscribe", Channel: "x"}, {Kind: "subscribe", Channel: "x"}}, ""},
		"replaced":                      {[]redis.Subscription{{Kind: "subscribe", Channel: "c"}, {Kind: "subscribe", Channel: "c"}}, "replaced"},
		"replaced, the second channel":  {[]redis.Subscription{{Kind: "subscribe", Channel: "c"}, {Kind: "ssubscribe", Channel: "d"}, {Kind: "ssubscribe", Channel: "d"}}, "replaced"},
		"ended":                         {[]redis.Subscription{{Kind: "ssubscribe", Channel: "c"}, {Kind: "sunsubscribe", Channel: "c"}}, "ended by Redis"},
		"ended before it was confirmed": {[]redis.Subscription{{Kind: "unsubscribe", Channel: "c"}}, "ended by Redis"},
	} {
		r := newReplies()
		w := join(t, r, rdb, "c", "d")
		for _, news := range test.news {
			w.subscription.confirm(&news)
		}
		select {
		case <-w.subscription.ended:
			if err := w.subscription.lost(); test.lost == "" || !errors.Is(err, ErrSubscription) || !strings.Contains(err.Error(), test.lost) {
				t.Errorf("%s: %v", name, err)
			}
			if next := join(t, r, rdb, "c"); next.subscription == w.subscription {
				t.Errorf("%s: the next call joins what has ended", name)
			} else {
				next.release()
			}
		default:
			if test.lost != "" {
				t.Errorf("%s: nobody knows", name)
			}
		}
		w.release()
	}
}

// TestUnreadableAnswers keeps what go-redis quotes out of errors.
func TestUnreadableAnswers(t *testing.T) {
	t.Parallel()
	if err := readable(errors.New(`redis: can't parse "S3cr3t"`)); strings.Contains(err.Error(), "S3cr3t") {
		t.Error(err)
	}
	for _, err := range []error{io.EOF, redis.ErrClosed, &net.OpError{Op: "read", Err: errors.New("reset")}} {
		if readable(fmt.Errorf("wrapped: %w", err)) == nil || !errors.Is(readable(fmt.Errorf("wrapped: %w", err)), err) {
			t.Errorf("%v is hidden", err)
		}
	}
}

// refusal is an error of Redis.
type refusal string

func (e refusal) Error() string { return string(e) }
func (refusal) RedisError()     {}

// TestQuestionAnswered may be written again when Redis refused it, and not when
// an attempt broke off before, or it was given up.
func TestQuestionAnswered(t *testing.T) {
	t.Parallel()
	write := func(q *question) bool {
		_, err := q.message.MarshalBinary()
		return err == nil
	}
	loading := refusal("LOADING Redis is loading the dataset in memory")
	for _, test := range []struct {
		name  string
		do    func(q *question)
		again bool
	}{
		{"refused", func(q *question) { q.SetErr(loading) }, true},
		{"refused twice", func(q *question) { q.SetErr(loading); write(q); q.SetErr(loading) }, true},
		{"broken off", func(q *question) { q.SetErr(io.EOF) }, false},
		{"broken off, then refused", func(q *question) { q.SetErr(io.EOF); q.SetErr(loading) }, false},
		{"given up, then refused", func(q *question) { q.giveUp(); q.SetErr(loading) }, false},
		{"answered", func(q *question) { q.SetErr(nil) }, false},
	} {
		q := newQuestion(t.Context(), newPublish(t.Context(), "publish", "c", []byte("m")))
		if !write(q) {
			t.Fatalf("%s: it cannot be written", test.name)
		}
		test.do(q)
		if q.NoRetry() == test.again || write(q) != test.again {
			t.Errorf("%s: may it be written again? %v", test.name, !test.again)
		}
	}
}

// TestQuestionGivenUp is written by nobody who still has it.
func TestQuestionGivenUp(t *testing.T) {
	t.Parallel()
	q := newQuestion(t.Context(), newPublish(t.Context(), "publish", "c", []byte("m")))
	if q.NoRetry() || q.giveUp() {
		t.Error("it has been written")
	}
	if b, err := q.message.MarshalBinary(); err == nil {
		t.Errorf("%q is written", b)
	}
	q = newQuestion(t.Context(), newPublish(t.Context(), "publish", "c", []byte("m")))
	if b, err := q.message.MarshalBinary(); err != nil || string(b) != "m" || !q.NoRetry() {
		t.Errorf("%q, %v", b, err)
	}
	if again, ok := q.Clone().(*question); !ok || !again.NoRetry() {
		t.Error("a copy may be written")
	}
	if !q.giveUp() {
		t.Error("it has not been written")
	}
}
