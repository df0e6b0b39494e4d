package emitter

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/internal/goredis"
	"github.com/sioemit/sioemit/internal/replies"
)

// ErrPipelineEnded is returned by calls with the Emitter of Pipelined that come
// after its function has ended: the pipeline is on its way, or was given up.
var ErrPipelineEnded = errors.New("the function of Pipelined has returned, and its Emitter ended with it")

// Pipelined calls fn with an Emitter whose events are collected and then sent
// in one round trip, in the order of the calls. Inside, Emit returns only the
// errors that it returns before sending; what Redis answers is the error of
// Pipelined. When fn returns an error, Pipelined returns it and sends nothing.
// Once fn has ended, the Emitter given to it returns ErrPipelineEnded. Within a
// pipeline, that of a redis.Pipeliner too, Pipelined adds the events to it when
// fn has returned nil, and whoever executes it learns what Redis answers.
//
// A pipeline is no transaction: when the connection breaks, a part of the
// events may have been sent.
//
// The memory of the events is used again by the next pipeline. Hooks of the
// client must not keep the commands beyond their call. An argument's MarshalJSON
// that emits to the pipeline that the argument is encoded for gets an error.
func (e *Emitter) Pipelined(ctx context.Context, fn func(io *Emitter) error) error {
	if e.err != nil {
		return e.err
	}
	if err := checkContext(ctx); err != nil {
		return err
	}
	if outer := e.sender.pipeline; outer != nil {
		inner := new(redis.Pipeline) // which is never executed
		if err := e.collect(ctx, inner, newMemory(), fn); err != nil {
			return err
		}
		if err := outer.add(ctx, inner.Cmds()...); err != nil {
			return fmt.Errorf("emitter: %w", err)
		}
		return nil
	}
	client := e.sender.client
	if e.sender.memory == nil { // what is sent may outlive this call
		inner := new(redis.Pipeline)
		if err := e.collect(ctx, inner, newMemory(), fn); err != nil {
			return err
		}
		err := goredis.Within(ctx, func() error {
			cmds, err := client.Pipelined(ctx, func(pipe redis.Pipeliner) error { return pipe.BatchProcess(ctx, inner.Cmds()...) })
			e.sender.noteEntries(cmds...)
			return e.sender.pipelineError(cmds, err)
		})
		if err != nil {
			return fmt.Errorf("emitter: %w", client.Explain(err))
		}
		return nil
	}
	m := e.sender.memory.get()
	var fnErr error
	cmds, err := client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		fnErr = e.collect(ctx, pipe, m, fn)
		return fnErr
	})
	if fnErr != nil {
		return fnErr
	}
	e.sender.noteEntries(cmds...)
	if err := e.sender.pipelineError(cmds, err); err != nil {
		return fmt.Errorf("emitter: %w", err)
	}
	e.sender.memory.put(m)
	return nil
}

// pipelineError says which command of a pipeline the error of its execution
// comes from.
func (s *sender) pipelineError(cmds []redis.Cmder, err error) error {
	if err == nil {
		return nil
	}
	var failed []redis.Cmder
	for _, cmd := range cmds {
		if cmd.Err() != nil {
			failed = append(failed, cmd)
		}
	}
	if len(failed) == 0 { // the connection could not be set up
		return fmt.Errorf("the pipeline was not sent: %w", s.client.Explain(err))
	}
	return fmt.Errorf("%d of %d commands of the pipeline failed, the first with: %w", len(failed), len(cmds), s.explain(failed[0], err))
}

// collect calls fn with an Emitter that adds to pipe. With the error of a context
// that has ended meanwhile, nothing is to be sent.
func (e *Emitter) collect(ctx context.Context, pipe redis.Pipeliner, m *memory, fn func(io *Emitter) error) error {
	p := &pipeline{Pipeliner: pipe, memory: m}
	defer p.end()
	s := *e.sender
	s.client, s.pipeline, s.replies = nil, p, replies.New() // which no call gets to, and Close closes
	if err := fn(newEmitter(&s, nil)); err != nil {
		return err
	}
	return checkContext(ctx)
}

// pipeline makes a go-redis pipeline safe for concurrent use, which it is not
// by itself.
type pipeline struct {
	redis.Pipeliner
	transaction bool

	mu     sync.Mutex
	memory *memory // nil once the pipeline has ended
}

// Process adds a command to the pipeline.
func (p *pipeline) Process(ctx context.Context, cmd redis.Cmder) error { return p.add(ctx, cmd) }

func (p *pipeline) add(ctx context.Context, cmds ...redis.Cmder) error {
	if err := p.lock(); err != nil {
		return err
	}
	defer p.mu.Unlock()
	if p.memory == nil {
		return ErrPipelineEnded
	}
	if p.transaction {
		for _, cmd := range cmds {
			forgetChannelKey(cmd)
		}
	}
	return p.BatchProcess(ctx, cmds...)
}

// broadcast adds the command that sends an event to the target of an operator.
func (p *pipeline) broadcast(ctx context.Context, o *operator, event string, args []any) error {
	if err := p.lock(); err != nil {
		return err
	}
	defer p.mu.Unlock()
	if p.memory == nil {
		return fmt.Errorf("emitter: %w", ErrPipelineEnded)
	}
	if p.Len() == 0 {
		p.memory.forget()
	}
	r, err := o.route(&p.memory.route)
	if err != nil {
		return err
	}
	message, err := p.memory.message(&r.template, event, args)
	if err != nil {
		return fmt.Errorf("emitter: %w", err)
	}
	o.sender.note(o, r.words)
	cmd := r.command(ctx, &p.memory.commands, p.memory.list(len(r.words)+1), message)
	if p.transaction {
		forgetChannelKey(cmd)
	}
	return p.Pipeliner.Process(ctx, cmd)
}

// end lets the pipeline take no more commands.
func (p *pipeline) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.memory = nil
}
