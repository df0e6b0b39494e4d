package emitter

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/internal/goredis"
	"github.com/sioemit/sioemit/internal/pace"
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
		inner := &pipeline{Pipeliner: new(redis.Pipeline), memory: newMemory(), isNamed: outer.sender != nil} // which is never executed
		if err := e.collect(ctx, inner, fn); err != nil {
			return err
		}
		return outer.addAll(ctx, inner)
	}
	if e.sender.memory == nil { // what is sent may outlive this call
		inner := &pipeline{Pipeliner: new(redis.Pipeline), memory: newMemory()}
		if err := e.collect(ctx, inner, fn); err != nil {
			return err
		}
		defer e.sender.notePipeline(inner, time.Now())
		err := e.sender.execute(ctx, inner.Cmds())
		e.sender.noteEntries(inner.Cmds()...)
		return err
	}
	m := e.sender.memory.get()
	var fnErr error
	p := &pipeline{memory: m}
	var began time.Time
	cmds, err := e.sender.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		p.Pipeliner = pipe
		fnErr = e.collect(ctx, p, fn)
		began = time.Now()
		return fnErr
	})
	if fnErr != nil {
		return fnErr
	}
	e.sender.notePipeline(p, began)
	e.sender.noteEntries(cmds...)
	if err := e.sender.pipelineError(cmds, err); err != nil {
		return fmt.Errorf("emitter: %w", err)
	}
	e.sender.memory.put(m)
	return nil
}

// room is the channel of one room.
type room struct{ namespace, channel string }

// notePipeline notes for Confirm what a pipeline has sent since some time, or may
// have.
func (s *sender) notePipeline(p *pipeline, since time.Time) {
	s.barrier.NoteTime(since)
	for _, r := range p.rooms {
		s.barrier.NoteRoom(r.namespace, r.channel)
	}
}

// execute sends commands in one round trip. What is sent may outlive the call.
func (s *sender) execute(ctx context.Context, cmds []redis.Cmder) error {
	err := goredis.Within(ctx, func() error {
		done, err := s.client.Pipelined(ctx, func(pipe redis.Pipeliner) error { return pipe.BatchProcess(ctx, cmds...) })
		return s.pipelineError(done, err)
	})
	if err != nil {
		return fmt.Errorf("emitter: %w", s.client.Explain(err))
	}
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

// collect calls fn with an Emitter that adds to p. With the error of a context
// that has ended meanwhile, nothing is to be sent.
func (e *Emitter) collect(ctx context.Context, p *pipeline, fn func(io *Emitter) error) error {
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
	sender      *pace.Sender // nil: it is executed as a whole
	isNamed     bool         // namespaces are those of the commands
	namespaces  []string
	rooms       []room // to whose channels it sends, where these are ways of their own

	mu     sync.Mutex
	memory *memory // nil once the pipeline has ended
}

// send adds a command to the pipeline.
func (p *pipeline) send(ctx context.Context, namespace string, cmd redis.Cmder) error {
	if err := p.lock(); err != nil {
		return err
	}
	defer p.mu.Unlock()
	if p.memory == nil {
		return fmt.Errorf("emitter: %s: %w", commandName(cmd), ErrPipelineEnded)
	}
	return p.add(ctx, namespace, cmd)
}

// add adds a command to the pipeline, whose lock is held.
func (p *pipeline) add(ctx context.Context, namespace string, cmd redis.Cmder) error {
	if p.transaction {
		forgetChannelKey(cmd)
	}
	if p.sender != nil {
		return p.sender.Add(ctx, namespace, cmd)
	}
	if p.isNamed {
		p.namespaces = append(p.namespaces, namespace)
	}
	if err := p.Process(ctx, cmd); err != nil {
		return fmt.Errorf("emitter: %s: %w", commandName(cmd), err)
	}
	return nil
}

// addAll adds the commands of another pipeline.
func (p *pipeline) addAll(ctx context.Context, inner *pipeline) error {
	if err := p.lock(); err != nil {
		return err
	}
	defer p.mu.Unlock()
	if p.memory == nil {
		return fmt.Errorf("emitter: %w", ErrPipelineEnded)
	}
	p.rooms = append(p.rooms, inner.rooms...)
	for i, cmd := range inner.Cmds() {
		namespace := ""
		if inner.isNamed {
			namespace = inner.namespaces[i]
		}
		if err := p.add(ctx, namespace, cmd); err != nil {
			return err
		}
	}
	return nil
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
	if p.sender == nil && p.Len() == 0 {
		p.memory.Forget()
	}
	r, err := o.route(&p.memory.route)
	if err != nil {
		return err
	}
	message, err := p.memory.Message(&r.template, event, args)
	if err != nil {
		return fmt.Errorf("emitter: %w", err)
	}
	if o.sender.barrier != nil {
		o.sender.barrier.NoteNamespace(o.namespace)
		if o.sender.roomsApart && o.rooms.Len() > 0 {
			p.rooms = append(p.rooms, room{o.namespace, r.words[1].(string)})
		}
	}
	return p.add(ctx, o.namespace, r.command(ctx, &p.memory.Commands, p.memory.List(len(r.words)+1), message))
}

// end lets the pipeline take no more commands.
func (p *pipeline) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.memory = nil
}
