package traffic

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/internal/connect"
)

// roomFeed is a subscription to the channels that servers of the sharded adapter
// have for single rooms. Shard channels have no patterns: Redis is asked again
// and again which there are. Those of a Redis Cluster live on all its nodes.
type roomFeed struct {
	client  redis.UniversalClient
	prefix  string   // of the channels, which is the channel of the namespace
	others  []string // channels that are read elsewhere
	own     string   // is in what we have said ourselves
	timeout time.Duration
	whyLost func(error) string

	pace     pace
	isWarned bool
}

// followRooms is how often Redis is asked which rooms there are.
const followRooms = time.Second

func (f *roomFeed) name() string {
	return fmt.Sprintf("each room that a server has a channel for (a new one within %v)", followRooms)
}

func (f *roomFeed) lost(err error) string {
	if connect.IsClosed(err) && f.pace.isSlow() {
		return tooSlow
	}
	return f.whyLost(err)
}

func (f *roomFeed) missed() string {
	if f.pace.isSlow() {
		return fmt.Sprintf(uncounted, f.pace.age())
	}
	return "what was published meanwhile is missed"
}

var errMastersChanged = errors.New("the Redis Cluster has other masters than before")

func (f *roomFeed) read(ctx context.Context, ready func(), deliver func(Arrival)) error {
	masters, err := f.masters(ctx)
	if err != nil {
		return err
	}
	if _, isCluster := f.client.(*redis.ClusterClient); !isCluster && !f.isWarned && isReplica(ctx, masters[0]) {
		f.isWarned = true
		deliver(Arrival{Notice: "warning: this Redis is a replica, which does not know for which rooms servers at its master have a channel: of events to a single room, only those to rooms named with --room are heard"})
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var waiting sync.WaitGroup // until each master has been asked once
	var reading sync.WaitGroup
	refused := sync.OnceFunc(func() {
		deliver(Arrival{Notice: "warning: this Redis user may not list shard channels (+pubsub|shardchannels) or subscribe to all of them: of events to a single room, only those to rooms named with --room are heard for certain"})
	})
	readers := make([]*roomReader, len(masters))
	for i, master := range masters {
		waiting.Add(1)
		r := &roomReader{feed: f, node: master, pace: pace{caughtUp: time.Now()}, subscribed: make(map[string]bool), refused: refused, asked: sync.OnceFunc(waiting.Done)}
		readers[i] = r
		reading.Go(func() {
			defer r.asked()
			cancel(r.read(ctx, deliver))
		})
	}
	waiting.Wait()
	if ctx.Err() == nil {
		ready()
		f.pace = pace{}
		f.watchMasters(ctx, masters, cancel)
	}
	reading.Wait()
	for _, r := range readers {
		if r.pace.isSlow() {
			f.pace = r.pace
		}
	}
	return context.Cause(ctx)
}

// isReplica reports whether a Redis says that it follows another one.
func isReplica(ctx context.Context, rdb *redis.Client) bool {
	info, err := rdb.Info(ctx, "replication").Result()
	return err == nil && strings.Contains(info, "role:slave")
}

// masters are the nodes on which shard channels live.
func (f *roomFeed) masters(ctx context.Context) ([]*redis.Client, error) {
	switch client := f.client.(type) {
	case *redis.ClusterClient:
		client.ReloadState(ctx)
		var mu sync.Mutex
		var masters []*redis.Client
		err := client.ForEachMaster(ctx, func(_ context.Context, master *redis.Client) error {
			mu.Lock()
			defer mu.Unlock()
			masters = append(masters, master)
			return nil
		})
		return masters, err
	case *redis.Client:
		return []*redis.Client{client}, nil
	}
	return nil, fmt.Errorf("a client of type %T has no rooms to follow", f.client)
}

// watchMasters returns when ctx ends, and ends it when the Redis Cluster has
// other masters.
func (f *roomFeed) watchMasters(ctx context.Context, masters []*redis.Client, cancel context.CancelCauseFunc) {
	_, isCluster := f.client.(*redis.ClusterClient)
	ticker := time.NewTicker(followRooms)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if !isCluster {
			continue
		}
		now, err := f.masters(ctx)
		if err == nil && (len(now) != len(masters) || slices.ContainsFunc(now, func(master *redis.Client) bool { return !slices.Contains(masters, master) })) {
			cancel(errMastersChanged)
		}
	}
}

