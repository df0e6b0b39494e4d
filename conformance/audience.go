package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/internal/harness"
)

// audience is who listens on one channel: as many connections as there are servers, each
// subscribed as the one of an official server is.
type audience struct {
	channel string
	shard   bool
	single  bool // no Redis Cluster
	hear    func(channel, payload string)

	node   *harness.Redis // which they are connected to
	numsub string         // what counts them there
	client *redis.Client  // without a name that would tell it from one of a server
	open   []*redis.PubSub
	heard  sync.WaitGroup
}

// gather subscribes n connections to a channel. What the first one gets, it hands to hear.
func (s *stage) gather(ctx context.Context, channel string, n int, shard bool, hear func(channel, payload string)) (*audience, error) {
	node, numsub, err := s.home(ctx, channel, shard)
	if err != nil {
		return nil, err
	}
	options := node.Options()
	options.DisableIdentity = true
	a := &audience{channel: channel, shard: shard, single: !s.cluster, hear: hear, node: node, numsub: numsub, client: redis.NewClient(options)}
	for range n {
		if err = a.add(ctx); err != nil {
			break
		}
	}
	if err == nil {
		err = a.await(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, a.end(ctx))
	}
	return a, nil
}

// add has one more connection subscribe.
func (a *audience) add(ctx context.Context) error {
	var p *redis.PubSub
	subscriptions := 2
	switch before, namespace, classic := strings.Cut(a.channel, "-request#"); {
	case a.shard && a.single: // and to the channel for answers to its own questions
		p = a.client.SSubscribe(ctx, a.channel, fmt.Sprintf("%sserver-%d#", a.channel, len(a.open)+1))
	case a.shard: // that one belongs to another node
		p, subscriptions = a.client.SSubscribe(ctx, a.channel), 1
	case classic: // and to whatever is sent in the namespace
		p = a.client.PSubscribe(ctx, before+"#"+namespace+"*")
		if err := p.Subscribe(ctx, a.channel); err != nil {
			return errors.Join(err, p.Close())
		}
	default:
		p, subscriptions = a.client.Subscribe(ctx, a.channel), 1
	}
	a.open = append(a.open, p)
	for subscriptions > 0 {
		m, err := p.Receive(ctx)
		if err != nil {
			return err
		}
		if _, ok := m.(*redis.Subscription); ok {
			subscriptions--
		}
	}
	if len(a.open) > 1 {
		return nil
	}
	a.heard.Go(func() {
		for {
			m, err := p.ReceiveMessage(ctx)
			if err != nil {
				return
			}
			a.hear(m.Channel, m.Payload)
		}
	})
	return nil
}

// drop ends one connection.
func (a *audience) drop() error {
	last := len(a.open) - 1
	p := a.open[last]
	a.open = a.open[:last]
	return p.Close()
}

// await returns once Redis counts as many subscribers as there are.
func (a *audience) await(ctx context.Context) error {
	for {
		cmd := redis.NewMapStringIntCmd(ctx, "pubsub", a.numsub, a.channel)
		if err := a.node.Client().Process(ctx, cmd); err != nil {
			return err
		}
		n := cmd.Val()[a.channel]
		if n == int64(len(a.open)) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d subscribers of %s, not %d: %w", n, a.channel, len(a.open), ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// end ends all connections, and returns once Redis counts none.
func (a *audience) end(ctx context.Context) error {
	var errs []error
	for len(a.open) > 0 {
		errs = append(errs, a.drop())
	}
	a.heard.Wait()
	return errors.Join(append(errs, a.await(ctx), a.client.Close())...)
}
