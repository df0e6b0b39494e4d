package compat_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/harness"
)

// TestSlowReplies has a reply of 5.5 MB come through a network that is slow, that stalls in the middle of it, or that
// breaks there. Others who ask meanwhile wait for it on the same connection.
func TestSlowReplies(t *testing.T) {
	t.Parallel()
	const secret = "S3cr3tHandshake"
	redisServer := startRedis(t)
	clients := harness.ClientsFor(t, harness.V4)
	ctx := withDeadline(t)
	for _, row := range askRows {
		if strings.Contains(row.name, "specific") {
			continue // its large reply is that of the row before
		}
		prefix := prefixOf(t) + row.name
		node := harness.NodeFor(t, harness.NodeConfig{
			Server: harness.V4.Server, Adapter: row.adapter(prefix), Redis: redisServer.Conn(),
			Options: map[string]any{"maxHttpBufferSize": 100_000_000},
		})
		owner, err := clients.Connect(ctx, harness.ConnectOptions{
			Name: row.name, Node: node, Transports: []string{"websocket"}, Acks: map[string][]any{"ping": {"pong"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		large := strings.Repeat(secret+" ", 5_500_000/(len(secret)+1))
		if err := owner.SetData(ctx, map[string]any{"large": large}); err != nil {
			t.Fatal(err)
		}
		for _, test := range []struct {
			name  string
			piece func(n, behind int) error // what happens to n bytes of a reply, up to that number
			want  error
			least time.Duration
		}{
			{"slow", func(n, _ int) error { time.Sleep(time.Duration(n) * time.Second >> 20); return nil }, nil, 5 * time.Second},
			{"stalls", midway(1<<20, func() error { time.Sleep(3500 * time.Millisecond); return nil }), nil, 3500 * time.Millisecond},
			{"stalls for long", midway(3<<20, func() error { time.Sleep(10 * time.Second); return nil }), nil, 10 * time.Second},
			{"breaks", midway(2<<20, func() error { return harness.ErrCut }), emitter.ErrSubscription, 0},
		} {
			t.Run(row.name+"/"+test.name, func(t *testing.T) {
				t.Parallel()
				var behind atomic.Int64
				proxy, err := harness.StartProxy(harness.ProxyConfig{Target: redisServer.Addr, FromServer: func(c *harness.ProxyConn, piece []byte) error {
					if !c.Subscribes() || len(piece) < 10_000 && behind.Load() == 0 {
						return nil
					}
					return test.piece(len(piece), int(behind.Add(int64(len(piece)))))
				}})
				if err != nil {
					t.Fatal(err)
				}
				closeAtEnd(t, proxy)
				rdb := redis.NewClient(&redis.Options{Addr: proxy.Addr, ReadTimeout: time.Minute})
				closeAtEnd(t, rdb)
				io := emitter.New(rdb, row.option(prefix)).Timeout(2 * time.Minute)
				start := time.Now()
				type answer struct {
					acks emitter.Acks
					err  error
				}
				other := make(chan answer, 1)
				go func() {
					for behind.Load() == 0 && ctx.Err() == nil {
						time.Sleep(time.Millisecond)
					}
					acks, err := io.EmitWithAck(ctx, "ping")
					other <- answer{acks, err}
				}()
				sockets, err := io.FetchSockets(ctx)
				if !errors.Is(err, test.want) {
					t.Fatalf("%v after %v, want %v", err, time.Since(start), test.want)
				}
				if took := time.Since(start); took < test.least {
					t.Errorf("it took %v, so that nothing was slow", took)
				}
				if err != nil {
					if strings.Contains(err.Error(), secret) {
						t.Errorf("the error holds a part of a reply: %v", err)
					}
					<-other // which may have been in time or not
					return
				}
				var data struct{ Large string }
				if len(sockets) != 1 || sockets[0].ID != owner.ID || sockets[0].Data.Decode(&data) != nil || data.Large != large {
					t.Errorf("%d sockets came, with %d bytes", len(sockets), len(data.Large))
				}
				if o := <-other; o.err != nil || len(o.acks.Values) != 1 {
					t.Errorf("who asked meanwhile: %+v, %v", o.acks, o.err)
				}
			})
		}
	}
}

// midway calls f once, when that many bytes have passed.
func midway(limit int, f func() error) func(n, behind int) error {
	var done atomic.Bool
	return func(_, behind int) error {
		if behind < limit || done.Swap(true) {
			return nil
		}
		return f()
	}
}
