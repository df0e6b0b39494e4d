package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/protocol"
	"github.com/sioemit/sioemit/internal/show"
	"github.com/sioemit/sioemit/internal/wire"
)

// Bounds of the look at streams: doctor must not be a burden for a large Redis.
const (
	lookedAtEntries = 100    // of a stream, from its end
	lookedAtKeys    = 100000 // of a node, in search of streams
	lookedAtStreams = 100
)

// stream is what can be known of a stream from its last entries.
type stream struct {
	name    string
	kind    string // what TYPE says
	entries int
	// servers are the namespaces in entries that a server has added, which
	// are proof that servers use this stream. Entries of emitters are none:
	// they may be as wrong as the settings.
	servers map[string]bool
}

func lookAtStream(ctx context.Context, client redis.UniversalClient, name string) (stream, error) {
	s := stream{name: name, servers: make(map[string]bool)}
	var err error
	if s.kind, err = client.Type(ctx, name).Result(); err != nil || s.kind != "stream" {
		return s, err
	}
	entries, err := client.XRevRangeN(ctx, name, "+", "-", lookedAtEntries).Result()
	if err != nil {
		return s, err
	}
	s.entries = len(entries)
	for _, entry := range entries {
		uid, _ := entry.Values["uid"].(string)
		namespace, _ := entry.Values["nsp"].(string)
		if clusterUID.MatchString(uid) && entry.Values["type"] != nil {
			s.servers[namespace] = true
		}
	}
	return s, nil
}

// checkStream asks the servers through the stream of an event who is in a room
// that nobody is in: those who answer read that stream. When none does, it looks
// for the stream that they read. It reports whether all answered. They have just
// taken so long to answer on a channel.
func (p *patient) checkStream(ctx context.Context, here *group, took time.Duration) bool {
	if p.command == nil { // the namespace has no stream, which has been said
		return false
	}
	if p.wrongDatabase() {
		return false
	}
	name := fmt.Sprint(p.command[1])
	own, err := lookAtStream(ctx, p.client, name)
	var others []string
	complete := true
	switch {
	case redis.HasErrorPrefix(err, "NOPERM"): // who may only add to it can ask all the same
	case err != nil:
		p.unsure("stream", fmt.Sprintf("Stream %s cannot be looked at: %s.", show.Quote(name), reason(err)), "")
		return false
	case own.kind != "stream" && own.kind != "none":
		p.fail("stream", fmt.Sprintf("The key %s is no stream, but a %s.", show.Quote(name), own.kind), "Check --stream-name: it is streamName of the servers.")
		return false
	case own.kind == "none": // and no question makes one where servers use others
		others, complete = p.otherStreams(ctx, name)
	}
	if len(others) == 0 {
		asking, cancel := patience(ctx, 2)
		defer cancel()
		asking, cancelEarly := context.WithTimeout(asking, max(2*time.Second, 20*took))
		defer cancelEarly()
		a, err := p.askStream(asking, *here, name, []encoding.Room{nobody}, own.kind == "none")
		switch {
		case err != nil:
			p.unsure("stream", fmt.Sprintf("The servers cannot be asked through stream %s: %s.", show.Quote(name), reason(err)), "")
			return false
		case a.servers >= here.servers:
			p.ok("stream", fmt.Sprintf("Asked through stream %s, %d of %s answered.", show.Quote(name), a.servers, show.Plural(here.servers, "server")))
			return true
		case a.servers > 0:
			p.fail("stream", fmt.Sprintf("Asked through stream %s, %d of %s answered.", show.Quote(name), a.servers, show.Plural(here.servers, "server")),
				"The others read another stream, or hang at an entry that they cannot read: their log says which.")
			return false
		}
		others, complete = p.otherStreams(ctx, name)
	}
	perServer := p.readersPerServer(here)
	switch {
	case len(others) == 1:
		p.otherStream(name, others[0], perServer)
	case len(others) > 1:
		p.fail("stream", fmt.Sprintf("Servers use other streams for namespace %s, and not %s: %s.", show.Quote(p.namespace), show.Quote(name), strings.Join(others, ", ")),
			"Find the one that you mean, and add --stream-name, and --stream-count if it is one of several.")
	case perServer > 0 && perServer != p.streamCount:
		// No flags: a job queue, a second application or sioemit listen may be
		// among them.
		p.fail("stream", fmt.Sprintf("No server answers through stream %s. %s read streams, %d for each server, and --stream-count is %d.",
			show.Quote(name), show.Plural(p.listened.readers.total(), "connection"), perServer, p.streamCount),
			fmt.Sprintf("Does nothing else here read streams? Then streamCount of the servers is %d. %s", perServer, p.addFlags([]string{"--stream-count", strconv.Itoa(perServer)})))
	default:
		text := fmt.Sprintf("No server answers through stream %s.", show.Quote(name))
		if !complete {
			text += " Not all keys were looked at."
		}
		p.fail("stream", text, "Compare --stream-name and --stream-count with streamName and streamCount of the servers.")
	}
	return false
}

