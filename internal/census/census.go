// Package census finds the Socket.IO servers that a Redis joins: from who is
// subscribed to what, and from what the servers say when they are asked. It says
// who is there; what is wrong with that is for others to say.
package census

import (
	"context"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/connect"
	"github.com/sioemit/sioemit/internal/settings"
	"github.com/sioemit/sioemit/internal/wire"
)

// Census is who is subscribed to what, on all nodes.
type Census struct {
	client redis.UniversalClient
	given  *settings.Servers

	mu           sync.Mutex
	Plain, Shard Channels
	Readers      Readers
	Replicas     []Channels      // the plain ones that are subscribed at each replica, beside those of the master
	Python       map[string]int  // subscribers of the channels that servers of python-socketio may use
	heartbeats   []Group         // of streams adapters before 0.3, which have no channels
	messagePack  map[string]bool // by key, whether servers with shard channels answered in MessagePack
}

// Channels are the names of channels, and of the ones that every server of a
// namespace subscribes to once, the number of subscribers.
type Channels struct {
	Names       map[string]bool
	Subscribers map[string]int
}

// Readers are the connections that read streams, by the number of the database.
// They cannot be seen by every user.
type Readers struct {
	Known bool
	Count map[int]int
}

// Total is the number of all of them.
func (r Readers) Total() (n int) {
	for _, count := range r.Count {
		n += count
	}
	return n
}

// Group is the servers that listen in the same way.
type Group struct {
	Adapter       settings.Adapter
	Key           string
	Namespace     string
	Servers       int
	Modern        int    // classic: those of @socket.io/redis-adapter 7 and later
	ShardedPubSub bool   // streams
	Stream        string // streams adapters before 0.3: the stream that they read
	Rooms, IDs    int    // sharded: channels of rooms, and of what may be socket ids
}

// PythonChannels are those of python-socketio and of Flask-SocketIO unless they are
// told another.
var PythonChannels = []string{encoding.DefaultPythonChannel, "flask-socketio"}

// New returns an empty census of the servers that a client reaches. What cannot be
// told apart is taken for what the settings say, as these are when it is asked for.
func New(client redis.UniversalClient, given *settings.Servers) *Census {
	return &Census{
		client: client, given: given, Plain: NewChannels(), Shard: NewChannels(),
		Readers: Readers{Known: true, Count: make(map[int]int)}, Python: make(map[string]int), messagePack: make(map[string]bool),
	}
}

// Take looks who is subscribed at all nodes.
func (c *Census) Take(ctx context.Context) error {
	return EveryNode(ctx, c.client, func(ctx context.Context, node *redis.Client) error {
		_, err := c.look(ctx, node)
		return err
	})
}

// TakeReplica looks who is subscribed at a replica of a node: Redis passes on to it
// what is published, and counts its subscribers there alone.
func (c *Census) TakeReplica(ctx context.Context, master *redis.Client, address string) error {
	ctx, cancel := context.WithTimeout(ctx, replicaTimeout)
	defer cancel()
	options := *master.Options()
	options.Network, options.Addr, options.Dialer = "tcp", address, connect.Dialer(replicaTimeout, options.TLSConfig)
	replica := connect.NewNode(&options)
	defer replica.Close()
	plain, err := c.look(ctx, replica)
	c.Replicas = append(c.Replicas, plain)
	return err
}

const replicaTimeout = time.Second

// look adds what one node tells, and returns the plain channels of that.
func (c *Census) look(ctx context.Context, node *redis.Client) (plain Channels, err error) {
	plain = NewChannels()
	s, err := c.subscribed(ctx, node)
	if err != nil {
		return plain, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	plain.add(s.plain, s.plainCount)
	c.Plain.add(s.plain, s.plainCount)
	c.Shard.add(s.shard, s.shardCount)
	for name, n := range s.python {
		c.Python[name] += int(n)
	}
	c.Readers.Known = c.Readers.Known && s.readersKnown
	c.Readers.add(s.clients)
	return plain, nil
}

// subscriptions is what one node tells.
type subscriptions struct {
	plain, shard                   []string
	plainCount, shardCount, python map[string]int64
	clients                        string // CLIENT LIST
	readersKnown                   bool
}

func (c *Census) subscribed(ctx context.Context, node *redis.Client) (s subscriptions, err error) {
	// Every adapter's channels end in #, and a namespace begins with /.
	const ours = "*#/*#"
	if s.plain, err = node.PubSubChannels(ctx, ours).Result(); err != nil {
		return s, err
	}
	if s.plainCount, err = subscribers(ctx, node, "NUMSUB", s.plain); err != nil {
		return s, err
	}
	if s.python, err = node.PubSubNumSub(ctx, append([]string{c.given.Key}, PythonChannels...)...).Result(); err != nil {
		return s, err
	}
	// Before Redis 7 there are no shard channels.
	if s.shard, err = node.PubSubShardChannels(ctx, ours).Result(); err == nil {
		s.shardCount, err = subscribers(ctx, node, "SHARDNUMSUB", s.shard)
	}
	if err != nil && !connect.IsUnknownCommand(err) {
		return s, err
	}
	var clientsErr error
	s.clients, clientsErr = node.ClientList(ctx).Result()
	s.readersKnown = clientsErr == nil
	return s, nil
}

// NewChannels are none.
func NewChannels() Channels {
	return Channels{Names: make(map[string]bool), Subscribers: make(map[string]int)}
}

func (c Channels) add(names []string, subscribers map[string]int64) {
	for _, name := range names {
		c.Names[name] = true
	}
	for name, n := range subscribers {
		c.Subscribers[name] += int(n)
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

func (r *Readers) add(clients string) {
	for _, match := range readerLine.FindAllStringSubmatch(clients, -1) {
		if db, err := strconv.Atoi(match[1]); err == nil {
			r.Count[db]++
		}
	}
}

// EveryNode calls f for each node that may have subscribers, several at a time
// on a Redis Cluster.
func EveryNode(ctx context.Context, client redis.UniversalClient, f func(context.Context, *redis.Client) error) error {
	switch client := client.(type) {
	case *redis.ClusterClient:
		return client.ForEachShard(ctx, f)
	case *redis.Client:
		return f(ctx, client)
	}
	return nil
}

// ShardSubscribers counts the subscribers of a shard channel, on all nodes.
func (c *Census) ShardSubscribers(ctx context.Context, channel string) (int, error) {
	var n atomic.Int64
	err := EveryNode(ctx, c.client, func(ctx context.Context, node *redis.Client) error {
		counts, err := node.PubSubShardNumSub(ctx, channel).Result()
		n.Add(counts[channel])
		return err
	})
	return int(n.Load()), err
}
