package call

import (
	"context"
	"fmt"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/cli"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/outcome"
	"github.com/sioemit/sioemit/internal/settings"
	"github.com/sioemit/sioemit/internal/show"
)

// Servers is the command servers.
func Servers(p *commandline.Program, flags *settings.Flags) *commandline.Command {
	var o options
	return &commandline.Command{
		Name:  "servers",
		Usage: "count the servers that listen",
		Description: `   sioemit servers              prints the number
   sioemit servers --require 3  exit 3 if there are fewer

A sioemit listen on the sharded adapter is counted as one of them, and one with
--sharded-pubsub --requests, because Redis knows nothing but who has subscribed;
doctor tells them apart.`,
		Global: []string{"namespace"},
		Statuses: map[int]string{
			commandline.StatusFailed:    commandline.NoRedis,
			commandline.StatusUsage:     commandline.BadUsage,
			commandline.StatusListeners: commandline.TooFew,
		},
		Flags: []cli.Flag{o.requireFlag(""), commandline.JSONFlag(&o.json)},
		Run: func(ctx context.Context, _ []string) error {
			if err := o.parse(ctx, "servers", p, flags, new(settings.TargetFlags)); err != nil {
				return err
			}
			return o.ask(ctx, o.servers)
		},
	}
}

func (o *options) servers(ctx context.Context, op *emitter.BroadcastOperator) error {
	servers, err := op.ServerCount(ctx)
	if err != nil {
		return err
	}
	if o.json {
		err = show.JSON(o.Out, struct {
			Servers int `json:"servers"`
		}{servers})
	} else {
		_, err = fmt.Fprintln(o.Out, servers)
	}
	if err != nil {
		return err
	}
	if servers < o.require {
		return commandline.Listenersf("%s, %d required", outcome.Listen(servers), o.require)
	}
	if servers == 0 {
		o.Warn("no server listens there: %s", outcome.WhatToCheck)
	}
	return nil
}
