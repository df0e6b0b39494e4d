package main

import (
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

// roomsOf are the rooms that a flag names, room or except, and that of the same
// name for numbers.
func roomsOf(c *cli.Context, flag string) []encoding.Room {
	return settings.Rooms(c.StringSlice(flag), c.Float64Slice(flag+"-number"))
}
