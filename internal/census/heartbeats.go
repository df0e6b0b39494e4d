package census

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/internal/settings"
)

// Servers of the streams adapter before 0.3 subscribe to nothing. They add a
// heartbeat to the stream when they have added nothing else for five seconds,
// and take one who is silent for ten for gone.
const (
	heartbeatWindow = 15 * time.Second
	lookedAtBeats   = 1000 // entries, from the end of the window
	firstBeats      = 5    // of them, which tell whether the stream is one of Socket.IO
	pageOfBeats     = 50   // entries of others may be large
)

// onlyBefore03 are the types of entries that later versions send beside the
// stream, or not at all.
var onlyBefore03 = map[string]bool{"1": true, "2": true, "7": true, "8": true, "9": true, "10": true, "11": true, "12": true, "13": true}

// LookForHeartbeats looks in streams for servers that no channel shows: in the
// one of the settings, if there is one, and when nobody else is there, in all.
func (c *Census) LookForHeartbeats(ctx context.Context, own string) {
	var names []string
	switch {
	case own != "":
		names = []string{own}
	case len(c.Groups()) > 0:
		return
	}
	c.heartbeats = c.heartbeatsIn(ctx, names)
	if len(c.Groups()) == 0 {
		names, _ = c.StreamNames(ctx)
		c.heartbeats = c.heartbeatsIn(ctx, names[:min(len(names), MostStreams)])
	}
}

func (c *Census) heartbeatsIn(ctx context.Context, streams []string) (found []Group) {
	now, err := c.client.Time(ctx).Result()
	if err != nil {
		now = time.Now()
	}
	since := strconv.FormatInt(now.Add(-heartbeatWindow).UnixMilli(), 10)
	for _, name := range streams {
		for namespace, n := range c.beatingIn(ctx, name, since) {
			found = append(found, Group{Adapter: settings.Streams, Key: c.given.Key, Namespace: namespace, Servers: n, ShardedPubSub: c.given.Adapter == settings.Streams && c.given.ShardedPubSub, Stream: name})
		}
	}
	return found
}

// beatingIn looks at the entries of a stream since some id, from its end. It goes
// no further than the first few in a stream that is not one of Socket.IO.
func (c *Census) beatingIn(ctx context.Context, stream, since string) map[string]int {
	b := beats{servers: make(map[string]int), seen: make(map[string]bool)}
	last, most := "+", firstBeats
	for looked := 0; looked < lookedAtBeats; {
		entries, err := c.client.XRevRangeN(ctx, stream, last, since, int64(most)).Result()
		if err != nil {
			break // no stream, or not for this user
		}
		isEnd := len(entries) < most
		if len(entries) > 0 && entries[0].ID == last {
			entries = entries[1:] // seen before: Redis before 6.2 has no ranges without their end
		}
		if len(entries) == 0 || looked == 0 && !slices.ContainsFunc(entries, isOfSocketIO) {
			break
		}
		b.add(entries)
		if isEnd {
			break
		}
		looked += len(entries)
		last, most = entries[len(entries)-1].ID, pageOfBeats
	}
	return b.servers
}

// isOfSocketIO reports whether an entry has the fields that all entries of the
// streams adapter have.
func isOfSocketIO(entry redis.XMessage) bool {
	for _, field := range []string{"uid", "nsp", "type"} {
		if _, ok := entry.Values[field]; !ok {
			return false
		}
	}
	return true
}

// beats counts by namespace the servers that have added entries of old types,
// and have not said that they go.
type beats struct {
	servers map[string]int
	seen    map[string]bool // by uid
}

// add takes entries in, newest first.
func (b *beats) add(entries []redis.XMessage) {
	for _, entry := range entries {
		uid, _ := entry.Values["uid"].(string)
		namespace, _ := entry.Values["nsp"].(string)
		typ, _ := entry.Values["type"].(string)
		if !ClusterUID.MatchString(uid) || !onlyBefore03[typ] || b.seen[uid] {
			continue
		}
		b.seen[uid] = true
		if typ != "13" {
			b.servers[namespace]++
		}
	}
}
