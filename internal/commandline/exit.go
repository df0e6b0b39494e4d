package commandline

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Exit statuses; the help text of the command explains them.
const (
	StatusDone      = 0
	StatusFailed    = 1 // Redis could not be reached or refused
	StatusUsage     = 2 // bad usage or input, nothing sent
	StatusListeners = 3 // fewer servers listening than --require
	StatusReplies   = 4 // time ran out before every reply came
	StatusInterrupt = 130
)

// exitError is an error with an exit status of its own.
type exitError struct {
	error
	status int
}

// Usage makes an error one of the caller: exit status 2.
func Usage(err error) error { return &exitError{err, StatusUsage} }

// Usagef is Usage of a new error.
func Usagef(format string, args ...any) error { return Usage(fmt.Errorf(format, args...)) }

// Listenersf says that fewer servers listen than were required: exit status 3.
func Listenersf(format string, args ...any) error {
	return &exitError{fmt.Errorf(format, args...), StatusListeners}
}

// Repliesf says that replies are missing: exit status 4.
func Repliesf(format string, args ...any) error {
	return &exitError{fmt.Errorf(format, args...), StatusReplies}
}

// Status is the exit status that an error means.
func Status(err error) int {
	var exit *exitError
	switch {
	case err == nil:
		return StatusDone
	case errors.As(err, &exit):
		return exit.status
	}
	return StatusFailed
}

// What the statuses mean, for most commands.
const (
	NoRedis   = "failed: Redis cannot be reached, or refused"
	NoAnswer  = NoRedis + ", or there is no server to ask"
	BadInput  = "bad usage or input; nothing was sent"
	BadUsage  = "bad usage"
	TooFew    = "fewer servers listen than --require N"
	TimeIsOut = "time ran out before every reply or confirmation came"
)

// allStatuses are those of all commands together.
var allStatuses = map[int]string{
	StatusFailed: NoAnswer, StatusUsage: BadInput + ", but pipe sends the good lines", StatusListeners: TooFew, StatusReplies: TimeIsOut,
}

// statusHelp explains exit statuses. Those that all commands have need not be
// among them.
func statusHelp(statuses map[int]string) string {
	if len(statuses) == 0 {
		return ""
	}
	texts := map[int]string{StatusDone: "done", StatusInterrupt: "interrupted (Ctrl-C)"}
	maps.Copy(texts, statuses)
	var b strings.Builder
	b.WriteString("\n\nEXIT STATUS:")
	for _, status := range slices.Sorted(maps.Keys(texts)) {
		fmt.Fprintf(&b, "\n%4d  %s", status, texts[status])
	}
	return b.String()
}
