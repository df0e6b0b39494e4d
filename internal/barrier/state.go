package barrier

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/internal/goredis"
)

// state is what carries events from Redis to the servers, at one time: as long as
// it stays the same, nothing is lost on the way.
type state struct {
	nodes   map[string]node
	servers int // that listened on the namespace; 0 where nobody has counted
}

// node is one Redis.
type node struct {
	isMaster bool
	// subscribers are the connections that may be those of servers, with how long
	// each has been there, in whole seconds. A connection that was cut comes back
	// as another one.
	subscribers map[string]time.Duration
	// links are the connections of the cluster bus to other nodes, with the time at
	// which each was made. What Redis passes on to a node goes along one of them, in
	// order, and is lost when it is cut.
	links map[string]int64
	// slots are those of a Redis Cluster, with their masters, as this node knows them:
	// the subscriptions to a shard channel end when its slot moves, and not the
	// connection. They are known where there are shard channels only.
	slots string
	// clock is the time of Redis, and seen the same time here or a little later.
	clock, seen time.Time
}

// subscription says which subscribers may be servers.
type subscription struct {
	field string // of CLIENT LIST: what servers subscribe to
	least int    // on how many of them
}

// Servers of the classic adapter have a pattern for each namespace. Those of the
// sharded adapter have two channels for each, which on a Redis Cluster are on two
// nodes.
var (
	byPattern      = subscription{"psub", 1}
	byShardChannel = subscription{"ssub", 2}
)

// look looks at all nodes.
func look(ctx context.Context, client *goredis.Client, by *subscription) (*state, error) {
	s := &state{nodes: make(map[string]node)}
	isCluster := client.IsCluster()
	var mu sync.Mutex
	err := client.Each(ctx, func(ctx context.Context, redisNode goredis.Node) error {
		name, n, err := lookAt(ctx, redisNode, by, isCluster)
		mu.Lock()
		defer mu.Unlock()
		s.nodes[name] = n
		return err
	})
	return s, err
}

func lookAt(ctx context.Context, redisNode goredis.Node, by *subscription, isCluster bool) (name string, n node, err error) {
	info := redis.NewStringCmd(ctx, "info")
	links := redis.NewClusterLinksCmd(ctx, "cluster", "links")
	list := redis.NewStringCmd(ctx, "client", "list", "type", "pubsub")
	clock := redis.NewTimeCmd(ctx, "time")
	slots := redis.NewClusterSlotsCmd(ctx, "cluster", "slots")
	cmds := []redis.Cmder{info}
	if isCluster && by == &byShardChannel {
		cmds = append(cmds, slots)
	}
	if isCluster && by != nil {
		cmds = append(cmds, links)
	}
	if by != nil {
		cmds = append(cmds, list)
	}
	for _, cmd := range append(cmds, clock) { // behind the ages, so that no connection is taken for older than it is
		if err := redisNode.Process(ctx, cmd); err != nil {
			return "", n, fmt.Errorf("%s: %w", strings.ToUpper(cmd.FullName()), err)
		}
	}
	name = infoField(info.Val(), "run_id")
	n.isMaster = !isCluster || infoField(info.Val(), "role") == "master"
	n.clock, n.seen = clock.Val(), time.Now()
	n.links = make(map[string]int64)
	for _, link := range links.Val() {
		if link.Direction == "to" {
			n.links[link.Node] = link.CreateTime
		}
	}
	for _, s := range slots.Val() {
		if len(s.Nodes) > 0 {
			n.slots += fmt.Sprintf("%d-%d %s\n", s.Start, s.End, s.Nodes[0].ID)
		}
	}
	if by != nil {
		n.subscribers = subscribers(list.Val(), by, isCluster)
	}
	return name, n, nil
}

// infoField returns what INFO says of one thing.
func infoField(info, name string) string {
	_, rest, _ := strings.Cut(info, "\n"+name+":")
	value, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(value)
}

// replyName is how the emitters in other languages name their connections for replies,
// whose clients servers use, too.
const replyName = "sioemit-replies"

