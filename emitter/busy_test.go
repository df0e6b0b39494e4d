package emitter_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/harness"
)

// heldConn keeps back what Redis answers to an event with acknowledgement.
type heldConn struct {
	net.Conn
	release chan struct{}
	held    atomic.Bool
}

func (c *heldConn) Write(b []byte) (int, error) {
	c.held.Store(bytes.Contains(b, []byte(`"type":7`)))
	return c.Conn.Write(b)
}

func (c *heldConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.held.Load() {
		<-c.release
	}
	return n, err
}

// TestBusyCallHoldsNobodyUp has a call not look at its 100 acknowledgements yet,
// because Redis has not answered that it was published.
func TestBusyCallHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	const acks = 100
	redisServer := startRedis(t)
	answered := make(chan struct{})
	serveClassic(t, redisServer, func(q question) []string {
		if q.Type == 1 {
			return []string{fmt.Sprintf(`{"requestId":%q,"rooms":["r"]}`, q.RequestID)}
		}
		for _, reply := range append([]string{q.count(acks)}, slices.Repeat([]string{q.ack(`1`)}, acks)...) {
			if err := redisServer.Client().Publish(t.Context(), "socket.io-response#/#", reply).Err(); err != nil {
				t.Error(err)
			}
		}
		close(answered)
		return nil
	})
	release := make(chan struct{})
	rdb := redis.NewClient(&redis.Options{Addr: redisServer.Addr, ReadTimeout: time.Minute, Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		return &heldConn{Conn: conn, release: release}, err
	}})
	defer rdb.Close()
	io := emitter.New(rdb)
	busy := make(chan error, 1)
	go func() {
		got, err := io.Timeout(forever).EmitWithAck(t.Context(), "e", 1)
		if err == nil && len(got.Values) != acks {
			err = fmt.Errorf("%d acknowledgements", len(got.Values))
		}
		busy <- err
	}()
	<-answered
	for range 20 {
		if rooms, err := io.Timeout(soon).Rooms(t.Context()); err != nil || !slices.Equal(rooms, []string{"r"}) {
			t.Errorf("%v, %v", rooms, err)
			break
		}
	}
	close(release)
	if err := <-busy; err != nil {
		t.Error(err)
	}
}

// TestThousandHostile has a thousand calls wait at once, each for one client that
// does not acknowledge, while all kinds of strange replies come; and once more
// while their connection is killed.
func TestThousandHostile(t *testing.T) {
	t.Parallel()
	const n = 1000
	redisServer := harness.RedisFor(t, harness.RedisConfig{Args: []string{"--client-output-buffer-limit", "pubsub 0 0 0"}})
	var asked atomic.Int64
	huge := `{"type":9,"requestId":"forged","packet":[0` + strings.Repeat(`,{"":0}`, 14<<20) + `]}` // 100 MB
	serveClassic(t, redisServer, func(q question) []string {
		forged := question{RequestID: strings.Repeat("A", len(q.RequestID))}
		replies := []string{
			forged.count(1 << 30), forged.ack(`1`), forged.ack(`1`), forged.ack(`1`),
			q.ack(`1`),
			fmt.Sprintf(`{"type":8,"requestId":%q,"clientCount":2147483648}`, q.RequestID),
			fmt.Sprintf(`{"type":8,"requestId":%q,"clientCount":-1}`, q.RequestID),
			fmt.Sprintf(`{"type":6,"requestId":%q,"data":1}`, q.RequestID),
			q.count(3), q.ack(`2`),
		}
		if asked.Add(1)%500 == 0 {
			replies = append(replies, huge)
		}
		return replies
	})
	io := emitter.New(asker(t, redisServer))
	const wait = 20 * time.Second
	var group sync.WaitGroup
	for range n {
		group.Go(func() {
			start := time.Now()
			acks, err := io.Timeout(wait).EmitWithAck(t.Context(), "e", 1)
			var incomplete *emitter.IncompleteError
			want := emitter.IncompleteError{Call: "EmitWithAck", Servers: 1, Asked: 1, Clients: 2, Expected: 3, Unread: 2, Err: context.DeadlineExceeded}
			if !errors.As(err, &incomplete) || *incomplete != want || len(acks.Values) != 2 {
				t.Errorf("%v, %+v", err, acks)
			}
			if took := time.Since(start); took < wait || took > wait+soon {
				t.Errorf("back after %v", took)
			}
		})
	}
	group.Wait()
	asked.Store(0)
	for range n {
		group.Go(func() {
			acks, err := io.Timeout(forever).EmitWithAck(t.Context(), "e", 1)
			if !errors.Is(err, emitter.ErrSubscription) || len(acks.Values) > 2 {
				t.Errorf("%v, %+v", err, acks)
			}
		})
	}
	eventually(t, "every question is asked", func() bool { return asked.Load() == n })
	for id := range subscriptions(t, redisServer) {
		if err := redisServer.Client().ClientKillByFilter(t.Context(), "ID", id).Err(); err != nil {
			t.Fatal(err)
		}
	}
	group.Wait()
	eventually(t, "no connection is left", func() bool { return len(subscriptions(t, redisServer)) == 0 })
}
