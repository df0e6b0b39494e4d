package call

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/cli"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/settings"
	"github.com/sioemit/sioemit/internal/show"
)

// Rooms is the command rooms.
func Rooms(p *commandline.Program, flags *settings.Flags) *commandline.Command {
	var o options
	return &commandline.Command{
		Name:  "rooms",
		Usage: "list the rooms of a namespace",
		Description: `Each client is also in a room of its own id.

   sioemit rooms                a room a line; quoted if it cannot be printed,
                                and one that is a number as 5 (number)
   sioemit rooms -n admin --json

The servers of the sharded and the streams adapter are asked for their sockets:
see sioemit sockets --help.`,
		Global: []string{"namespace"},
		Statuses: map[int]string{
			commandline.StatusFailed:  commandline.NoAnswer,
			commandline.StatusUsage:   commandline.BadUsage,
			commandline.StatusReplies: commandline.TimeIsOut,
		},
		Flags: []cli.Flag{commandline.JSONFlag(&o.json)},
		Run: func(ctx context.Context, _ []string) error {
			if err := o.parse(ctx, "rooms", p, flags, new(settings.TargetFlags)); err != nil {
				return err
			}
			return o.ask(ctx, o.rooms)
		},
	}
}

func (o *options) rooms(ctx context.Context, op *emitter.BroadcastOperator) error {
	rooms, err := allRooms(ctx, op)
	if o.json && hasAnswer(err, len(rooms)) {
		return errors.Join(show.JSON(o.Out, show.OrEmpty(rooms)), err)
	}
	var text strings.Builder
	for _, room := range rooms {
		fmt.Fprintln(&text, show.RoomLine(room))
	}
	_, printErr := io.WriteString(o.Out, text.String())
	return errors.Join(printErr, err)
}

// allRooms returns the rooms that are text, then those that are numbers.
func allRooms(ctx context.Context, op *emitter.BroadcastOperator) ([]encoding.Room, error) {
	var names []string
	var numbers []float64
	var namesErr, numbersErr error
	var group sync.WaitGroup
	group.Go(func() { names, namesErr = op.Rooms(ctx) })
	group.Go(func() { numbers, numbersErr = op.NumberRooms(ctx) })
	group.Wait()
	return settings.Rooms(names, numbers), cmp.Or(namesErr, numbersErr)
}
