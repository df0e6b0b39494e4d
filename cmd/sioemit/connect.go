package main

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/show"
	"github.com/urfave/cli/v2"
)

const defaultURL = "redis://localhost:6379"

// open returns a client for the Redis, and options for an emitter, that the flags
// describe.
func open(c *cli.Context) (redis.UniversalClient, []emitter.Option, error) {
	options, err := emitterOptions(c)
	if err != nil {
		return nil, nil, err
	}
	client, err := connect(c)
	return client, options, err
}

// connect returns a client for the Redis that the flags and the environment
// name. It opens no connection yet. The client repeats nothing on its own: an
// event published twice is worse than an error.
func connect(c *cli.Context) (redis.UniversalClient, error) {
	client, err := clientOf(c)
	if err == nil {
		client.AddHook(sizes{client})
	}
	return client, err
}

func clientOf(c *cli.Context) (redis.UniversalClient, error) {
	targets, err := targetsOf(c)
	if err != nil {
		return nil, commandline.Usage(err)
	}
	for _, t := range targets {
		if err := t.setTLS(c); err != nil {
			return nil, commandline.Usage(err)
		}
	}
	timeout := c.Duration("timeout")
	if timeout <= 0 {
		return nil, commandline.Usagef("--timeout must be more than 0")
	}
	dialer := &dialer{timeout: timeout, config: targets[0].options.TLSConfig}
	for _, t := range targets {
		t.dialer = dialer
		dialer.names = append(dialer.names, t.host())
	}
	switch {
	case targets[0].masterName != "":
		return sentinelClient(targets, timeout)
	case isCluster(c, targets):
		return clusterClient(targets, timeout)
	}
	options := *targets[0].options
	options.Dialer = dialer.dial
	options.MaxRetries, options.DialerRetries = -1, 1
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = timeout, timeout, timeout
	options.ContextTimeoutEnabled = true
	// Fewer round trips before the first command.
	options.Protocol, options.DisableIdentity, options.MaintNotificationsConfig = 2, true, noMaintenance()
	client := redis.NewClient(&options)
	client.AddHook(dialer)
	client.AddHook(authReplies{})
	return client, nil
}

func isCluster(c *cli.Context, targets []*target) bool { return len(targets) > 1 || c.Bool("cluster") }

// targetsOf takes apart the URLs of --redis or, separated by spaces, of the
// environment.
func targetsOf(c *cli.Context) ([]*target, error) {
	urls := c.StringSlice("redis")
	for _, name := range []string{"SIOEMIT_REDIS_URL", "REDIS_URL"} {
		if len(urls) == 0 {
			urls = strings.Fields(os.Getenv(name))
		}
	}
	if len(urls) == 0 {
		urls = []string{defaultURL}
	}
	targets := make([]*target, len(urls))
	for i, raw := range urls {
		var err error
		if targets[i], err = parseURL(raw); err != nil {
			return nil, err
		}
	}
	return targets, nil
}

func noMaintenance() *maintnotifications.Config {
	return &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
}

func clusterClient(targets []*target, timeout time.Duration) (redis.UniversalClient, error) {
	first := targets[0].options
	options := &redis.ClusterOptions{
		Dialer: targets[0].dialer.dial, Username: first.Username, Password: first.Password, TLSConfig: first.TLSConfig,
		DialerRetries: 1, DialTimeout: timeout, ReadTimeout: timeout, WriteTimeout: timeout, ContextTimeoutEnabled: true,
		Protocol: 2, DisableIdentity: true, MaintNotificationsConfig: noMaintenance(),
		ClusterStateReloadInterval: time.Second, // to learn soon who follows a dead master
	}
	for _, t := range targets {
		switch {
		case t.masterName != "" || t.options.Network == "unix":
			return nil, commandline.Usagef("a Redis Cluster takes redis:// and rediss:// URLs only, not %s", t.shown)
		case t.options.DB != 0:
			return nil, commandline.Usagef("%s: a Redis Cluster has database 0 only", t.shown)
		}
		options.Addrs = append(options.Addrs, t.options.Addr)
	}
	client := redis.NewClusterClient(options)
	client.AddHook(targets[0].dialer)
	client.AddHook(emitter.NoRetry())
	client.OnNewNode(func(node *redis.Client) { // each of which opens connections, and is asked things
		node.AddHook(targets[0].dialer)
		node.AddHook(authReplies{})
	})
	return client, nil
}

