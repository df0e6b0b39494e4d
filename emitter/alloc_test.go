//go:build !race

package emitter_test

import (
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
)

// TestAllocations holds an emit in a pipeline to the allocations that go-redis
// and its own arguments need: the command, the message as a word of it, and the
// event's argument as an interface value. A bare pipe.Publish needs four.
func TestAllocations(t *testing.T) {
	rdb := redis.NewClient(&redis.Options{Addr: redisAddr})
	defer rdb.Close()
	pipe := rdb.Pipeline()
	room := emitter.New(pipe).To("room1")
	emits := 0
	n := testing.AllocsPerRun(1000, func() {
		if err := room.Emit(t.Context(), "order", anOrder); err != nil {
			t.Fatal(err)
		}
		if emits++; emits%100 == 0 {
			pipe.Discard()
		}
	})
	if n > 3 {
		t.Errorf("%v allocations", n)
	}
}