// subscribers reads CLIENT LIST. Programs that use go-redis are no Socket.IO servers,
// and neither are connections for replies: they come and go as somebody asks and waits
// for answers.
func subscribers(list string, by *subscription, isCluster bool) map[string]time.Duration {
	all := make(map[string]time.Duration)
	for line := range strings.Lines(list) {
		var id, addr, laddr, name, library string
		var count int
		var age time.Duration // of one whose age is not told: none
		for _, field := range strings.Fields(line) {
			key, value, _ := strings.Cut(field, "=")
			switch key {
			case "id":
				id = value
			case "addr":
				addr = value
			case "laddr":
				laddr = value
			case "age":
				if seconds, err := strconv.ParseUint(value, 10, 32); err == nil {
					age = time.Duration(seconds) * time.Second
				}
			case "name":
				name = value
			case "lib-name":
				library = value
			case by.field:
				count, _ = strconv.Atoi(value)
			}
		}
		asks := name == replyName || strings.HasPrefix(library, "go-redis")
		if (count >= by.least || isCluster && count > 0) && !asks {
			all[id+" "+addr+" "+laddr] = age
		}
	}
	return all
}

// interrupted says what may have been lost on the way between two states, and
// nothing when that is nothing. IsMissed says that a server was cut off before, and is
// not known to be back. Since is when the first of it was sent, and zero
// where that is not known; before is nil where nobody has looked before.
func interrupted(before, after *state, since time.Time, isMissed bool) string {
	if before == nil {
		return after.youngerThan(since)
	}
	for name, was := range before.nodes {
		is, ok := after.nodes[name]
		switch {
		case !ok:
			return "a Redis node has gone, or was started again"
		case was.isMaster && !is.isMaster:
			return "a Redis node is no longer a master"
		case was.slots != is.slots:
			return "a slot of the Redis Cluster was moved"
		}
		if !was.isMaster {
			continue
		}
		for peer, made := range was.links {
			if is.links[peer] != made {
				return "a link of the Redis Cluster's bus was cut"
			}
		}
	}
	for name, is := range after.nodes {
		if is.isMaster && !before.nodes[name].isMaster {
			return "a Redis node has become a master"
		}
	}
	gone, came := 0, false
	for name, was := range before.nodes {
		for connection := range was.subscribers {
			if _, ok := after.nodes[name].subscribers[connection]; !ok {
				gone++
			}
		}
	}
	for name, is := range after.nodes {
		for connection, age := range is.subscribers {
			if _, ok := before.nodes[name].subscribers[connection]; !ok && !is.isOlder(age, since) {
				came = true
			}
		}
	}
	switch {
	case gone == 0 && came && isMissed:
		return "a server that was cut off may have come back after the first event"
	case gone == 0:
		return ""
	case !came && before.servers > 0 && after.servers >= before.servers:
		// As many servers as before, and all of them have been there since before the
		// first event: what has gone was none of them, or went before that.
		return ""
	case gone == 1:
		return "a subscriber's connection to Redis was cut"
	}
	return fmt.Sprintf("%d subscribers' connections to Redis were cut", gone)
}

// youngerThan says which part of the state may not have been there at a time.
func (s *state) youngerThan(since time.Time) string {
	if since.IsZero() {
		return "" // of nothing
	}
	for _, name := range slices.Sorted(maps.Keys(s.nodes)) {
		n := s.nodes[name]
		for _, age := range n.subscribers {
			if !n.isOlder(age, since) {
				return "a subscriber connected to Redis at about the time of the first event, or after it"
			}
		}
		for _, made := range n.links {
			if n.isMaster && !time.UnixMilli(made).Before(n.then(since)) {
				return "a link of the Redis Cluster's bus was made after the first event"
			}
		}
	}
	return ""
}

// isOlder reports whether a connection of this age, in whole seconds of the clock
// of Redis, was there at a time.
func (n *node) isOlder(age time.Duration, since time.Time) bool {
	if since.IsZero() {
		return false
	}
	connected := n.clock.Truncate(time.Second).Add(-age) // or up to a second later
	return !connected.Add(time.Second).After(n.then(since))
}

// then is a time of here by the clock of Redis, or a little before it.
func (n *node) then(here time.Time) time.Time { return n.clock.Add(-n.seen.Sub(here)) }
