package emitter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/barrier"
	"github.com/sioemit/sioemit/internal/once"
	"github.com/sioemit/sioemit/internal/protocol"
	"github.com/sioemit/sioemit/internal/replies"
)

// DefaultTimeout is how long a call waits for replies when neither its context
// nor Timeout says otherwise.
const DefaultTimeout = 5 * time.Second

var (
	// ErrNoServers is returned at once by a call with replies when no server
	// listens on the namespace.
	ErrNoServers = barrier.ErrNoServers

	// ErrSubscription is wrapped by the error of a call whose replies cannot come
	// any more, because the connection on which they were awaited broke.
	ErrSubscription = replies.ErrLost

	// ErrMaybeAsked is wrapped by the error of a call whose question was on its way
	// to Redis when the connection broke. Whether the servers have got it is not
	// known, and it is not asked again: those that have would answer, and act, twice.
	// FetchSockets and Rooms, which change nothing, have asked again with another id
	// before they return it.
	ErrMaybeAsked = once.ErrMaybeAsked

	// ErrClosed is returned by calls with replies after Close.
	ErrClosed = replies.ErrClosed
)

// IncompleteError says that a call did not get all its replies before its
// deadline. What did come is returned beside it. It wraps the error of the
// context, context.DeadlineExceeded for a timeout.
type IncompleteError struct {
	Call     string // the name of the method
	Servers  int    // that answered
	Asked    int    // servers that were asked
	Clients  int    // that acknowledged; of EmitWithAck only
	Expected int    // clients that servers expect to acknowledge; of EmitWithAck only
	Unread   int    // answers that could not be read
	Needs    string // what a server needs to answer this call; set when none did, as the likely reason
	Err      error
}

func (e *IncompleteError) Error() string {
	text := fmt.Sprintf("emitter: %s: %d of %d servers answered", e.Call, e.Servers, e.Asked)
	if e.Expected > 0 {
		text += fmt.Sprintf(", and %d of %d clients", e.Clients, e.Expected)
	}
	if e.Unread > 0 {
		text += fmt.Sprintf("; %d more could not be read", e.Unread)
	}
	if e.Needs != "" {
		text += "; servers answer it with " + e.Needs
	}
	return text + ": " + e.Err.Error()
}

// Unwrap returns the error of the context.
func (e *IncompleteError) Unwrap() error { return e.Err }

// Timeout sets how long calls with replies wait for them. A context that ends
// earlier ends the wait earlier. The default is DefaultTimeout, or the deadline
// of the context.
func (o *operator) Timeout(d time.Duration) *BroadcastOperator {
	op := new(BroadcastOperator)
	op.derive(o)
	op.timeout = d
	if d <= 0 {
		op.fail(fmt.Errorf("emitter: Timeout(%v) must be more than 0", d))
	}
	return op
}

// withDeadline returns the context that ends the wait for replies.
func (o *operator) withDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if o.timeout > 0 {
		return context.WithTimeout(ctx, o.timeout)
	}
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, DefaultTimeout)
}

// collector takes the replies to one question.
type collector interface {
	// wants reports whether a reply is of use. It is not decoded otherwise.
	wants(h *protocol.Head) bool
	// add takes a reply that is, and returns what is wrong with it.
	add(m *protocol.Message) error
	// complete reports whether the replies of so many servers are all there.
	complete(asked int) bool
	// incomplete fills in how many replies came.
	incomplete(e *IncompleteError)
}

// ask sends a request whose replies go to c, and returns how many servers were
// asked. It has subscribed before it asks, and asks nobody when no server
// listens.
func (o *operator) ask(ctx context.Context, call string, r *encoding.Request, c collector) (asked int, err error) {
	wait, err := o.asker(ctx, call)
	if err != nil {
		return 0, err
	}
	ctx, cancel := o.withDeadline(ctx)
	defer cancel()
	if asked, err = o.serverCount(ctx); err != nil {
		return 0, err
	}
	if asked == 0 {
		return 0, fmt.Errorf("emitter: %s: %w %s", call, ErrNoServers, o.namespace)
	}
	w, err := wait(ctx)
	if err != nil {
		return asked, o.sender.client.Clean(fmt.Errorf("emitter: %w", err))
	}
	defer w.Release()
	if deadline, ok := ctx.Deadline(); ok && r.Kind == encoding.EmitWithAck {
		r.Flags.Timeout = max(time.Until(deadline), time.Millisecond)
	}
	if err := o.send(ctx, call, r, w); err != nil {
		return asked, err
	}
	err = await(ctx, w, c, asked)
	if incomplete, ok := err.(*IncompleteError); ok {
		incomplete.Call = call
		if incomplete.Servers == 0 {
			incomplete.Needs = o.sender.adapter.needs(r.Kind)
		}
	}
	return asked, o.sender.client.Clean(err)
}

// asker returns what begins to wait for the answers to a question, or why none can
// be asked.
func (o *operator) asker(ctx context.Context, call string) (wait func(context.Context) (*replies.Wait, error), err error) {
	if o.err != nil {
		return nil, o.err
	}
	if err := checkContext(ctx); err != nil {
		return nil, err
	}
	if o.sender.pipeline != nil {
		return nil, fmt.Errorf("emitter: %s: %w", call, ErrPipelined)
	}
	adapter := o.sender.adapter.barrier()
	if adapter == nil {
		return nil, fmt.Errorf("emitter: %s: %w", call, encoding.ErrNoCounterpart)
	}
	channels, shard := adapter.ReplyChannels(o.namespace)
	if wait, err = o.sender.replies.On(ctx, o.sender.client, shard, channels); err != nil {
		return nil, fmt.Errorf("emitter: %s: %w", call, err)
	}
	if o.sender.version < 4 {
		return nil, fmt.Errorf("emitter: %s: %w, not %d", call, ErrNeedsVersion4, o.sender.version)
	}
	return wait, nil
}

// send asks the question of w. When it is not known whether that has been asked,
// one that changes nothing is asked once more, under another id: the answers to
// both cannot be taken for those of more servers.
func (o *operator) send(ctx context.Context, call string, r *encoding.Request, w *replies.Wait) error {
	for attempt := 1; ; attempt++ {
		r.ID = w.ID()
		err := o.request(ctx, call, r)
		harmless := r.Kind == encoding.FetchSockets || r.Kind == encoding.AllRooms
		if !errors.Is(err, ErrMaybeAsked) || !harmless || attempt == maxAttempts || ctx.Err() != nil {
			return err
		}
		w.Renew()
	}
}

// maxAttempts is how often a question is asked that changes nothing; go-redis
// sends other commands as often.
const maxAttempts = 4

// await hands the replies to c until it has those of so many servers. All that
// have come by the end of ctx or of the subscription count.
func await(ctx context.Context, w *replies.Wait, c collector, asked int) error {
	unread := 0
	err := w.Await(ctx, func(heads []protocol.Head) (all bool) {
		for _, head := range heads {
			if c.complete(asked) {
				break // whatever else has come is too much
			}
			if !c.wants(&head) {
				continue
			}
			reply, err := head.Decode()
			if err == nil {
				err = c.add(reply)
			}
			if err != nil {
				unread++
			}
		}
		return c.complete(asked)
	})
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrSubscription):
		return fmt.Errorf("emitter: %w", err)
	}
	incomplete := &IncompleteError{Asked: asked, Unread: unread, Err: err}
	c.incomplete(incomplete)
	return incomplete
}