// roomReader reads the channels of one node.
type roomReader struct {
	feed    *roomFeed
	node    *redis.Client
	pace    pace
	refused func()
	asked   func() // for the first time

	mu         sync.Mutex
	subscribed map[string]bool
}

func (r *roomReader) read(ctx context.Context, deliver func(Arrival)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	pubsub := r.node.Subscribe(ctx)
	stop := context.AfterFunc(ctx, func() { pubsub.Close() })
	defer func() {
		if stop() {
			pubsub.Close()
		}
	}()
	watch := newWatch(r.feed.timeout)
	go watch.run(ctx, pubsub, cancel)
	following := make(chan struct{})
	go func() {
		defer close(following)
		if err := r.follow(ctx, pubsub); err != nil {
			cancel(err)
		}
	}()
	defer func() {
		cancel(nil)
		<-following
	}()
	for {
		began := time.Now()
		message, err := pubsub.Receive(ctx)
		watch.heard()
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		switch {
		case err == nil:
			r.pace.waited(began)
		case connect.IsReply(err): // to PING; or the slot has moved, and the channel is found again there
			if redis.HasErrorPrefix(err, "NOPERM") && !strings.Contains(err.Error(), "ping") {
				r.refused()
			}
			continue
		default:
			return err
		}
		switch message := message.(type) {
		case *redis.Subscription:
			if message.Kind == "sunsubscribe" {
				r.forget(message.Channel)
			}
		case *redis.Message:
			if r.feed.own != "" && strings.Contains(message.Payload, r.feed.own) {
				continue
			}
			began = time.Now()
			watch.busy(func() { deliver(Arrival{Channel: message.Channel, Payload: message.Payload}) })
			r.pace.passedOn(began)
		}
	}
}

// follow subscribes to the channels that there are, and leaves those to which
// nobody else listens any more, until ctx ends.
func (r *roomReader) follow(ctx context.Context, pubsub *redis.PubSub) error {
	for {
		began := time.Now()
		err := r.update(ctx, pubsub)
		switch {
		case ctx.Err() != nil:
			return nil
		case redis.HasErrorPrefix(err, "NOPERM"):
			r.refused()
		case err != nil:
			return err
		}
		r.asked()
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(max(followRooms, 10*time.Since(began))): // no burden where there are many
		}
	}
}

func (r *roomReader) update(ctx context.Context, pubsub *redis.PubSub) error {
	ctx, cancel := context.WithTimeout(ctx, r.feed.timeout)
	defer cancel()
	channels, err := r.node.PubSubShardChannels(ctx, EscapeGlob(r.feed.prefix)+"?*").Result()
	if err != nil {
		return err
	}
	var wanted, left []string
	r.mu.Lock()
	for channel := range r.subscribed {
		left = append(left, channel) // maybe
	}
	for _, channel := range channels {
		if !r.subscribed[channel] && !slices.Contains(r.feed.others, channel) {
			wanted = append(wanted, channel)
			r.subscribed[channel] = true
		}
	}
	r.mu.Unlock()
	for part := range slices.Chunk(left, 500) {
		counts, err := r.node.PubSubShardNumSub(ctx, part...).Result()
		if err != nil {
			return err
		}
		for channel, subscribers := range counts {
			switch subscribers {
			case 0: // not even we: the slot is elsewhere
				r.forget(channel)
			case 1:
				if err := pubsub.SUnsubscribe(ctx, channel); err != nil {
					return err
				}
			}
		}
	}
	for _, channel := range wanted { // one by one: on a Redis Cluster they are of different slots
		if err := pubsub.SSubscribe(ctx, channel); err != nil {
			return err
		}
	}
	return nil
}

func (r *roomReader) forget(channel string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.subscribed, channel)
}
