package goredis

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/redis/go-redis/v9"
)

// connection is what sends commands.
type connection struct {
	redis Redis

	// Its calls end with their context, as far as its options allow. What
	// AutoPipeline returns does not look at it, and of others it is not known.
	endsByContext bool
}

// Process sends a command and waits for the answer, or until ctx ends.
func (c connection) Process(ctx context.Context, cmd redis.Cmder) error {
	if c.endsByContext {
		return outOfTime(ctx, c.processNow(ctx, cmd))
	}
	return Within(ctx, func() error { return c.processNow(ctx, cmd) })
}

func (c connection) processNow(ctx context.Context, cmd redis.Cmder) error {
	if err := c.redis.Process(ctx, cmd); err != nil {
		return err
	}
	return cmd.Err() // waits where an asynchronous client returns early
}

// Pipelined hands fn a pipeline, and executes it unless fn fails.
func (c connection) Pipelined(ctx context.Context, fn func(redis.Pipeliner) error) ([]redis.Cmder, error) {
	cmds, err := c.redis.Pipelined(ctx, fn)
	return cmds, outOfTime(ctx, err)
}

// Within calls do, and returns when ctx ends, if need be without do. What that
// works with must not be used again then.
func Within(ctx context.Context, do func() error) error {
	if ctx.Done() == nil {
		return do()
	}
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return err
	default:
		return ctx.Err()
	}
}

// outOfTime adds the error of a context whose deadline has passed to that of the
// network, for which go-redis makes a deadline of it.
func outOfTime(ctx context.Context, err error) error {
	if !errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if deadline, ok := ctx.Deadline(); !ok || time.Now().Before(deadline) {
		return err
	}
	return fmt.Errorf("%w: %w", context.DeadlineExceeded, err)
}
