package emitter_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/harness"
	"github.com/sioemit/sioemit/internal/protocol"
)

// listenOn returns the events of the classic adapter that come to one node.
func listenOn(t *testing.T, node *harness.Redis) <-chan *redis.Message {
	t.Helper()
	pubsub := node.Client().PSubscribe(t.Context(), "socket.io#*")
	t.Cleanup(func() { pubsub.Close() })
	if _, err := pubsub.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	return pubsub.Channel(redis.WithChannelSize(20_000))
}

func nextEvent(t *testing.T, messages <-chan *redis.Message) *encoding.Broadcast {
	t.Helper()
	select {
	case m := <-messages:
		decoded, err := protocol.Unmarshal([]byte(m.Payload))
		if err != nil {
			t.Fatal(err)
		}
		return &decoded.Broadcast
	case <-time.After(time.Minute):
		t.Fatal("no event came")
	}
	return nil
}

// TestTransaction has events in the transaction of a caller, beside keys of
// another slot.
func TestTransaction(t *testing.T) {
	t.Parallel()
	cluster := harness.ClusterFor(t, 3, 0, harness.RedisConfig{})
	messages := listenOn(t, cluster.Nodes[0])
	rdb := cluster.Client()
	auto, err := rdb.AutoPipeline()
	if err != nil {
		t.Fatal(err)
	}
	defer auto.Close()
	// Each room has a channel of its own, and most of them another slot than the key.
	transact := func(pipe redis.Pipeliner, key string) error {
		pipe.Set(t.Context(), key, "paid", 0)
		io := emitter.New(pipe)
		for i := range 10 {
			if err := io.To(fmt.Sprint(i)).Emit(t.Context(), key, i); err != nil {
				return err
			}
		}
		if err := io.SocketsJoin(t.Context(), "vip"); err != nil {
			return err
		}
		return io.Pipelined(t.Context(), func(io *emitter.Emitter) error { return io.Emit(t.Context(), key, 10) })
	}
	for key, run := range map[string]func(key string) error{
		"ClusterClient.TxPipeline": func(key string) error {
			pipe := rdb.TxPipeline()
			if err := transact(pipe, key); err != nil {
				return err
			}
			_, err := pipe.Exec(t.Context())
			return err
		},
		"UniversalClient.TxPipelined": func(key string) error {
			_, err := redis.UniversalClient(rdb).TxPipelined(t.Context(), func(pipe redis.Pipeliner) error { return transact(pipe, key) })
			return err
		},
		"AutoPipeliner.TxPipelined": func(key string) error {
			_, err := auto.TxPipelined(t.Context(), func(pipe redis.Pipeliner) error { return transact(pipe, key) })
			return err
		},
		"Watch": func(key string) error {
			return rdb.Watch(t.Context(), func(tx *redis.Tx) error {
				_, err := tx.TxPipelined(t.Context(), func(pipe redis.Pipeliner) error { return transact(pipe, key) })
				return err
			}, key)
		},
	} {
		if err := run(key); err != nil {
			t.Errorf("%s: %v", key, err)
			continue
		}
		for i := range 11 {
			if b := nextEvent(t, messages); b.Event != key || b.Args[0] != int64(i) {
				t.Errorf("%s: event %d is %s %v", key, i, b.Event, b.Args)
			}
		}
		if paid, err := rdb.Get(t.Context(), key).Result(); paid != "paid" {
			t.Errorf("%s: %q, %v", key, paid, err)
		}
	}
	// To Redis, a shard channel is a key, and a stream is one.
	for name, adapter := range map[string]emitter.Adapter{
		"sharded": emitter.Sharded(emitter.ShardedOptions{ChannelPrefix: "{order:1}"}), "streams": emitter.Streams(emitter.StreamsOptions{StreamName: "{order:1}"}),
	} {
		_, err := rdb.TxPipelined(t.Context(), func(pipe redis.Pipeliner) error {
			pipe.Set(t.Context(), "{order:1}:state", "paid", 0)
			return emitter.New(pipe, emitter.WithAdapter(adapter)).To("room").Emit(t.Context(), "e")
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		_, err = rdb.TxPipelined(t.Context(), func(pipe redis.Pipeliner) error {
			pipe.Set(t.Context(), "{order:2}:state", "paid", 0)
			return emitter.New(pipe, emitter.WithAdapter(adapter)).To("room").Emit(t.Context(), "e")
		})
		if !errors.Is(err, redis.ErrCrossSlot) {
			t.Errorf("%s, another slot: %v", name, err)
		}
	}
}

// TestOrderOnCluster sends 10,000 events to one room, in every way that there is
// on a Redis Cluster. They come in order to a node, which they do only when all
// take one way there.
func TestOrderOnCluster(t *testing.T) {
	t.Parallel()
	cluster := harness.ClusterFor(t, 3, 0, harness.RedisConfig{})
	messages := listenOn(t, cluster.Nodes[0])
	rdb := cluster.Client()
	async, err := rdb.AsyncAutoPipeline()
	if err != nil {
		t.Fatal(err)
	}
	defer async.Close()
	const events = 10_000
	emit := func(ctx context.Context, io *emitter.Emitter, name string) error {
		for i := range events {
			if err := io.To("room").Emit(ctx, name, i); err != nil {
				return err
			}
		}
		return nil
	}
	for name, run := range map[string]func(name string) error{
		"ClusterClient": func(name string) error { return emit(t.Context(), emitter.New(rdb), name) },
		"wrapped":       func(name string) error { return emit(t.Context(), emitter.New(embeds{rdb}), name) },
		"AsyncAutoPipeline": func(name string) error {
			return emitter.New(async).Pipelined(t.Context(), func(io *emitter.Emitter) error { return emit(t.Context(), io, name) })
		},
		"Pipelined": func(name string) error {
			return emitter.New(rdb).Pipelined(t.Context(), func(io *emitter.Emitter) error { return emit(t.Context(), io, name) })
		},
		"Pipeline": func(name string) error {
			pipe := rdb.Pipeline()
			pipe.Set(t.Context(), "a key of another slot", 1, 0)
			if err := emit(t.Context(), emitter.New(pipe), name); err != nil {
				return err
			}
			_, err := pipe.Exec(t.Context())
			return err
		},
		"wrapped Pipeline": func(name string) error {
			_, err := rdb.Pipelined(t.Context(), func(pipe redis.Pipeliner) error {
				return emit(t.Context(), emitter.New(struct{ redis.Pipeliner }{pipe}), name)
			})
			return err
		},
	} {
		if err := run(name); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i := range events {
			if b := nextEvent(t, messages); b.Event != name || b.Args[0] != int64(i) {
				t.Fatalf("%s: event %d is %s %v", name, i, b.Event, b.Args)
			}
		}
	}
}
