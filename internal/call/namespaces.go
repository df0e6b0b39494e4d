package call

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/sioemit/sioemit/internal/census"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/connect"
	"github.com/sioemit/sioemit/internal/outcome"
	"github.com/sioemit/sioemit/internal/settings"
	"github.com/sioemit/sioemit/internal/show"
	"github.com/urfave/cli/v2"
)

// Namespaces is the command namespaces.
func Namespaces(p *commandline.Program, flags *settings.Flags) *commandline.Command {
	var o options
	return &commandline.Command{
		Name:  "namespaces",
		Usage: "list the namespaces that have servers",
		Description: `One line per namespace that servers with this --adapter and --key listen on,
with the number of servers. It asks Redis, not the servers. Servers with the
streams adapter before 0.3 cannot be seen there.

   sioemit namespaces
   sioemit namespaces --json | jq -r .namespace`,
		Statuses: map[int]string{
			commandline.StatusFailed: commandline.NoRedis,
			commandline.StatusUsage:  commandline.BadUsage,
		},
		Flags: []cli.Flag{commandline.JSONFlag(&o.json)},
		Run: func(ctx context.Context, _ []string) error {
			if err := o.parse(ctx, "namespaces", p, flags, new(settings.TargetFlags)); err != nil {
				return err
			}
			if o.settings.Adapter == settings.Python {
				return commandline.Usagef("the namespaces of python-socketio servers cannot be seen: all of them share one channel")
			}
			return o.namespaces(ctx)
		},
	}
}

// listedNamespace is a namespace as JSON.
type listedNamespace struct {
	Namespace string `json:"namespace"`
	Servers   int    `json:"servers"`
}

func (o *options) namespaces(ctx context.Context) error {
	r := connect.Open(o.settings)
	defer r.Close()
	ctx, cancel := context.WithTimeout(ctx, o.settings.Redis.Timeout)
	defer cancel()
	listening := census.New(r.Client, &o.settings.Servers)
	if err := listening.Take(ctx); err != nil {
		return r.Explain(err)
	}
	listening.TellApart(ctx)
	var text strings.Builder
	for _, g := range listening.Groups() { // in the order of their namespaces, for one adapter and key
		if g.Adapter != o.settings.Adapter || g.Key != o.settings.Key {
			continue
		}
		if o.json {
			if err := show.JSON(&text, listedNamespace{g.Namespace, g.Servers}); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(&text, "%7d %s\n", g.Servers, show.Quote(g.Namespace))
	}
	if text.Len() == 0 {
		o.Warn("no server listens there: %s", outcome.WhatToCheck)
	}
	_, err := io.WriteString(o.Out, text.String())
	return err
}
