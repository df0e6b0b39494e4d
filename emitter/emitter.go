package emitter

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/barrier"
	"github.com/sioemit/sioemit/internal/goredis"
	"github.com/sioemit/sioemit/internal/replies"
	"github.com/sioemit/sioemit/internal/socketids"
)

// Emitter sends to the clients of a cluster. Its calls mean everyone in the
// default namespace "/"; those that return a BroadcastOperator choose others.
type Emitter struct {
	operator
}

// New returns an Emitter that sends through client, which stays the caller's. It
// opens no connection; calls with replies open one for as long as any of them
// waits. An Emitter needs no closing. What is wrong with the options or the
// client, Err says, and so does every call.
func New(client Client, options ...Option) *Emitter {
	c := config{version: 4, adapter: Classic(), maxAttachments: encoding.DefaultMaxAttachments}
	for _, option := range options {
		option(&c)
	}
	if v := reflect.ValueOf(client); c.err == nil && (client == nil || v.Kind() == reflect.Pointer && v.IsNil()) {
		c.err = errors.New("emitter: New was given no Redis client")
	}
	var pipe *pipeline
	var known *goredis.Client
	if c.err == nil {
		if p, ok := client.(redis.Pipeliner); ok {
			pipe = &pipeline{Pipeliner: p, transaction: isTransaction(p), memory: newMemory()}
		} else if known, c.err = goredis.New(client); c.err != nil {
			c.err = fmt.Errorf("emitter: %w", c.err)
		}
	}
	adapter := c.adapter
	if c.err == nil {
		adapter, c.err = c.adapter.configure(&c)
	}
	var ids *socketids.Pattern
	if c.version < 4 || c.onlyIDs {
		ids = socketids.New(c.ids)
	}
	s := &sender{
		client: known, pipeline: pipe, adapter: adapter, version: c.version, ids: ids, maxAttachments: c.maxAttachments,
		replies: replies.New(), memory: newMemories(known),
	}
	if known != nil {
		s.barrier = barrier.New(known, s.replies, adapter.barrier())
		_, isSharded := adapter.(sharded)
		s.roomsApart = isSharded && known.IsCluster()
	}
	return newEmitter(s, c.err)
}

// Err returns what New found wrong, which is also what every call returns: an
// option that cannot be, two that contradict each other, no client, or one that
// cannot do. A service that asks at its start fails then, and not at its first
// event. Err does not ask Redis anything.
func (e *Emitter) Err() error { return e.err }

// Close ends all calls of the emitter that wait for replies, and refuses later
// ones, with ErrClosed. It does not close the Redis client, and what needs no
// replies can still be sent.
func (e *Emitter) Close() error {
	e.sender.replies.Close()
	return nil
}

func newEmitter(s *sender, err error) *Emitter {
	return &Emitter{operator{sender: s, namespace: "/", err: err}}
}

// sender is what all operators of an emitter share.
type sender struct {
	client   *goredis.Client // nil in a pipeline
	pipeline *pipeline       // nil outside of one
	adapter  Adapter
	version  int                // major version of the servers' socket.io
	ids      *socketids.Pattern // that Except takes; nil: it takes rooms
	replies  *replies.Receiver
	memory   *memories
	barrier  *barrier.Barrier // nil in a pipeline of the caller's

	// roomsApart says that a room's channel may reach servers by another way than that
	// of the namespace.
	roomsApart bool

	maxAttachments int // that the clients take
}

// broadcast sends an event to the target of an operator.
func (s *sender) broadcast(ctx context.Context, o *operator, event string, args []any) error {
	if err := checkContext(ctx); err != nil {
		return err
	}
	if s.pipeline != nil {
		return s.pipeline.broadcast(ctx, o, event, args)
	}
	scratch := routes.Get().(*route)
	defer scratch.giveBack()
	r, err := o.route(scratch)
	if err != nil {
		return err
	}
	message, err := r.template.Append(nil, event, args)
	if err != nil {
		return fmt.Errorf("emitter: %w", err)
	}
	began := time.Now()
	err = s.send(ctx, o.namespace, r.command(ctx, nil, make([]any, len(r.words)+1), message))
	s.barrier.Note(o.namespace, began)
	if s.roomsApart && o.rooms.Len() > 0 {
		s.barrier.NoteRoom(o.namespace, r.words[1].(string))
	}
	return err
}

// checkContext looks at the context before anything else is done.
func checkContext(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("emitter: nothing was sent: %w", err)
	}
	return nil
}

// send returns an error of Redis as it is, wrapped: errors.Is and errors.As
// find go-redis's own errors and those of package net.
func (s *sender) send(ctx context.Context, namespace string, cmd redis.Cmder) error {
	if s.pipeline != nil {
		return s.pipeline.send(ctx, namespace, cmd)
	}
	if err := s.client.Process(ctx, cmd); err != nil {
		return fmt.Errorf("emitter: %w", s.explain(cmd, err))
	}
	s.noteEntries(cmd)
	return nil
}

// noteBeside takes note of what goes beside the stream, of which Confirm cannot know.
func (s *sender) noteBeside(namespace string) {
	if _, ok := s.adapter.(streams); ok && s.barrier != nil {
		s.barrier.NoteRoom(namespace, namespace)
	}
}

// noteEntries takes note of the entries that Redis has added to streams.
func (s *sender) noteEntries(cmds ...redis.Cmder) {
	if _, ok := s.adapter.(streams); !ok || s.barrier == nil {
		return
	}
	for _, cmd := range cmds {
		if entry, ok := cmd.(*redis.StringCmd); ok && entry.Err() == nil {
			s.barrier.NoteEntry(entry.Args()[entryNamespace].(string), entry.Val())
		}
	}
}

// explain says which command an error comes from, and what it means where that
// is not plain.
func (s *sender) explain(cmd redis.Cmder, err error) error {
	_, moved := redis.IsMovedError(err)
	if moved && !s.client.ShowsNodes() {
		return fmt.Errorf("%s: this Redis is a node of a Redis Cluster, which needs a *redis.ClusterClient: %w", commandName(cmd), s.client.Explain(err))
	}
	return fmt.Errorf("%s: %w", commandName(cmd), s.client.Explain(err))
}
