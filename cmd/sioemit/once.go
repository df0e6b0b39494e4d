package main

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// once is a hook of go-redis: what was sent is never sent again, whatever
// becomes of the connection. On a Redis Cluster, where MaxRetries has no effect,
// it stops the repeats that MaxRedirects means, and still follows MOVED and
// ASK: a node that answers so has not carried out the command.
type once struct{}

// DialHook changes nothing.
func (once) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook marks a command.
func (once) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { return next(ctx, onceOnly{cmd}) }
}

// ProcessPipelineHook marks every command of a pipeline.
func (once) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
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

// NoRetry tells go-redis so.
func (onceOnly) NoRetry() bool { return true }
