package connect

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// LeastLimit is the least that proto-max-bulk-len and client-query-buffer-limit
// of Redis can be set to, in bytes. What is smaller is never too large.
const LeastLimit = 1 << 20

// TooLargeError says that Redis closes the connection on which an event of this
// size comes. It wraps what was seen of that.
type TooLargeError struct {
	Size  int
	Limit int // of that Redis; 0: it does not tell
	Err   error
}

func (e *TooLargeError) Error() string {
	if e.Limit == 0 {
		return fmt.Sprintf("redis closed the connection when it was sent %d bytes, but answers otherwise: is its proto-max-bulk-len smaller?", e.Size)
	}
	return fmt.Sprintf("it is %d bytes, and this Redis takes at most %d (proto-max-bulk-len, client-query-buffer-limit)", e.Size, e.Limit)
}

func (e *TooLargeError) Unwrap() error { return e.Err }

// IsCertain reports whether Redis has not taken the event for sure.
func (e *TooLargeError) IsCertain() bool { return e.Limit > 0 }

// sizes is a hook of go-redis that tells a Redis which does not take so large an
// event from one that has gone: both close the connection.
type sizes struct{ client redis.UniversalClient }

// DialHook changes nothing.
func (sizes) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook looks at the error of a command.
func (s sizes) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if large := s.tooLarge(ctx, SizeOf(cmd), err); large != nil {
			cmd.SetErr(large)
			return large
		}
		return err
	}
}

// ProcessPipelineHook looks at the error of a pipeline.
func (s sizes) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		if err == nil {
			return nil
		}
		for _, cmd := range cmds {
			if large := s.tooLarge(ctx, SizeOf(cmd), err); large != nil {
				cmd.SetErr(large)
				return large
			}
		}
		return err
	}
}

// tooLarge returns an error where the one that Redis brought about is explained
// by the size of what was sent.
func (s sizes) tooLarge(ctx context.Context, size int, err error) error {
	if err == nil || size <= LeastLimit || !IsClosed(err) && !strings.Contains(err.Error(), "Protocol error") {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	limit, askErr := limitOf(ctx, s.client)
	if askErr != nil || limit > 0 && size <= limit {
		return nil
	}
	return &TooLargeError{size, limit, err}
}

// limitOf returns the size of the largest argument that Redis takes, 0 where it
// does not tell, and an error where it does not answer.
func limitOf(ctx context.Context, client redis.UniversalClient) (limit int, err error) {
	for _, name := range []string{"proto-max-bulk-len", "client-query-buffer-limit"} {
		values, err := client.ConfigGet(ctx, name).Result()
		var refusal redis.Error
		switch {
		case errors.As(err, &refusal):
			return 0, nil
		case err != nil:
			return 0, err
		}
		if n, err := strconv.Atoi(values[name]); err == nil && (limit == 0 || n < limit) {
			limit = n
		}
	}
	return limit, nil
}

// SizeOf is that of the largest argument.
func SizeOf(cmd redis.Cmder) int {
	size := 0
	for _, arg := range cmd.Args() {
		switch arg := arg.(type) {
		case []byte:
			size = max(size, len(arg))
		case string:
			size = max(size, len(arg))
		}
	}
	return size
}
