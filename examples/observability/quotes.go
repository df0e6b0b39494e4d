package main

import (
	"context"
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"
)

// quotes takes out of the errors of Redis what they quote. A Redis or a proxy
// that does not know a command repeats the beginning of its arguments, which may
// be an event or a password, and traces would keep it.
type quotes struct{}

func (quotes) DialHook(next redis.DialHook) redis.DialHook { return next }

func (quotes) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { return withoutQuotes(next(ctx, cmd)) }
}

func (quotes) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := withoutQuotes(next(ctx, cmds))
		for _, cmd := range cmds {
			if cmd.Err() != nil {
				cmd.SetErr(withoutQuotes(cmd.Err()))
			}
		}
		return err
	}
}

func withoutQuotes(err error) error {
	var reply redis.Error
	if !errors.As(err, &reply) {
		return err
	}
	text, _, quotes := strings.Cut(reply.Error(), ", with args beginning with:")
	if !quotes {
		return err
	}
	return refusal(text)
}

// refusal is an answer of Redis, as redis.Error is.
type refusal string

func (r refusal) Error() string { return string(r) }

func (refusal) RedisError() {}
