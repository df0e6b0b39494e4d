// Package goredis knows what a go-redis client can do, as far as its type tells.
// That is found out once.
package goredis

import (
	"context"
	"errors"
	"reflect"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/internal/secrets"
)

var (
	// ErrRing is returned for a Ring of several Redis.
	ErrRing = errors.New("a Ring of several Redis instances would send most events where no server listens; give the emitter a client of the one that the servers use")

	// ErrNeedsClusterClient is returned when the Redis is a node of a Redis
	// Cluster, and the client does not show the others.
	ErrNeedsClusterClient = errors.New("this Redis is a node of a Redis Cluster, and its client hides the other nodes, where servers may listen as well; give the emitter the *redis.ClusterClient itself")

	// ErrUnknown is returned instead when Redis does not say whether it is such a
	// node, and the client is none of go-redis's own.
	ErrUnknown = errors.New("there is no way to tell how many Redis nodes this client uses; give the emitter the go-redis client itself, not a wrapper")

	// ErrCannotSubscribe is returned for a client that has no subscriptions.
	ErrCannotSubscribe = errors.New("this Redis client cannot subscribe, and replies need a subscription")
)

// Redis is what every go-redis client has, and every wrapper of one.
type Redis interface {
	Process(ctx context.Context, cmd redis.Cmder) error
	Pipelined(ctx context.Context, fn func(redis.Pipeliner) error) ([]redis.Cmder, error)
}

// Subscriber is what a client needs beside it for replies.
type Subscriber interface {
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

// Client is a go-redis client and what it can do.
type Client struct {
	connection
	subscriber Subscriber // nil: it cannot subscribe
	nodes      nodes      // nil: it shows one node, or hides what it has
	ring       bool       // the nodes are those of a Ring
	plain      bool       // a *redis.Client or *redis.Conn, perhaps embedded: one node, unless that is one of a Redis Cluster
	slotless   bool       // the nodes of a Redis Cluster are none of its business: a *redis.Client itself
	keeps      bool       // it may still hold commands that Redis has answered

	// The client of go-redis that it is, or embeds; nil where that is another, or
	// cannot be seen.
	single  *redis.Client
	cluster *redis.ClusterClient
	several *redis.Ring

	dialling dialling

	// alone is set once Redis has said that it is no node of a Redis Cluster.
	alone atomic.Bool
}

// New finds out what a client can do. It does not use it.
func New(redisClient Redis) (*Client, error) {
	c := &Client{connection: connection{redis: redisClient}, keeps: true}
	c.subscriber, _ = redisClient.(Subscriber)
	switch redisClient.(type) { // itself: what a wrapper does beside is not known
	case *redis.Client:
		c.endsByContext, c.keeps, c.slotless = true, false, true
	case *redis.ClusterClient, *redis.Ring:
		c.endsByContext, c.keeps = true, false
	case *redis.Conn, *redis.Tx, redis.Pipeliner:
		c.endsByContext = true
	}
	for inner := redisClient; inner != nil; inner = embedded(inner) {
		switch inner := inner.(type) {
		case *redis.Client:
			c.single, c.plain = inner, c.nodes == nil
		case *redis.Conn:
			c.plain = c.nodes == nil
		case *redis.ClusterClient:
			c.cluster = inner
		case *redis.Ring:
			c.several = inner
		}
		if inner, ok := inner.(nodes); ok && c.nodes == nil { // the outermost: a wrapper may have its reasons
			c.nodes = inner
		}
	}
	if r, ok := c.nodes.(ring); ok {
		if c.ring = true; len(r.Options().Addrs) > 1 {
			return c, ErrRing
		}
	}
	return c, nil
}

// embedded returns the client that a wrapper such as
// struct{ redis.UniversalClient } embeds, whose further methods it hides. It
// returns nil when there is none, or none that may be looked at.
func embedded(client Redis) Redis {
	v := reflect.Indirect(reflect.ValueOf(client))
	if v.Kind() != reflect.Struct {
		return nil
	}
	for i := range v.NumField() {
		if f := v.Type().Field(i); !f.Anonymous || !f.IsExported() {
			continue
		}
		if inner, ok := v.Field(i).Interface().(Redis); ok {
			return inner
		}
	}
	return nil
}

// Keeps reports whether the client may still hold commands that Redis has
// answered. All but those of go-redis itself write from goroutines of their own.
func (c *Client) Keeps() bool { return c.keeps }

// ShowsNodes reports whether the client shows the nodes of a Redis Cluster, as
// far as it has any.
func (c *Client) ShowsNodes() bool { return c.nodes != nil }

// IsCluster reports whether the client shows the nodes of a Redis Cluster.
func (c *Client) IsCluster() bool { return c.nodes != nil && !c.ring }

// Subscriber returns the client on which replies are awaited, and whether the
// channels of one slot may be on another node than those of the next. That of a
// Ring is the one Redis that it has, because the Ring itself connects at once.
func (c *Client) Subscriber(ctx context.Context) (s Subscriber, slots bool, err error) {
	switch {
	case c.ring:
		s, err := c.oneOfRing(ctx)
		return s, false, err
	case c.subscriber == nil:
		return nil, false, ErrCannotSubscribe
	}
	return c.subscriber, !c.slotless, nil
}

// Explain adds to the error of a client why, if that is known, and takes away
// what must not be shown.
func (c *Client) Explain(err error) error { return c.Clean(c.whyUnreachable(err)) }

// Clean takes away from an error what must not be shown.
func (c *Client) Clean(err error) error { return secrets.Clean(err, c.password()) }

// password is that of the client, if it has one and shows it. That of Sentinels
// it does not show, nor what a provider returns.
func (c *Client) password() string {
	switch {
	case c.single != nil:
		return c.single.Options().Password
	case c.cluster != nil:
		return c.cluster.Options().Password
	case c.several != nil:
		return c.several.Options().Password
	}
	return ""
}
