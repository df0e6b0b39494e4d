package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/sioemit/sioemit/internal/harness"
)

// Users whom a driver connects as. Their password is in the URL that it gets, and
// must not be in an error of its.
const (
	password  = "sEsAmE-42"
	nopublish = "nopublish" // may do all but publish
	echoed    = "echoed"    // is of a Redis that knows neither AUTH nor HELLO, and repeats the words of either
	nolisten  = "nolisten"  // may do all but subscribe
	nolook    = "nolook"    // may do all but look who is connected
)

const (
	nopublishRule = "user " + nopublish + " on >" + password + " ~* &* +@all -publish -spublish -xadd"
	nolistenRule  = "user " + nolisten + " on >" + password + " ~* &* +@all -subscribe -psubscribe -ssubscribe"
	nolookRule    = "user " + nolook + " on >" + password + " ~* &* +@all -client|list"
)

// stage is the Redis of one run, a single one or a cluster, with a recorder in
// front of each node.
type stage struct {
	cluster   bool
	nodes     []*harness.Redis
	recorders []*recorder
	echo      *recorder // in front of the Redis of echoed
	log       *log
	ids       map[string]bool // of all questions so far
	ends      []func() error  // in reverse
}

func startStage(ctx context.Context, cluster bool) (s *stage, err error) {
	s = &stage{cluster: cluster, log: new(log)}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	config := harness.RedisConfig{ACL: []string{"user default on nopass ~* &* +@all", nopublishRule, nolistenRule, nolookRule}}
	if cluster {
		c, err := harness.StartRedisCluster(ctx, 3, 0, config)
		if err != nil {
			return s, err
		}
		s.nodes, s.ends = c.Nodes, append(s.ends, c.Close)
	} else {
		r, err := harness.StartRedis(ctx, config)
		if err != nil {
			return s, err
		}
		s.nodes, s.ends = []*harness.Redis{r}, append(s.ends, r.Close)
	}
	for _, node := range s.nodes {
		r, err := s.record(node.Addr)
		if err != nil {
			return s, err
		}
		s.recorders = append(s.recorders, r)
	}
	echo, err := harness.StartRedis(ctx, harness.RedisConfig{
		// Whoever goes on without the login must not get through.
		ACL:  []string{"user default on nopass ~* &* +@all -publish -spublish -xadd -pubsub"},
		Args: []string{"--rename-command", "AUTH", "LOGIN", "--rename-command", "HELLO", "GREET"},
	})
	if err != nil {
		return s, err
	}
	s.ends = append(s.ends, echo.Close)
	if s.echo, err = s.record(echo.Addr); err != nil || !cluster {
		return s, err
	}
	return s, s.announce(ctx)
}

// record puts a recorder in front of a Redis.
func (s *stage) record(redis string) (*recorder, error) {
	r, err := record(redis, s.log)
	if err == nil {
		s.ends = append(s.ends, r.Close)
	}
	return r, err
}

// announce has the nodes name the recorders as their addresses, to each other
// and to clients.
func (s *stage) announce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for i, node := range s.nodes {
		if err := node.Client().ConfigSet(ctx, "cluster-announce-port", strconv.Itoa(s.recorders[i].port())).Err(); err != nil {
			return err
		}
	}
	for _, node := range s.nodes {
		for !s.announced(ctx, node) {
			select {
			case <-ctx.Done():
				return fmt.Errorf("%s does not name the recorders: %w", node.Addr, ctx.Err())
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	return nil
}

func (s *stage) announced(ctx context.Context, node *harness.Redis) bool {
	shards, err := node.Client().ClusterShards(ctx).Result()
	if err != nil {
		return false
	}
	ports := make(map[int64]bool)
	for _, r := range s.recorders {
		ports[int64(r.port())] = true
	}
	found := 0
	for _, shard := range shards {
		for _, n := range shard.Nodes {
			if ports[n.Port] {
				found++
			}
		}
	}
	return found == len(s.nodes) && len(shards) == len(s.nodes) && s.linked(ctx, node)
}

// linked reports whether what is published at a node reaches all others. When it learns
// a new address, a node ends its link to that one, and loses what comes before the next.
func (s *stage) linked(ctx context.Context, node *harness.Redis) bool {
	links, err := node.Client().ClusterLinks(ctx).Result()
	to := make(map[string]bool)
	for _, link := range links {
		if link.Direction == "to" {
			to[link.Node] = true
		}
	}
	return err == nil && len(to) == len(s.nodes)-1
}

// url is where a driver connects, as a user or as everyone.
func (s *stage) url(user string) string {
	r := s.recorders[0]
	if user == echoed {
		r = s.echo
	}
	u := url.URL{Scheme: "redis", Host: "127.0.0.1:" + strconv.Itoa(r.port())}
	if user != "" {
		u.User = url.UserPassword(user, password)
	}
	return u.String()
}

// home is the node on which a channel is listened to, and what counts who listens: of a
// shard channel the one with its slot, as of a stream, otherwise the last, which no driver
// asks first.
func (s *stage) home(ctx context.Context, channel string, shard bool) (node *harness.Redis, numsub string, err error) {
	if !shard {
		return s.nodes[len(s.nodes)-1], "numsub", nil
	}
	if !s.cluster {
		return s.nodes[0], "shardnumsub", nil
	}
	slot, err := s.nodes[0].Client().ClusterKeySlot(ctx, channel).Result()
	if err != nil {
		return nil, "", err
	}
	// The harness gives each node an equal part of the slots, in order.
	return s.nodes[int(slot)*len(s.nodes)/16384], "shardnumsub", nil
}

func (s *stage) close() error {
	var errs []error
	for _, end := range slices.Backward(s.ends) {
		errs = append(errs, end())
	}
	return errors.Join(errs...)
}
