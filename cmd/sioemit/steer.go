package main

import (
	"encoding/json"
	"errors"
	"io"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/settings"
	"github.com/sioemit/sioemit/internal/show"
	"github.com/urfave/cli/v2"
)

// allFlag is what a command that changes clients needs when it is meant for
// all of them.
func allFlag() cli.Flag {
	return &cli.BoolFlag{Name: "all", DisableDefaultText: true, Category: settings.TargetCategory, Usage: "all clients of the namespace"}
}

// numberFlag names rooms that are numbers to join or leave.
func numberFlag() cli.Flag {
	return &cli.Float64SliceFlag{Name: "number", Usage: "instead of ROOM: the room that is the number `N`; repeatable"}
}

// checkTarget refuses a command that would change every client because a flag
// was forgotten.
func checkTarget(c *cli.Context) error {
	rooms := len(roomsOf(c, "room")) > 0
	switch {
	case !rooms && !c.Bool("all"):
		return commandline.Usagef("%s needs to know whom: --room ROOM, or --all for everyone in the namespace", c.Command.Name)
	case rooms && c.Bool("all"):
		return commandline.Usage(errors.New("--room and --all exclude each other"))
	}
	return nil
}

func joinCommand() *commandline.Command {
	return &commandline.Command{
		Name:  "join",
		Usage: "make clients join rooms",
		Words: "ROOM...",
		Description: `   sioemit join vip --room user:7          the clients of one user
   sioemit join a b --room SOCKETID        one client, two rooms
   sioemit join maintenance --all          everyone in namespace /
   sioemit join --number 5 --room user:7   what join(5) joins, and join("5") not`,
		Global: []string{"namespace"},
		Statuses: map[int]string{
			commandline.StatusFailed:    commandline.NoRedis,
			commandline.StatusUsage:     commandline.BadInput,
			commandline.StatusListeners: commandline.TooFew,
		},
		Flags: append(append(targetFlags(), allFlag(), numberFlag()), sendFlags("it is sent all the same")...),
		Action: func(c *cli.Context) error {
			return change(c,
				func(op *emitter.BroadcastOperator, rooms []string) error { return op.SocketsJoin(c.Context, rooms...) },
				func(op *emitter.BroadcastOperator, rooms []float64) error {
					return op.SocketsJoinNumber(c.Context, rooms...)
				})
		},
	}
}

func leaveCommand() *commandline.Command {
	return &commandline.Command{
		Name:  "leave",
		Usage: "make clients leave rooms",
		Words: "ROOM...",
		Description: `   sioemit leave vip --room user:7         the clients of one user
   sioemit leave vip --all                 nobody is in vip any more`,
		Global: []string{"namespace"},
		Statuses: map[int]string{
			commandline.StatusFailed:    commandline.NoRedis,
			commandline.StatusUsage:     commandline.BadInput,
			commandline.StatusListeners: commandline.TooFew,
		},
		Flags: append(append(targetFlags(), allFlag(), numberFlag()), sendFlags("it is sent all the same")...),
		Action: func(c *cli.Context) error {
			return change(c,
				func(op *emitter.BroadcastOperator, rooms []string) error { return op.SocketsLeave(c.Context, rooms...) },
				func(op *emitter.BroadcastOperator, rooms []float64) error {
					return op.SocketsLeaveNumber(c.Context, rooms...)
				})
		},
	}
}

func change(c *cli.Context, call func(op *emitter.BroadcastOperator, rooms []string) error, callNumbers func(op *emitter.BroadcastOperator, rooms []float64) error) error {
	rooms, numbers := c.Args().Slice(), c.Float64Slice("number")
	switch {
	case len(rooms) == 0 && len(numbers) == 0:
		return commandline.Usagef("%s needs the name of a room: sioemit %[1]s ROOM... --room WHO", c.Command.Name)
	case len(rooms) > 0 && len(numbers) > 0:
		return commandline.Usagef("%s takes the names of rooms or --number, not both at once", c.Command.Name)
	}
	if err := checkTarget(c); err != nil {
		return err
	}
	what := c.Command.Name + " " + show.Rooms(settings.Rooms(rooms, numbers))
	return send(c, what, func(op *emitter.BroadcastOperator) error {
		if len(numbers) > 0 {
			return callNumbers(op, numbers)
		}
		return call(op, rooms)
	})
}

