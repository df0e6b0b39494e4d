package main

import (
	"context"
	"errors"
	"strings"

	"github.com/sioemit/sioemit/internal/show"
)

// Exit statuses; the help text of the command explains them.
const (
	statusDone      = 0
	statusFailed    = 1 // Redis could not be reached or refused
	statusUsage     = 2 // bad usage or input, nothing sent
	statusListeners = 3 // fewer servers listening than --require
	statusReplies   = 4 // time ran out before every reply came
	statusInterrupt = 130
)

// usageError is an error of the caller: exit status 2.
type usageError struct{ error }

// listenersError says that fewer servers listen than were required: exit
// status 3.
type listenersError struct{ error }

// repliesError says that replies are missing: exit status 4.
type repliesError struct{ error }

// outcome turns what a command returned into an exit status and the line that
// stderr gets.
func outcome(ctx context.Context, err error) (status int, line string) {
	if err == nil {
		return statusDone, ""
	}
	if ctx.Err() != nil {
		return statusInterrupt, "interrupted"
	}
	line = errorText(err)
	var usage usageError
	var listeners listenersError
	var replies repliesError
	switch {
	case errors.As(err, &usage):
		return statusUsage, line
	case errors.As(err, &listeners):
		return statusListeners, line
	case errors.As(err, &replies):
		return statusReplies, line
	}
	return statusFailed, line
}

// errorText is an error as stderr gets it: in one line, and without what
// Sentinels say, who may repeat a password. What they say is known to
// sentinelTrouble, or is not shown.
func errorText(err error) string {
	text := show.OneLine(err.Error())
	if at := strings.Index(text, noSentinel); at >= 0 {
		return text[:at] + "no Sentinel could be asked"
	}
	return text
}
