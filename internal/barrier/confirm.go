package barrier

import (
	"context"
	"errors"
	"fmt"
)

// ErrUnconfirmed is wrapped by the error of a confirmation whose questions were all
// answered, and which all the same proves nothing.
var ErrUnconfirmed = errors.New("whether the servers have taken everything cannot be known")

// Confirm returns once every server has taken what was sent to the namespace, and
// how many servers there are.
func (s *Servers) Confirm(ctx context.Context, sent *Sent) (servers int, err error) {
	if err := sent.lock(ctx); err != nil {
		return 0, err
	}
	defer sent.unlock()
	w := sent.begin(s.Namespace)
	servers, after, err := s.confirm(ctx, w)
	if err == nil || errors.Is(err, ErrUnconfirmed) { // and never will be: the next one begins anew
		sent.end(w, after)
	} else {
		sent.restore(w)
	}
	return servers, err
}

func (s *Servers) confirm(ctx context.Context, w *window) (servers int, after *State, err error) {
	answers, err := s.ask(ctx, w.rooms)
	if err != nil {
		return len(answers), nil, err
	}
	servers = len(answers)
	if after, err = look(ctx, s.Client, s.Adapter.by()); err != nil {
		return servers, nil, fmt.Errorf("%w: %w", ErrUnconfirmed, err)
	}
	after.servers = servers
	why := interrupted(w.before, after, w.since)
	if why == "" && w.lost {
		why = fmt.Sprintf("events went to more than %d rooms or namespaces, each on a way of its own", maxRooms)
	}
	if why == "" {
		if why, err = s.Adapter.missing(ctx, s.Client, s.Namespace, w.entries); err != nil {
			return servers, after, fmt.Errorf("%w: %w", ErrUnconfirmed, err)
		}
	}
	if why != "" {
		return servers, after, fmt.Errorf("%w: %s", ErrUnconfirmed, why)
	}
	return servers, after, nil
}
