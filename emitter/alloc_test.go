//go:build !race

package emitter_test

import (
	"runtime"
	"strconv"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
)

// TestAllocations holds an emit in a pipeline to the allocations that its own
// arguments need: the message as a word of the command, and the event's argument
// as an interface value. A target that is not kept costs the channel as a word,
// and nothing else. A bare pipe.Publish needs four.
func TestAllocations(t *testing.T) {
	rdb := redis.NewClient(&redis.Options{Addr: redisAddr})
	defer rdb.Close()
	pipe := rdb.Pipeline()
	io := emitter.New(pipe)
	room := io.To("room1")
	for name, test := range map[string]struct {
		emit func() error
		most float64
	}{
		"a target that is kept":  {func() error { return room.Emit(t.Context(), "order", anOrder) }, 2},
		"a target with one room": {func() error { return io.To("room1").Emit(t.Context(), "order", anOrder) }, 3},
		"a target with flags":    {func() error { return io.To("room1").Volatile().Emit(t.Context(), "order", anOrder) }, 3},
	} {
		emits := 0
		n := testing.AllocsPerRun(1000, func() {
			if err := test.emit(); err != nil {
				t.Fatal(err)
			}
			if emits++; emits%100 == 0 {
				pipe.Discard()
			}
		})
		if n > test.most {
			t.Errorf("%s: %v allocations, want at most %v", name, n, test.most)
		}
	}
}

// TestToInLoop targets one room after the other. Each call takes as much memory
// as the one before: with a copy of the list for each, these took 3.4 GB.
func TestToInLoop(t *testing.T) {
	const rooms = 10_000
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	op := emitter.New(new(redis.Pipeline)).To("first")
	for i := range rooms {
		op = op.To(strconv.Itoa(i))
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 500*rooms {
		t.Errorf("%d calls of To took %d bytes", rooms, took)
	}
	if err := op.Emit(t.Context(), "e"); err != nil {
		t.Error(err)
	}
}
