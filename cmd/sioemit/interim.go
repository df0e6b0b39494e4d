package main

import (
	"context"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/connect"
	"github.com/sioemit/sioemit/internal/settings"
	"github.com/urfave/cli/v2"
)

// What stands here goes as soon as every subcommand has its own package, and
// gets the settings instead of asking for them.

var globalFlags atomic.Pointer[settings.Flags]

func parsed() (*settings.Settings, error) {
	if f := globalFlags.Load(); f != nil {
		return f.Parse()
	}
	return &settings.Settings{}, nil
}

func opened() (*connect.Redis, error) {
	s, err := parsed()
	if err != nil {
		return nil, err
	}
	return connect.Open(s), nil
}

func open(*cli.Context) (redis.UniversalClient, []emitter.Option, error) {
	r, err := opened()
	if err != nil {
		return nil, nil, err
	}
	return r.Client, r.Settings.Options(), nil
}

func explain(_ *cli.Context, err error) error {
	s, parseErr := parsed()
	if parseErr != nil || len(s.Redis.URLs) == 0 {
		return err
	}
	return (&connect.Redis{Settings: s}).Explain(err)
}

func shardedFormat(*cli.Context) encoding.Sharded { s, _ := parsed(); return s.Sharded() }
func streamsFormat(*cli.Context) encoding.Streams { s, _ := parsed(); return s.Streams() }

// roomsOf are the rooms that a flag names, room or except, and that of the same
// name for numbers.
func roomsOf(c *cli.Context, flag string) []encoding.Room {
	return settings.Rooms(c.StringSlice(flag), c.Float64Slice(flag+"-number"))
}

func askListeners(ctx context.Context, c *cli.Context, pipe redis.Pipeliner) (cmd *redis.MapStringIntCmd, channel string) {
	s, _ := parsed()
	namespace := s.Namespace
	switch s.Adapter {
	case settings.Sharded:
		channel = shardedFormat(c).Channel(namespace, nil)
		return pipe.PubSubShardNumSub(ctx, channel), channel
	case settings.Streams:
		channel = streamsFormat(c).Channel(namespace)
		if c.Bool("sharded-pubsub") {
			return pipe.PubSubShardNumSub(ctx, channel), channel
		}
		return pipe.PubSubNumSub(ctx, channel), channel
	}
	channel = s.Classic().RequestChannel(namespace)
	return pipe.PubSubNumSub(ctx, channel), channel
}

func targetFlags() []cli.Flag   { return new(settings.TargetFlags).Rooms() }
func deliveryFlags() []cli.Flag { return new(settings.TargetFlags).Delivery() }

func targeted(c *cli.Context, io *emitter.Emitter) *emitter.BroadcastOperator {
	t := settings.Target{Namespace: c.String("namespace"), Rooms: roomsOf(c, "room"), Except: roomsOf(c, "except")}
	return t.Of(io)
}

// delivered adds to the operator what the delivery flags say.
func delivered(c *cli.Context, op *emitter.BroadcastOperator) *emitter.BroadcastOperator {
	if c.Bool("volatile") {
		op = op.Volatile()
	}
	if c.IsSet("compress") {
		op = op.Compress(c.Bool("compress"))
	}
	return op
}

func nameOf(*cli.Context, string) string { s, _ := parsed(); return s.VersionName }

// namespaceOf is the namespace that the flags name, with its slash.
func namespaceOf(c *cli.Context) string { return encoding.Namespace(c.String("namespace")) }
