// Package pace keeps a sender from running ahead of the servers that it sends to.
// Redis keeps for each of them what it has not read yet, and cuts off one that
// falls too far behind: 32 MB by pub/sub, MAXLEN entries of a stream.
package pace

import (
	"context"
	"sync/atomic"
	"time"
)

// Limits are how much may be unconfirmed at most, however quick the servers are.
type Limits struct {
	Messages int // 0: as many as fit into Bytes
	Bytes    int // of what Redis keeps; 0: DefaultBytes
}

// DefaultBytes is below every limit that Redis has for a subscriber, the one for
// those that stay above it for a minute too: that is 8 MB. So there is room for
// another sender.
const DefaultBytes = 4 << 20

// overhead is what Redis keeps of a message beside channel and payload.
const overhead = 64

// The first message goes alone: how long its confirmation takes is the way to Redis
// and the servers and back, which no window makes shorter. Then the window is small
// until more is known: a server that hands each event to ten thousand clients takes
// a few a second.
const (
	firstWindow = 16
	quick       = 100 * time.Millisecond
	slow        = 500 * time.Millisecond
)

// Window lets a sender have only so much unconfirmed: it asks whether the servers
// have taken what was sent, and sending goes on meanwhile, so that neither side
// waits for the other as long as the servers keep up. How many messages that are
// depends on how long the servers take to confirm them.
//
// Its methods are for one goroutine at a time, but for Confirmed.
type Window struct {
	confirm func(sent map[string]int) (servers int, err error)
	ended   <-chan struct{} // closed when the context for it ends
	limits  Limits
	size    int // messages that may be unconfirmed now

	sent, asked, confirmed amount
	unasked                map[string]int // messages by namespace that were sent and not asked about
	asking                 chan answer    // nil: no confirmation is under way
	began                  time.Time      // of the latest one
	fastest                time.Duration  // of all
	servers                int
	err                    error

	inOrder atomic.Int64 // messages confirmed
}

// amount is of messages, counted from the first.
type amount struct{ messages, bytes int64 }

func (a amount) minus(b amount) amount { return amount{a.messages - b.messages, a.bytes - b.bytes} }

// answer is what became of one confirmation.
type answer struct {
	took    time.Duration
	servers int
	err     error
}

// New returns a window that is all open. Confirm is told how many messages were sent
// by namespace since it was called last. It returns once every server of these
// namespaces has taken what had been sent there when it was called, and says how many
// servers these are. It is called in a goroutine, never twice at a time, and has to
// return soon after its context, which is ctx, has ended.
func New(ctx context.Context, limits Limits, confirm func(ctx context.Context, sent map[string]int) (servers int, err error)) *Window {
	if limits.Bytes == 0 {
		limits.Bytes = DefaultBytes
	}
	if limits.Messages == 0 {
		limits.Messages = limits.Bytes / overhead
	}
	return &Window{
		confirm: func(sent map[string]int) (int, error) { return confirm(ctx, sent) },
		ended:   ctx.Done(), limits: limits, size: 1, unasked: make(map[string]int),
	}
}

// Wait returns when a message of so many bytes may be sent, with nothing else
// that the window does not know of. The error is that of a confirmation, after
// which nothing may be sent any more, or that of ctx.
func (w *Window) Wait(ctx context.Context, bytes int) error {
	for w.poll(); w.err == nil && !w.Fits(1, bytes); {
		w.ask()
		if err := w.await(ctx); err != nil {
			return err
		}
	}
	return w.err
}

// Fits reports whether so many messages, of so many bytes altogether, may be sent
// without waiting. A single one may whenever nothing is unconfirmed, however large
// it is.
func (w *Window) Fits(messages, bytes int) bool {
	open := w.sent.minus(w.confirmed)
	return open.messages == 0 && messages == 1 ||
		open.messages+int64(messages) <= int64(w.size) && open.bytes+kept(messages, bytes) <= int64(w.limits.Bytes)
}

// kept is what Redis keeps of messages for each server.
func kept(messages, bytes int) int64 { return int64(bytes) + int64(messages)*overhead }

// Sent takes note that Redis has taken messages in a namespace, of so many bytes
// altogether. The oldest ones are confirmed first. It never waits.
func (w *Window) Sent(namespace string, messages, bytes int) {
	w.sent.messages += int64(messages)
	w.sent.bytes += kept(messages, bytes)
	w.unasked[namespace] += messages
	w.poll()
	// Half of the window is on its way while the other half is confirmed. What
	// trickles does not wait for that half, which may never come.
	open := w.sent.minus(w.asked)
	if 2*open.messages >= int64(w.size) || 2*open.bytes >= int64(w.limits.Bytes) || time.Since(w.began) >= quick {
		w.ask()
	}
}

// Finish returns when all is confirmed that was sent. The error is that of a
// confirmation, or that of ctx.
func (w *Window) Finish(ctx context.Context) error {
	for w.poll(); w.err == nil && w.confirmed != w.sent; {
		w.ask()
		if err := w.await(ctx); err != nil {
			return err
		}
	}
	return w.err
}

// Confirmed is how many messages are confirmed: all of those that Redis took first.
func (w *Window) Confirmed() int64 { return w.inOrder.Load() }

// Servers is how many servers have confirmed, the fewest of all confirmations in
// which any server had a part.
func (w *Window) Servers() int { return w.servers }

// ask begins to confirm what was sent, unless that is under way.
func (w *Window) ask() {
	if w.asking != nil || w.err != nil || w.asked == w.sent {
		return
	}
	sent := w.unasked
	w.unasked = make(map[string]int)
	asking := make(chan answer, 1) // whether or not anybody waits for it
	w.asked, w.asking, w.began = w.sent, asking, time.Now()
	go func(began time.Time) {
		servers, err := w.confirm(sent)
		asking <- answer{time.Since(began), servers, err}
	}(w.began)
}

// poll takes in the confirmation that has come, if one has.
func (w *Window) poll() {
	select {
	case a := <-w.asking:
		w.take(a)
	default:
	}
}

// await takes in the confirmation that is under way.
func (w *Window) await(ctx context.Context) error {
	select {
	case a := <-w.asking:
		w.take(a)
		return nil
	case <-ctx.Done():
	}
	select {
	case <-w.ended: // so that it ends, too, and says more
		w.take(<-w.asking)
		return nil
	default:
		return context.Cause(ctx)
	}
}

// take takes a confirmation in, and makes the window fit how long it took.
func (w *Window) take(a answer) {
	w.asking = nil
	if w.err = a.err; a.err != nil {
		return
	}
	covered := w.asked.minus(w.confirmed)
	w.confirmed = w.asked
	w.inOrder.Store(w.confirmed.messages)
	if a.servers > 0 && (w.servers == 0 || a.servers < w.servers) {
		w.servers = a.servers
	}
	isFirst := w.fastest == 0
	if isFirst || a.took < w.fastest {
		w.fastest = a.took
	}
	switch {
	case isFirst:
		w.size = min(firstWindow, w.limits.Messages)
	case a.took > w.fastest+slow:
		w.size = max(1, w.size/2)
	case a.took < w.fastest+quick && 2*covered.messages >= int64(w.size): // few prove nothing
		w.size = min(2*w.size, w.limits.Messages)
	}
}