func disconnectCommand() *commandline.Command {
	flags := append(append(targetFlags(), allFlag()),
		&cli.BoolFlag{Name: "close", DisableDefaultText: true, Usage: "close their connections, with all their namespaces"})
	return &commandline.Command{
		Name:  "disconnect",
		Usage: "disconnect clients",
		Description: `   sioemit disconnect --room user:7            the clients of one user
   sioemit disconnect --close --room SOCKETID  and their connection
   sioemit disconnect --all -n admin           everyone in namespace /admin`,
		Global: []string{"namespace"},
		Statuses: map[int]string{
			commandline.StatusFailed:    commandline.NoRedis,
			commandline.StatusUsage:     commandline.BadInput,
			commandline.StatusListeners: commandline.TooFew,
		},
		Flags: append(flags, sendFlags("it is sent all the same")...),
		Action: func(c *cli.Context) error {
			if c.Args().Len() > 0 {
				return commandline.Usagef("disconnect takes no argument %q; whom to disconnect is --room", c.Args().First())
			}
			if err := checkTarget(c); err != nil {
				return err
			}
			return send(c, "disconnect", func(op *emitter.BroadcastOperator) error { return op.DisconnectSockets(c.Context, c.Bool("close")) })
		},
	}
}

func serverEmitCommand(stdin io.Reader) *commandline.Command {
	flags := []cli.Flag{
		&cli.BoolFlag{Name: "ack", DisableDefaultText: true, Usage: "wait for the servers' answers and print each"},
	}
	return &commandline.Command{
		Name:  "server-emit",
		Usage: "send an event to the servers themselves",
		Words: "EVENT [ARG...]",
		Description: `Servers receive it with io.on(EVENT) or io.of(NAMESPACE).on(EVENT); clients do
not get it. ARGs are those of emit.

   sioemit server-emit reload-config
   sioemit server-emit --ack uptime            a line per server that answers`,
		Global: []string{"namespace"},
		Statuses: map[int]string{
			commandline.StatusFailed:    commandline.NoAnswer,
			commandline.StatusUsage:     commandline.BadInput,
			commandline.StatusListeners: commandline.TooFew,
			commandline.StatusReplies:   commandline.TimeIsOut,
		},
		Flags: append(append(flags, valueFlags()...), sendFlags("without --ack it is sent all the same")...),
		Action: func(c *cli.Context) error {
			event, args, err := eventOf(c, stdin)
			if err != nil {
				return err
			}
			if !c.Bool("ack") {
				err := send(c, show.Quote(event), func(op *emitter.BroadcastOperator) error { return op.ServerSideEmit(c.Context, event, args...) })
				if errors.Is(err, emitter.ErrPipelined) {
					return serverEmitBinary(c, event, args)
				}
				return err
			}
			if c.Bool("dry-run") {
				return commandline.Usage(errDryRunAck)
			}
			return ask(c, func(op *emitter.BroadcastOperator) error {
				values, err := op.ServerSideEmitWithAck(c.Context, event, args...)
				if isSilent(c, err) {
					return nil
				}
				if !hasAnswer(err, len(values)) {
					return err
				}
				if c.Bool("json") {
					texts, jsonErr := show.Tagged(values)
					return errors.Join(jsonErr, show.JSON(c.App.Writer, struct {
						Answers []json.RawMessage `json:"answers"`
					}{texts}), err)
				}
				return errors.Join(show.Values(c.App.Writer, values), err)
			})
		},
	}
}

// serverEmitBinary sends an event with binary to servers of the classic adapter.
// Not all of them can read it, and package emitter asks them first, which it
// cannot do in a pipeline.
func serverEmitBinary(c *cli.Context, event string, args []any) error {
	format, namespace := encoding.Classic{Key: c.String("key")}, encoding.Namespace(c.String("namespace"))
	channel := format.RequestChannel(namespace)
	if c.Bool("dry-run") {
		message, err := format.MarshalRequest(&encoding.Request{
			Kind: encoding.ServerSideEmit, Broadcast: encoding.Broadcast{Namespace: namespace, Event: event, Args: args},
		})
		if err != nil {
			return err
		}
		return printCommand(c, []any{"publish", channel, message})
	}
	var count func() (int, error)
	err := ask(c, func(op *emitter.BroadcastOperator) error {
		if err := op.ServerSideEmit(c.Context, event, args...); err != nil {
			return err
		}
		if isCounted(c) {
			servers, err := op.ServerCount(c.Context)
			count = func() (int, error) { return servers, err }
		}
		return nil
	})
	if err != nil {
		return err
	}
	return report(c, show.Quote(event), delivery{Channel: channel}, count)
}
