package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// Servers of the streams adapter before 0.3 subscribe to nothing. They add a
// heartbeat to the stream when they have added nothing else for five seconds,
// and take one who is silent for ten for gone.
const (
	heartbeatWindow = 15 * time.Second
	lookedAtBeats   = 1000 // entries, from the end of the window
)

// onlyBefore03 are the types of entries that later versions send beside the
// stream, or not at all.
var onlyBefore03 = map[string]bool{"1": true, "2": true, "7": true, "8": true, "9": true, "10": true, "11": true, "12": true, "13": true}

// observeHeartbeats looks in streams for servers that no channel shows: in the
// one of the settings, and when nobody else is there, in all.
func (p *patient) observeHeartbeats(ctx context.Context) {
	var names []string
	switch {
	case p.adapter == "streams" && p.command != nil:
		names = []string{fmt.Sprint(p.command[1])}
	case len(p.listened.groups(p.settings)) > 0:
		return
	}
	p.listened.heartbeats = p.heartbeatsIn(ctx, names)
	if len(p.listened.groups(p.settings)) == 0 {
		names, _ = p.streamNames(ctx)
		p.listened.heartbeats = p.heartbeatsIn(ctx, names[:min(len(names), lookedAtStreams)])
	}
}

func (p *patient) heartbeatsIn(ctx context.Context, streams []string) (found []group) {
	now, err := p.client.Time(ctx).Result()
	if err != nil {
		now = time.Now()
	}
	since := strconv.FormatInt(now.Add(-heartbeatWindow).UnixMilli(), 10)
	for _, name := range streams {
		entries, err := p.client.XRevRangeN(ctx, name, "+", since, lookedAtBeats).Result()
		if err != nil {
			continue // no stream, or not for this user
		}
		for namespace, n := range beating(entries) {
			found = append(found, group{adapter: "streams", key: p.key, namespace: namespace, servers: n, shardedPubSub: p.adapter == "streams" && p.shardedPubSub, stream: name})
		}
	}
	return found
}

// beating counts by namespace the servers that have added entries of old types,
// which come newest first, and have not said that they go.
func beating(entries []redis.XMessage) map[string]int {
	servers := make(map[string]int)
	seen := make(map[string]bool)
	for _, entry := range entries {
		uid, _ := entry.Values["uid"].(string)
		namespace, _ := entry.Values["nsp"].(string)
		typ, _ := entry.Values["type"].(string)
		if !clusterUID.MatchString(uid) || !onlyBefore03[typ] || seen[uid] {
			continue
		}
		seen[uid] = true
		if typ != "13" {
			servers[namespace]++
		}
	}
	return servers
}