func sentinelClient(targets []*target, timeout time.Duration) (redis.UniversalClient, error) {
	first := targets[0].options
	options := &redis.FailoverOptions{
		Dialer: targets[0].dialer.dial, MasterName: targets[0].masterName, SentinelUsername: targets[0].sentinelUsername, SentinelPassword: targets[0].sentinelPassword,
		Username: first.Username, Password: first.Password, DB: first.DB, TLSConfig: first.TLSConfig,
		MaxRetries: -1, DialerRetries: 1, DialTimeout: timeout, ReadTimeout: timeout, WriteTimeout: timeout, ContextTimeoutEnabled: true,
		Protocol: 2, DisableIdentity: true,
	}
	for _, t := range targets {
		options.SentinelAddrs = append(options.SentinelAddrs, t.options.Addr)
	}
	client := redis.NewFailoverClient(options)
	client.AddHook(targets[0].dialer)
	client.AddHook(authReplies{}) // of Redis; for Sentinels see sentinelTrouble
	return client, nil
}

// target is one Redis URL, taken apart.
type target struct {
	options *redis.Options
	shown   string // scheme and host: what else is in the URL may be a password
	dialer  *dialer

	// Of a Sentinel URL; what stands before the host is for Redis itself.
	masterName, sentinelUsername, sentinelPassword string
}

// host is that of the URL.
func (t *target) host() string {
	host, _, _ := net.SplitHostPort(t.options.Addr)
	return host
}

// sentinelOptions are options of URLs that are ours, not go-redis's.
var sentinelOptions = []string{"master_name", "sentinel_username", "sentinel_password"}

// encodeHint is for passwords that end in the middle, because a character in
// them means something else in a URL.
const encodeHint = "the characters / ? # @ in a password are written %2F %3F %23 %40"

// hostPort is a URL without its beginning.
var hostPort = regexp.MustCompile(`^([0-9A-Za-z.-]+|\[[0-9A-Fa-f:.]+\]):[0-9]+$`)

// parseURL repeats in its errors the scheme and the host of the URL at most, and
// where it is not certain which part is the host, nothing. So it has its own
// words for what package url and go-redis would say.
func parseURL(raw string) (*target, error) {
	scheme, rest, ok := strings.Cut(raw, "://")
	scheme = strings.ToLower(scheme)
	behind := strings.IndexAny(rest, "/?#") // the host
	switch {
	case !ok && hostPort.MatchString(raw):
		return nil, fmt.Errorf("the Redis URL has no scheme: write redis://%s", raw)
	case !ok:
		return nil, errors.New("the Redis URL has no scheme: write redis://HOST:PORT, redis://USER:PASSWORD@HOST:PORT or unix:///PATH")
	case scheme != "redis" && scheme != "rediss" && scheme != "unix":
		return nil, errors.New("the Redis URL must be one that starts with redis://, rediss:// or unix://")
	case strings.Contains(rest, "#"), behind >= 0 && strings.Contains(rest[behind:], "@") && (behind > 0 || scheme != "unix"):
		return nil, fmt.Errorf("it is not certain which part of the Redis URL is the host: %s", encodeHint)
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("the Redis URL cannot be read: %s, a %% is written %%25, and the port must be a number", encodeHint)
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			// It may be a part of a password that is not written as it must be.
			return nil, errors.New("the port in the Redis URL must be a number from 1 to 65535")
		}
	}
	t := &target{shown: scheme + "://" + u.Host}
	if scheme == "unix" {
		if u.Host != "" || u.Path == "" {
			return nil, errors.New("a Redis URL with unix:// needs the path of a socket, as unix:///run/redis.sock")
		}
	} else if path := strings.Trim(u.Path, "/"); path != "" {
		if database, err := strconv.Atoi(path); err != nil || database < 0 {
			return nil, fmt.Errorf("%s: what follows the host is the number of a database, such as /0", t.shown)
		}
	}
	// A + is one here, not the space that it stands for in what forms send.
	query, err := url.ParseQuery(strings.ReplaceAll(u.RawQuery, "+", "%2B"))
	if err != nil {
		return nil, fmt.Errorf("%s: what is behind the ? cannot be read: it is NAME=VALUE&NAME=VALUE, and in a value %% ; & are written %%25 %%3B %%26", t.shown)
	}
	t.masterName, t.sentinelUsername, t.sentinelPassword = query.Get("master_name"), query.Get("sentinel_username"), query.Get("sentinel_password")
	switch {
	case t.masterName != "":
	case query.Has("master_name"):
		return nil, fmt.Errorf("%s: master_name is empty", t.shown)
	case query.Has("sentinel_username"), query.Has("sentinel_password"):
		return nil, fmt.Errorf("%s: sentinel_username and sentinel_password need master_name", t.shown)
	}
	for _, name := range sentinelOptions {
		query.Del(name)
	}
	options := u.RawQuery
	u.RawQuery = query.Encode()
	if t.options, err = redis.ParseURL(u.String()); err != nil {
		return nil, fmt.Errorf("%s: %w", t.shown, badOption(scheme, options))
	}
	return t, nil
}

