package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/encoding"
)

// others is what other programs publish while doctor runs.
type others struct {
	done chan struct{}
	err  error
	seen map[string]int // messages by channel
}

// mostWatched bounds how many messages are looked at: on a busy Redis, all that
// there is to see is seen soon.
const mostWatched = 10000

// watchOthers begins to watch what is published on channels that look like those
// of Socket.IO, right or wrong.
func (p *patient) watchOthers(ctx context.Context, duration time.Duration) *others {
	o := &others{done: make(chan struct{}), seen: make(map[string]int)}
	if duration == 0 {
		close(o.done)
		return o
	}
	began := time.Now()
	pubsub, err := p.subscribeToOthers(ctx)
	if err != nil {
		o.err = err
		close(o.done)
		return o
	}
	go func() {
		defer close(o.done)
		defer pubsub.Close()
		ctx, cancel := context.WithDeadline(ctx, began.Add(duration))
		defer cancel()
		for range mostWatched {
			message, err := pubsub.ReceiveMessage(ctx)
			if err != nil {
				return // the time is over, or the connection is, which other checks say
			}
			if looksLikeMessage(message.Payload) {
				o.seen[message.Channel]++
			}
		}
	}()
	return o
}

// looksLikeMessage reports whether a payload begins as those of emitters do: with
// a list or an object, in MessagePack or JSON.
func looksLikeMessage(payload string) bool {
	return payload != "" && (payload[0] == '[' || payload[0] == '{' || payload[0] >= 0x80 && payload[0] <= 0x9f)
}

// subscribeToOthers subscribes to as much as this user may: a pattern needs a
// permission for all channels, or for just that pattern.
func (p *patient) subscribeToOthers(ctx context.Context) (pubsub *redis.PubSub, err error) {
	for _, patterns := range [][]string{{"*#/*", "*#emitter", pythonChannel}, {escapeGlob(p.key) + "*"}} {
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

// checkOthers says on which channels others publish without being heard.
func (p *patient) checkOthers(o *others) {
	<-o.done
	if o.err != nil {
		p.warn("emitters", "What other emitters publish cannot be seen: "+reason(o.err)+".", "")
		return
	}
	for _, channel := range slices.Sorted(maps.Keys(o.seen)) {
		if why, advice := p.unheard(channel); why != "" {
			p.warn("emitters", fmt.Sprintf("Another program publishes on %s, and nobody listens there (%s while doctor ran): %s", quote(channel), plural(o.seen[channel], "message"), why), advice)
		}
	}
}

// unheard says why no server takes what is published on a channel, and nothing
// when one does, or when it is no emitter who publishes there.
func (p *patient) unheard(channel string) (why, advice string) {
	prefix, namespace, rest, ok := splitChannel(channel)
	const old = "Emit with sioemit, or with an emitter for Socket.IO 4."
	switch {
	case p.listened.plain.names[channel], p.listened.python[channel] > 0:
		return "", ""
	case channel == pythonChannel:
		return "that is the channel of python-socketio, and servers of Node.js do not know it.", "Emit with sioemit."
	case strings.HasSuffix(channel, "#emitter"):
		return "that is the channel of emitters from 2015 and before.", old
	case !strings.HasSuffix(channel, "#"):
		return "the channel lacks its last #, with which servers subscribe.", old
	case !ok, strings.HasSuffix(prefix, "-response"), rest == encoding.UID, clusterUID.MatchString(rest), rest == string(nobody):
		return "", ""
	}
	key := strings.TrimSuffix(prefix, "-request")
	for _, g := range p.listened.groups(p.settings) {
		if g.adapter == "classic" && g.key == key && g.namespace == namespace {
			return "", ""
		}
	}
	return fmt.Sprintf("no server with the classic adapter has key %s and namespace %s.", quote(key), quote(namespace)),
		"Compare key and namespace of that emitter with those of the servers: " + p.known() + "."
}

// known lists the servers that there are.
func (p *patient) known() string {
	groups := p.listened.groups(p.settings)
	if len(groups) == 0 {
		return "there are none"
	}
	return list(groups)
}
