package emitter

import (
	"context"
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
	var r replies
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 3000 {
				w := &waiter{id: newRequestID(), done: make(chan struct{})}
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