// askStream asks the servers through a stream who is in rooms. Those of the
// streams adapter 0.3 answer on a channel, the older ones in the stream.
func (p *patient) askStream(ctx context.Context, g group, stream string, rooms []encoding.Room, isNew bool) (a answers, err error) {
	var pubsub *redis.PubSub
	if g.stream == "" {
		subscribe := p.client.Subscribe
		if g.shardedPubSub {
			subscribe = p.client.SSubscribe
		}
		pubsub = subscribe(ctx, encoding.Streams{ChannelPrefix: g.key}.ResponseChannel(g.namespace))
		defer pubsub.Close()
		if _, err := pubsub.Receive(ctx); err != nil {
			return a, err
		}
	}
	question := rand.Text()
	data, err := json.Marshal(map[string]any{
		"opts":      map[string]any{"rooms": rooms, "except": []string{}, "flags": struct{}{}},
		"requestId": question,
	})
	if err != nil {
		return a, err
	}
	id, err := p.client.XAdd(ctx, &redis.XAddArgs{Stream: stream, Values: []string{
		"uid", encoding.UID, "nsp", g.namespace, "type", "7", "data", string(data),
	}}).Result()
	if err != nil {
		return a, err
	}
	own := p.listened.plain.names
	if g.shardedPubSub {
		own = p.listened.shard.names
	}
	channel := encoding.Streams{ChannelPrefix: g.key}.Channel(g.namespace)
	after := id
	heard := make(map[string]bool)
	for a.servers < g.servers {
		if pubsub != nil {
			text, err := receive(ctx, pubsub)
			if err != nil {
				break
			}
			if uid, sockets, ok := socketsIn(text, question); ok && own[wire.Within(channel, uid)] && !heard[uid] {
				heard[uid] = true
				a.servers++
				a.clients += sockets
			}
			continue
		}
		read, err := p.client.XRead(ctx, &redis.XReadArgs{Streams: []string{stream, after}, Count: 1000, Block: 100 * time.Millisecond}).Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			break
		}
		for _, s := range read {
			for _, entry := range s.Messages {
				after = entry.ID
				if uid, n, ok := answerIn(entry, question); ok && !heard[uid] {
					heard[uid] = true
					a.servers++
					a.clients += n
				}
			}
		}
	}
	if isNew && a.servers == 0 {
		p.client.XDel(context.WithoutCancel(ctx), stream, id) // nobody needs it; the user may not be allowed to
	}
	return a, nil
}

// answerIn returns whose answer to a question an entry is, and how many sockets
// it holds.
func answerIn(entry redis.XMessage, question string) (uid string, sockets int, ok bool) {
	var fields []string
	for name, value := range entry.Values {
		fields = append(fields, name, fmt.Sprint(value))
	}
	m, err := protocol.UnmarshalEntry(fields)
	return socketsOf(m, err, question)
}

// checkOldStreams says what servers of the streams adapter before 0.3 do not
// take.
func (p *patient) checkOldStreams(here *group) {
	if here.stream == "" {
		return
	}
	p.warn("adapter", fmt.Sprintf("%s the streams adapter before 0.3: events arrive, but --ack, server-emit, sockets, rooms and servers reach nobody, because it has no channel.", capital(show.Plural(here.servers, "server")+have(here.servers))),
		"Update @socket.io/redis-streams-adapter to 0.3 on all servers at once, where you need those.")
}

