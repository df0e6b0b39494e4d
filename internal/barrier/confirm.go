package barrier

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrUnconfirmed is wrapped by the error of a confirmation whose questions were all
// answered, and which all the same proves nothing.
var ErrUnconfirmed = errors.New("whether the servers have taken everything cannot be known")

// Confirm returns once every server of a namespace has taken what was sent there, and
// how many servers these are.
func (b *Barrier) Confirm(ctx context.Context, namespace string) (servers int, err error) {
	s, err := b.servers(ctx, namespace)
	if err != nil {
		return 0, err
	}
	if err := b.lock(ctx); err != nil {
		return 0, err
	}
	defer b.unlock()
	w := b.begin(namespace)
	answers, err := s.ask(ctx, s.adapter.questions(namespace, w.rooms))
	if err != nil {
		b.restore(w)
		return len(answers), err
	}
	servers = len(answers)
	after, why, err := s.proof(ctx, w, servers)
	if err == nil && why != "" {
		err = errors.New(why)
	}
	// What cannot be known now never will be: the next confirmation begins anew.
	b.end(w, outcome{state: after, doubt: why, until: time.Now(), missed: w.last.missedNow(servers, why != "")})
	if _, ok := b.adapter.(streams); ok && err == nil && len(w.rooms) > 0 {
		err = errors.New("what is for the servers themselves goes beside the stream")
	}
	if doubt := w.doubtful(); err == nil && doubt != "" {
		err = errors.New(doubt)
	}
	if err != nil && !w.since.IsZero() {
		return servers, fmt.Errorf("%w: %w", ErrUnconfirmed, err)
	}
	return servers, nil
}

// proof looks whether all that carried the events is still in place, now that so many
// servers have answered, and says what is not.
func (s *servers) proof(ctx context.Context, w *window, servers int) (after *state, why string, err error) {
	if after, err = look(ctx, s.client, s.adapter.by()); err != nil {
		return nil, "Redis did not let us look", err
	}
	after.servers = servers
	if why = interrupted(w.last.state, after, w.since, w.last.missed > 0); why == "" {
		why, err = s.adapter.missing(ctx, s.client, s.namespace, w.entries)
	}
	return after, why, err
}
