package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/show"
	"github.com/urfave/cli/v2"
)

func emitCommand(stdin io.Reader) *commandline.Command {
	flags := []cli.Flag{
		&cli.BoolFlag{Name: "ack", DisableDefaultText: true, Usage: "wait for the clients' acknowledgements and print each"},
	}
	for _, more := range [][]cli.Flag{deliveryFlags(), targetFlags(), valueFlags(), sendFlags("without --ack it is sent all the same")} {
		flags = append(flags, more...)
	}
	return &commandline.Command{
		Name:  "emit",
		Usage: "send an event to clients",
		Words: "EVENT [ARG...]",
		Description: `Each ARG is JSON if it parses as JSON, otherwise a string. One that begins like
JSON, with { [ or ", and is none is sent as a string with a warning. In JSON,
{"$binary":"<base64>"} stands for binary. Flags may stand anywhere; after --
nothing is a flag.

   sioemit emit hello world                         everyone in namespace /
   sioemit emit --room user:7 paid '{"id":1}' 19.9  one room, two arguments
   sioemit emit -r a -r b -x c news                 in a or b, but not in c
   sioemit emit -n admin alert -- --literally--     another namespace
   sioemit emit --binary cat.jpg photo              a file as binary
   sioemit emit --ack --room user:7 ping            a line per client's answer
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
		Flags:  flags,
		Action: func(c *cli.Context) error { return emit(c, stdin) },
	}
}

func emit(c *cli.Context, stdin io.Reader) error {
	event, args, err := eventOf(c, stdin)
	if err != nil {
		return err
	}
	if !c.Bool("ack") {
		return send(c, show.Quote(event), func(op *emitter.BroadcastOperator) error {
			return delivered(c, op).Emit(c.Context, event, args...)
		})
	}
	if c.Bool("dry-run") {
		return commandline.Usage(errDryRunAck)
	}
	return ask(c, func(op *emitter.BroadcastOperator) error {
		acks, err := delivered(c, op).EmitWithAck(c.Context, event, args...)
		if err == nil && acks.Clients == 0 && !c.Bool("quiet") {
			warnNobodyAsked(c)
		}
		if isSilent(c, err) {
			return nil
		}
		if !hasAnswer(err, len(acks.Values)) {
			return err
		}
		return errors.Join(printAcks(c, acks), err)
	})
}

// warnNobodyAsked says why no client had to answer.
func warnNobodyAsked(c *cli.Context) {
	clients, where, flags := "no client", "is connected to that namespace", "--namespace"
	if len(roomsOf(c, "room")) > 0 {
		where, flags = "is in that room", "--room and --namespace"
	}
	if len(roomsOf(c, "except")) > 0 {
		clients, flags = "no client but those of --except", "--except, "+flags
	}
	fmt.Fprintf(c.App.ErrWriter, "sioemit: warning: %s %s, so nobody was asked; check %s\n", clients, where, flags)
}

var errDryRunAck = errors.New("--dry-run cannot show --ack, whose message holds a random id")

// eventOf returns what the words behind the command's name say: an event and
// its arguments.
func eventOf(c *cli.Context, stdin io.Reader) (event string, args []any, err error) {
	words := c.Args().Slice()
	if len(words) == 0 {
		return "", nil, commandline.Usagef("%s needs the name of an event: sioemit %[1]s EVENT [ARG...]", c.Command.Name)
	}
	args, err = values(c, words[1:], stdin)
	return words[0], args, err
}

// printAcks prints what each client answered, a line each.
func printAcks(c *cli.Context, acks emitter.Acks) error {
	if !c.Bool("json") {
		return show.Values(c.App.Writer, acks.Values)
	}
	values, err := show.Tagged(acks.Values)
	if err != nil {
		return err
	}
	return show.JSON(c.App.Writer, struct {
		Acks    []json.RawMessage `json:"acks"`
		Clients int               `json:"clients"`
		Servers int               `json:"servers"`
	}{values, acks.Clients, acks.Servers})
}
