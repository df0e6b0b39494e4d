package emitter

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

var (
	// ErrRing is returned by an emitter that was made with a *redis.Ring of several
	// Redis. It spreads channels over them, while servers listen on one.
	ErrRing = errors.New("a Ring of several Redis would send most events where no server listens; give the emitter the client of the one that the servers use")

	// ErrNeedsClusterClient is returned by ServerCount and by calls with replies
	// when the Redis is a node of a Redis Cluster, and the client does not show the
	// other nodes: a *redis.Client, what AutoPipeline returns, or a wrapper that
	// hides ForEachShard. Each node knows its own subscribers only, so that fewer
	// servers would be counted than there are, and fewer answers awaited.
	ErrNeedsClusterClient = errors.New("this Redis is a node of a Redis Cluster, and its client does not show the others, on which servers may listen as well; give the emitter the *redis.ClusterClient itself")

	// ErrUnknownClient is returned instead of ErrNeedsClusterClient when Redis does
	// not say whether it is a node of a Redis Cluster, as before version 6, and the
	// client is none of go-redis's own.
	ErrUnknownClient = errors.New("it cannot be found out on how many Redis nodes this client works; give the emitter the go-redis client itself, not a wrapper")
)

// Client is the part of a go-redis client that an Emitter needs. Every one has
// it: *redis.Client (also for Sentinel), *redis.ClusterClient, a *redis.Ring of
// one Redis, what AutoPipeline returns, and a redis.Pipeliner, in which events
// wait for Exec like any other command, also that of a transaction. On a Redis
// Cluster, the keys of a transaction must be in one slot, and to Redis a shard
// channel and a stream are keys; a channel of the classic adapter is none. A wrapper of one has it, too; for calls
// with replies it must also have Subscribe and SSubscribe, and on a Redis Cluster
// ForEachShard, or embed a client that has them.
type Client interface {
	Process(ctx context.Context, cmd redis.Cmder) error
	Pipelined(ctx context.Context, fn func(redis.Pipeliner) error) ([]redis.Cmder, error)
}

// subscriber is what a client needs beside Client for calls with replies.
type subscriber interface {
	Subscribe(ctx context.Context, channels ...string) *redis.PubSub
	SSubscribe(ctx context.Context, channels ...string) *redis.PubSub
}

// nodes is what the clients of several Redis nodes have, *redis.ClusterClient
// and *redis.Ring.
type nodes interface {
	ForEachShard(ctx context.Context, fn func(context.Context, *redis.Client) error) error
}

// ring is what a *redis.Ring has.
type ring interface {
	nodes
	Options() *redis.RingOptions
}

// abilities are what a client can do, as far as its type tells. They are found
// out once, in New.
type abilities struct {
	subscriber subscriber // nil: it cannot subscribe
	nodes      nodes      // nil: it shows one node, or hides what it has
	ring       bool       // the nodes are those of a Ring
	plain      bool       // a *redis.Client or *redis.Conn, perhaps embedded: one node, unless that is one of a Redis Cluster
	pipelined  bool       // nothing is answered before Exec

	client   Client
	dialling dialling

	// alone is set once Redis has said that it is no node of a Redis Cluster.
	alone atomic.Bool
}

func newAbilities(client Client) (*abilities, error) {
	a := &abilities{client: client}
	if _, a.pipelined = client.(redis.Pipeliner); a.pipelined {
		return a, nil
	}
	a.subscriber, _ = client.(subscriber)
	// The outermost that has it: a wrapper may have its reasons.
	for c := client; c != nil && a.nodes == nil; c = embedded(c) {
		switch c := c.(type) {
		case *redis.Client, *redis.Conn:
			a.plain = true
		case nodes:
			a.nodes = c
		}
	}
	if r, ok := a.nodes.(ring); ok {
		if a.ring = true; len(r.Options().Addrs) > 1 {
			return a, fmt.Errorf("emitter: %w", ErrRing)
		}
	}
	return a, nil
}

// embedded returns the client that a wrapper such as
// struct{ redis.UniversalClient } embeds, whose further methods it hides. It
// returns nil when there is none, or none that may be looked at.
func embedded(client Client) Client {
	v := reflect.Indirect(reflect.ValueOf(client))
	if v.Kind() != reflect.Struct {
		return nil
	}
	for i := range v.NumField() {
		if f := v.Type().Field(i); !f.Anonymous || !f.IsExported() {
			continue
		}
		if inner, ok := v.Field(i).Interface().(Client); ok {
			return inner
		}
	}
	return nil
}

