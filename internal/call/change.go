package call

import (
	"context"
	"slices"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/settings"
	"github.com/sioemit/sioemit/internal/show"
	"github.com/urfave/cli/v2"
)

// change is a command that changes clients, which may be all of them.
type change struct {
	options
	targets settings.TargetFlags
	all     bool
}

func (c *change) flags() []cli.Flag {
	return append(c.targets.Rooms(), &cli.BoolFlag{Name: "all", Destination: &c.all, Category: settings.TargetCategory, Usage: "all clients of the namespace"})
}

// parse refuses a command that would change every client because a flag was
// forgotten.
func (c *change) parse(ctx context.Context, name string, p *commandline.Program, flags *settings.Flags) error {
	if err := c.options.parse(ctx, name, p, flags, &c.targets); err != nil {
		return err
	}
	switch rooms := len(c.target.Rooms) > 0; {
	case !rooms && !c.all:
		return commandline.Usagef("%s needs --room ROOM, or --all for everyone in the namespace", name)
	case rooms && c.all:
		return commandline.Usagef("use --room or --all, not both")
	}
	return nil
}

// Join is the command join.
func Join(p *commandline.Program, flags *settings.Flags) *commandline.Command {
	return membership(p, flags, commandline.Command{
		Name:  "join",
		Usage: "make clients join rooms",
		Description: `   sioemit join vip --room user:7          the clients of one user
   sioemit join a b --room SOCKETID        one client, two rooms
   sioemit join maintenance --all          everyone in namespace /
   sioemit join --number 5 --room user:7   the room of join(5), not of join("5")`,
	}, (*emitter.BroadcastOperator).SocketsJoin, (*emitter.BroadcastOperator).SocketsJoinNumber)
}

// Leave is the command leave.
func Leave(p *commandline.Program, flags *settings.Flags) *commandline.Command {
	return membership(p, flags, commandline.Command{
		Name:  "leave",
		Usage: "make clients leave rooms",
		Description: `   sioemit leave vip --room user:7         the clients of one user
   sioemit leave vip --all                 empty the room vip`,
	}, (*emitter.BroadcastOperator).SocketsLeave, (*emitter.BroadcastOperator).SocketsLeaveNumber)
}

// statuses are those of commands that change clients.
var statuses = map[int]string{
	commandline.StatusFailed:    commandline.NoRedis,
	commandline.StatusUsage:     commandline.BadInput,
	commandline.StatusListeners: commandline.TooFew,
	commandline.StatusReplies:   commandline.TimeIsOut,
}

// membership completes a command that changes who is in a room.
func membership(
	p *commandline.Program, flags *settings.Flags, command commandline.Command,
	byName func(*emitter.BroadcastOperator, context.Context, ...string) error, byNumber func(*emitter.BroadcastOperator, context.Context, ...float64) error,
) *commandline.Command {
	var c change
	var given cli.Float64Slice
	number := &cli.Float64SliceFlag{Name: "number", Destination: &given, Usage: "instead of ROOM: the room that is the number `N`; repeatable"}
	command.Words, command.Global, command.Statuses = "ROOM...", []string{"namespace"}, statuses
	command.Flags = slices.Concat(c.flags(), []cli.Flag{number}, c.sendFlags("it is sent anyway"))
	command.Run = func(ctx context.Context, names []string) error {
		numbers := given.Value()
		switch {
		case len(names) == 0 && len(numbers) == 0:
			return commandline.Usagef("%s needs the name of a room: sioemit %[1]s ROOM... --room WHO", command.Name)
		case len(names) > 0 && len(numbers) > 0:
			return commandline.Usagef("%s takes the names of rooms or --number, not both", command.Name)
		}
		if err := c.parse(ctx, command.Name, p, flags); err != nil {
			return err
		}
		what := command.Name + " " + show.Rooms(settings.Rooms(names, numbers))
		return c.send(ctx, what, func(op *emitter.BroadcastOperator) error {
			if len(numbers) > 0 {
				return byNumber(op, ctx, numbers...)
			}
			return byName(op, ctx, names...)
		})
	}
	return &command
}

// Disconnect is the command disconnect.
func Disconnect(p *commandline.Program, flags *settings.Flags) *commandline.Command {
	var c change
	var closes bool
	closing := &cli.BoolFlag{Name: "close", Destination: &closes, Usage: "close the connection, with all its namespaces"}
	return &commandline.Command{
		Name:  "disconnect",
		Usage: "disconnect clients",
		Description: `   sioemit disconnect --room user:7            the clients of one user
   sioemit disconnect --close --room SOCKETID  the whole connection
   sioemit disconnect --all -n admin           everyone in namespace /admin`,
		NoWords:  "say whom to disconnect with --room",
		Global:   []string{"namespace"},
		Statuses: statuses,
		Flags:    slices.Concat(c.flags(), []cli.Flag{closing}, c.sendFlags("it is sent anyway")),
		Run: func(ctx context.Context, _ []string) error {
			if err := c.parse(ctx, "disconnect", p, flags); err != nil {
				return err
			}
			return c.send(ctx, "disconnect", func(op *emitter.BroadcastOperator) error { return op.DisconnectSockets(ctx, closes) })
		},
	}
}
