package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/census"
	"github.com/sioemit/sioemit/internal/settings"
	"github.com/sioemit/sioemit/internal/show"
	"github.com/sioemit/sioemit/internal/traffic"
	"github.com/sioemit/sioemit/internal/wire"
)

// others is what other programs publish while doctor runs.
type others struct {
	channels chan string // one of each kind, when the first message comes there
	err      error
}

// Bounds of the look at what others publish: on a busy Redis, all that there is
// to see is seen soon.
const (
	mostMessages = 100000
	mostChannels = 100
)

// watchOthers begins to watch what is published on channels that look like those
// of Socket.IO, right or wrong. It subscribes within a share of the time that
// inTime leaves, and then watches for the whole duration.
func (p *patient) watchOthers(ctx, inTime context.Context, duration time.Duration) *others {
	o := &others{channels: make(chan string, mostChannels)}
	if duration == 0 {
		close(o.channels)
		return o
	}
	began := time.Now()
	subscribing, cancel := census.Patience(inTime, 4)
	defer cancel()
	pubsub, err := p.subscribeToOthers(subscribing)
	if err != nil {
		o.err = err
		close(o.channels)
		return o
	}
	go func() {
		defer close(o.channels)
		defer pubsub.Close()
		ctx, cancel := context.WithDeadline(ctx, began.Add(duration))
		defer cancel()
		seen := make(map[string]bool)
		for range mostMessages {
			message, err := pubsub.ReceiveMessage(ctx)
			if err != nil {
				return // the time is over, or the connection is, which other checks say
			}
			kind := withoutRoom(message.Channel)
			if kind == "" || seen[kind] || !looksLikeMessage(message.Payload) {
				continue
			}
			seen[kind] = true
			o.channels <- message.Channel
			if len(seen) == mostChannels {
				return
			}
		}
	}()
	return o
}

// withoutRoom is what the channels of all rooms have in common: who is heard in
// one is in all. It is empty for channels of answers, which no emitter uses.
func withoutRoom(channel string) string {
	prefix, namespace, rest, ok := wire.SplitChannel(channel)
	switch {
	case strings.HasSuffix(channel, "#emitter"):
		return channel
	case !ok:
		return channel[:strings.LastIndexByte(channel, '#')+1] + "?"
	case strings.HasSuffix(prefix, wire.ResponseSuffix), rest == encoding.UID, census.ClusterUID.MatchString(rest):
		return ""
	}
	return wire.Channel(prefix, namespace)
}

// looksLikeMessage reports whether a payload begins as those of emitters do: with
// a list or an object, in MessagePack or JSON.
func looksLikeMessage(payload string) bool {
	return payload != "" && (payload[0] == '[' || payload[0] == '{' || payload[0] >= 0x80 && payload[0] <= 0x9f)
}

// subscribeToOthers subscribes to as much as this user may: a pattern needs a
// permission for all channels, or for just that pattern.
func (p *patient) subscribeToOthers(ctx context.Context) (pubsub *redis.PubSub, err error) {
	for _, patterns := range [][]string{append([]string{"*#/*", "*#emitter"}, census.PythonChannels...), {traffic.EscapeGlob(p.Key) + "*"}} {
		pubsub = p.client.PSubscribe(ctx, patterns...)
		for range patterns {
			if _, err = pubsub.Receive(ctx); err != nil {
				break
			}
		}
		if err == nil {
			return pubsub, nil
		}
		pubsub.Close()
		if !redis.HasErrorPrefix(err, "NOPERM") {
			return nil, err
		}
	}
	return nil, err
}

// checkOthers says on which channels others publish without being heard, until
// the watch ends.
func (p *patient) checkOthers(o *others) {
	if o.err != nil {
		p.warn("emitters", "It cannot be seen what other emitters publish: "+reason(o.err)+".", "")
	}
	for channel := range o.channels {
		if !p.seen {
			continue // who listens is not known
		}
		if why, advice := p.unheard(channel); why != "" {
			p.warn("emitters", fmt.Sprintf("Another program publishes on %s, and nobody listens there: %s", show.Quote(channel), why), advice)
		}
	}
}

// unheard says why no server takes what is published on a channel, and nothing
// when one does, or when it is no emitter who publishes there.
func (p *patient) unheard(channel string) (why, advice string) {
	prefix, namespace, _, ok := wire.SplitChannel(channel)
	const old = "Emit with sioemit, or with an emitter for Socket.IO 4."
	switch {
	case p.listened.Plain.Names[channel], p.listened.Python[channel] > 0:
		return "", ""
	case slices.Contains(census.PythonChannels, channel):
		return "that is the channel of python-socketio, and servers of Node.js do not know it.", "Emit with sioemit."
	case strings.HasSuffix(channel, "#emitter"):
		return "that is the channel of emitters from 2015 and before.", old
	case !strings.HasSuffix(channel, "#"):
		return "the channel lacks its last #, with which servers subscribe.", old
	case !ok:
		return "", ""
	}
	key := strings.TrimSuffix(prefix, wire.RequestSuffix)
	for _, g := range p.listened.Groups() {
		if g.Adapter == settings.Classic && g.Key == key && g.Namespace == namespace {
			return "", ""
		}
	}
	return fmt.Sprintf("no server with the classic adapter has key %s and namespace %s.", show.Quote(key), show.Quote(namespace)),
		"Compare key and namespace of that emitter with those of the servers: " + p.known() + "."
}

// known lists the servers that there are.
func (p *patient) known() string {
	groups := p.listened.Groups()
	if len(groups) == 0 {
		return "there are none"
	}
	return list(groups)
}