func have(n int) string {
	if n == 1 {
		return " has"
	}
	return " have"
}

// wrongDatabase reports whether the servers read streams of another database.
func (p *patient) wrongDatabase() bool {
	client, ok := p.client.(*redis.Client)
	if !ok || len(p.listened.readers.count) != 1 || isSentinel(client) {
		return false
	}
	o := *client.Options()
	for db := range p.listened.readers.count {
		if db == o.DB {
			return false
		}
		text := fmt.Sprintf("The servers read streams of database %d, and the URL names %d.", db, o.DB)
		o.DB = db
		flags, advice := p.otherURL(o, "")
		p.fail("stream", text, advice, flags...)
	}
	return true
}

// readersPerServer returns how many streams each server reads, or 0 when that
// cannot be told.
func (p *patient) readersPerServer(here *group) int {
	if total := p.listened.readers.total(); here.servers > 0 && total%here.servers == 0 {
		return total / here.servers
	}
	return 0
}

// otherStreams returns the names of the other streams that servers use for the
// namespace, and whether all keys have been looked at.
func (p *patient) otherStreams(ctx context.Context, own string) (names []string, complete bool) {
	all, complete := p.streamNames(ctx)
	slices.Sort(all)
	for i, name := range all {
		if i == lookedAtStreams {
			return names, false
		}
		if name == own {
			continue
		}
		s, err := lookAtStream(ctx, p.client, name)
		if err != nil {
			complete = false
		}
		if s.servers[p.namespace] {
			names = append(names, name)
		}
	}
	return names, complete
}

// errEnough ends the search for streams.
var errEnough = errors.New("enough keys were looked at")

func (p *patient) streamNames(ctx context.Context) (names []string, complete bool) {
	scan := func(ctx context.Context, node *redis.Client) error {
		const page = 1000
		var cursor uint64
		for range lookedAtKeys / page {
			found, next, err := node.ScanType(ctx, cursor, "*", page, "stream").Result()
			if err != nil {
				return err
			}
			names = append(names, found...)
			if cursor = next; cursor == 0 {
				return nil
			}
		}
		return errEnough
	}
	cluster, ok := p.client.(*redis.ClusterClient)
	if !ok {
		err := everyNode(ctx, p.client, scan)
		return names, err == nil
	}
	// Masters only, since replicas hold the same keys, and one after the other.
	var mu sync.Mutex
	var masters []*redis.Client
	err := cluster.ForEachMaster(ctx, func(_ context.Context, node *redis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		masters = append(masters, node)
		return nil
	})
	complete = err == nil
	for _, node := range masters {
		complete = scan(ctx, node) == nil && complete
	}
	return names, complete
}

// numberedStream matches the name of one of several streams.
var numberedStream = regexp.MustCompile(`^(.+)-(\d+)$`)

// otherStream says how to get to the one stream that servers use.
func (p *patient) otherStream(own, other string, perServer int) {
	name, count := other, 1
	if parts := numberedStream.FindStringSubmatch(other); parts != nil && perServer != 1 {
		if n := p.countOf(parts[1], other, perServer); n > 0 {
			name, count = parts[1], n
		}
	}
	var flags []string
	if name != p.streamName {
		flags = append(flags, "--stream-name", name)
	}
	if count != p.streamCount {
		flags = append(flags, "--stream-count", strconv.Itoa(count))
	}
	p.fail("stream", fmt.Sprintf("Servers use stream %s for namespace %s, and not %s.", show.Quote(other), show.Quote(p.namespace), show.Quote(own)), p.addFlags(flags), flags...)
}

// countOf returns a number of streams with which the namespace belongs to this
// one: the one that the servers' connections suggest, or else the smallest.
// For this namespace, all such numbers mean the same stream.
func (p *patient) countOf(base, stream string, perServer int) int {
	fits := func(n int) bool {
		name, err := encoding.Streams{StreamName: base, StreamCount: n}.Stream(p.namespace)
		return err == nil && name == stream
	}
	if perServer > 1 && fits(perServer) {
		return perServer
	}
	const most = 1000
	for n := 2; n <= most; n++ {
		if fits(n) {
			return n
		}
	}
	return 0
}
