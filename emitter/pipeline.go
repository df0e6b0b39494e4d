package emitter

import (
	"context"
	"fmt"
	"sync"

	"github.com/redis/go-redis/v9"
)

// Pipelined calls fn with an Emitter whose events are collected and then sent
// in one round trip, in the order of the calls. Inside, Emit returns only the
// errors that it returns before sending; what Redis answers is the error of
// Pipelined. When fn returns an error, Pipelined returns it and sends nothing.
// The Emitter given to fn must not be used after fn has returned.
//
// A pipeline is no transaction: when the connection breaks, a part of the
// events may have been sent.
func (e *Emitter) Pipelined(ctx context.Context, fn func(io *Emitter) error) error {
	if e.err != nil {
		return e.err
	}
	if _, ok := e.sender.client.(*pipeline); ok {
		return fn(e) // inside of Pipelined: the outer one sends
	}
	var fnErr error
	cmds, err := e.sender.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		s := *e.sender
		s.client = &pipeline{Pipeliner: pipe}
		fnErr = fn(newEmitter(&s, nil))
		return fnErr
	})
	if fnErr != nil {
		return fnErr
	}
	if err == nil {
		return nil
	}
	failed := 0
	for _, cmd := range cmds {
		if cmd.Err() != nil {
			failed++
		}
	}
	if failed == 0 { // the connection could not be set up
		return fmt.Errorf("emitter: the pipeline was not sent: %w", err)
	}
	return fmt.Errorf("emitter: %d of %d commands of the pipeline failed, the first with: %w", failed, len(cmds), err)
}

// pipeline makes a go-redis pipeline safe for concurrent use, which it is not
// by itself.
type pipeline struct {
	mu sync.Mutex
	redis.Pipeliner
}

// Process adds a command to the pipeline.
func (p *pipeline) Process(ctx context.Context, cmd redis.Cmder) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.Pipeliner.Process(ctx, cmd)
}
