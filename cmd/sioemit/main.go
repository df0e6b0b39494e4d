// Command sioemit sends events to the clients of a Socket.IO cluster from a
// shell, through the Redis that joins its servers.
//
//	sioemit emit --room user:7 order:paid '{"id":12345}'
//
// It is package emitter as a command. What a server or an observer says, and no
// emitter, is made here: the answers with which listen keeps servers from waiting
// for it, the questions of doctor, and the count of subscribers that goes with a
// message in one round trip.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/redis/go-redis/v9/logging"
)

func main() {
	logging.Disable() // of go-redis: each error is reported once, at the end
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() {
		<-ctx.Done()
		stop() // a second Ctrl-C ends the program at once
	}()
	os.Exit(newProgram(os.Stdin, os.Stdout, os.Stderr).Run(ctx, os.Args))
}
