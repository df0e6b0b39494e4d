package compat_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/harness"
)

// streamOffset is what the servers append to the arguments of an event, so that a client knows where it stopped.
var streamOffset = regexp.MustCompile(`^"[0-9]+-[0-9]+"$`)

// A client of the streams adapter that was cut off gets what it missed when it comes back: in order, once, and nothing
// that was not for it.
func TestConnectionStateRecovery(t *testing.T) {
	t.Parallel()
	ctx := withDeadline(t)
	one := startRedis(t)
	cluster := harness.ClusterFor(t, masters, 0, harness.RedisConfig{})
	for _, c := range []struct {
		name    string
		conn    harness.RedisConn
		client  redis.UniversalClient
		streams int
		stay    bool // reconnect to the same server
	}{
		{"one Redis, the same server", one.Conn(), one.Client(), 1, true},
		{"one Redis, the other server", one.Conn(), one.Client(), 3, false},
		{"Redis Cluster, the same server", cluster.Conn(), cluster.Client(), 3, true},
		{"Redis Cluster, the other server", cluster.Conn(), cluster.Client(), 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			name := fmt.Sprintf("recovery %d", c.streams)
			sessions := fmt.Sprintf("session %d:", c.streams)
			var nodes []*harness.Node
			for range 2 {
				nodes = append(nodes, harness.NodeFor(t, harness.NodeConfig{
					Server: harness.V4.Server,
					Adapter: harness.StreamsAdapter.With("streamName", name).With("streamCount", c.streams).
						With("sessionKeyPrefix", sessions).With("channelPrefix", name),
					Redis:   c.conn,
					Options: map[string]any{"connectionStateRecovery": map[string]any{"maxDisconnectionDuration": 120000}},
				}))
			}
			clients := harness.ClientsFor(t, harness.V4)
			connect := func(rooms ...string) *harness.Client {
				client, err := clients.Connect(ctx, harness.ConnectOptions{Node: nodes[0], Transports: []string{"websocket"}, Rooms: rooms})
				if err != nil {
					t.Fatal(err)
				}
				return client
			}
			lost, witness, other := connect("a", "b"), connect("a", "b"), connect("c")
			id := lost.ID

			io := emitter.New(c.client, emitter.WithAdapter(emitter.Streams(emitter.StreamsOptions{StreamName: name, StreamCount: c.streams})))
			want := make(map[*harness.Client][]expectation)
			sent := 0
			emit := func(op *emitter.BroadcastOperator, to []*harness.Client, args ...any) {
				t.Helper()
				sent++
				event := fmt.Sprintf("event %d", sent)
				if err := op.Emit(ctx, event, args...); err != nil {
					t.Fatal(err)
				}
				for _, client := range to {
					want[client] = append(want[client], expected(event, args...))
				}
			}
			all, inA := []*harness.Client{lost, witness, other}, []*harness.Client{lost, witness}
			round := func() {
				t.Helper()
				for range 20 {
					emit(io.Of("/"), all, "everyone", sent)
					emit(io.To("a"), inA, map[string]any{"text": "é😀 <&>\u2028", "n": 0.1})
					emit(io.To("a", "b"), inA)
					emit(io.To("b").Except("c"), inA, []byte{0, 1, 0xff}, map[string]any{"deep": []any{[]byte("deep")}})
					emit(io.To(id), all[:1], nil, true)
					emit(io.To("c"), all[2:])
					emit(io.To("a").Except("b"), nil)
					emit(io.Of("/").Except(id), all[1:])
					emit(io.Of("/admin"), nil)
				}
			}
			round()
			if err := lost.Await(ctx, received(len(want[lost]))); err != nil {
				t.Fatal(err)
			}
			before := len(want[lost])
			if err := lost.Cut(ctx); err != nil {
				t.Fatal(err)
			}
			round() // the server may not have noticed yet
			awaitSession(t, ctx, c.client, sessions)
			round()
			node := nodes[1]
			if c.stay {
				node = nodes[0]
			}
			recovered, err := lost.Reconnect(ctx, node)
			if err != nil {
				t.Fatal(err)
			}
			if !recovered || lost.ID != id {
				t.Errorf("recovered %v, id %s, was %s", recovered, lost.ID, id)
			}
			round()
			// A stream has one order: whatever was sent before this comes before it.
			emit(io.Of("/"), all, "the end")
			for _, client := range all {
				if err := client.Await(ctx, func(events []harness.Event) bool {
					last := len(events) - 1
					return last >= 0 && events[last].Name == want[client][len(want[client])-1].event
				}); err != nil {
					t.Error(err)
				}
				got := client.Events()
				for i, event := range got {
					if last := len(event.Args) - 1; last < 0 || !streamOffset.Match(event.Args[last]) {
						t.Errorf("client %s: event %d has no offset: %s", client.Name, i+1, event)
					} else {
						got[i].Args = event.Args[:last:last]
					}
				}
				if problem := compare(got, want[client]); problem != "" {
					t.Errorf("client %s: %s", client.Name, problem)
				}
			}
			if t.Failed() {
				return
			}
			fmt.Fprintf(os.Stdout, "recovery %-32s %d streams: %d events before the cut, %d while away, %d after; %d received, in order, once\n",
				c.name+",", c.streams, before, 2*before, before, len(lost.Events()))
		})
	}
}

// awaitSession waits until a server has stored the session of a client that it lost.
func awaitSession(t *testing.T, ctx context.Context, client redis.UniversalClient, prefix string) {
	t.Helper()
	for ctx.Err() == nil {
		var found atomic.Bool
		look := func(ctx context.Context, node *redis.Client) error {
			keys, err := node.Keys(ctx, prefix+"*").Result()
			if len(keys) > 0 {
				found.Store(true)
			}
			return err
		}
		var err error
		switch client := client.(type) {
		case *redis.ClusterClient:
			err = client.ForEachMaster(ctx, look)
		case *redis.Client:
			err = look(ctx, client)
		}
		if err != nil {
			t.Fatal(err)
		}
		if found.Load() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("no session was stored")
}
