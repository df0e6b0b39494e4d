package emitter

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
)

// TestJoinInTheLastMoment has calls join a subscription while the last other
// one leaves it: nobody may lose a connection that others have closed. No Redis
// is needed, because nothing is awaited.
func TestJoinInTheLastMoment(t *testing.T) {
	t.Parallel()
	rdb := redis.NewClient(&redis.Options{Dialer: func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	defer rdb.Close()
	r := newReplies()
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 3000 {
				w := &waiter{id: newRequestID(), arrived: make(chan struct{}, 1)}
				if _, err := r.join(rdb, "", false, []string{"c"}, w); err != nil {
					t.Error(err)
					return
				}
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
