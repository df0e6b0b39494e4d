package emitter

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// NoRetry returns a hook for AddHook of a go-redis client, with which a command
// that was sent is never sent again, whatever becomes of its connection. Without
// it, an event can arrive twice: go-redis repeats what it got no answer to. With
// it, such an event is an error, which means that it may have been sent, or not.
//
// For a *redis.Client, MaxRetries: -1 does the same. On a *redis.ClusterClient
// that option has no effect, and this hook has. MOVED and ASK are still followed:
// a node that answers so has not carried out the command.
func NoRetry() redis.Hook { return noRetry{} }

type noRetry struct{}

func (noRetry) DialHook(next redis.DialHook) redis.DialHook { return next }

func (noRetry) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { return next(ctx, onceOnly{cmd}) }
}

func (noRetry) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		marked := make([]redis.Cmder, len(cmds))
		for i, cmd := range cmds {
			marked[i] = onceOnly{cmd}
		}
		return next(ctx, marked)
	}
}

// onceOnly is a command that is not repeated.
type onceOnly struct{ redis.Cmder }

// NoRetry is what go-redis asks a command.
func (onceOnly) NoRetry() bool { return true }
