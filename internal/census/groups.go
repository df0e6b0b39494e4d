package census

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/sioemit/sioemit/internal/settings"
	"github.com/sioemit/sioemit/internal/wire"
)

// TellApart asks servers that may be of the sharded adapter, or of the streams
// adapter with useShardedPubSub: these have the same channels, but answer in
// MessagePack. All namespaces of a server have the same adapter, so that one of
// each key is asked.
func (c *Census) TellApart(ctx context.Context) {
	c.messagePack = make(map[string]bool)
	asking, cancel := Patience(ctx, 4)
	defer cancel()
	byKey := make(map[string]Group)
	for _, g := range c.Groups() {
		if _, ok := byKey[g.Key]; c.ambiguous(g) && (!ok || g.Namespace == c.given.Namespace) {
			byKey[g.Key] = g
		}
	}
	for key, g := range byKey {
		g.Servers = 1 // the first answer is enough
		if a, err := c.Ask(asking, g, Nobody, false); err == nil && a.Servers > 0 {
			c.messagePack[key] = a.MessagePack > 0
		}
	}
}

// ambiguous reports whether servers may be of the sharded adapter as well as of
// the streams adapter: only the first has channels of rooms, only the second
// reads streams.
func (c *Census) ambiguous(g Group) bool {
	return (g.Adapter == settings.Sharded || g.ShardedPubSub) && g.Rooms+g.IDs == 0 && (!c.Readers.Known || c.Readers.Total() > 0)
}

// The random names that servers make: the uid of the sharded and the streams
// adapter, and the id of a socket.
var (
	ClusterUID = regexp.MustCompile(`^[0-9a-f]{16}$`)
	socketID   = regexp.MustCompile(`^[0-9A-Za-z_-]{20}$`)
)

// Groups says which servers the channels belong to.
func (c *Census) Groups() []Group {
	plain, shard := members(c.Plain), members(c.Shard)
	var found []Group
	for at, m := range plain {
		if key, ok := strings.CutSuffix(at.prefix, wire.RequestSuffix); ok && m.servers > 0 {
			responses := plain[place{key + wire.ResponseSuffix, at.namespace}]
			found = append(found, Group{Adapter: settings.Classic, Key: key, Namespace: at.namespace, Servers: m.servers, Modern: responses.ids + responses.rooms})
		}
		// Servers of the streams adapter have a channel of their own beside
		// this one. Those of socket.io-redis 4 have not.
		if m.uids > 0 && !strings.HasSuffix(at.prefix, wire.ResponseSuffix) {
			found = append(found, Group{Adapter: settings.Streams, Key: at.prefix, Namespace: at.namespace, Servers: min(m.servers, m.uids)})
		}
	}
	for at, m := range shard {
		// A running sioemit listen has no channel of its own, as servers have.
		servers := min(m.servers, m.uids)
		if servers == 0 {
			continue
		}
		g := Group{Adapter: settings.Sharded, Key: at.prefix, Namespace: at.namespace, Servers: servers, Rooms: m.rooms, IDs: m.ids}
		if c.ambiguous(g) {
			streams, told := c.messagePack[g.Key]
			if !told { // nobody has answered
				streams = c.given.Adapter == settings.Streams && c.given.ShardedPubSub
			}
			if streams {
				g.Adapter, g.ShardedPubSub = settings.Streams, true
			}
		}
		found = append(found, g)
	}
	for channel, n := range c.Python {
		if n > 0 { // for all namespaces
			found = append(found, Group{Adapter: settings.Python, Key: channel, Namespace: c.given.Namespace, Servers: n})
		}
	}
	found = append(found, c.heartbeats...)
	slices.SortFunc(found, func(a, b Group) int {
		return cmp.Or(cmp.Compare(a.Adapter, b.Adapter), cmp.Compare(a.Key, b.Key), cmp.Compare(a.Namespace, b.Namespace))
	})
	return found
}

// place is what the channels of one namespace have in common.
type place struct{ prefix, namespace string }

// membership is what is subscribed in one place.
type membership struct {
	servers          int // subscribers of the channel that has neither room nor uid
	uids, ids, rooms int // other channels, by what their last part looks like
}

func members(c Channels) map[place]membership {
	all := make(map[place]membership)
	for name := range c.Names {
		prefix, namespace, rest, ok := wire.SplitChannel(name)
		if !ok {
			continue
		}
		at := place{prefix, namespace}
		m := all[at]
		switch {
		case rest == "":
			m.servers = c.Subscribers[name]
		case rest == "emitter": // somebody who waits for replies
		case ClusterUID.MatchString(rest):
			m.uids++
		case socketID.MatchString(rest):
			m.ids++
		default:
			m.rooms++
		}
		all[at] = m
	}
	return all
}

// Listeners returns how many of those who listen to the shard channel of a group
// are no servers: every sioemit listen is one.
func (c *Census) Listeners(g Group) int {
	m := members(c.Shard)[place{g.Key, g.Namespace}]
	return max(0, m.servers-m.uids)
}

// AtReplica says which servers the plain channels at a replica belong to.
func (c *Census) AtReplica(i int) []Group {
	there := New(c.client, c.given)
	there.Plain = c.Replicas[i]
	return there.Groups()
}
