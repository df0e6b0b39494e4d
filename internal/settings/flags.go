// Package settings holds what the command line, the environment and the URLs say
// of the servers, of the Redis that joins them, and of who is meant. Flags are
// read once, into types, and nothing looks for them afterwards.
package settings

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/urfave/cli/v2"
)

// Settings are what all commands that use Redis have in common.
type Settings struct {
	Servers
	Redis Redis
}

// Flags are the global flags, as package cli fills them in.
type Flags struct {
	program *commandline.Program

	profileName     string
	profile         map[string]bool // flags, by their names with dashes, that the profile sets
	profileRedis    string
	passwordCommand []string // of the profile

	redis                                cli.StringSlice
	cluster                              bool
	passwordFile, tlsCA, tlsCert, tlsKey string
	timeout                              time.Duration

	adapter, key, codec, socketIDs, mode, streamName, channel, namespace string
	version, streamCount, maxAttachments                                 int
	maxLen                                                               int64
	shardedPubSub, allowBinary                                           bool
}

// AddTo makes the global flags those of a program.
func AddTo(p *commandline.Program) *Flags {
	f := &Flags{program: p, profile: make(map[string]bool)}
	p.Flags = append(f.ofRedis(), f.ofServers()...)
	p.Choices = choices
	return f
}

// Parse reads the flags. It is for commands to call when they run.
func (f *Flags) Parse(ctx context.Context) (*Settings, error) {
	if err := f.useProfile(); err != nil {
		return nil, commandline.Usage(err)
	}
	servers, err := f.servers()
	if err != nil {
		return nil, commandline.Usage(err)
	}
	redis, err := f.parseRedis(ctx)
	if err != nil {
		return nil, commandline.Usage(err)
	}
	return &Settings{servers, redis}, nil
}

const (
	redisCategory   = "Connection:"
	serversCategory = "How the servers are set up:"
)

func (f *Flags) ofRedis() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "redis", Destination: &f.redis, Category: redisCategory, Usage: "`URL` of Redis; see above"},
		&cli.StringFlag{Name: "redis-password-file", EnvVars: variable("redis-password-file"), Destination: &f.passwordFile, TakesFile: true, Category: redisCategory, Usage: "`FILE` with the password of Redis, on one line"},
		&cli.StringFlag{Name: "profile", EnvVars: variable("profile"), Destination: &f.profileName, Category: redisCategory, Usage: "take what no flag or variable sets from this `PROFILE`; see above"},
		&cli.BoolFlag{Name: "cluster", EnvVars: variable("cluster"), Destination: &f.cluster, Category: redisCategory, Usage: "the Redis of --redis is a node of a Redis Cluster"},
		&cli.StringFlag{Name: "tls-ca", EnvVars: variable("tls-ca"), Destination: &f.tlsCA, TakesFile: true, Category: redisCategory, Usage: "PEM `FILE` with the certificate authorities to trust"},
		&cli.StringFlag{Name: "tls-cert", EnvVars: variable("tls-cert"), Destination: &f.tlsCert, TakesFile: true, Category: redisCategory, Usage: "PEM `FILE` with the client's certificate"},
		&cli.StringFlag{Name: "tls-key", EnvVars: variable("tls-key"), Destination: &f.tlsKey, TakesFile: true, Category: redisCategory, Usage: "PEM `FILE` with the key for --tls-cert"},
		&cli.DurationFlag{Name: "timeout", EnvVars: variable("timeout"), Destination: &f.timeout, Category: redisCategory, Value: 5 * time.Second, Usage: "give up after this `TIME`"},
	}
}

// variable is the one that stands for a flag. Each flag here has one, but --redis,
// which has two that hold URLs: see parseRedis.
func variable(flag string) []string {
	return []string{"SIOEMIT_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))}
}

// choices are the values of flags that have few, for the completion.
var choices = map[string][]string{
	"adapter": {string(Classic), string(Sharded), string(Streams), string(Python)}, "codec": {"msgpack", "json"},
	"subscription-mode": {"static", "dynamic", "dynamic-private"}, "server-version": {"1", "2", "3", "4"},
}

// ofServers are the flags that say how the servers are joined, by the names of
// upstream's options.
func (f *Flags) ofServers() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "adapter", EnvVars: variable("adapter"), Destination: &f.adapter, Category: serversCategory, Value: "classic", Usage: "classic, sharded, streams or python: `NAME`"},
		&cli.StringFlag{Name: "key", EnvVars: variable("key"), Destination: &f.key, Category: serversCategory, Value: encoding.DefaultKey, Usage: "`KEY` of classic, channelPrefix of sharded and streams"},
		&cli.StringFlag{Name: "codec", EnvVars: variable("codec"), Destination: &f.codec, Category: serversCategory, Value: "msgpack", Usage: "classic: json if the servers set a JSON parser: `CODEC`"},
		&cli.IntFlag{Name: "server-version", EnvVars: variable("server-version"), Destination: &f.version, Category: serversCategory, Value: 4, Usage: "classic: major version of socket.io, 1 to 4: `N`"},
		&cli.StringFlag{Name: "socket-ids", EnvVars: variable("socket-ids"), Destination: &f.socketIDs, Category: serversCategory, Usage: "classic, 1 to 3, and python: what socket ids look like: `REGEXP`"},
		&cli.StringFlag{Name: "subscription-mode", EnvVars: variable("subscription-mode"), Destination: &f.mode, Category: serversCategory, Value: "dynamic", Usage: "sharded: static, dynamic or dynamic-private: `MODE`"},
		&cli.StringFlag{Name: "stream-name", EnvVars: variable("stream-name"), Destination: &f.streamName, Category: serversCategory, Value: encoding.DefaultKey, Usage: "streams: `NAME` of the stream"},
		&cli.IntFlag{Name: "stream-count", EnvVars: variable("stream-count"), Destination: &f.streamCount, Category: serversCategory, Value: 1, Usage: "streams: number of streams: `N`"},
		&cli.Int64Flag{Name: "max-len", EnvVars: variable("max-len"), Destination: &f.maxLen, Category: serversCategory, Value: encoding.DefaultMaxLen, Usage: "streams: length to trim the stream to: `N`"},
		&cli.BoolFlag{Name: "sharded-pubsub", EnvVars: variable("sharded-pubsub"), Destination: &f.shardedPubSub, Category: serversCategory, Usage: "streams: the servers set useShardedPubSub"},
		&cli.StringFlag{Name: "channel", EnvVars: variable("channel"), Destination: &f.channel, Category: serversCategory, Value: encoding.DefaultPythonChannel, Usage: "python: `NAME` of the channel; Flask-SocketIO's is flask-socketio"},
		&cli.BoolFlag{Name: "allow-binary", EnvVars: variable("allow-binary"), Destination: &f.allowBinary, Category: serversCategory, Usage: "python: all clients use the same transport, so binary is safe"},
		&cli.IntFlag{Name: "max-attachments", EnvVars: variable("max-attachments"), Destination: &f.maxAttachments, Category: serversCategory, Value: encoding.DefaultMaxAttachments, Usage: "most binary values that the clients accept in one event: `N`"},
		&cli.StringFlag{Name: "namespace", EnvVars: variable("namespace"), Aliases: []string{"n"}, Destination: &f.namespace, Category: serversCategory, Value: "/", Usage: "`NAMESPACE` of the clients; admin means /admin"},
	}
}

