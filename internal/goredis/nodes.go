package goredis

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// Node is one Redis.
type Node interface {
	// Process sends a command and waits for the answer, or until ctx ends.
	Process(ctx context.Context, cmd redis.Cmder) error
}

// Each calls ask with every node that there is, and fails when that cannot be
// known.
func (c *Client) Each(ctx context.Context, ask func(context.Context, Node) error) error {
	switch {
	case c.ring:
		node, err := c.oneOfRing(ctx)
		if err != nil {
			return err
		}
		return ask(ctx, connection{node, true})
	case c.nodes != nil:
		return c.nodes.ForEachShard(ctx, func(ctx context.Context, node *redis.Client) error {
			return ask(ctx, connection{node, true})
		})
	case !c.alone.Load():
		if err := c.checkAlone(ctx); err != nil {
			return err
		}
	}
	return ask(ctx, c)
}

// oneOfRing returns the client of the one Redis of a Ring.
func (c *Client) oneOfRing(ctx context.Context) (*redis.Client, error) {
	var one atomic.Pointer[redis.Client]
	var count atomic.Int64
	err := c.nodes.ForEachShard(ctx, func(_ context.Context, node *redis.Client) error {
		one.Store(node)
		count.Add(1)
		return nil
	})
	switch n := count.Load(); {
	case err != nil:
		return nil, err
	case n == 0: // those that are down are not among them
		return nil, errors.New("the Ring has lost its Redis")
	case n > 1: // SetAddrs has been called
		return nil, ErrRing
	}
	return one.Load(), nil
}

// checkAlone asks Redis whether it is a node of a Redis Cluster. HELLO without a
// version is what every user may ask, whatever the ACL.
func (c *Client) checkAlone(ctx context.Context) error {
	hello := redis.NewMapStringInterfaceCmd(ctx, "hello")
	err := c.Process(ctx, hello)
	refused := redis.Error(nil)
	if err != nil && !errors.As(err, &refused) {
		return err // and an asynchronous client may still be at it
	}
	mode, _ := hello.Val()["mode"].(string)
	switch {
	case mode == "cluster":
		return ErrNeedsClusterClient
	case err != nil && !c.plain:
		return fmt.Errorf("%w: HELLO: %w", ErrUnknown, err)
	case mode == "" && !c.plain:
		return ErrUnknown
	}
	c.alone.Store(true)
	return nil
}
