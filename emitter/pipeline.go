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
		return fn(e) // in a pipeline already, which somebody else executes
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
// by itself. It takes the memory of its commands from larger pieces, because
// they all live until the pipeline is executed.
type pipeline struct {
	redis.Pipeliner

	mu       sync.Mutex
	messages []byte // a piece; what is beyond its length is free
	words    []any  // the free part of a piece
	piece    int    // its size
}

// A piece is twice as large as the one before it, up to these sizes in bytes
// and in words.
const (
	maxMessages = 16 << 10
	maxWords    = 256
)

// Process adds a command to the pipeline.
func (p *pipeline) Process(ctx context.Context, cmd redis.Cmder) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.Pipeliner.Process(ctx, cmd)
}

// broadcast adds the command that sends an event along a route.
func (p *pipeline) broadcast(ctx context.Context, r *route, event string, args []any) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if size := cap(p.messages); size-len(p.messages) < size/8 {
		p.messages = make([]byte, 0, min(2*size, maxMessages))
	}
	start := len(p.messages)
	messages, err := r.template.Append(p.messages, event, args)
	if err != nil {
		return fmt.Errorf("emitter: %w", err)
	}
	p.messages = messages
	words := p.take(len(r.words) + 1)
	return p.Pipeliner.Process(ctx, r.command(ctx, words, messages[start:len(messages):len(messages)]))
}

// take returns the memory for n words.
func (p *pipeline) take(n int) []any {
	if len(p.words) < n {
		p.piece = min(max(2*p.piece, n), maxWords)
		p.words = make([]any, max(p.piece, n))
	}
	words := p.words[:n:n]
	p.words = p.words[n:]
	return words
}
