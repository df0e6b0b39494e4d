package emitter_test

import (
	"context"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
)

// order is the payload of the project's speed figures.
type order struct {
	ID    int      `json:"id"`
	Title string   `json:"title"`
	Price float64  `json:"price"`
	Tags  []string `json:"tags"`
	User  user     `json:"user"`
}

type user struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

var anOrder = order{12345, "Order shipped", 19.99, []string{"a", "b", "c"}, user{"u_123", "Ada"}}

// payload is what Emit sends for an order.
func payload(b *testing.B) []byte {
	p, err := encoding.Classic{}.Marshal(&encoding.Broadcast{Namespace: "/", Event: "order", Args: []any{anOrder}, Rooms: []encoding.Room{"room1"}})
	if err != nil {
		b.Fatal(err)
	}
	return p
}

const perPipeline = 1000

// BenchmarkEmitPipelined is one emit of a pipeline of 1,000.
func BenchmarkEmitPipelined(b *testing.B) {
	rdb := redis.NewClient(&redis.Options{Addr: redisAddr})
	defer rdb.Close()
	io := emitter.New(rdb)
	ctx := context.Background()
	b.ReportAllocs()
	for n := 0; n < b.N; n += perPipeline {
		if err := io.Pipelined(ctx, func(io *emitter.Emitter) error {
			room := io.To("room1")
			for range min(perPipeline, b.N-n) {
				if err := room.Emit(ctx, "order", anOrder); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEmitPipelinedTo is one emit of a pipeline of 1,000 to a target that is
// not kept, as most are.
func BenchmarkEmitPipelinedTo(b *testing.B) {
	rdb := redis.NewClient(&redis.Options{Addr: redisAddr})
	defer rdb.Close()
	io := emitter.New(rdb)
	ctx := context.Background()
	b.ReportAllocs()
	for n := 0; n < b.N; n += perPipeline {
		if err := io.Pipelined(ctx, func(io *emitter.Emitter) error {
			for range min(perPipeline, b.N-n) {
				if err := io.To("room1").Emit(ctx, "order", anOrder); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEmitPipelinedBare is what EmitPipelined is measured against: a
// pipeline of go-redis with bytes that are ready.
func BenchmarkEmitPipelinedBare(b *testing.B) {
	rdb := redis.NewClient(&redis.Options{Addr: redisAddr})
	defer rdb.Close()
	ctx := context.Background()
	bytes := payload(b)
	b.ReportAllocs()
	for n := 0; n < b.N; n += perPipeline {
		if _, err := rdb.Pipelined(ctx, func(pipe redis.Pipeliner) error {
			for range min(perPipeline, b.N-n) {
				pipe.Publish(ctx, "socket.io#/#room1#", bytes)
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEmitSerial is one emit with its round trip.
func BenchmarkEmitSerial(b *testing.B) {
	rdb := redis.NewClient(&redis.Options{Addr: redisAddr})
	defer rdb.Close()
	room := emitter.New(rdb).To("room1")
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if err := room.Emit(ctx, "order", anOrder); err != nil {
			b.Fatal(err)
		}
	}
}
