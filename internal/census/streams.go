package census

import (
	"context"
	"errors"
	"sync"

	"github.com/redis/go-redis/v9"
)

// Bounds of the look at streams: doctor must not be a burden for a large Redis.
const (
	lookedAtEntries = 100    // of a stream, from its end
	lookedAtKeys    = 100000 // of a node, in search of streams
	MostStreams     = 100    // that are looked at
)

// Stream is what can be known of a stream from its last entries.
type Stream struct {
	Kind string // what TYPE says
	// Servers are the namespaces in entries that a server has added, which
	// are proof that servers use this stream. Entries of emitters are none:
	// they may be as wrong as the settings.
	Servers map[string]bool
}

// LookAtStream looks at the last entries of a stream.
func (c *Census) LookAtStream(ctx context.Context, name string) (Stream, error) {
	s := Stream{Servers: make(map[string]bool)}
	var err error
	if s.Kind, err = c.client.Type(ctx, name).Result(); err != nil || s.Kind != "stream" {
		return s, err
	}
	entries, err := c.client.XRevRangeN(ctx, name, "+", "-", lookedAtEntries).Result()
	if err != nil {
		return s, err
	}
	for _, entry := range entries {
		uid, _ := entry.Values["uid"].(string)
		namespace, _ := entry.Values["nsp"].(string)
		if ClusterUID.MatchString(uid) && entry.Values["type"] != nil {
			s.Servers[namespace] = true
		}
	}
	return s, nil
}

// errEnough ends the search for streams.
var errEnough = errors.New("enough keys were looked at")

// StreamNames returns the names of streams, and whether all keys have been looked
// at.
func (c *Census) StreamNames(ctx context.Context) (names []string, complete bool) {
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
	cluster, ok := c.client.(*redis.ClusterClient)
	if !ok {
		err := EveryNode(ctx, c.client, scan)
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
