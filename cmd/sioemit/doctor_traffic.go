package main

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/connect"
	"github.com/sioemit/sioemit/internal/wire"
)

// census is who is subscribed to what, on all nodes.
type census struct {
	plain, shard channels
	readers      readers
	messagePack  map[string]bool // by key, whether servers with shard channels answered in MessagePack
	replicas     []channels      // the plain ones that are subscribed at each replica, beside those of the master
	python       map[string]int  // subscribers of the channels that python-socketio servers use
	heartbeats   []group         // of streams adapters before 0.3, which have no channels
}

// channels are the names of channels, and of the ones that every server of a
// namespace subscribes to once, the number of subscribers.
type channels struct {
	names       map[string]bool
	subscribers map[string]int
}

// readers are the connections that read streams, by the number of the database.
// They cannot be seen by every user.
type readers struct {
	known bool
	count map[int]int
}

func (r readers) total() (n int) {
	for _, count := range r.count {
		n += count
	}
	return n
}

// group is the servers that listen in the same way.
type group struct {
	adapter       string
	key           string
	namespace     string
	servers       int
	modern        int    // classic: those of @socket.io/redis-adapter 7 and later
	shardedPubSub bool   // streams
	stream        string // streams adapters before 0.3: the stream that they read
	rooms, ids    int    // sharded: channels of rooms, and of what may be socket ids
}

// pythonChannel is the channel of python-socketio unless it is told another.
const pythonChannel = "socketio"

// observe looks who is subscribed, and reports whether that could be seen.
func (p *patient) observe(ctx context.Context) bool {
	var mu sync.Mutex
	t := &p.listened
	t.plain, t.shard = newChannels(), newChannels()
	t.readers = readers{known: true, count: make(map[int]int)}
	t.python = make(map[string]int)
	look := func(ctx context.Context, node *redis.Client) (plain channels, err error) {
		s, err := p.subscribed(ctx, node)
		if err != nil {
			return channels{}, err
		}
		mu.Lock()
		defer mu.Unlock()
		plain = newChannels()
		plain.add(s.plain, s.plainCount)
		t.plain.add(s.plain, s.plainCount)
		t.shard.add(s.shard, s.shardCount)
		for name, n := range s.python {
			t.python[name] += int(n)
		}
		t.readers.known = t.readers.known && s.readersKnown
		t.readers.add(s.clients)
		return plain, nil
	}
	err := everyNode(ctx, p.client, func(ctx context.Context, node *redis.Client) error {
		_, err := look(ctx, node)
		return err
	})
	if err != nil {
		p.unsure("servers", "Which servers listen cannot be seen: "+reason(err)+".", "")
		return false
	}
	for _, address := range p.replicas {
		plain, err := lookAtReplica(ctx, p.node, address, look)
		if err != nil {
			p.warn("role", fmt.Sprintf("Who is subscribed at the replica %s cannot be seen: %s.", address, reason(err)), "")
			plain = newChannels()
		}
		t.replicas = append(t.replicas, plain)
	}
	p.tellApart(ctx)
	p.observeHeartbeats(ctx)
	return true
}

// lookAtReplica looks at a replica of a node: Redis passes on to it what is
// published, and counts its subscribers there alone.
func lookAtReplica(ctx context.Context, master *redis.Client, address string, look func(context.Context, *redis.Client) (channels, error)) (channels, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	options := *master.Options()
	options.Network, options.Addr, options.Dialer = "tcp", address, connect.Dialer(probeTimeout, options.TLSConfig)
	replica := connect.NewNode(&options)
	defer replica.Close()
	return look(ctx, replica)
}

// subscriptions is what one node tells.
type subscriptions struct {
	plain, shard                   []string
	plainCount, shardCount, python map[string]int64
	clients                        string // CLIENT LIST
	readersKnown                   bool
}

func (p *patient) subscribed(ctx context.Context, node *redis.Client) (s subscriptions, err error) {
	// Every adapter's channels end in #, and a namespace begins with /.
	const ours = "*#/*#"
	if s.plain, err = node.PubSubChannels(ctx, ours).Result(); err != nil {
		return s, err
	}
	if s.plainCount, err = subscribers(ctx, node, "NUMSUB", s.plain); err != nil {
		return s, err
	}
	if s.python, err = node.PubSubNumSub(ctx, pythonChannel, p.key).Result(); err != nil {
		return s, err
	}
	// Before Redis 7 there are no shard channels.
	if s.shard, err = node.PubSubShardChannels(ctx, ours).Result(); err == nil {
		s.shardCount, err = subscribers(ctx, node, "SHARDNUMSUB", s.shard)
	}
	if err != nil && !isUnknownCommand(err) {
		return s, err
	}
	var clientsErr error
	s.clients, clientsErr = node.ClientList(ctx).Result()
	s.readersKnown = clientsErr == nil
	return s, nil
}

