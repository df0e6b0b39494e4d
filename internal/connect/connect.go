// Package connect makes a client from the settings, and says in words what an
// error of Redis, or from the way there, means.
package connect

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/settings"
)

// Redis is a client, with what it was made from.
type Redis struct {
	Client   redis.UniversalClient
	Settings *settings.Settings
}

// Open returns a client for the Redis of the settings. It opens no connection
// yet. The client repeats nothing on its own: an event published twice is worse
// than an error.
func Open(s *settings.Settings) *Redis { return open(s, nil) }

// OpenInOrder is Open for pipelines whose order counts. A Redis that is loading
// refuses the commands that come first, and takes those behind them as soon as it is
// ready. So no connection to it is used before that: commands end in the LOADING
// error. Each connection takes one more round trip.
func OpenInOrder(s *settings.Settings) *Redis { return open(s, refuseLoading) }

func open(s *settings.Settings, onConnect func(context.Context, *redis.Conn) error) *Redis {
	client := clientOf(&s.Redis, onConnect)
	client.AddHook(sizes{client})
	return &Redis{client, s}
}

// refuseLoading asks with PING, which is refused by a Redis that is loading. What else
// Redis has against it, such as that this user must not ask, says nothing.
func refuseLoading(ctx context.Context, conn *redis.Conn) error {
	err := conn.Ping(ctx).Err()
	if IsReply(err) && !redis.HasErrorPrefix(err, "LOADING") {
		return nil
	}
	return err
}

// Emitter returns an emitter that uses the client, or a pipeline of it.
func (r *Redis) Emitter(client emitter.Client) *emitter.Emitter {
	return emitter.New(client, r.Settings.Options()...)
}

// Close closes the client.
func (r *Redis) Close() { _ = r.Client.Close() }

func clientOf(r *settings.Redis, onConnect func(context.Context, *redis.Conn) error) redis.UniversalClient {
	dialer := &dialer{timeout: r.Timeout, config: r.URLs[0].Options.TLSConfig, onConnect: onConnect}
	for _, u := range r.URLs {
		dialer.names = append(dialer.names, u.Host())
	}
	switch {
	case r.IsSentinel():
		return sentinelClient(r, dialer)
	case r.IsCluster():
		return clusterClient(r, dialer)
	}
	options := *r.URLs[0].Options
	options.Dialer, options.OnConnect = dialer.dial, dialer.onConnect
	options.MaxRetries, options.DialerRetries = -1, 1
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = r.Timeout, r.Timeout, r.Timeout
	options.ContextTimeoutEnabled = true
	// Fewer round trips before the first command.
	options.Protocol, options.DisableIdentity, options.MaintNotificationsConfig = 2, true, NoMaintenance()
	client := NewNode(&options)
	client.AddHook(dialer)
	return client
}

// NewNode returns a client of one Redis that repeats nothing of a password.
func NewNode(options *redis.Options) *redis.Client {
	client := redis.NewClient(options)
	client.AddHook(authReplies{})
	return client
}

// NoMaintenance keeps go-redis from asking for what only a cloud offers.
func NoMaintenance() *maintnotifications.Config {
	return &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
}

func clusterClient(r *settings.Redis, dialer *dialer) redis.UniversalClient {
	first := r.URLs[0].Options
	options := &redis.ClusterOptions{
		Dialer: dialer.dial, OnConnect: dialer.onConnect, Username: first.Username, Password: first.Password, TLSConfig: first.TLSConfig,
		DialerRetries: 1, DialTimeout: r.Timeout, ReadTimeout: r.Timeout, WriteTimeout: r.Timeout, ContextTimeoutEnabled: true,
		Protocol: 2, DisableIdentity: true, MaintNotificationsConfig: NoMaintenance(),
		ClusterStateReloadInterval: time.Second, // to learn soon who follows a dead master
	}
	for _, u := range r.URLs {
		options.Addrs = append(options.Addrs, u.Options.Addr)
	}
	client := redis.NewClusterClient(options)
	client.AddHook(dialer)
	client.AddHook(emitter.NoRetry())
	client.OnNewNode(func(node *redis.Client) { // each of which opens connections, and is asked things
		node.AddHook(dialer)
		node.AddHook(authReplies{})
	})
	return client
}

func sentinelClient(r *settings.Redis, dialer *dialer) redis.UniversalClient {
	first := r.URLs[0]
	options := &redis.FailoverOptions{
		Dialer: dialer.dial, OnConnect: dialer.onConnect, MasterName: first.MasterName, SentinelUsername: first.SentinelUsername, SentinelPassword: first.SentinelPassword,
		Username: first.Options.Username, Password: first.Options.Password, DB: first.Options.DB, TLSConfig: first.Options.TLSConfig,
		MaxRetries: -1, DialerRetries: 1, DialTimeout: r.Timeout, ReadTimeout: r.Timeout, WriteTimeout: r.Timeout, ContextTimeoutEnabled: true,
		Protocol: 2, DisableIdentity: true,
	}
	for _, u := range r.URLs {
		options.SentinelAddrs = append(options.SentinelAddrs, u.Options.Addr)
	}
	client := redis.NewFailoverClient(options)
	client.AddHook(dialer)
	client.AddHook(authReplies{}) // of Redis; for Sentinels see SentinelTrouble
	return client
}
