package call

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/connect"
	"github.com/sioemit/sioemit/internal/event"
	"github.com/sioemit/sioemit/internal/outcome"
	"github.com/sioemit/sioemit/internal/settings"
	"github.com/sioemit/sioemit/internal/show"
	"github.com/urfave/cli/v2"
)

// ServerEmit is the command server-emit.
func ServerEmit(p *commandline.Program, flags *settings.Flags) *commandline.Command {
	var o options
	var values event.Values
	ack := &cli.BoolFlag{Name: "ack", Destination: &o.ack, Usage: "wait for the servers' answers and print each"}
	return &commandline.Command{
		Name:  "server-emit",
		Usage: "send an event to the servers themselves",
		Words: "EVENT [ARG...]",
		Description: `Servers receive it with io.on(EVENT) or io.of(NAMESPACE).on(EVENT); clients do
not get it. ARGs work as in emit.

   sioemit server-emit reload-config
   sioemit server-emit --ack uptime            print each server's answer`,
		Global: []string{"namespace"},
		Statuses: map[int]string{
			commandline.StatusFailed:    commandline.NoAnswer,
			commandline.StatusUsage:     commandline.BadInput,
			commandline.StatusListeners: commandline.TooFew,
			commandline.StatusReplies:   commandline.TimeIsOut,
		},
		Flags: slices.Concat([]cli.Flag{ack}, values.Flags(), o.sendFlags("without --ack it is sent anyway")),
		Run: func(ctx context.Context, words []string) error {
			if err := o.parse(ctx, "server-emit", p, flags, new(settings.TargetFlags)); err != nil {
				return err
			}
			name, args, err := eventOf(ctx, "server-emit", o.IO, &values, words)
			if err != nil {
				return err
			}
			return o.serverEmit(ctx, name, args)
		},
	}
}

func (o *options) serverEmit(ctx context.Context, name string, args []any) error {
	if !o.ack {
		err := o.send(ctx, show.Quote(name), func(op *emitter.BroadcastOperator) error { return op.ServerSideEmit(ctx, name, args...) })
		if errors.Is(err, emitter.ErrPipelined) {
			return o.serverEmitBinary(ctx, name, args)
		}
		return err
	}
	return o.ask(ctx, func(ctx context.Context, _ *connect.Redis, op *emitter.BroadcastOperator) error {
		values, err := op.ServerSideEmitWithAck(ctx, name, args...)
		if o.isSilent(err) {
			return nil
		}
		if !hasAnswer(err, len(values)) {
			return err
		}
		if o.json {
			texts, jsonErr := show.Tagged(values)
			return errors.Join(jsonErr, show.JSON(o.Out, struct {
				Answers []json.RawMessage `json:"answers"`
			}{texts}), err)
		}
		return errors.Join(show.Values(o.Out, values), err)
	})
}

// serverEmitBinary sends an event with binary to servers of the classic adapter.
// Not all of them can read it, and package emitter asks them first, which it
// cannot do in a pipeline.
func (o *options) serverEmitBinary(ctx context.Context, name string, args []any) error {
	format, namespace := o.settings.Servers.Classic(), o.settings.Namespace
	channel := format.RequestChannel(namespace)
	if o.dryRun {
		message, err := format.MarshalRequest(&encoding.Request{
			Kind: encoding.ServerSideEmit, Broadcast: encoding.Broadcast{Namespace: namespace, Event: name, Args: args},
		})
		if err != nil {
			return err
		}
		return outcome.PrintCommand(o.Out, o.json, []any{"publish", channel, message})
	}
	r := connect.Open(o.settings)
	defer r.Close()
	ctx, cancel := context.WithTimeout(ctx, o.settings.Redis.Timeout)
	defer cancel()
	op := o.target.Of(r.Emitter(r.Client))
	if o.confirms {
		if _, err := op.Confirm(ctx); err != nil { // how things are before it is sent
			return outcome.Unanswered(r, o.name, err)
		}
	}
	if err := op.ServerSideEmit(ctx, name, args...); err != nil {
		return outcome.Unanswered(r, o.name, err)
	}
	if o.confirms {
		servers, err := op.Confirm(ctx)
		return o.reportConfirmed(r, show.Quote(name), channel, servers, err)
	}
	if !o.isCounted() {
		return nil
	}
	return o.report(r, show.Quote(name), delivery{Channel: channel}, func() (int, error) { return op.ServerCount(ctx) })
}
