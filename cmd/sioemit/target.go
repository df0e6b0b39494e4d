package main

import (
	"github.com/sioemit/sioemit/emitter"
	"github.com/urfave/cli/v2"
)

const targetCategory = "Who gets it:"

// targetFlags are the flags that say who an event goes to, besides the global
// --namespace.
func targetFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "room", Aliases: []string{"r", "to"}, Category: targetCategory, KeepSpace: true, Usage: "clients in this `ROOM` or with this socket id; repeatable"},
		&cli.StringSliceFlag{Name: "except", Aliases: []string{"x"}, Category: targetCategory, KeepSpace: true, Usage: "but not those in this `ROOM`; repeatable (on Socket.IO 1 to 3 socket ids only)"},
	}
}

// targeted returns the operator that the targeting flags describe.
func targeted(c *cli.Context, io *emitter.Emitter) *emitter.BroadcastOperator {
	op := io.Of(c.String("namespace"))
	if rooms := c.StringSlice("room"); len(rooms) > 0 {
		op = op.To(rooms...)
	}
	if except := c.StringSlice("except"); len(except) > 0 {
		op = op.Except(except...)
	}
	return op
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
