package emittertest_test

import (
	"context"
	"slices"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/emittertest"
	"github.com/sioemit/sioemit/internal/harness"
)

// TestSameAsRedis makes the calls with a real Redis as well: what its subscribers
// and the readers of its streams get is what a Recorder takes. A second Recorder
// decodes it, from commands that send the very bytes that came.
func TestSameAsRedis(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	server := harness.RedisFor(t, harness.RedisConfig{})
	rdb := server.Client()
	heard := rdb.PSubscribe(ctx, "*")
	defer heard.Close()
	var channels []string // of shards, which have no patterns
	for _, prefix := range []string{"p", "q", "socket.io"} {
		for _, rest := range []string{"#/#", "#/#a#", "#/#x#", "#/a#", "#/n#m#", "#/n#m#a#", "#/admin#"} {
			channels = append(channels, prefix+rest)
		}
	}
	heardShards := rdb.SSubscribe(ctx, channels...)
	defer heardShards.Close()
	for _, s := range []struct {
		pubsub *redis.PubSub
		n      int
	}{{heard, 1}, {heardShards, len(channels)}} {
		for range s.n {
			if _, err := s.pubsub.Receive(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, options := range setups {
		direct, heardBy := emittertest.NewRecorder(), emittertest.NewRecorder()
		again := heardBy.Client()
		for _, s := range possible(name) {
			if err := s.run(ctx, emitter.New(direct.Client(), options...)); err != nil {
				t.Fatalf("%s: %s: %v", name, s.want, err)
			}
			hook := new(lastCommand)
			sending := server.Client()
			sending.AddHook(hook)
			if err := s.run(ctx, emitter.New(sending, options...)); err != nil {
				t.Fatalf("%s: %s: %v", name, s.want, err)
			}
			switch hook.name {
			case "publish", "spublish":
				pubsub := heard
				if hook.name == "spublish" {
					pubsub = heardShards
				}
				message, err := pubsub.ReceiveMessage(ctx)
				if err != nil {
					t.Fatal(err)
				}
				again.Do(ctx, hook.name, message.Channel, message.Payload)
			case "xadd":
				entries, err := rdb.XRevRangeN(ctx, hook.key, "+", "-", 1).Result()
				if err != nil || len(entries) != 1 {
					t.Fatalf("%s: %s: %v, %v", name, s.want, entries, err)
				}
				again.XAdd(ctx, &redis.XAddArgs{Stream: hook.key, Values: entries[0].Values})
			default:
				t.Fatalf("%s: %s sent %s", name, s.want, hook.name)
			}
		}
		if want := wants(possible(name)); !slices.Equal(recorded(heardBy), want) || !slices.Equal(recorded(direct), want) {
			t.Errorf("%s: Redis got\n%q, and the Recorder\n%q, want\n%q", name, recorded(heardBy), recorded(direct), want)
		}
		again.Close()
	}
}

// lastCommand is a hook that notes what is sent last.
type lastCommand struct{ name, key string }

func (*lastCommand) DialHook(next redis.DialHook) redis.DialHook { return next }

func (l *lastCommand) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if name := cmd.Name(); name == "publish" || name == "spublish" || name == "xadd" { // and not what go-redis says first
			l.name, l.key = name, cmd.Args()[1].(string)
		}
		return next(ctx, cmd)
	}
}

func (*lastCommand) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