// tellApart asks servers that may be of the sharded adapter, or of the streams
// adapter with useShardedPubSub: these have the same channels, but answer in
// MessagePack. All namespaces of a server have the same adapter, so that one of
// each key is asked.
func (p *patient) tellApart(ctx context.Context) {
	p.listened.messagePack = make(map[string]bool)
	asking, cancel := patience(ctx, 4)
	defer cancel()
	byKey := make(map[string]group)
	for _, g := range p.listened.groups(p.servers) {
		if _, ok := byKey[g.key]; p.listened.ambiguous(g) && (!ok || g.namespace == p.namespace) {
			byKey[g.key] = g
		}
	}
	for key, g := range byKey {
		g.servers = 1 // the first answer is enough
		if a, err := p.askCluster(asking, g, []encoding.Room{nobody}); err == nil && a.servers > 0 {
			p.listened.messagePack[key] = a.messagePack > 0
		}
	}
}

// ambiguous reports whether servers may be of the sharded adapter as well as of
// the streams adapter: only the first has channels of rooms, only the second
// reads streams.
func (t *census) ambiguous(g group) bool {
	return (g.adapter == "sharded" || g.shardedPubSub) && g.rooms+g.ids == 0 && (!t.readers.known || t.readers.total() > 0)
}

func newChannels() channels {
	return channels{names: make(map[string]bool), subscribers: make(map[string]int)}
}

func (c channels) add(names []string, subscribers map[string]int64) {
	for _, name := range names {
		c.names[name] = true
	}
	for name, n := range subscribers {
		c.subscribers[name] += int(n)
	}
}

// subscribers counts those of the channels that have neither room nor uid.
func subscribers(ctx context.Context, node *redis.Client, numsub string, names []string) (map[string]int64, error) {
	words := []any{"PUBSUB", numsub}
	for _, name := range names {
		if _, _, rest, ok := wire.SplitChannel(name); ok && rest == "" {
			words = append(words, name)
		}
	}
	if len(words) == 2 {
		return nil, nil
	}
	cmd := redis.NewMapStringIntCmd(ctx, words...)
	if err := node.Process(ctx, cmd); err != nil {
		return nil, err
	}
	return cmd.Result()
}

// readerLine matches a connection in CLIENT LIST that reads a stream.
var readerLine = regexp.MustCompile(`(?m)^.* db=(\d+) .* cmd=xread .*$`)

func (r *readers) add(clients string) {
	for _, match := range readerLine.FindAllStringSubmatch(clients, -1) {
		if db, err := strconv.Atoi(match[1]); err == nil {
			r.count[db]++
		}
	}
}

// The random names that servers make: the uid of the sharded and the streams
// adapter, and the id of a socket.
var (
	clusterUID = regexp.MustCompile(`^[0-9a-f]{16}$`)
	socketID   = regexp.MustCompile(`^[0-9A-Za-z_-]{20}$`)
)

// groups says which servers the channels belong to.
func (t *census) groups(s servers) []group {
	plain, shard := members(t.plain), members(t.shard)
	var found []group
	for at, m := range plain {
		if key, ok := strings.CutSuffix(at.prefix, wire.RequestSuffix); ok && m.servers > 0 {
			responses := plain[place{key + wire.ResponseSuffix, at.namespace}]
			found = append(found, group{adapter: "classic", key: key, namespace: at.namespace, servers: m.servers, modern: responses.ids + responses.rooms})
		}
		// Servers of the streams adapter have a channel of their own beside
		// this one. Those of socket.io-redis 4 have not.
		if m.uids > 0 && !strings.HasSuffix(at.prefix, wire.ResponseSuffix) {
			found = append(found, group{adapter: "streams", key: at.prefix, namespace: at.namespace, servers: min(m.servers, m.uids)})
		}
	}
	for at, m := range shard {
		// A running sioemit listen has no channel of its own, as servers have.
		servers := min(m.servers, m.uids)
		if servers == 0 {
			continue
		}
		g := group{adapter: "sharded", key: at.prefix, namespace: at.namespace, servers: servers, rooms: m.rooms, ids: m.ids}
		if t.ambiguous(g) {
			streams, told := t.messagePack[g.key]
			if !told { // nobody has answered
				streams = s.adapter == "streams" && s.shardedPubSub
			}
			if streams {
				g.adapter, g.shardedPubSub = "streams", true
			}
		}
		found = append(found, g)
	}
	found = append(found, t.heartbeats...)
	slices.SortFunc(found, func(a, b group) int {
		return cmp.Or(cmp.Compare(a.adapter, b.adapter), cmp.Compare(a.key, b.key), cmp.Compare(a.namespace, b.namespace))
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

func members(c channels) map[place]membership {
	all := make(map[place]membership)
	for name := range c.names {
		prefix, namespace, rest, ok := wire.SplitChannel(name)
		if !ok {
			continue
		}
		at := place{prefix, namespace}
		m := all[at]
		switch {
		case rest == "":
			m.servers = c.subscribers[name]
		case rest == "emitter": // somebody who waits for replies
		case clusterUID.MatchString(rest):
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
