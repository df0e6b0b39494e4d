package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/connect"
	"github.com/sioemit/sioemit/internal/settings"
	"github.com/urfave/cli/v2"
)

// arrival is something that came from Redis, or news about the connection.
type arrival struct {
	channel string   // or the stream
	payload string   // of a message that came by pub/sub
	fields  []string // of a stream entry, instead
	id      string   // of the stream entry
	notice  string   // for stderr, instead of all others
	missed  int64    // entries that the notice is about
}

// feed is a connection on which messages arrive.
type feed interface {
	// name says what it listens on.
	name() string
	// read connects, calls ready when nothing is missed any more, and delivers
	// what arrives until the connection is lost.
	read(ctx context.Context, ready func(), deliver func(arrival)) error
	// lost says why the connection was lost, and missed what the time without one
	// means. They are called between two reads.
	lost(err error) string
	missed() string
}

// feedsOf makes the feeds that the adapter needs.
func feedsOf(c *cli.Context, client redis.UniversalClient) ([]feed, error) {
	namespace, requests := namespaceOf(c), c.Bool("requests")
	lost := func(err error) string {
		if connect.IsClosed(err) {
			return "Redis closed the connection"
		}
		return connect.ErrorText(explain(c, err))
	}
	subscription := func(channels ...string) *pubsubFeed {
		return &pubsubFeed{client: client, whyLost: lost, namespace: namespace, timeout: c.Duration("timeout"), channels: channels}
	}
	patterns := func(patterns ...string) *pubsubFeed {
		f := subscription(patterns...)
		f.pattern = true
		return f
	}
	switch c.String("adapter") {
	case "sharded":
		format := shardedFormat(c)
		channels := []string{format.Channel(namespace, nil)}
		if requests {
			channels = append(channels, format.ResponseChannel(namespace))
		}
		for _, room := range roomsOf(c, "room") { // a number has the channel of its text
			if channel := format.Channel(namespace, settings.Rooms([]string{room.String()}, nil)); channel != channels[0] {
				channels = append(channels, channel)
			}
		}
		feeds := shardFeeds(client, channels, subscription, false)
		if len(c.StringSlice("room")) == 0 && format.SubscriptionMode != encoding.Static {
			own := feeds[0].(*pubsubFeed).answers.uid
			feeds = append(feeds, &roomFeed{client: client, prefix: channels[0], others: channels, own: own, timeout: c.Duration("timeout"), whyLost: lost})
		}
		return feeds, nil
	case "streams":
		format := streamsFormat(c)
		stream, err := format.Stream(namespace)
		if err != nil {
			return nil, err
		}
		feeds := []feed{&streamFeed{client: client, whyLost: lost, stream: stream, timeout: c.Duration("timeout"), since: c.String("since")}}
		switch {
		case !requests:
		case c.Bool("sharded-pubsub"):
			channels := []string{format.Channel(namespace), format.ResponseChannel(namespace)}
			feeds = append(feeds, shardFeeds(client, channels, subscription, true)...)
		default:
			feeds = append(feeds, patterns(escapeGlob(format.Channel(namespace))+"*"))
		}
		return feeds, nil
	}
	format := encoding.Classic{Key: c.String("key")}
	wanted := []string{escapeGlob(format.Channel(namespace, nil)) + "*"}
	if requests {
		// Servers count the subscribers of the request channel, but not those
		// of a pattern.
		wanted = append(wanted, escapeGlob(format.RequestChannel(namespace)), escapeGlob(format.ResponseChannel(namespace))+"*")
	}
	return []feed{patterns(wanted...)}, nil
}

// shardFeeds makes the feeds of shard channels: one connection for all, or on a
// Redis Cluster, where channels live on different nodes, one for each. The
// first channel is the one that servers count.
func shardFeeds(client redis.UniversalClient, channels []string, subscription func(...string) *pubsubFeed, messagePack bool) []feed {
	var feeds []feed
	groups := [][]string{channels}
	if _, ok := client.(*redis.ClusterClient); ok {
		groups = nil
		for _, channel := range channels {
			groups = append(groups, []string{channel})
		}
	}
	for i, group := range groups {
		f := subscription(group...)
		if i == 0 {
			f.answers = &bystander{client: client, channel: channels[0], namespace: f.namespace, uid: "listen-" + rand.Text(), messagePack: messagePack}
		}
		feeds = append(feeds, f)
	}
	return feeds
}

const (
	firstDelay   = 100 * time.Millisecond
	longestDelay = 2 * time.Second
)

// followAll reads all feeds at once. The channel that it returns gets the error
// of a feed that could not be read even once; the flag says that all are read.
func followAll(ctx context.Context, feeds []feed, arrivals chan<- arrival) (<-chan error, *atomic.Bool) {
	failed := make(chan error, len(feeds))
	deliver := func(a arrival) {
		select {
		case arrivals <- a:
		case <-ctx.Done():
		}
	}
	var waiting atomic.Int32
	var all atomic.Bool
	waiting.Store(int32(len(feeds)))
	ready := func() {
		if waiting.Add(-1) > 0 {
			return
		}
		all.Store(true)
		text := "listening on"
		for i, f := range feeds {
			if i > 0 {
				text += ","
			}
			text += " " + f.name()
		}
		deliver(arrival{notice: text})
	}
	for _, f := range feeds {
		go func() {
			if err := follow(ctx, f, sync.OnceFunc(ready), deliver); err != nil {
				failed <- err
			}
		}()
	}
	return failed, &all
}

// follow reads a feed again and again, until ctx ends. An error is that of the
// first time, when nothing was ever ready.
func follow(ctx context.Context, f feed, firstReady func(), deliver func(arrival)) error {
	delay := firstDelay
	var once bool
	var lost time.Time
	var said string
	for {
		err := f.read(ctx, func() {
			if once {
				deliver(arrival{notice: fmt.Sprintf("listening again on %s after %v; %s", f.name(), time.Since(lost).Round(time.Millisecond), f.missed())})
			}
			once, delay, said, lost = true, firstDelay, "", time.Time{}
			firstReady()
		}, deliver)
		switch {
		case ctx.Err() != nil:
			return nil
		case !once:
			return err
		}
		if lost.IsZero() {
			lost = time.Now()
		}
		if text := f.lost(err); text != said {
			said = text
			deliver(arrival{notice: fmt.Sprintf("lost %s: %s; trying again", f.name(), text)})
		}
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return nil
		}
		delay = min(2*delay, longestDelay)
	}
}
