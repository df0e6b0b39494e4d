package main

import (
	"context"
	"regexp"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/urfave/cli/v2"
)

const clusterCategory = "Servers, as they are set up:"

// adapterFlags are the flags that say how the servers are joined, by the names
// of upstream's options.
func adapterFlags() []cli.Flag {
	flag := func(name string) string { return "SIOEMIT_" + name }
	return []cli.Flag{
		&cli.StringFlag{Name: "adapter", Category: clusterCategory, Value: "classic", DefaultText: "classic", EnvVars: []string{flag("ADAPTER")}, Usage: "classic, sharded or streams: `NAME`"},
		&cli.StringFlag{Name: "key", Category: clusterCategory, DefaultText: "socket.io", EnvVars: []string{flag("KEY")}, Usage: "`KEY` of classic, channelPrefix of the others"},
		&cli.StringFlag{Name: "codec", Category: clusterCategory, Value: "msgpack", DefaultText: "msgpack", Usage: "classic: json if the servers set a JSON parser: `CODEC`"},
		&cli.IntFlag{Name: "server-version", Category: clusterCategory, Value: 4, EnvVars: []string{flag("SERVER_VERSION")}, Usage: "classic: major version of socket.io, 1 to 4: `N`"},
		&cli.StringFlag{Name: "socket-ids", Category: clusterCategory, Usage: "classic, 1 to 3: what generateId returns, for --except: `REGEXP`"},
		&cli.StringFlag{Name: "subscription-mode", Category: clusterCategory, Value: "dynamic", DefaultText: "dynamic", Usage: "sharded: static, dynamic or dynamic-private: `MODE`"},
		&cli.StringFlag{Name: "stream-name", Category: clusterCategory, DefaultText: "socket.io", Usage: "streams: `NAME` of the stream"},
		&cli.IntFlag{Name: "stream-count", Category: clusterCategory, Value: 1, Usage: "streams: number of streams: `N`"},
		&cli.Int64Flag{Name: "max-len", Category: clusterCategory, Value: encoding.DefaultMaxLen, Usage: "streams: length to trim the stream to: `N`"},
		&cli.BoolFlag{Name: "sharded-pubsub", Category: clusterCategory, DisableDefaultText: true, Usage: "streams: the servers set useShardedPubSub"},
		&cli.IntFlag{Name: "max-attachments", Category: clusterCategory, Value: encoding.DefaultMaxAttachments, Usage: "binary values that the clients take in one event: `N`"},
		&cli.StringFlag{Name: "namespace", Aliases: []string{"n"}, Category: clusterCategory, Value: "/", DefaultText: "/", EnvVars: []string{flag("NAMESPACE")}, Usage: "`NAMESPACE` of the clients; admin means /admin"},
	}
}

// flagsOf names the flags that only some adapters have.
var flagsOf = map[string][]string{
	"classic": {"codec", "socket-ids"}, // and server-version, which may be 4 beside the others
	"sharded": {"subscription-mode"},
	"streams": {"stream-name", "stream-count", "max-len", "sharded-pubsub"},
}

// emitterOptions turns the adapter's flags into options of package emitter.
func emitterOptions(c *cli.Context) ([]emitter.Option, error) {
	name := c.String("adapter")
	if flagsOf[name] == nil {
		return nil, commandline.Usagef("%s is classic, sharded or streams, not %q", nameOf(c, "adapter"), name)
	}
	for _, other := range []string{"classic", "sharded", "streams"} {
		for _, flag := range flagsOf[other] {
			if other != name && c.IsSet(flag) {
				return nil, commandline.Usagef("--%s is an option of the %s adapter, not of the %s one", flag, other, name)
			}
		}
	}
	for _, flag := range []string{"stream-count", "max-len", "max-attachments"} {
		if c.Int64(flag) < 1 {
			return nil, commandline.Usagef("--%s must be 1 or more", flag)
		}
	}
	version := c.Int("server-version")
	switch {
	case version < 1 || version > 4:
		return nil, commandline.Usagef("%s is 1, 2, 3 or 4, not %d", nameOf(c, "server-version"), version)
	case version < 4 && name != "classic":
		return nil, commandline.Usagef("%s %d: the %s adapter exists for Socket.IO 4 only", nameOf(c, "server-version"), version, name)
	}
	options := []emitter.Option{emitter.WithServerVersion(version), emitter.WithMaxAttachments(c.Int("max-attachments"))}
	switch name {
	case "sharded":
		switch mode := emitter.SubscriptionMode(c.String("subscription-mode")); mode {
		case emitter.Static, emitter.Dynamic, emitter.DynamicPrivate:
		default:
			return nil, commandline.Usagef("--subscription-mode is static, dynamic or dynamic-private, not %q", mode)
		}
		return append(options, emitter.WithAdapter(emitter.Sharded(emitter.ShardedOptions(shardedFormat(c))))), nil
	case "streams":
		format := streamsFormat(c)
		return append(options, emitter.WithAdapter(emitter.Streams(emitter.StreamsOptions{
			StreamName: format.StreamName, StreamCount: format.StreamCount, ChannelPrefix: format.ChannelPrefix,
			MaxLen: c.Int64("max-len"), UseShardedPubSub: c.Bool("sharded-pubsub"),
		}))), nil
	}
	options = append(options, emitter.WithKey(c.String("key")))
	if text := c.String("socket-ids"); text != "" {
		pattern, err := regexp.Compile(text)
		if err != nil {
			return nil, commandline.Usagef("--socket-ids: %w", err)
		}
		options = append(options, emitter.WithSocketIDs(pattern))
	}
	switch codec := c.String("codec"); codec {
	case "msgpack":
	case "json":
		options = append(options, emitter.WithCodec(emitter.JSON))
	default:
		return nil, commandline.Usagef("--codec is msgpack or json, not %q", codec)
	}
	return options, nil
}

func shardedFormat(c *cli.Context) encoding.Sharded {
	return encoding.Sharded{ChannelPrefix: c.String("key"), SubscriptionMode: encoding.SubscriptionMode(c.String("subscription-mode"))}
}

func streamsFormat(c *cli.Context) encoding.Streams {
	return encoding.Streams{StreamName: c.String("stream-name"), StreamCount: c.Int("stream-count"), ChannelPrefix: c.String("key")}
}

// askListeners puts into pipe the question how many servers listen on the
// namespace, and returns the channel that is asked about.
func askListeners(ctx context.Context, c *cli.Context, pipe redis.Pipeliner) (cmd *redis.MapStringIntCmd, channel string) {
	namespace := encoding.Namespace(c.String("namespace"))
	switch c.String("adapter") {
	case "sharded":
		channel = shardedFormat(c).Channel(namespace, nil)
		return pipe.PubSubShardNumSub(ctx, channel), channel
	case "streams":
		channel = streamsFormat(c).Channel(namespace)
		if c.Bool("sharded-pubsub") {
			return pipe.PubSubShardNumSub(ctx, channel), channel
		}
		return pipe.PubSubNumSub(ctx, channel), channel
	}
	channel = encoding.Classic{Key: c.String("key")}.RequestChannel(namespace)
	return pipe.PubSubNumSub(ctx, channel), channel
}