// urlOptions are those of URLs that change what this command does, ours first.
var urlOptions = append(slices.Clone(sentinelOptions), "db", "client_name", "skip_verify")

// badOption says which option of a URL is the first that go-redis does not take.
// The name of one that does not exist is not repeated: it may be the rest of a
// password.
func badOption(scheme, options string) error {
	afterPassword := false
	for i, option := range strings.Split(options, "&") {
		name, _, _ := strings.Cut(option, "=")
		if slices.Contains(sentinelOptions, name) {
			afterPassword = afterPassword || name == "sentinel_password"
			continue
		}
		_, err := redis.ParseURL(scheme + ":///0?" + option)
		switch {
		case err == nil:
		case afterPassword: // and maybe a part of it
			return errors.New("there is no such option as one of those behind sentinel_password; if it is a part of the password, a & in it is written %26")
		case !strings.HasPrefix(err.Error(), "redis: unexpected option"):
			return fmt.Errorf("option %q has a value that it cannot have", name)
		default:
			return fmt.Errorf("there is no such option as number %d behind the ?%s; a password stands before the host, as redis://USER:PASSWORD@HOST", i+1, commandline.DidYouMean("", name, urlOptions))
		}
	}
	return errors.New("it cannot be read")
}

// setTLS loads the files of the --tls flags.
func (t *target) setTLS(c *cli.Context) error {
	ca, cert, key := c.String("tls-ca"), c.String("tls-cert"), c.String("tls-key")
	if ca == "" && cert == "" && key == "" {
		return nil
	}
	config := t.options.TLSConfig
	if config == nil {
		return fmt.Errorf("--tls-ca, --tls-cert and --tls-key need a rediss:// URL, not %s", t.shown)
	}
	if (cert == "") != (key == "") {
		return errors.New("--tls-cert and --tls-key go together")
	}
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return fmt.Errorf("--tls-ca: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return fmt.Errorf("--tls-ca: %s holds no PEM certificate", ca)
		}
	}
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return fmt.Errorf("--tls-cert: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return nil
}

