package emitter_test

import (
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
)

// TestErr has every call return what Err says at once.
func TestErr(t *testing.T) {
	t.Parallel()
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"}) // which no call gets to
	defer rdb.Close()
	if err := emitter.New(rdb, emitter.WithKey("k"), emitter.WithServerVersion(2), emitter.WithCodec(emitter.JSON)).Err(); err != nil {
		t.Error("nothing is wrong:", err)
	}
	two := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"one": "127.0.0.1:1", "two": "127.0.0.1:2"}})
	defer two.Close()
	for name, io := range map[string]*emitter.Emitter{
		"no client":      emitter.New(nil),
		"nil Client":     emitter.New((*redis.Client)(nil)),
		"nil Pipeliner":  emitter.New((*redis.Pipeline)(nil)),
		"Ring":           emitter.New(two),
		"version":        emitter.New(rdb, emitter.WithServerVersion(5)),
		"codec":          emitter.New(rdb, emitter.WithCodec(7)),
		"adapter":        emitter.New(rdb, emitter.WithAdapter(nil)),
		"attachments":    emitter.New(rdb, emitter.WithMaxAttachments(0)),
		"contradiction":  emitter.New(rdb, emitter.WithKey("k"), emitter.WithAdapter(emitter.Streams(emitter.StreamsOptions{}))),
		"mode":           emitter.New(rdb, emitter.WithAdapter(emitter.Sharded(emitter.ShardedOptions{SubscriptionMode: "x"}))),
		"text of a name": emitter.New(rdb, emitter.WithKey("\xff")),
	} {
		if io.Err() == nil {
			t.Errorf("%s: Err says nothing", name)
			continue
		}
		for call, run := range allCalls {
			if call == "Emit, Pipelined" {
				continue // whose inner call is not made
			}
			if err := run(t.Context(), io); err == nil || err.Error() != io.Err().Error() {
				t.Errorf("%s: %s returns %v, and Err %v", name, call, err, io.Err())
			}
		}
	}
}
