package call

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sioemit/sioemit/internal/barrier"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/connect"
	"github.com/sioemit/sioemit/internal/outcome"
	"github.com/sioemit/sioemit/internal/settings"
	"github.com/sioemit/sioemit/internal/show"
	"github.com/urfave/cli/v2"
)

// Servers is the command servers.
func Servers(p *commandline.Program, flags *settings.Flags) *commandline.Command {
	var o options
	return &commandline.Command{
		Name:  "servers",
		Usage: "count the servers that listen, and those that answer",
		Description: `   sioemit servers                     3 servers listen, 3 answered in 4 ms
   sioemit servers --require 3         exit 3 if fewer answer
   sioemit servers --json | jq .servers

A server that hangs does not answer, though Redis still counts it as listening.
The command waits for it until --timeout, and exits with 4, or 3 with --require.
Servers of Socket.IO 1 to 3 and of python-socketio are only counted.

sioemit listen is not counted. It answers only where servers take it for one of
them: with the sharded adapter, and with --sharded-pubsub --requests.`,
		Global: []string{"namespace"},
		Statuses: map[int]string{
			commandline.StatusFailed:    commandline.NoRedis,
			commandline.StatusUsage:     commandline.BadUsage,
			commandline.StatusListeners: "fewer servers than --require N answered",
			commandline.StatusReplies:   "not every server that listens answered in time",
		},
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "require", Destination: &o.require, Usage: "exit with 3 if fewer than `N` servers of the namespace answer"},
			commandline.JSONFlag(&o.json),
		},
		Run: func(ctx context.Context, _ []string) error {
			if err := o.parse(ctx, "servers", p, flags, new(settings.TargetFlags)); err != nil {
				return err
			}
			return o.servers(ctx)
		},
	}
}

// present are the servers of a namespace.
type present struct {
	Servers int `json:"servers"` // that listen
	// Answered is how many did, and Milliseconds how long each took; null where servers
	// cannot be asked.
	Answered     *int      `json:"answered"`
	Milliseconds []float64 `json:"milliseconds"`
}

func (o *options) servers(ctx context.Context) error {
	r := connect.Open(o.settings)
	defer r.Close()
	ctx, cancel := context.WithTimeout(ctx, o.settings.Redis.Timeout)
	defer cancel()
	there, err := o.present(ctx, r)
	if err != nil {
		return outcome.Unanswered(r, o.name, err)
	}
	if o.json {
		err = show.JSON(o.Out, there)
	} else {
		_, err = fmt.Fprintln(o.Out, there.text())
	}
	if err != nil {
		return err
	}
	answered := there.Servers
	if there.Answered != nil {
		answered = *there.Answered
	}
	switch {
	case answered < o.require:
		return commandline.Listenersf("%s, %d required", there.text(), o.require)
	case there.Servers == 0:
		o.Warn("no server listens there: %s", outcome.WhatToCheck)
	case answered < there.Servers && o.require > 0:
		o.Warn("not all answered within %v (--timeout)", o.settings.Redis.Timeout)
	case answered < there.Servers:
		return commandline.Repliesf("time ran out after %v (--timeout): %d of %s answered", o.settings.Redis.Timeout, answered, show.Plural(there.Servers, "server"))
	}
	return nil
}

// present asks who is there.
func (o *options) present(ctx context.Context, r *connect.Redis) (p present, err error) {
	count := func() (present, error) {
		servers, err := r.Emitter(r.Client).Of(o.settings.Namespace).ServerCount(ctx)
		return present{Servers: servers}, err
	}
	if !o.settings.CanAnswer() {
		return count()
	}
	b, err := r.Barrier()
	if err != nil {
		return p, err
	}
	defer b.Close()
	answers, err := b.Present(ctx, o.settings.Namespace)
	p.Servers = len(answers)
	var missing *barrier.MissingError
	switch {
	case errors.As(err, &missing):
		p.Servers = missing.Asked
	case err != nil && connect.IsDenied(err) && o.require == 0:
		counted, countErr := count()
		if countErr == nil {
			o.Warn("the servers could not be asked: %s", connect.ErrorText(r.Explain(err)))
		}
		return counted, countErr
	case err != nil && !errors.Is(err, barrier.ErrNoServers):
		return p, err
	}
	answered := len(answers)
	p.Answered, p.Milliseconds = &answered, []float64{}
	for _, took := range answers {
		p.Milliseconds = append(p.Milliseconds, float64(took.Microseconds())/1000)
	}
	return p, nil
}

func (p *present) text() string {
	text := outcome.Listen(p.Servers)
	switch {
	case p.Answered == nil || p.Servers == 0:
	case *p.Answered == 0:
		text += ", none answered"
	default:
		longest := time.Duration(p.Milliseconds[len(p.Milliseconds)-1] * float64(time.Millisecond))
		text += fmt.Sprintf(", %d answered in %s", *p.Answered, rounded(longest))
	}
	return text
}

// rounded is a time as people say it.
func rounded(d time.Duration) string {
	if d < 10*time.Millisecond {
		return fmt.Sprintf("%.1f ms", d.Seconds()*1000)
	}
	return fmt.Sprintf("%d ms", d.Milliseconds())
}
