package emitter

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/encoding"
)

// Client is the part of a go-redis client that an Emitter needs. Every one has
// it: *redis.Client (also for Sentinel), *redis.ClusterClient, *redis.Ring,
// what AutoPipeline returns, and a redis.Pipeliner, in which events wait for
// Exec like any other command.
type Client interface {
	Process(ctx context.Context, cmd redis.Cmder) error
	Pipelined(ctx context.Context, fn func(redis.Pipeliner) error) ([]redis.Cmder, error)
}

// Emitter sends to the clients of a cluster. Its own methods, and those of the
// BroadcastOperator that it is, mean everyone in the default namespace "/".
type Emitter struct {
	BroadcastOperator
}

// New returns an Emitter that sends through client. It opens no connection and
// needs no closing; the client stays the caller's.
func New(client Client, options ...Option) *Emitter {
	c := config{version: 4}
	for _, option := range options {
		option(&c)
	}
	if client == nil && c.err == nil {
		c.err = errors.New("emitter: New was given no Redis client")
	}
	format := encoding.Classic{Key: c.key, Codec: c.codec, LegacyBinary: c.version < 3}
	return newEmitter(&sender{client: client, adapter: classic{format}, version: c.version}, c.err)
}

func newEmitter(s *sender, err error) *Emitter {
	return &Emitter{BroadcastOperator{sender: s, namespace: "/", err: err}}
}

// sender is what all operators of an emitter share.
type sender struct {
	client  Client
	adapter adapter
	version int // major version of the servers' socket.io
}

// adapter is one of the ways in which the servers of a cluster are joined.
type adapter interface {
	// broadcast returns the Redis command that sends b.
	broadcast(ctx context.Context, b *encoding.Broadcast) (redis.Cmder, error)
	// listeners asks one Redis node how many servers listen on a namespace.
	listeners(ctx context.Context, node Client, namespace string) (int, error)
}

// send returns an error of Redis as it is, wrapped: errors.Is and errors.As
// find go-redis's own errors and those of package net.
func (s *sender) send(ctx context.Context, cmd redis.Cmder) error {
	err := s.client.Process(ctx, cmd)
	if err == nil {
		err = cmd.Err() // waits where an asynchronous client returned early
	}
	if err != nil {
		return fmt.Errorf("emitter: %s: %w", cmd.Name(), err)
	}
	return nil
}
