package replies

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
	"github.com/sioemit/sioemit/internal/protocol"
)

// TestJoinInTheLastMoment has calls join a subscription while the last other
// one leaves it: nobody may lose a connection that others have closed. No Redis
// is needed, because nothing is awaited.
func TestJoinInTheLastMoment(t *testing.T) {
	t.Parallel()
	rdb := neverDials(t)
	r := New()
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
				w.Release()
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
			"some, and the connection broke":  {t.Context(), ended, 2, ErrLost},
			"all, before anything else ended": {t.Context(), nil, 3, nil},
		} {
			owner := New()
			s := &subscription{owner: owner, ended: test.ended, err: errors.New("broken"), waiting: make(map[string]*Wait)}
			w := &Wait{id: "q", arrived: make(chan struct{}, 1), subscription: s}
			s.waiting[w.id] = w
			owner.deliver(s, `{"type":8,"requestId":"q","clientCount":3}`)
			for range test.came {
				owner.deliver(s, `{"type":9,"requestId":"q","packet":1}`)
			}
			came := 0
			err := w.Await(test.ctx, func(heads []protocol.Head) bool { came += len(heads); return came == 1+3 })
			if !errors.Is(err, test.want) || came != 1+test.came {
				t.Fatalf("%s: %v, and %d replies", name, err, came)
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

func join(t *testing.T, r *Receiver, rdb *redis.Client, channels ...string) *Wait {
	t.Helper()
	w := &Wait{id: NewID(), arrived: make(chan struct{}, 1)}
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
	for name, end := range map[string]func(*Receiver, *Wait){
		"released": func(_ *Receiver, w *Wait) { w.Release() },
		"broken":   func(_ *Receiver, w *Wait) { w.subscription.end(errors.New("broken")) },
		"closed":   func(r *Receiver, _ *Wait) { r.Close() },
	} {
		r := New()
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
		for _, w := range []*Wait{full, next} {
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
		r := New()
		w := join(t, r, rdb, "c", "d")
		for _, news := range test.news {
			w.subscription.confirm(&news)
		}
		select {
		case <-w.subscription.ended:
			if err := w.subscription.lost(); test.lost == "" || !errors.Is(err, ErrLost) || !strings.Contains(err.Error(), test.lost) {
				t.Errorf("%s: %v", name, err)
			}
			if next := join(t, r, rdb, "c"); next.subscription == w.subscription {
				t.Errorf("%s: the next call joins what has ended", name)
			} else {
				next.Release()
			}
		default:
			if test.lost != "" {
				t.Errorf("%s: nobody knows", name)
			}
		}
		w.Release()
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
