package emitter

import (
	"testing"

	"github.com/redis/go-redis/v9"
)

// TestRouteWhileItIsMade has an event come while another goroutine makes the
// route that is kept: it takes one of its own.
func TestRouteWhileItIsMade(t *testing.T) {
	t.Parallel()
	op := New(new(redis.Pipeline)).To("a")
	op.use.Store(keeping)
	scratch := new(route)
	r, err := op.route(scratch)
	if r != scratch || err != nil || op.kept != nil || op.use.Load() != keeping {
		t.Errorf("%p, %v; the operator has %p in state %d", r, err, op.kept, op.use.Load())
	}
	if len(r.target.Rooms) != 1 || r.target.Rooms[0] != "a" {
		t.Errorf("its rooms are %v", r.target.Rooms)
	}
	op.use.Store(used)
	if r, err = op.route(scratch); r == scratch || r != op.kept || err != nil || op.use.Load() != kept {
		t.Errorf("%p, %v; the operator has %p in state %d", r, err, op.kept, op.use.Load())
	}
	if again, err := op.route(scratch); again != r || err != nil {
		t.Errorf("%p, %v, want what is kept", again, err)
	}
}
