package once

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// Hook is a hook of go-redis that has every command sent once. MOVED and ASK are
// still followed: a node that answers so has not carried out the command.
type Hook struct{}

// DialHook changes nothing.
func (Hook) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook marks a command.
func (Hook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { return next(ctx, mark(cmd)) }
}

// ProcessPipelineHook marks every command of a pipeline.
func (Hook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		marked := make([]redis.Cmder, len(cmds))
		for i, cmd := range cmds {
			marked[i] = mark(cmd)
		}
		return next(ctx, marked)
	}
}

// mark returns the command as one that is not repeated. MULTI stays as it is:
// go-redis insists on its type, and one command of a pipeline that is not to be
// repeated is enough.
func mark(cmd redis.Cmder) redis.Cmder {
	if cmd.Name() == "multi" {
		return cmd
	}
	return command{cmd}
}

// command is one that is not repeated.
type command struct{ redis.Cmder }

// NoRetry is what go-redis asks a command.
func (command) NoRetry() bool { return true }

// Unwrap returns the command itself, which has methods that redis.Cmder has not.
func (c command) Unwrap() redis.Cmder { return c.Cmder }
