package emitter

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/internal/pace"
)

// Confirmation is what has become of what Confirmed sent.
type Confirmation struct {
	Sent      int // that Redis has taken
	Confirmed int // that the servers have taken: of those sent, the first ones
	Servers   int // that have, the fewest in any namespace
}

// Confirmed calls fn with an Emitter whose events are sent in order, and returns once
// every server of their namespaces has taken them; see Confirm. There may be any
// number of them, where Pipelined keeps all in memory: they are sent in pieces while
// fn goes on, and no more than a window is ever on its way to the servers, so that
// Redis cuts none off for being too far behind, and trims no stream before it is read.
// Calls of fn's Emitter wait for that. The window is as large as the servers are
// quick, of 4 MiB at most, and of a quarter of MaxLen entries with the streams
// adapter.
//
// Unlike Confirm, it looks at the servers' connections before it sends anything, so
// that it is as sure of the first event as of the last one.
//
// When fn returns an error, what was sent until then stays sent, and Confirmed returns
// that error. Otherwise its errors are those of Pipelined and of Confirm, ErrNoServers
// among them; Confirmation says what is certain all the same. Without a deadline of
// ctx, servers may take DefaultTimeout for each part.
func (e *Emitter) Confirmed(ctx context.Context, fn func(io *Emitter) error) (Confirmation, error) {
	if _, err := e.asker(ctx, "Confirmed"); err != nil {
		return Confirmation{}, err
	}
	start, err := e.sender.barrier.Start(ctx)
	if err != nil {
		return Confirmation{}, e.sender.confirmError("Confirmed", fmt.Errorf("nothing was sent: %w", err))
	}
	inner := *e.sender
	var limits pace.Limits
	if a, ok := e.sender.adapter.(streams); ok {
		limits.Messages = int(max(1, a.maxLen()/4))
	}
	window := pace.New(ctx, limits, func(ctx context.Context, sent map[string]int) (fewest int, err error) {
		ctx, cancel := e.withDeadline(ctx)
		defer cancel()
		for namespace := range sent {
			servers, err := start.Confirm(ctx, namespace)
			if err != nil {
				return servers, e.sender.confirmError("Confirmed", err)
			}
			if fewest == 0 || servers < fewest {
				fewest = servers
			}
		}
		return fewest, nil
	})
	p := &pipeline{Pipeliner: new(redis.Pipeline), memory: newMemory()}
	p.sender = pace.NewSender(window, func(ctx context.Context, cmds []redis.Cmder) error {
		began := time.Now()
		err := e.sender.execute(ctx, cmds)
		inner.notePipeline(p, began)
		p.rooms = p.rooms[max(0, len(p.rooms)-1):] // which may be that of a command that waits
		inner.noteEntries(cmds...)
		return err
	})
	inner.client, inner.pipeline, inner.barrier = nil, p, start
	err = fn(newEmitter(&inner, nil))
	p.end()
	if err == nil {
		err = p.sender.Flush(ctx)
	}
	finishErr := window.Finish(ctx)
	if err == nil {
		err = finishErr
	}
	if err != nil {
		e.sender.barrier.Add(start.Sent) // for a later Confirm
	}
	return Confirmation{p.sender.Sent(), int(window.Confirmed()), window.Servers()}, err
}
