package call

import (
	"context"
	"errors"
	"fmt"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/connect"
	"github.com/sioemit/sioemit/internal/outcome"
	"github.com/sioemit/sioemit/internal/show"
)

// confirmation is what is known of something that was sent with --confirm.
type confirmation struct {
	Channel   string `json:"channel"`   // or stream
	Servers   int    `json:"servers"`   // that were asked
	Confirmed int    `json:"confirmed"` // how many of them have it
}

// sendConfirmed sends something to a channel, and returns when every server has it.
func (o *options) sendConfirmed(ctx context.Context, r *connect.Redis, what, channel string, send func(*emitter.BroadcastOperator) error) error {
	io := r.Emitter(r.Client)
	known, err := io.Confirmed(ctx, func(io *emitter.Emitter) error { return send(o.target.Of(io)) })
	if err != nil && known.Sent == 0 {
		return outcome.Unanswered(r, o.name, err)
	}
	return o.reportConfirmed(r, what, channel, known.Servers, err)
}

// reportConfirmed prints how many servers have what was sent.
func (o *options) reportConfirmed(r *connect.Redis, what, channel string, servers int, err error) error {
	c := confirmation{Channel: channel, Servers: servers, Confirmed: servers}
	var incomplete *emitter.IncompleteError
	if errors.As(err, &incomplete) {
		c.Servers, c.Confirmed = incomplete.Asked, incomplete.Servers
	} else if err != nil {
		c.Confirmed = 0
	}
	var printErr error
	switch {
	case o.json:
		printErr = show.JSON(o.Out, c)
	case err == nil && !o.quiet:
		_, printErr = fmt.Fprintf(o.Out, "sent %s on %s; %s it\n", what, show.Quote(channel), outcome.Have(servers))
	}
	switch {
	case errors.As(err, &incomplete):
		return commandline.Repliesf("%s; it was sent", outcome.NotAllHave(r, incomplete.Servers, incomplete.Asked))
	case errors.Is(err, emitter.ErrNoServers):
		return commandline.Repliesf("no server has it, because none listens there: %s", outcome.WhatToCheck)
	case err != nil:
		return commandline.Repliesf("it was sent, and %s", connect.ErrorText(r.Explain(err)))
	case printErr != nil:
		return fmt.Errorf("it was sent, but that could not be printed: %w", printErr)
	case servers < o.require:
		return commandline.Listenersf("%s it, %d required", outcome.Have(servers), o.require)
	}
	return nil
}
