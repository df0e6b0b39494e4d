package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/show"
	"github.com/urfave/cli/v2"
)

// ask connects, counts the servers where --ack has --require beside it, and lets
// question wait for the servers' replies, up to --timeout. Question prints what
// it got before it returns an error, so that a partial result is not lost.
func ask(c *cli.Context, question func(*emitter.BroadcastOperator) error) error {
	client, options, err := open(c)
	if err != nil {
		return err
	}
	defer client.Close()
	timeout := c.Duration("timeout")
	ctx, cancel := context.WithTimeout(c.Context, timeout)
	defer cancel()
	c.Context = ctx
	io := emitter.New(client, options...)
	if c.Bool("ack") {
		if err := requireServers(ctx, c, io.Of(c.String("namespace"))); err != nil {
			return unanswered(c, err)
		}
	}
	return unanswered(c, question(targeted(c, io)))
}

// requireServers is --require of a command that can count the servers before it
// sends anything.
func requireServers(ctx context.Context, c *cli.Context, op *emitter.BroadcastOperator) error {
	required := c.Int("require")
	if required <= 0 {
		return checkRequire(c)
	}
	servers, err := op.ServerCount(ctx)
	if err == nil && servers < required {
		return commandline.Listenersf("%s, %d required; nothing was sent", listen(servers), required)
	}
	return err
}

// isSilent reports whether --quiet keeps the answers back: all came.
func isSilent(c *cli.Context, err error) bool {
	return err == nil && c.Bool("quiet") && !c.Bool("json")
}

// hasAnswer reports whether there is something to print: all answers, or some,
// or the knowledge that none came in time to what was sent.
func hasAnswer(err error, answers int) bool {
	var incomplete *emitter.IncompleteError
	return err == nil || answers > 0 || errors.As(err, &incomplete) && !errors.Is(err, emitter.ErrBinaryNotSent)
}

// unanswered sorts the errors of a question by their exit status.
func unanswered(c *cli.Context, err error) error {
	timeout := c.Duration("timeout")
	var incomplete *emitter.IncompleteError
	var argument *encoding.ArgumentError
	switch {
	case err == nil, commandline.Status(err) == commandline.StatusListeners:
		return err
	case errors.As(err, &incomplete):
		text := fmt.Sprintf("%d of %s answered", incomplete.Servers, show.Plural(incomplete.Asked, "server"))
		if incomplete.Expected > 0 {
			text += fmt.Sprintf(", %d of %s", incomplete.Clients, show.Plural(incomplete.Expected, "client"))
		}
		if incomplete.Needs != "" {
			text += "; servers answer this with " + incomplete.Needs
		}
		// What stands behind it says what was not done for want of an answer.
		_, rest, _ := strings.Cut(err.Error(), incomplete.Error())
		return commandline.Repliesf("time ran out after %v (--timeout): %s%s", timeout, text, rest)
	case errors.Is(err, emitter.ErrNoServers):
		return errors.New("no server listens there: " + whatToCheck)
	case errors.As(err, &argument), isInputError(err):
		return inputError(c, err)
	}
	return explain(c, err)
}

// inputError is an error about what was to be sent, in the words of the command
// line where package emitter has its own.
func inputError(c *cli.Context, err error) error {
	switch {
	case errors.Is(err, emitter.ErrNeedsVersion4):
		name := c.Command.Name
		if c.Bool("ack") {
			name += " --ack"
		}
		return commandline.Usagef("%s needs servers with Socket.IO 4, and %s is %d", name, nameOf(c, "server-version"), c.Int("server-version"))
	case errors.Is(err, emitter.ErrExceptRoom):
		return commandline.Usagef("%s (see --socket-ids if the servers set generateId)", strings.TrimPrefix(err.Error(), "emitter: "))
	case errors.Is(err, encoding.ErrBinary):
		return commandline.Usage(errors.New("--codec json cannot carry binary"))
	}
	text := strings.TrimPrefix(err.Error(), "emitter: ")
	return commandline.Usage(errors.New(strings.TrimPrefix(text, "encoding: ")))
}

// isInputError reports whether a call was refused before anything was sent.
func isInputError(err error) bool {
	for _, input := range []error{
		emitter.ErrEmptyEvent, emitter.ErrReservedEvent, emitter.ErrEmptyRoom, emitter.ErrInvalidUTF8, emitter.ErrExceptRoom,
		emitter.ErrNeedsVersion4, emitter.ErrTargeted, encoding.ErrBinary, encoding.ErrUnreadStream,
	} {
		if errors.Is(err, input) {
			return true
		}
	}
	return errors.As(err, new(*emitter.OptionError))
}
