// Package traffic is what is published for the servers of a namespace, as a stream
// of messages: it subscribes as servers do, connects again when the connection is
// lost, and says what was missed. Where servers count whoever subscribes as one of
// them, it answers in the place of one that has no clients.
package traffic

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
	"github.com/sioemit/sioemit/internal/wire"
)

// Arrival is something that came from Redis, or news about the connection.
type Arrival struct {
	Channel string    // or the stream
	Payload string    // of a message that came by pub/sub
	Fields  []string  // of a stream entry, instead
	ID      string    // of the stream entry
	At      time.Time // when it came here, or into the stream
	Notice  string    // for people, instead of all others
	Missed  int64     // entries that the notice is about
}

// feed is a connection on which messages arrive.
type feed interface {
	// name says what it listens on.
	name() string
	// read connects, calls ready when nothing is missed any more, and delivers
	// what arrives until the connection is lost.
	read(ctx context.Context, ready func(), deliver func(Arrival)) error
	// lost says why the connection was lost, and missed what the time without one
	// means. They are called between two reads.
	lost(err error) string
	missed() string
}

// Wanted is what one wants to hear.
type Wanted struct {
	Requests bool            // and replies, too, beside events
	Rooms    []encoding.Room // sharded: the rooms whose channels are heard; with none that is text, all that servers have
	Since    string          // streams: the ID of the entry behind which to begin; empty: with what comes from now on
}

// Traffic is what is published for the servers of the settings.
type Traffic struct {
	settings *settings.Settings
	feeds    []feed
}

// Of returns what is published through a Redis. It opens no connection yet.
func Of(r *connect.Redis, wanted Wanted) (*Traffic, error) {
	feeds, err := feedsOf(r, wanted)
	return &Traffic{r.Settings, feeds}, err
}

// feedsOf makes the feeds that the adapter needs.
func feedsOf(r *connect.Redis, wanted Wanted) ([]feed, error) {
	client, s := r.Client, r.Settings
	namespace, timeout := s.Namespace, s.Redis.Timeout
	lost := func(err error) string {
		if connect.IsClosed(err) {
			return "Redis closed the connection"
		}
		return connect.ErrorText(r.Explain(err))
	}
	subscription := func(channels ...string) *pubsubFeed {
		return &pubsubFeed{client: client, whyLost: lost, namespace: namespace, timeout: timeout, channels: channels}
	}
	patterns := func(patterns ...string) *pubsubFeed {
		f := subscription(patterns...)
		f.pattern = true
		return f
	}
	switch s.Adapter {
	case settings.Sharded:
		format := s.Sharded()
		channels := []string{format.Channel(namespace, nil)}
		if wanted.Requests {
			channels = append(channels, format.ResponseChannel(namespace))
		}
		named := false
		for _, room := range wanted.Rooms { // a number has the channel of its text
			if channel := format.Channel(namespace, []encoding.Room{encoding.Room(room.String())}); channel != channels[0] {
				channels = append(channels, channel)
			}
			_, isNumber := room.Number()
			named = named || !isNumber
		}
		feeds := shardFeeds(client, channels, subscription, false)
		if !named && format.SubscriptionMode != encoding.Static {
			own := feeds[0].(*pubsubFeed).answers.uid
			feeds = append(feeds, &roomFeed{client: client, prefix: channels[0], others: channels, own: own, timeout: timeout, whyLost: lost})
		}
		return feeds, nil
	case settings.Streams:
		format := s.Streams()
		stream, err := format.Stream(namespace)
		if err != nil {
			return nil, err
		}
		feeds := []feed{&streamFeed{client: client, whyLost: lost, stream: stream, timeout: timeout, since: wanted.Since}}
		switch {
		case !wanted.Requests:
		case s.ShardedPubSub:
			channels := []string{format.Channel(namespace), format.ResponseChannel(namespace)}
			feeds = append(feeds, shardFeeds(client, channels, subscription, true)...)
		default:
			feeds = append(feeds, patterns(EscapeGlob(format.Channel(namespace))+"*"))
		}
		return feeds, nil
	}
	if s.Adapter == settings.Python { // whose servers count the subscribers of the channel, but not those of a pattern
		return []feed{patterns(EscapeGlob(s.Python().RedisChannel()))}, nil
	}
	format := s.Classic()
	channels := []string{EscapeGlob(format.Channel(namespace, nil)) + "*"}
	if wanted.Requests {
		// Servers count the subscribers of the request channel, but not those
		// of a pattern.
		channels = append(channels, EscapeGlob(format.RequestChannel(namespace)), EscapeGlob(format.ResponseChannel(namespace))+"*")
	}
	return []feed{patterns(channels...)}, nil
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
			f.answers = &bystander{client: client, channel: channels[0], namespace: f.namespace, uid: wire.ListenerUID + rand.Text(), messagePack: messagePack}
		}
		feeds = append(feeds, f)
	}
	return feeds
}

const (
	firstDelay   = 100 * time.Millisecond
	longestDelay = 2 * time.Second
)

// Follow has what arrives sent, until ctx ends. The channel that it returns gets the
// error of what could not be read even once; the flag says that nothing is missed
// from then on.
func (t *Traffic) Follow(ctx context.Context, arrivals chan<- Arrival) (<-chan error, *atomic.Bool) {
	feeds := t.feeds
	failed := make(chan error, len(feeds))
	deliver := func(a Arrival) {
		if a.At.IsZero() {
			a.At = time.Now()
		}
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
		deliver(Arrival{Notice: text})
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
func follow(ctx context.Context, f feed, firstReady func(), deliver func(Arrival)) error {
	delay := firstDelay
	var once bool
	var lost time.Time
	var said string
	for {
		err := f.read(ctx, func() {
			if once {
				deliver(Arrival{Notice: fmt.Sprintf("listening again on %s after %v; %s", f.name(), time.Since(lost).Round(time.Millisecond), f.missed())})
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
			deliver(Arrival{Notice: fmt.Sprintf("lost %s: %s; trying again", f.name(), text)})
		}
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return nil
		}
		delay = min(2*delay, longestDelay)
	}
}
