package compat_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/sioemit/sioemit/compat_test/harness"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
)

// PUBLISH goes from its node to every other one, by a way of its own. When the slot of a channel has moved, the next
// event comes to servers on a third node from the new master, and overtakes what the old one has not passed on yet.
// Here the nodes are stopped at such moments.
func TestOrderAcrossSlotMove(t *testing.T) {
	t.Parallel()
	ctx := withDeadline(t)
	cluster := startRedisCluster(t, 0, harness.RedisConfig{Args: unlimited})
	const channel = "socket.io#/#"
	slot, err := cluster.Slot(ctx, channel)
	if err != nil {
		t.Fatal(err)
	}
	from := cluster.Owner(ctx, slot)
	others := slices.DeleteFunc(slices.Clone(cluster.Nodes), func(r *harness.Redis) bool { return r == from })
	to, third := others[0], others[1]
	subscription := third.Client().PSubscribe(ctx, channel+"*")
	closeAtEnd(t, subscription)
	receive := func() (number int64) {
		message, err := subscription.ReceiveMessage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		_, b, err := encoding.UnmarshalClassic([]byte(message.Payload))
		if err != nil {
			t.Fatal(err)
		}
		return b.Args[0].(int64)
	}
	if _, err := subscription.Receive(ctx); err != nil { // that it is subscribed
		t.Fatal(err)
	}
	// Redis takes PUBLISH at any node: a client goes on with the old master until it looks at the cluster again. These see
	// the slot at the one, and at the other. They never ask the node that is stopped.
	through := func(master *harness.Redis) *emitter.Emitter {
		client := redis.NewClusterClient(&redis.ClusterOptions{
			ClusterSlots: func(context.Context) ([]redis.ClusterSlot, error) {
				return []redis.ClusterSlot{{Start: 0, End: 16383, Nodes: []redis.ClusterNode{{Addr: master.Addr}}}}, nil
			},
			ReadTimeout: unhurried,
		})
		closeAtEnd(t, client)
		return emitter.New(client)
	}
	io := through(from)
	// More than the kernel keeps for a connection.
	padding := strings.Repeat("x", 2<<20)
	const events = 30
	if err := io.Emit(ctx, "number", 0); err != nil {
		t.Fatal(err)
	}
	pause := func(r *harness.Redis) {
		if err := r.Pause(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := r.Resume(); err != nil {
				t.Error(err)
			}
		})
	}
	pause(third)
	for i := range events {
		if err := io.Emit(ctx, "number", 1+i, padding); err != nil {
			t.Fatal(err)
		}
	}
	move, err := cluster.StartSlotMove(ctx, slot, to)
	if err != nil {
		t.Fatal(err)
	}
	if err := move.Finish(ctx); err != nil {
		t.Fatal(err)
	}
	if err := through(to).Emit(ctx, "number", 1+events); err != nil {
		t.Fatal(err)
	}
	pause(from)
	if err := third.Resume(); err != nil {
		t.Fatal(err)
	}
	var order []int64
	for !slices.Contains(order, 1+events) {
		order = append(order, receive())
	}
	if err := from.Resume(); err != nil {
		t.Fatal(err)
	}
	for len(order) < 2+events {
		order = append(order, receive())
	}
	if slices.IsSorted(order) {
		t.Errorf("the events came in the order of the calls: %v", order)
	}
	slices.Sort(order)
	for i, n := range order {
		if n != int64(i) {
			t.Fatalf("these events came: %v", order)
		}
	}
}
