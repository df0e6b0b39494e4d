package emitter

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/internal/slab"
)

// executed is a client whose pipelines end with err; it stands for Redis where
// what is looked at is the memory behind them.
type executed struct {
	*redis.Client
	err error
}

func (c executed) Pipelined(_ context.Context, fn func(redis.Pipeliner) error) ([]redis.Cmder, error) {
	pipe := new(redis.Pipeline)
	if err := fn(pipe); err != nil {
		return nil, err
	}
	return pipe.Cmds(), c.err
}

// TestMemories looks at what is kept of a pipeline.
func TestMemories(t *testing.T) {
	t.Parallel()
	single, cluster, ring := redis.NewClient(&redis.Options{}), redis.NewClusterClient(&redis.ClusterOptions{}), redis.NewRing(&redis.RingOptions{})
	defer single.Close()
	defer cluster.Close()
	defer ring.Close()
	for _, client := range []Client{&redis.AutoPipeliner{}, &redis.Conn{}, struct{ *redis.Client }{single}, new(redis.Pipeline)} {
		if New(client).sender.memory != nil {
			t.Errorf("memory is kept of a %T, which may still hold commands", client)
		}
	}
	for _, client := range []Client{single, cluster, ring} {
		if New(client).sender.memory == nil {
			t.Errorf("no memory is kept of a %T", client)
		}
	}
	for _, result := range []error{nil, fmt.Errorf("broken")} {
		var used *memory
		io := New(executed{nil, result})
		io.sender.memory = new(memories)
		err := io.Pipelined(t.Context(), func(io *Emitter) error {
			used = io.sender.pipeline.memory
			for i := range 100 {
				if err := io.Emit(t.Context(), "e", i); err != nil {
					return err
				}
			}
			return nil
		})
		if (err == nil) != (result == nil) {
			t.Error(err)
		}
		emptied := len(used.Words) == 0 && len(used.Messages) == 0
		for _, word := range used.Words[:cap(used.Words)] {
			emptied = emptied && word == nil
		}
		if emptied != (result == nil) || cap(used.Messages) < 1000 {
			t.Errorf("after %v: emptied is %t, of %d bytes and %d words", result, emptied, cap(used.Messages), cap(used.Words))
		}
	}
}

// TestMemoryForgets empties a pipeline as Exec does: what was in it is not kept
// alive by what comes after.
func TestMemoryForgets(t *testing.T) {
	t.Parallel()
	pipe := new(redis.Pipeline)
	io := New(pipe)
	for range 3 {
		for range 2 {
			if err := io.Emit(t.Context(), "e"); err != nil {
				t.Fatal(err)
			}
		}
		if words := io.sender.pipeline.memory.Words; len(words) != 2*3 { // PUBLISH, channel, message
			t.Errorf("%d words of commands", len(words))
		}
		pipe.Discard()
	}
}

// TestRouteForgets has a route that is used again keep neither the target before
// nor, after a large one, its memory.
func TestRouteForgets(t *testing.T) {
	t.Parallel()
	io := New(new(redis.Pipeline))
	for name, test := range map[string]struct {
		rooms []string
		large bool
	}{
		"some":                 {[]string{"room", "b", "room"}, false},
		"a long name":          {[]string{strings.Repeat("r", slab.Large), "b"}, true},
		"a million duplicates": {slices.Repeat([]string{"room"}, 1e6), true},
	} {
		r := new(route)
		if err := r.set(&io.To(test.rooms...).Except("c").operator); err != nil {
			t.Fatal(err)
		}
		r.forget()
		if test.large && (cap(r.words) > 0 || cap(r.target.Rooms) > 0) || !test.large && (cap(r.words) == 0 || cap(r.target.Rooms) == 0) {
			t.Errorf("after %s: room for %d words and %d rooms is kept", name, cap(r.words), cap(r.target.Rooms))
		}
		for _, word := range r.words[:cap(r.words)] {
			if word != nil {
				t.Errorf("the word %v is kept", word)
			}
		}
		for _, room := range slices.Concat(r.target.Rooms[:cap(r.target.Rooms)], r.target.Except[:cap(r.target.Except)]) {
			if room != "" {
				t.Errorf("the room %s is kept", room)
			}
		}
	}
}
