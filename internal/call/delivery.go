package call

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/connect"
	"github.com/sioemit/sioemit/internal/outcome"
	"github.com/sioemit/sioemit/internal/settings"
	"github.com/sioemit/sioemit/internal/show"
)

// delivery is what Redis tells of who gets something that was sent.
type delivery struct {
	Channel string `json:"channel"` // or stream
	// Servers is how many listen on the namespace: on its channel, which each of
	// them has subscribed. Nil when they could not be counted.
	Servers *int `json:"servers"`
	// Subscribers is how many got it, of the sharded adapter: there, a room may
	// have a channel of its own.
	Subscribers *int64 `json:"subscribers,omitempty"`
	// Entries is how many the stream holds, with this one, where this user may
	// know it.
	Entries  *int64 `json:"entries,omitempty"`
	isStream bool
}

// askDelivery puts into pipe, behind what is sent, what else there is to be
// known; the function that it returns tells what became of it, after Exec.
func (o *options) askDelivery(ctx context.Context, pipe redis.Pipeliner) func() delivery {
	sent := pipe.Cmds()[0]
	d := delivery{Channel: fmt.Sprint(sent.Args()[1])}
	var entries *redis.IntCmd
	if d.isStream = sent.Name() == "xadd"; d.isStream {
		entries = pipe.XLen(ctx, d.Channel)
	}
	return func() delivery {
		if sent, ok := sent.(*redis.IntCmd); ok && o.settings.Adapter == settings.Sharded {
			n := sent.Val()
			d.Subscribers = &n
		}
		if d.isStream && entries.Err() == nil {
			n := entries.Val()
			d.Entries = &n
		}
		return d
	}
}

// countServers asks how many servers listen, at the same time as pipe is
// executed: in the same round trip, or, on a Redis Cluster, where each node
// knows its own subscribers only, in one round trip to every node. The function
// that it returns is to be called after Exec.
func countServers(ctx context.Context, r *connect.Redis, pipe redis.Pipeliner) func() (int, error) {
	if !r.Settings.Redis.IsCluster() {
		cmd, channel := askListeners(ctx, &r.Settings.Servers, pipe)
		return func() (int, error) { return int(cmd.Val()[channel]), cmd.Err() }
	}
	type result struct {
		servers int
		err     error
	}
	done := make(chan result, 1)
	go func() {
		servers, err := r.Emitter(r.Client).Of(r.Settings.Namespace).ServerCount(ctx)
		done <- result{servers, err}
	}()
	return func() (int, error) {
		r := <-done
		return r.servers, r.err
	}
}

// askListeners puts into pipe the question how many servers listen on the
// namespace, and returns the channel that is asked about.
func askListeners(ctx context.Context, s *settings.Servers, pipe redis.Pipeliner) (cmd *redis.MapStringIntCmd, channel string) {
	switch s.Adapter {
	case settings.Sharded:
		channel = s.Sharded().Channel(s.Namespace, nil)
		return pipe.PubSubShardNumSub(ctx, channel), channel
	case settings.Streams:
		channel = s.Streams().Channel(s.Namespace)
		if s.ShardedPubSub {
			return pipe.PubSubShardNumSub(ctx, channel), channel
		}
		return pipe.PubSubNumSub(ctx, channel), channel
	case settings.Python:
		channel = s.Python().RedisChannel()
		return pipe.PubSubNumSub(ctx, channel), channel
	}
	channel = s.Classic().RequestChannel(s.Namespace)
	return pipe.PubSubNumSub(ctx, channel), channel
}

// report prints what became of something that Redis has taken, and returns an
// error when fewer servers than required listen.
func (o *options) report(r *connect.Redis, what string, d delivery, count func() (int, error)) error {
	servers, err := count()
	if err != nil && o.require > 0 {
		return fmt.Errorf("it was sent, but the servers could not be counted: %w", r.Explain(err))
	}
	if err == nil {
		d.Servers = &servers
	}
	var printErr error
	switch {
	case o.json:
		printErr = show.JSON(o.Out, d)
	case o.quiet:
	default:
		_, printErr = fmt.Fprintf(o.Out, "sent %s on %s\n", what, d.text(&o.settings.Servers))
	}
	if printErr != nil {
		return fmt.Errorf("it was sent, but that could not be printed: %w", printErr)
	}
	switch {
	case err != nil:
		o.Warn("the servers could not be counted: %s", connect.ErrorText(r.Explain(err)))
	case servers < o.require:
		where := d.Channel
		if d.isNarrow(&o.settings.Servers) {
			where = o.settings.Namespace
		}
		return commandline.Listenersf("%s on %s, %d required; it was sent anyway", outcome.Listen(servers), show.Quote(where), o.require)
	case o.quiet:
	case servers == 0:
		o.Warn("%s", outcome.Unheard(d.isStream))
	case d.Subscribers != nil && *d.Subscribers == 0:
		o.Warn("nobody receives it: no client is in that room, or %s", outcome.OtherMode(&o.settings.Servers))
	case d.Entries != nil && *d.Entries == 1:
		o.Warn("%s", outcome.NewStream)
	}
	return nil
}

// isNarrow reports whether something went elsewhere than where all servers of
// the namespace listen.
func (d delivery) isNarrow(s *settings.Servers) bool {
	return d.isStream || d.Subscribers != nil && d.Channel != s.Sharded().Channel(s.Namespace, nil)
}

// text says where it went, and who listens.
func (d delivery) text(s *settings.Servers) string {
	text := show.Quote(d.Channel)
	switch {
	case d.Entries != nil:
		text += ", a stream of " + entriesText(*d.Entries)
	case d.isStream:
		text += ", a stream"
	case d.isNarrow(s):
		text += fmt.Sprintf(", to which %s", subscribe(*d.Subscribers))
	case d.Servers != nil:
		return text + ", where " + outcome.Listen(*d.Servers)
	}
	if d.Servers != nil {
		text += fmt.Sprintf("; on namespace %s, %s", show.Quote(s.Namespace), outcome.Listen(*d.Servers))
	}
	return text
}

func entriesText(n int64) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}

func subscribe(servers int64) string {
	switch servers {
	case 0:
		return "no server subscribes"
	case 1:
		return "1 server subscribes"
	}
	return fmt.Sprintf("%d servers subscribe", servers)
}
