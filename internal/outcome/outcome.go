// Package outcome says in the words of the command line what became of something
// that was to be sent: refused, answered by some, heard by nobody, or only shown.
package outcome

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/connect"
	"github.com/sioemit/sioemit/internal/settings"
	"github.com/sioemit/sioemit/internal/show"
)

// Require is --require of a command that can count the servers before it sends
// anything.
func Require(ctx context.Context, required int, op *emitter.BroadcastOperator) error {
	if required <= 0 {
		return nil
	}
	servers, err := op.ServerCount(ctx)
	if err == nil && servers < required {
		return commandline.Listenersf("%s, %d required; nothing was sent", Listen(servers), required)
	}
	return err
}

// Unanswered sorts the errors of a question by their exit status. The call is
// the command, with the flag that makes it a question.
func Unanswered(r *connect.Redis, call string, err error) error {
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
		return commandline.Repliesf("time ran out after %v (--timeout): %s%s", r.Settings.Redis.Timeout, text, rest)
	case errors.Is(err, emitter.ErrNoServers):
		return errors.New("no server listens there: " + WhatToCheck)
	case errors.As(err, &argument), isRefused(err):
		return Refused(&r.Settings.Servers, call, err)
	}
	return r.Explain(err)
}

// Have says how many servers have something.
func Have(servers int) string {
	switch servers {
	case 0:
		return "no server has"
	case 1:
		return "1 server has"
	}
	return fmt.Sprintf("%d servers have", servers)
}

// NotAllHave says that not all servers have taken in time what was sent to them.
func NotAllHave(r *connect.Redis, servers, asked int) string {
	have := "have"
	if asked == 1 {
		have = "has"
	}
	text := fmt.Sprintf("time ran out after %v (--timeout): %d of %s %s it", r.Settings.Redis.Timeout, servers, show.Plural(asked, "server"), have)
	if servers == 0 && r.Settings.Adapter == settings.Streams {
		text += "; check --stream-name and --stream-count, or run sioemit doctor with these flags"
	}
	return text
}

// Refused is an error about what was to be sent, in the words of the command
// line where package emitter has its own.
func Refused(s *settings.Servers, call string, err error) error {
	switch {
	case errors.Is(err, emitter.ErrNeedsVersion4):
		return commandline.Usagef("%s needs servers with Socket.IO 4, and %s is %d", call, s.VersionName, s.Version)
	case errors.Is(err, emitter.ErrExceptRoom):
		return commandline.Usagef("%s (see --socket-ids if the servers set generateId)", strings.TrimPrefix(err.Error(), "emitter: "))
	case errors.Is(err, encoding.ErrPythonBinary):
		return commandline.Usagef("%s; --allow-binary says so", strings.TrimPrefix(strings.TrimPrefix(err.Error(), "emitter: "), "encoding: "))
	case errors.Is(err, encoding.ErrBinary):
		return commandline.Usagef("--codec json cannot carry binary")
	}
	text := strings.TrimPrefix(err.Error(), "emitter: ")
	return commandline.Usage(errors.New(strings.TrimPrefix(text, "encoding: ")))
}

// isRefused reports whether a call was refused before anything was sent.
func isRefused(err error) bool {
	for _, input := range []error{
		emitter.ErrEmptyEvent, emitter.ErrReservedEvent, emitter.ErrEmptyRoom, emitter.ErrInvalidUTF8, emitter.ErrExceptRoom,
		emitter.ErrNeedsVersion4, emitter.ErrTargeted, encoding.ErrBinary, encoding.ErrUnreadStream, encoding.ErrNoCounterpart,
	} {
		if errors.Is(err, input) {
			return true
		}
	}
	return errors.As(err, new(*emitter.OptionError))
}

// WhatToCheck is said where no server listens.
const WhatToCheck = "check --redis, --adapter, --key and --namespace, or run sioemit doctor with these flags"

// Unheard says what it means that no server listens to what was sent.
func Unheard(isInStream bool) string {
	if isInStream { // which keeps it
		return "no server listens now, so only a server that was cut off from Redis will read it: run sioemit doctor with these flags"
	}
	return "nobody receives it: " + WhatToCheck
}

// NewStream is said where a stream has come into being: servers with the streams
// adapter read it without a trace, and write to it when they emit.
const NewStream = "the stream is new: no server has written to it, and it is not known whether one reads it; check --stream-name and --stream-count, or run sioemit doctor with these flags"

// OtherMode says what it means, apart from an empty room, that nobody subscribes
// to a room's channel.
func OtherMode(s *settings.Servers) string {
	return fmt.Sprintf("the servers' subscriptionMode is not %s: --subscription-mode static reaches them in any mode, and sioemit doctor with these flags says which they use", s.SubscriptionMode)
}

// Listen says how many servers listen.
func Listen(servers int) string {
	switch servers {
	case 0:
		return "no server listens"
	case 1:
		return "1 server listens"
	}
	return fmt.Sprintf("%d servers listen", servers)
}
