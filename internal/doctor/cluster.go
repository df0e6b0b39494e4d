package doctor

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/internal/connect"
)

// checkAnnounced tries the addresses that the nodes of a Redis Cluster announce.
// A client goes to these, whichever addresses it was given.
func (p *patient) checkAnnounced(ctx context.Context, cluster *redis.ClusterClient) bool {
	addresses, seed := announcedBy(ctx, cluster)
	if slices.Contains(addresses, "") {
		p.fail("role", fmt.Sprintf("The Redis Cluster at %s does not announce the addresses of its nodes (cluster-preferred-endpoint-type is unknown-endpoint, or a node has no hostname).", seed),
			"Set cluster-preferred-endpoint-type to ip, or to hostname with cluster-announce-hostname on each node.")
		return false
	}
	failed := make([]error, len(addresses))
	var wait sync.WaitGroup
	for i, address := range addresses {
		wait.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, probeTimeout)
			defer cancel()
			var conn net.Conn
			if conn, failed[i] = new(net.Dialer).DialContext(ctx, "tcp", address); failed[i] == nil {
				conn.Close()
			}
		})
	}
	wait.Wait()
	var texts []string
	for i, err := range failed {
		switch dial := connect.DialError(err); {
		case err == nil:
		case connect.IsTimeout(err), dial == nil:
			texts = append(texts, addresses[i]+" (no answer)")
		default:
			texts = append(texts, fmt.Sprintf("%s (%v)", addresses[i], dial.Err))
		}
	}
	if len(texts) == 0 {
		return true
	}
	p.fail("role", fmt.Sprintf("The Redis Cluster at %s announces addresses that cannot be reached from here: %s.", seed, strings.Join(texts, ", ")),
		"A client goes to the addresses that the nodes announce. Set cluster-announce-ip, cluster-announce-hostname and cluster-announce-port on those nodes to what this machine can reach, or run sioemit where the servers run.")
	return false
}

// announcedBy returns the addresses that the first node to answer knows, and its
// own. It returns none when no node says it, which has other reasons.
func announcedBy(ctx context.Context, cluster *redis.ClusterClient) (addresses []string, seed string) {
	o := cluster.Options()
	for _, seed := range o.Addrs {
		node := connect.NewNode(&redis.Options{
			Dialer: o.Dialer, Addr: seed, Username: o.Username, Password: o.Password, TLSConfig: o.TLSConfig, Protocol: 2, DisableIdentity: true,
			MaxRetries: -1, DialerRetries: 1, DialTimeout: o.DialTimeout, ReadTimeout: o.ReadTimeout, WriteTimeout: o.WriteTimeout,
			ContextTimeoutEnabled: true, MaintNotificationsConfig: connect.NoMaintenance(),
		})
		slots, err := node.Do(ctx, "CLUSTER", "SLOTS").Slice()
		node.Close()
		if err == nil {
			return addressesIn(slots, seed), seed
		}
	}
	return nil, ""
}

// addressesIn reads the answer to CLUSTER SLOTS, and returns an empty one when a
// node announces none. As for go-redis, the host of the
// node that was asked stands for one that is not announced, and for a loopback
// address that a node of another machine announces.
func addressesIn(slots []any, seed string) (addresses []string) {
	origin, _, _ := net.SplitHostPort(seed)
	seen := make(map[string]bool)
	for _, slot := range slots {
		fields, _ := slot.([]any)
		for i := 2; i < len(fields); i++ {
			node, _ := fields[i].([]any)
			if len(node) < 2 {
				continue
			}
			host, announced := node[0].(string)
			port, _ := node[1].(int64)
			if !announced || host == "?" {
				return []string{""}
			}
			if host == "" || isLoopback(host) && !isLoopback(origin) {
				host = origin
			}
			if address := net.JoinHostPort(host, strconv.FormatInt(port, 10)); !seen[address] {
				seen[address] = true
				addresses = append(addresses, address)
			}
		}
	}
	return addresses
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
