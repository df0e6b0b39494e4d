// Command sioemit sends events to the clients of a Socket.IO cluster from a
// shell, through the Redis that joins its servers.
//
//	sioemit emit --room user:7 order:paid '{"id":12345}'
//
// It is package emitter as a command: main reads the command line, one file a
// subcommand turns it into calls of that package, and what these send is made
// there. What a server or an observer says, and no emitter, is made here: the
// answers with which listen keeps servers from waiting for it, the questions of
// doctor, and the count of subscribers that goes with a message in one round
// trip.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/redis/go-redis/v9/logging"
)

func main() {
	logging.Disable() // of go-redis: each error is reported once, by outcome
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() {
		<-ctx.Done()
		stop() // a second Ctrl-C ends the program at once
	}()
	os.Exit(run(ctx, os.Args, os.Stdin, os.Stdout, os.Stderr))
}

// run is main without the process: it returns the exit status.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	app := newApp(stdin, stdout, stderr)
	if len(args) > 1 && args[1] == completeWord {
		return complete(stdout, app, args[2:])
	}
	args, err := arrange(app, args)
	if err == nil {
		err = checkVariables(app.Flags)
	}
	if err == nil {
		err = app.RunContext(ctx, args)
	}
	status, line := outcome(ctx, err)
	if line != "" {
		fmt.Fprintln(stderr, "sioemit: "+line)
	}
	return status
}
