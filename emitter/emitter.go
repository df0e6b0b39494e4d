package emitter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"regexp"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/encoding"
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
	can := new(abilities)
	if c.err == nil {
		can, c.err = newAbilities(client)
	}
	if c.err == nil {
		c.err = c.adapter.check(&c)
	}
	if _, ok := c.adapter.(classic); ok {
		c.adapter = classic{encoding.Classic{Key: c.key, Codec: c.codec, LegacyBinary: c.version < 3}}
	}
	if pipe, ok := client.(redis.Pipeliner); ok && c.err == nil {
		client = &pipeline{Pipeliner: pipe, transaction: isTransaction(pipe), memory: newMemory()}
	}
	var ids *regexp.Regexp
	if c.version < 4 {
		longest := *cmp.Or(c.ids, engineID)
		longest.Longest()
		ids = &longest
	}
	return newEmitter(&sender{
		client: client, can: can, adapter: c.adapter, version: c.version, ids: ids, maxAttachments: c.maxAttachments,
		replies: newReplies(), memory: newMemories(client),
	}, c.err)
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
	e.sender.replies.close()
	return nil
}

func newEmitter(s *sender, err error) *Emitter {
	return &Emitter{operator{sender: s, namespace: "/", err: err}}
}

// sender is what all operators of an emitter share.
type sender struct {
	client  Client
	can     *abilities // of the client
	adapter Adapter
	version int            // major version of the servers' socket.io
	ids     *regexp.Regexp // that Except takes; nil: it takes rooms
	replies *replies
	memory  *memories

	maxAttachments int // that the clients take
}

// broadcast sends an event to the target of an operator.
func (s *sender) broadcast(ctx context.Context, o *operator, event string, args []any) error {
	if err := checkContext(ctx); err != nil {
		return err
	}
	if pipe, ok := s.client.(*pipeline); ok {
		return pipe.broadcast(ctx, o, event, args)
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
	return s.send(ctx, r.command(ctx, nil, make([]any, len(r.words)+1), message))
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
func (s *sender) send(ctx context.Context, cmd redis.Cmder) error {
	if err := process(ctx, s.client, cmd); err != nil {
		return fmt.Errorf("emitter: %w", s.explain(cmd, err))
	}
	return nil
}

// explain says which command an error comes from, and what it means where that
// is not plain.
func (s *sender) explain(cmd redis.Cmder, err error) error {
	_, moved := redis.IsMovedError(err)
	if moved && s.can.nodes == nil {
		return fmt.Errorf("%s: this Redis is a node of a Redis Cluster, which takes a *redis.ClusterClient: %w", commandName(cmd), s.can.explain(err))
	}
	return fmt.Errorf("%s: %w", commandName(cmd), s.can.explain(err))
}