// source is where a setting comes from. A stronger one goes before a weaker one.
type source int

const (
	fromDefault source = iota
	fromProfile
	fromVariable
	fromFlag
)

// sourceOf says where the value of a flag, named with its dashes, comes from.
func (f *Flags) sourceOf(flag string) source {
	switch {
	case f.program.IsGiven(flag):
		return fromFlag
	case os.Getenv(variable(flag[2:])[0]) != "":
		return fromVariable
	case f.profile[flag]:
		return fromProfile
	}
	return fromDefault
}

// nameOf is what an error about the value of a flag calls it: where the value
// comes from.
func (f *Flags) nameOf(flag string) string {
	switch f.sourceOf(flag) {
	case fromVariable:
		return variable(flag[2:])[0]
	case fromProfile:
		return f.inProfile(flag)
	}
	return flag
}

func (f *Flags) servers() (Servers, error) {
	s := Servers{
		Adapter: Adapter(f.adapter), Key: f.key, Codec: emitter.MessagePack, Version: f.version, VersionName: f.nameOf("--server-version"),
		SubscriptionMode: encoding.SubscriptionMode(f.mode), StreamName: f.streamName, StreamCount: f.streamCount, MaxLen: f.maxLen, ShardedPubSub: f.shardedPubSub,
		AllowBinary: f.allowBinary, MaxAttachments: f.maxAttachments, Namespace: encoding.Namespace(f.namespace),
	}
	if onlyOf[s.Adapter] == nil {
		return s, fmt.Errorf("%s must be classic, sharded, streams or python, not %q", f.nameOf("--adapter"), s.Adapter)
	}
	for _, other := range Adapters {
		for _, flag := range OnlyOf(other) {
			// One from a weaker source belongs to the adapter that would have been chosen there.
			if from := f.sourceOf(flag); !slices.Contains(OnlyOf(s.Adapter), flag) && from > fromDefault && from >= f.sourceOf("--adapter") {
				return s, fmt.Errorf("%s is an option of the %s adapter, not of the %s adapter", f.nameOf(flag), other, s.Adapter)
			}
		}
	}
	if s.Adapter == Python {
		if from := f.sourceOf("--key"); from > fromDefault && from >= f.sourceOf("--adapter") {
			return s, fmt.Errorf("%s is not an option of the python adapter: use --channel", f.nameOf("--key"))
		}
		s.Key = f.channel
	}
	switch {
	case f.streamCount < 1:
		return s, fmt.Errorf("%s must be 1 or more", f.nameOf("--stream-count"))
	case f.maxLen < 1:
		return s, fmt.Errorf("%s must be 1 or more", f.nameOf("--max-len"))
	case f.maxAttachments < 1:
		return s, fmt.Errorf("%s must be 1 or more", f.nameOf("--max-attachments"))
	case s.Version < 1 || s.Version > 4:
		return s, fmt.Errorf("%s must be 1, 2, 3 or 4, not %d", s.VersionName, s.Version)
	case s.Version < 4 && s.Adapter != Classic:
		return s, fmt.Errorf("%s %d: the %s adapter exists for Socket.IO 4 only", s.VersionName, s.Version, s.Adapter)
	}
	switch emitter.SubscriptionMode(f.mode) {
	case emitter.Static, emitter.Dynamic, emitter.DynamicPrivate:
	default:
		return s, fmt.Errorf("%s must be static, dynamic or dynamic-private, not %q", f.nameOf("--subscription-mode"), f.mode)
	}
	if f.socketIDs != "" {
		var err error
		if s.SocketIDs, err = regexp.Compile(f.socketIDs); err != nil {
			return s, fmt.Errorf("%s: %w", f.nameOf("--socket-ids"), err)
		}
	}
	switch f.codec {
	case "msgpack":
	case "json":
		s.Codec = emitter.JSON
	default:
		return s, fmt.Errorf("%s must be msgpack or json, not %q", f.nameOf("--codec"), f.codec)
	}
	return s, nil
}
