package connect

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/internal/settings"
	"github.com/sioemit/sioemit/internal/show"
)

// Explain says in one line what an error of Redis means and what to do.
func (r *Redis) Explain(err error) error {
	given := &r.Settings.Redis
	place, timeout := given.Place(), given.Timeout
	if isFromSentinels(err) {
		place = given.Addresses()
	}
	var missing *unreachedError
	if errors.As(err, &missing) {
		place = missing.address
	}
	if why := announced(given, err); why != nil {
		return why
	}
	if text, advice := Trouble(place, err); text != "" {
		return fmt.Errorf("%s: %s", text, advice)
	}
	scheme, _, _ := strings.Cut(given.URLs[0].Shown, ":")
	protocol := map[string]string{ // which may be the wrong one
		"redis":  "if that is a TLS port, write rediss://",
		"rediss": "if that is no TLS port, write redis://",
	}[scheme]
	dial, text := DialError(err), err.Error()
	var noTLS tls.RecordHeaderError
	var large *TooLargeError
	switch {
	case errors.As(err, &large):
		return fmt.Errorf("the event is too large: %w", large)
	case IsTimeout(err) && (dial != nil || errors.Is(err, errConnecting)):
		return fmt.Errorf("no connection to %s within %v (--timeout): is Redis running there, or does a firewall block it?", place, timeout)
	case IsTimeout(err) && scheme == "rediss":
		return fmt.Errorf("redis at %s did not answer within %v (--timeout); %s", place, timeout, protocol)
	case IsTimeout(err):
		return fmt.Errorf("redis at %s did not answer within %v (--timeout)", place, timeout)
	case errors.As(err, &noTLS):
		return fmt.Errorf("what answers at %s does not speak TLS: write redis:// instead of rediss://", place)
	case IsClosed(err) && scheme == "rediss":
		return fmt.Errorf("redis at %s closed the connection: it may require a client certificate (--tls-cert and --tls-key); %s", place, protocol)
	case IsClosed(err):
		return fmt.Errorf("redis at %s closed the connection: is it still running? %s", place, protocol)
	case dial != nil && dial.Addr == nil: // of the dialling itself
		return fmt.Errorf("no Redis at %s (%w): is it running, and is --redis right?", place, dial.Err)
	case dial != nil:
		return fmt.Errorf("no Redis at %s (%w): is it running, and is --redis right?", dial.Addr, dial.Err)
	case redis.HasErrorPrefix(err, "WRONGTYPE"):
		return fmt.Errorf("the key %s in this Redis is not a stream: check --stream-name", show.Quote(r.Settings.StreamName))
	case redis.HasErrorPrefix(err, "OOM"):
		return fmt.Errorf("redis at %s is out of memory (maxmemory): %w", place, err)
	case strings.Contains(text, "NOPERM"):
		return fmt.Errorf("the Redis user lacks a permission: %w", err)
	case strings.Contains(text, "MOVED "), strings.Contains(text, "ASK "):
		return errors.New("this Redis is a node of a Redis Cluster: add --cluster")
	case strings.Contains(text, "cluster support disabled") && given.Cluster:
		return fmt.Errorf("redis at %s is not a Redis Cluster: leave out --cluster", place)
	case strings.Contains(text, "cluster support disabled"):
		return fmt.Errorf("redis at %s is not a Redis Cluster: give only one --redis", place)
	}
	return err
}

// announced explains an error that comes from an address which is not in the
// URLs: nodes of a Redis Cluster, and Sentinels, have named it.
func announced(given *settings.Redis, err error) error {
	const advice = "is it running? if so, let each node announce an address that this machine can reach, with cluster-announce-ip, cluster-announce-port and cluster-announce-hostname"
	isSentinel := given.IsSentinel()
	if !isSentinel && !given.IsCluster() {
		return nil
	}
	if !isSentinel && errors.Is(err, redis.Nil) {
		return fmt.Errorf("the Redis Cluster at %s does not announce the addresses of its nodes (cluster-preferred-endpoint-type is unknown-endpoint): set that to ip or hostname", given.Addresses())
	}
	var missing *unreachedError
	var dns *net.DNSError
	if !errors.As(err, &missing) || slices.ContainsFunc(given.URLs, func(u *settings.URL) bool { return u.Options.Addr == missing.address }) {
		return nil
	}
	var why error
	switch dial := DialError(err); {
	case errors.As(err, &dns):
		why = errors.New("there is no such host")
	case IsTimeout(err):
		why = fmt.Errorf("no answer within %v, --timeout", given.Timeout)
	case dial != nil:
		why = dial.Err
	default:
		return nil // it has been reached
	}
	host, _, _ := net.SplitHostPort(missing.address)
	switch {
	case isSentinel:
		return fmt.Errorf("the Sentinels announce a Redis at %s, which cannot be reached from here (%w): is it running? if so, let them monitor an address that this machine can reach; replica-announce-ip of each Redis sets it", missing.address, why)
	case host == "?":
		return fmt.Errorf("the Redis Cluster announces a node at %s, so that node has no cluster-announce-hostname, although cluster-preferred-endpoint-type is hostname: set the one, or change the other", missing.address)
	}
	return fmt.Errorf("the Redis Cluster announces a node at %s, which cannot be reached from here (%w): %s", missing.address, why, advice)
}
