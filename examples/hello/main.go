// Hello sends three events to the clients of a Socket.IO cluster.
package main

import (
	"context"
	"errors"
	"log"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
)

func main() {
	ctx := context.Background()
	rdb := redis.NewClient(&redis.Options{Addr: "localhost:6379", ContextTimeoutEnabled: true})
	defer rdb.Close()
	io := emitter.New(rdb)

	err := errors.Join(
		io.Emit(ctx, "hello", "world"), // everyone
		io.To("user:7").Except("muted").Emit(ctx, "order:paid", map[string]any{"id": 12345, "total": 19.99}),
		io.Of("/admin").Emit(ctx, "photo", []byte{0xff, 0xd8}), // bytes arrive as binary
	)
	if err != nil {
		log.Fatal(err)
	}
}
