package main

import (
	"errors"
	"net"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
)

// nameOf returns the name that the suite has for an error.
func nameOf(err error) string {
	for _, named := range []struct {
		err  error
		name string
	}{
		{emitter.ErrReservedEvent, "reserved-event"},
		{emitter.ErrEmptyEvent, "empty-event"},
		{emitter.ErrEmptyRoom, "empty-room"},
		{emitter.ErrExceptRoom, "except-room"},
		{emitter.ErrInvalidUTF8, "invalid-text"},
		{emitter.ErrNeedsVersion4, "needs-version-4"},
		{emitter.ErrTargeted, "targeted"},
		{emitter.ErrNoServers, "no-servers"},
		{emitter.ErrUnconfirmed, "unconfirmed"},
		{emitter.ErrPipelineEnded, "pipeline-ended"},
		{emitter.ErrPipelined, "pipelined"},
		{emitter.ErrSubscription, "subscription"},
		{emitter.ErrMaybeAsked, "maybe-asked"},
		{emitter.ErrClosed, "closed"},
		{encoding.ErrUnreadStream, "unread-stream"},
		{encoding.ErrNoCounterpart, "no-counterpart"},
		{encoding.ErrBinary, "binary-in-json"},
		{encoding.ErrTooDeep, "too-deep"},
	} {
		if errors.Is(err, named.err) {
			return named.name
		}
	}
	var incomplete *emitter.IncompleteError
	var option *emitter.OptionError
	var argument *encoding.ArgumentError
	var fromRedis redis.Error
	var network net.Error
	switch {
	case errors.As(err, &incomplete):
		return "incomplete"
	case errors.As(err, &option) && option.Option == "WithServerVersion" && option.Adapter == "":
		return "server-version"
	case errors.As(err, &option):
		return "adapter-option"
	case errors.As(err, &argument):
		return "unencodable"
	case errors.As(err, &fromRedis), errors.As(err, &network):
		return "redis"
	}
	return "unknown"
}
