package main

import (
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
	"github.com/urfave/cli/v2"
)

const targetCategory = "Who gets it:"

// targetFlags are the flags that say who an event goes to, besides the global
// --namespace.
func targetFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "room", Aliases: []string{"r", "to"}, Category: targetCategory, KeepSpace: true, Usage: "clients in this `ROOM` or with this socket id; repeatable"},
		&cli.Float64SliceFlag{Name: "room-number", Category: targetCategory, Usage: "clients in the room that is the number `N`, as after join(5); repeatable"},
		&cli.StringSliceFlag{Name: "except", Aliases: []string{"x"}, Category: targetCategory, KeepSpace: true, Usage: "but not those in this `ROOM`; repeatable (on Socket.IO 1 to 3 socket ids only)"},
		&cli.Float64SliceFlag{Name: "except-number", Category: targetCategory, Usage: "but not those in the room that is the number `N`; repeatable"},
	}
}

// targeted returns the operator that the targeting flags describe.
func targeted(c *cli.Context, io *emitter.Emitter) *emitter.BroadcastOperator {
	op := io.Of(c.String("namespace"))
	if rooms := c.StringSlice("room"); len(rooms) > 0 {
		op = op.To(rooms...)
	}
	if numbers := c.Float64Slice("room-number"); len(numbers) > 0 {
		op = op.ToNumber(numbers...)
	}
	return op.Except(c.StringSlice("except")...).ExceptNumber(c.Float64Slice("except-number")...)
}

// roomsOf are the rooms that a flag names, room or except, and that of the same
// name for numbers.
func roomsOf(c *cli.Context, flag string) []encoding.Room {
	return bothRooms(c.StringSlice(flag), c.Float64Slice(flag+"-number"))
}

func bothRooms(names []string, numbers []float64) []encoding.Room {
	rooms := textRooms(names)
	for _, n := range numbers {
		rooms = append(rooms, encoding.NumberRoom(n))
	}
	return rooms
}

func textRooms(names []string) []encoding.Room {
	var rooms []encoding.Room
	for _, name := range names {
		rooms = append(rooms, encoding.Room(name))
	}
	return rooms
}

// deliveryFlags are the flags that say how servers deliver an event.
func deliveryFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "volatile", DisableDefaultText: true, Usage: "let servers drop the event for clients that are not ready"},
		&cli.BoolFlag{Name: "compress", DisableDefaultText: true, Usage: "--compress=false: do not compress it for the clients"},
	}
}

// delivered adds to the operator what the delivery flags say.
func delivered(c *cli.Context, op *emitter.BroadcastOperator) *emitter.BroadcastOperator {
	if c.Bool("volatile") {
		op = op.Volatile()
	}
	if c.IsSet("compress") {
		op = op.Compress(c.Bool("compress"))
	}
	return op
}