// subscribes returns the client on which replies are awaited. That of a Ring is
// the one Redis that it has, because the Ring itself connects at once.
func (a *abilities) subscribes(ctx context.Context) (subscriber, error) {
	switch {
	case a.pipelined:
		return nil, ErrPipelined
	case a.ring:
		return a.oneOfRing(ctx)
	case a.subscriber == nil:
		return nil, ErrCannotSubscribe
	}
	return a.subscriber, nil
}

// oneOfRing returns the client of the one Redis of a Ring.
func (a *abilities) oneOfRing(ctx context.Context) (*redis.Client, error) {
	var one atomic.Pointer[redis.Client]
	var count atomic.Int64
	err := a.nodes.ForEachShard(ctx, func(_ context.Context, node *redis.Client) error {
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

// each calls ask with every node that there is.
func (a *abilities) each(ctx context.Context, client Client, ask func(context.Context, Client) error) error {
	switch {
	case a.pipelined:
		return ErrPipelined
	case a.ring:
		node, err := a.oneOfRing(ctx)
		if err != nil {
			return err
		}
		return ask(ctx, node)
	case a.nodes != nil:
		return a.nodes.ForEachShard(ctx, func(ctx context.Context, node *redis.Client) error { return ask(ctx, node) })
	case !a.alone.Load():
		if err := a.checkAlone(ctx, client); err != nil {
			return err
		}
	}
	return ask(ctx, client)
}

// checkAlone asks Redis whether it is a node of a Redis Cluster. HELLO without a
// version is what every user may ask, whatever the ACL.
func (a *abilities) checkAlone(ctx context.Context, client Client) error {
	hello := redis.NewMapStringInterfaceCmd(ctx, "hello")
	err := process(ctx, client, hello)
	refused := redis.Error(nil)
	if err != nil && !errors.As(err, &refused) {
		return err // and an asynchronous client may still be at it
	}
	mode, _ := hello.Val()["mode"].(string)
	switch {
	case mode == "cluster":
		return ErrNeedsClusterClient
	case err != nil && !a.plain:
		return fmt.Errorf("%w: HELLO: %w", ErrUnknownClient, err)
	case mode == "" && !a.plain:
		return ErrUnknownClient
	}
	a.alone.Store(true)
	return nil
}

// explain adds to the error of a client why, if that is known, and takes away
// what must not be shown.
func (a *abilities) explain(err error) error { return a.clean(a.dialling.explain(a.client, err)) }

// clean takes away from an error what must not be shown.
func (a *abilities) clean(err error) error { return newSecrets(a.client).clean(err) }

// process sends a command and waits for the answer, or until ctx ends.
func process(ctx context.Context, client Client, cmd redis.Cmder) error {
	if endsByContext(client) {
		return outOfTime(ctx, processNow(ctx, client, cmd))
	}
	return within(ctx, func() error { return processNow(ctx, client, cmd) })
}

func processNow(ctx context.Context, client Client, cmd redis.Cmder) error {
	if err := client.Process(ctx, cmd); err != nil {
		return err
	}
	return cmd.Err() // waits where an asynchronous client returns early
}

// endsByContext reports whether a client lets its calls end with their context,
// as far as its options allow. What AutoPipeline returns does not look at it, and
// of others it is not known.
func endsByContext(client Client) bool {
	switch client.(type) {
	case *redis.Client, *redis.ClusterClient, *redis.Ring, *redis.Conn, *redis.Tx, redis.Pipeliner:
		return true
	}
	return false
}

// within calls do, and returns when ctx ends, if need be without do. What that
// works with must not be used again then.
func within(ctx context.Context, do func() error) error {
	if ctx.Done() == nil {
		return do()
	}
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return err
	default:
		return ctx.Err()
	}
}

// outOfTime adds the error of a context whose deadline has passed to that of the
// network, for which go-redis makes a deadline of it.
func outOfTime(ctx context.Context, err error) error {
	if !errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if deadline, ok := ctx.Deadline(); !ok || time.Now().Before(deadline) {
		return err
	}
	return fmt.Errorf("%w: %w", context.DeadlineExceeded, err)
}
