// Package doctor is the subcommand that finds out why nothing arrives: it follows
// an event from the connection to the client, and says what is wrong on the way.
package doctor

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/connect"
	"github.com/sioemit/sioemit/internal/settings"
	"github.com/urfave/cli/v2"
)

// Command is the subcommand.
func Command(program *commandline.Program, flags *settings.Flags) *commandline.Command {
	o := options{IO: program.IO}
	var rooms cli.StringSlice
	var numbers cli.Float64Slice
	return &commandline.Command{
		Name:  "doctor",
		Usage: "find out why nothing arrives",
		Description: `Give it the same flags as emit. It checks Redis, what this user may do there,
which servers listen and whether they answer. It compares this with the flags
and prints the command line that is right. It emits nothing, and asks servers
only what cannot harm them.

   sioemit doctor                       do the defaults reach anybody?
   sioemit doctor --key myapp -n admin  do these settings?
   sioemit doctor --room user:7         is a client in that room?
   sioemit doctor --for 1m              what do other emitters publish?
   sioemit doctor --json                one line per finding, and a conclusion

Servers with the sharded or the streams adapter tell who is in a room only
together with socket.data, and one whose socket.data is circular crashes when
asked. So doctor does not ask them without --fetch-sockets.`,
		Global: []string{"namespace"},
		Statuses: map[int]string{
			commandline.StatusDone:    "an event reaches servers that answer, and a client in --room",
			commandline.StatusFailed:  "something is wrong",
			commandline.StatusUsage:   commandline.BadUsage,
			commandline.StatusReplies: "nothing found wrong, but not everything could be checked",
		},
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "room", Aliases: []string{"r", "to"}, Destination: &rooms, Category: settings.TargetCategory, Usage: "also look for clients in this `ROOM`; repeatable"},
			&cli.Float64SliceFlag{Name: "room-number", Destination: &numbers, Category: settings.TargetCategory, Usage: "also look in the room that is the number `N`; repeatable"},
			&cli.BoolFlag{Name: "fetch-sockets", Destination: &o.fetchSockets, Category: settings.TargetCategory, Usage: "ask sharded and streams servers for the clients in the room, with their data"},
			&cli.DurationFlag{Name: "for", Destination: &o.watch, Value: time.Second, Usage: "watch what other emitters publish for this `TIME`"},
			commandline.JSONFlag(&o.json),
		},
		Run: func(ctx context.Context, _ []string) error {
			s, err := flags.Parse(ctx)
			if err != nil {
				return err
			}
			o.given, o.rooms = program.Given(), settings.Rooms(rooms.Value(), numbers.Value())
			return run(ctx, o, s)
		},
	}
}

// options are the flags of the command.
type options struct {
	commandline.IO
	rooms        []encoding.Room
	fetchSockets bool // servers may be asked for socket.data
	watch        time.Duration
	json         bool
	given        []commandline.Given // all flags on the command line, of which the right ones are made
}

func run(ctx context.Context, o options, s *settings.Settings) error {
	if o.watch < 0 {
		return commandline.Usagef("--for must not be negative")
	}
	r := connect.Open(s)
	defer r.Close()
	// A context that is cancelled does not end the wait for an answer.
	defer context.AfterFunc(ctx, r.Close)()
	p := &patient{Servers: s.Servers, redis: s.Redis, client: r.Client, rooms: o.rooms, fetchSockets: o.fetchSockets}
	p.Key, p.StreamName = cmp.Or(p.Key, encoding.DefaultKey), cmp.Or(p.StreamName, encoding.DefaultKey)
	for _, g := range o.given {
		p.given = append(p.given, g.Name)
	}
	print := o.printer()
	p.report = func(f finding) error {
		if err := ctx.Err(); err != nil {
			return err // what was found last may be no more than that
		}
		return print(f)
	}
	defer p.close()
	if err := p.prepare(ctx); err != nil {
		return err
	}
	p.examine(ctx, s.Redis.Timeout, o.watch)
	if err := errors.Join(ctx.Err(), p.err); err != nil {
		return err
	}
	if err := o.conclude(&p.diagnosis); err != nil {
		return err
	}
	return p.verdict()
}
