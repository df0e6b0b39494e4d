package call

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/connect"
	"github.com/sioemit/sioemit/internal/event"
	"github.com/sioemit/sioemit/internal/settings"
	"github.com/sioemit/sioemit/internal/show"
	"github.com/urfave/cli/v2"
)

// Emit is the command emit.
func Emit(p *commandline.Program, flags *settings.Flags) *commandline.Command {
	var o options
	var target settings.TargetFlags
	var values event.Values
	ack := &cli.BoolFlag{Name: "ack", Destination: &o.ack, Usage: "wait for the clients' acknowledgements and print each"}
	return &commandline.Command{
		Name:  "emit",
		Usage: "send an event to clients",
		Words: "EVENT [ARG...]",
		Description: `An ARG that is JSON is sent as JSON, any other as a string. An ARG that starts
with { [ or " but is not JSON is sent as a string, with a warning. In JSON,
{"$binary":"<base64>"} stands for binary. The ARG - is read from stdin in the
same way; '"-"' is a dash. Flags may come anywhere; after --, everything is an
argument.

   sioemit emit hello world                         everyone in namespace /
   sioemit emit --room user:7 paid '{"id":1}' 19.9  one room, two arguments
   sioemit emit -r a -r b -x c news                 in a or b, but not in c
   sioemit emit -n admin alert -- --literally--     another namespace
   sioemit emit --binary cat.jpg photo              a file as binary
   jq .user user.json | sioemit emit hello -        the output of a command
   sioemit emit --ack --room user:7 ping            print each client's answer
   sioemit emit --quiet --require 2 tick            for cron: exit 3 unless 2
                                                    servers listen
   sioemit emit --dry-run hello world               needs no Redis`,
		Global: []string{"namespace"},
		Statuses: map[int]string{
			commandline.StatusFailed:    commandline.NoAnswer,
			commandline.StatusUsage:     commandline.BadInput,
			commandline.StatusListeners: commandline.TooFew,
			commandline.StatusReplies:   commandline.TimeIsOut,
		},
		Flags: slices.Concat([]cli.Flag{ack}, target.Delivery(), target.Rooms(), values.Flags(), o.sendFlags("without --ack it is sent anyway")),
		Run: func(ctx context.Context, words []string) error {
			if err := o.parse(ctx, "emit", p, flags, &target); err != nil {
				return err
			}
			name, args, err := eventOf(ctx, "emit", o.IO, &values, words)
			if err != nil {
				return err
			}
			return o.emit(ctx, name, args)
		},
	}
}

func (o *options) emit(ctx context.Context, name string, args []any) error {
	if !o.ack {
		return o.send(ctx, show.Quote(name), func(op *emitter.BroadcastOperator) error { return op.Emit(ctx, name, args...) })
	}
	return o.ask(ctx, func(ctx context.Context, _ *connect.Redis, op *emitter.BroadcastOperator) error {
		acks, err := op.EmitWithAck(ctx, name, args...)
		if err == nil && acks.Clients == 0 && !o.quiet {
			o.warnNobodyAsked()
		}
		if o.isSilent(err) {
			return nil
		}
		if !hasAnswer(err, len(acks.Values)) {
			return err
		}
		return errors.Join(o.printAcks(acks), err)
	})
}

// warnNobodyAsked says why no client had to answer.
func (o *options) warnNobodyAsked() {
	clients, where, flags := "no client", "is connected to that namespace", "--namespace"
	if len(o.target.Rooms) > 0 {
		where, flags = "is in that room", "--room and --namespace"
	}
	if len(o.target.Except) > 0 {
		clients, flags = "no client but those of --except", "--except, "+flags
	}
	o.Warn("%s %s, so nobody was asked; check %s", clients, where, flags)
}

// eventOf returns what the words behind the command's name say: an event and
// its arguments.
func eventOf(ctx context.Context, command string, io commandline.IO, values *event.Values, words []string) (name string, args []any, err error) {
	if len(words) == 0 {
		return "", nil, commandline.Usagef("%s needs the name of an event: sioemit %[1]s EVENT [ARG...]", command)
	}
	args, err = values.Read(ctx, io, words[1:])
	return words[0], args, err
}

// printAcks prints what each client answered, a line each.
func (o *options) printAcks(acks emitter.Acks) error {
	if !o.json {
		return show.Values(o.Out, acks.Values)
	}
	values, err := show.Tagged(acks.Values)
	if err != nil {
		return err
	}
	return show.JSON(o.Out, struct {
		Acks    []json.RawMessage `json:"acks"`
		Clients int               `json:"clients"`
		Servers int               `json:"servers"`
	}{values, acks.Clients, acks.Servers})
}