// explain says in one line what an error of Redis means and what to do.
func explain(c *cli.Context, err error) error {
	targets, urlErr := targetsOf(c)
	if urlErr != nil {
		return err // it does not come from Redis
	}
	place := placeOf(targets)
	if isFromSentinels(err) {
		place = addressesOf(targets)
	}
	var missing *unreachedError
	if errors.As(err, &missing) {
		place = missing.address
	}
	if why := announced(c, targets, err); why != nil {
		return why
	}
	if text, advice := trouble(place, err); text != "" {
		return fmt.Errorf("%s: %s", text, advice)
	}
	scheme, _, _ := strings.Cut(targets[0].shown, ":")
	protocol := map[string]string{ // which may be the wrong one
		"redis":  "if that is a TLS port, write rediss://",
		"rediss": "if that is no TLS port, write redis://",
	}[scheme]
	dial, text := dialError(err), err.Error()
	var noTLS tls.RecordHeaderError
	var large *tooLargeError
	switch {
	case errors.As(err, &large):
		return fmt.Errorf("the event is too large: %w", large)
	case isTimeout(err) && (dial != nil || errors.Is(err, errConnecting)):
		return fmt.Errorf("no connection to %s within %v (--timeout): is Redis running there, and does a firewall stand between?", place, c.Duration("timeout"))
	case isTimeout(err) && scheme == "rediss":
		return fmt.Errorf("redis at %s did not answer within %v (--timeout); %s", place, c.Duration("timeout"), protocol)
	case isTimeout(err):
		return fmt.Errorf("redis at %s did not answer within %v (--timeout)", place, c.Duration("timeout"))
	case errors.As(err, &noTLS):
		return fmt.Errorf("what answers at %s speaks no TLS: write redis:// in place of rediss://", place)
	case isClosed(err) && scheme == "rediss":
		return fmt.Errorf("redis at %s closed the connection: it may want a certificate of the client, --tls-cert and --tls-key; %s", place, protocol)
	case isClosed(err):
		return fmt.Errorf("redis at %s closed the connection: is it still running? %s", place, protocol)
	case dial != nil && dial.Addr == nil: // of the dialling itself
		return fmt.Errorf("no Redis at %s (%w): is it running, and is --redis right?", place, dial.Err)
	case dial != nil:
		return fmt.Errorf("no Redis at %s (%w): is it running, and is --redis right?", dial.Addr, dial.Err)
	case redis.HasErrorPrefix(err, "WRONGTYPE"):
		return fmt.Errorf("the key %s in this Redis holds something else than a stream: check --stream-name", show.Quote(cmp.Or(c.String("stream-name"), "socket.io")))
	case redis.HasErrorPrefix(err, "OOM"):
		return fmt.Errorf("redis at %s has no memory left for it (maxmemory): %w", place, err)
	case strings.Contains(text, "NOPERM"):
		return fmt.Errorf("the Redis user lacks a permission: %w", err)
	case strings.Contains(text, "MOVED "), strings.Contains(text, "ASK "):
		return errors.New("this Redis is a node of a Redis Cluster: add --cluster")
	case strings.Contains(text, "cluster support disabled") && c.Bool("cluster"):
		return fmt.Errorf("redis at %s is no Redis Cluster: leave out --cluster", place)
	case strings.Contains(text, "cluster support disabled"):
		return fmt.Errorf("redis at %s is no Redis Cluster: give one --redis, and it alone is used", place)
	}
	return err
}

// announced explains an error that comes from an address which is not in the
// URLs: nodes of a Redis Cluster, and Sentinels, have named it.
func announced(c *cli.Context, targets []*target, err error) error {
	const advice = "is it running? if so, let each node announce an address that this machine can reach, with cluster-announce-ip, cluster-announce-port and cluster-announce-hostname"
	isSentinel := targets[0].masterName != ""
	if !isSentinel && !isCluster(c, targets) {
		return nil
	}
	if !isSentinel && errors.Is(err, redis.Nil) {
		return fmt.Errorf("the Redis Cluster at %s announces no address of its nodes (cluster-preferred-endpoint-type is unknown-endpoint): set that to ip or hostname", addressesOf(targets))
	}
	var missing *unreachedError
	var dns *net.DNSError
	if !errors.As(err, &missing) || slices.ContainsFunc(targets, func(t *target) bool { return t.options.Addr == missing.address }) {
		return nil
	}
	var why error
	switch dial := dialError(err); {
	case errors.As(err, &dns):
		why = errors.New("there is no such host")
	case isTimeout(err):
		why = fmt.Errorf("no answer within %v, --timeout", c.Duration("timeout"))
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

// placeOf is where the client connects to, for people.
func placeOf(targets []*target) string {
	if targets[0].masterName != "" {
		return behindSentinels
	}
	return addressesOf(targets)
}

func addressesOf(targets []*target) string {
	addresses := make([]string, len(targets))
	for i, t := range targets {
		addresses[i] = t.options.Addr
	}
	return strings.Join(addresses, ", ")
}
