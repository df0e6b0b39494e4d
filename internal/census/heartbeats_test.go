package census

import (
	"fmt"
	"maps"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/internal/harness"
	"github.com/sioemit/sioemit/internal/settings"
)

// TestBeatingIn counts servers on all pages of a stream, and does not go on in
// one that is not of Socket.IO.
func TestBeatingIn(t *testing.T) {
	t.Parallel()
	client := harness.RedisFor(t, harness.RedisConfig{}).Client()
	add := func(stream string, values ...any) {
		if err := client.XAdd(t.Context(), &redis.XAddArgs{Stream: stream, Values: values}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	beat := func(stream string, server int) {
		add(stream, "uid", fmt.Sprintf("%016x", server), "nsp", "/", "type", "2")
	}
	beat("socket.io", 1)
	for i := range 120 {
		beat("socket.io", 2+i%3)
	}
	beat("jobs", 1)
	for range firstBeats {
		add("jobs", "job", "x")
	}
	c := New(client, &settings.Servers{})
	for stream, want := range map[string]map[string]int{"socket.io": {"/": 4}, "jobs": {}, "none": {}} {
		if got := c.beatingIn(t.Context(), stream, "0"); !maps.Equal(got, want) {
			t.Errorf("%s: %v, want %v", stream, got, want)
		}
	}
}
