// Package call holds the commands that make one call of package emitter: emit,
// join, leave, disconnect, server-emit, sockets, rooms and servers. Each fills in
// its options from the flags, and then sees nothing but these.
package call

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/connect"
	"github.com/sioemit/sioemit/internal/outcome"
	"github.com/sioemit/sioemit/internal/settings"
	"github.com/urfave/cli/v2"
)

// options are what the flags say that several of the commands have.
type options struct {
	commandline.IO
	name     string // of the command, with the flag that makes it a question
	settings *settings.Settings
	target   settings.Target

	ack, confirms, dryRun, json, quiet bool
	require                            int
}

// sendFlags are those of commands that send something. What becomes of it when
// too few servers listen is said by them.
func (o *options) sendFlags(tooFew string) []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "confirm", Destination: &o.confirms, Usage: "wait until every server has it; exit with 4 if one does not, or if that cannot be known"},
		o.requireFlag("; " + tooFew),
		&cli.BoolFlag{Name: "dry-run", Destination: &o.dryRun, Category: commandline.OutputCategory, Usage: "print the Redis command for redis-cli, and send nothing"},
		commandline.JSONFlag(&o.json),
		&cli.BoolFlag{Name: "quiet", Destination: &o.quiet, Category: commandline.OutputCategory, Usage: "print nothing on success; --require checks who listens"},
	}
}

func (o *options) requireFlag(more string) cli.Flag {
	return &cli.IntFlag{Name: "require", Destination: &o.require, Usage: "exit with 3 if fewer than `N` servers listen on the namespace" + more}
}

// parse reads the global flags, and those for the target.
func (o *options) parse(ctx context.Context, name string, p *commandline.Program, flags *settings.Flags, target *settings.TargetFlags) error {
	if o.name = name; o.ack {
		o.name += " --ack"
	}
	if o.confirms {
		if o.ack {
			return commandline.Usagef("use --ack or --confirm, not both: what is acknowledged has arrived")
		}
		o.name += " --confirm"
	}
	if o.require < 0 {
		return commandline.Usagef("--require must not be negative")
	}
	if o.ack && o.dryRun {
		return commandline.Usagef("--dry-run cannot show --ack, whose message holds a random id")
	}
	s, err := flags.Parse(ctx)
	if err != nil {
		return err
	}
	o.IO, o.settings, o.target = p.IO, s, target.Parse(p, s)
	return nil
}

// send lets queue put something into a pipeline: with --dry-run it is looked at
// there, otherwise it goes out with the question of who listens. An error of
// queue is one of the input, because nothing has been sent then.
func (o *options) send(ctx context.Context, what string, queue func(*emitter.BroadcastOperator) error) error {
	r := connect.Open(o.settings)
	defer r.Close()
	pipe := r.Client.Pipeline()
	err := queue(o.target.Of(r.Emitter(pipe)))
	switch {
	case errors.Is(err, emitter.ErrPipelined): // for the caller, which knows another way
		return err
	case err != nil:
		return outcome.Refused(&o.settings.Servers, o.name, err)
	}
	if o.dryRun {
		return outcome.PrintCommand(o.Out, o.json, pipe.Cmds()[0].Args())
	}
	ctx, cancel := context.WithTimeout(ctx, o.settings.Redis.Timeout)
	defer cancel()
	if o.confirms {
		return o.sendConfirmed(ctx, r, what, fmt.Sprint(pipe.Cmds()[0].Args()[1]), queue)
	}
	var told func() delivery
	var count func() (int, error)
	if o.isCounted() {
		told = o.askDelivery(ctx, pipe)
		count = countServers(ctx, r, pipe)
	}
	if err := executed(ctx, pipe); err != nil {
		return r.Explain(err)
	}
	if !o.isCounted() {
		return nil
	}
	return o.report(r, what, told(), count)
}

// isCounted reports whether it matters how many servers listen.
func (o *options) isCounted() bool { return !o.quiet || o.json || o.require > 0 }

// executed executes pipe and returns what became of its first command. When the
// connection could not be set up, with a wrong password for example, go-redis
// returns that from Exec without telling the commands.
func executed(ctx context.Context, pipe redis.Pipeliner) error {
	cmds, err := pipe.Exec(ctx)
	if err == nil || cmds[0].Err() != nil {
		return cmds[0].Err()
	}
	for _, cmd := range cmds {
		if cmd.Err() != nil {
			return nil // err is that of another command
		}
	}
	return err
}

// ask counts the servers where --ack has --require beside it, and lets question
// wait for the servers' replies, up to --timeout. Question prints what it got
// before it returns an error, so that a partial result is not lost.
func (o *options) ask(ctx context.Context, question func(context.Context, *connect.Redis, *emitter.BroadcastOperator) error) error {
	r := connect.Open(o.settings)
	defer r.Close()
	ctx, cancel := context.WithTimeout(ctx, o.settings.Redis.Timeout)
	defer cancel()
	io := r.Emitter(r.Client)
	if o.ack {
		if err := outcome.Require(ctx, o.require, io.Of(o.settings.Namespace)); err != nil {
			return outcome.Unanswered(r, o.name, err)
		}
	}
	return outcome.Unanswered(r, o.name, question(ctx, r, o.target.Of(io)))
}

// isSilent reports whether --quiet keeps the answers back: all came.
func (o *options) isSilent(err error) bool { return err == nil && o.quiet && !o.json }

// hasAnswer reports whether there is something to print: all answers, or some,
// or the knowledge that none came in time to what was sent.
func hasAnswer(err error, answers int) bool {
	var incomplete *emitter.IncompleteError
	return err == nil || answers > 0 || errors.As(err, &incomplete) && !errors.Is(err, emitter.ErrBinaryNotSent)
}
