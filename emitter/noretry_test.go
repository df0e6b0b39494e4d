package emitter_test

import (
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/harness"
)

// TestNoRetryTransactions sends an event in every kind of transaction. go-redis
// insists on the type of MULTI.
func TestNoRetryTransactions(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	rdb := redis.NewClient(harness.RedisFor(t, harness.RedisConfig{}).Options())
	t.Cleanup(func() { rdb.Close() })
	rdb.AddHook(emitter.NoRetry())
	auto, err := rdb.AutoPipeline()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { auto.Close() })
	send := func(pipe redis.Pipeliner) error {
		pipe.Set(ctx, "no retry", 1, 0)
		return emitter.New(pipe, emitter.WithKey("no retry")).Emit(ctx, "e")
	}
	for name, run := range map[string]func() ([]redis.Cmder, error){
		"TxPipelined":  func() ([]redis.Cmder, error) { return rdb.TxPipelined(ctx, send) },
		"AutoPipeline": func() ([]redis.Cmder, error) { return auto.TxPipelined(ctx, send) },
		"Watch": func() (cmds []redis.Cmder, err error) {
			err = rdb.Watch(ctx, func(tx *redis.Tx) error {
				cmds, err = tx.TxPipelined(ctx, send)
				return err
			}, "no retry")
			return cmds, err
		},
	} {
		if cmds, err := run(); err != nil || len(cmds) != 2 {
			t.Errorf("%s: %v, %v", name, cmds, err)
		}
	}
}
