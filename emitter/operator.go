package emitter

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/roomlist"
)

// BroadcastOperator is a target: a namespace, rooms, and flags. It never
// changes; its methods return new ones.
type BroadcastOperator struct {
	operator
}

// operator has the methods of Emitter and BroadcastOperator. It is embedded, as
// testing.T and testing.B embed what they have in common, so that documentation
// lists the methods with both.
type operator struct {
	sender    *sender
	namespace string
	rooms     roomlist.List
	except    roomlist.List
	flags     encoding.Flags
	timeout   time.Duration // for replies; 0 means that of the context, or the default
	err       error         // what was wrong with the target; every Emit returns it

	// Most operators emit once, as in io.To(room).Emit, so that the first event is
	// sent along a route that is not kept. An atomic.Pointer in place of these two
	// would move each operator to the heap.
	use  atomic.Uint32 // unused, used, keeping or kept
	kept *route        // may be read when use is kept, and written by whoever set keeping
}

// Of targets another namespace, in which it keeps rooms and flags. The leading
// slash may be left out: Of("admin") is Of("/admin").
func (o *operator) Of(namespace string) *BroadcastOperator {
	op := new(BroadcastOperator)
	op.derive(o)
	op.namespace = encoding.Namespace(namespace)
	if !utf8.ValidString(namespace) {
		op.fail(fmt.Errorf("emitter: namespace %q: %w", namespace, ErrInvalidUTF8))
	}
	return op
}

// To targets rooms, besides those already targeted. A client that is in several
// of them gets the event once. A socket id is a room with one client in it;
// on Socket.IO 1 and 2 it reads "/admin#<id>" in namespace "/admin". Without any
// room it fails with ErrEmptyRoom: a list that happens to be empty must not
// reach everyone.
func (o *operator) To(rooms ...string) *BroadcastOperator {
	op := new(BroadcastOperator) // so little is inlined, and may be on the caller's stack
	op.to(o, rooms)
	return op
}

func (o *operator) to(from *operator, rooms []string) {
	o.derive(from)
	o.rooms = roomlist.With(&from.rooms, rooms)
	if len(rooms) == 0 {
		o.fail(fmt.Errorf("emitter: To without rooms: %w", ErrEmptyRoom))
	}
	for _, room := range rooms {
		o.fail(checkRoom(room))
	}
}

// In is To under another name.
func (o *operator) In(rooms ...string) *BroadcastOperator {
	op := new(BroadcastOperator)
	op.to(o, rooms)
	return op
}

// Except leaves out the clients in any of the rooms. On Socket.IO 1, 2 and 3 it
// takes socket ids only; see ErrExceptRoom.
func (o *operator) Except(rooms ...string) *BroadcastOperator {
	op := new(BroadcastOperator)
	op.without(o, rooms)
	return op
}

func (o *operator) without(from *operator, rooms []string) {
	o.derive(from)
	o.except = roomlist.With(&from.except, rooms)
	for _, room := range rooms {
		o.fail(checkRoom(room))
		o.fail(checkExcept(room, o.sender.ids, o.sender.version))
	}
}

// Volatile lets servers drop the event for clients that are not ready to
// receive it: because their network is slow, or because they are between two
// requests of HTTP long-polling.
func (o *operator) Volatile() *BroadcastOperator {
	op := new(BroadcastOperator)
	op.derive(o)
	op.flags.Volatile = true
	return op
}

// Compress says whether servers may compress the event for their clients. They
// may unless Compress(false) is called, and do if perMessageDeflate is on.
func (o *operator) Compress(compress bool) *BroadcastOperator {
	op := new(BroadcastOperator)
	op.derive(o)
	op.flags.Compress = &compress
	return op
}

// Emit sends an event to the clients targeted. The arguments become what
// encoding/json makes of them, and []byte becomes binary; see package encoding.
//
// The error is nil once Redis has taken the event. It is one of the errors of
// this package or an *encoding.ArgumentError when the event was refused, in
// which case nothing was sent; otherwise it wraps the error of the Redis client.
func (o *operator) Emit(ctx context.Context, event string, args ...any) error {
	if o.err != nil {
		return o.err
	}
	if err := checkEvent(event, reservedEvents); err != nil {
		return err
	}
	return o.sender.broadcast(ctx, o, event, args)
}

// What has become of an operator.
const (
	unused uint32 = iota
	used
	keeping
	kept
)

// route returns the route that is kept for the target, from its second event on,
// or makes the one given that of the target.
func (o *operator) route(scratch *route) (*route, error) {
	switch o.use.Load() {
	case kept:
		return o.kept, nil
	case unused:
		o.use.CompareAndSwap(unused, used)
	case used:
		if o.use.CompareAndSwap(used, keeping) {
			r := new(route)
			if err := r.set(o); err != nil {
				o.use.Store(used)
				return nil, err
			}
			o.kept = r
			o.use.Store(kept)
			return r, nil
		}
	}
	return scratch, scratch.set(o)
}

// derive makes o a copy of from that is to be changed, and has no route yet.
func (o *operator) derive(from *operator) {
	o.sender, o.namespace, o.rooms, o.except = from.sender, from.namespace, from.rooms, from.except
	o.flags, o.timeout, o.err = from.flags, from.timeout, from.err
}

// fail keeps the first thing that was wrong with the target.
func (o *operator) fail(err error) {
	if o.err == nil {
		o.err = err
	}
}

// setTarget writes the target, but not the flags, to b, whose lists are used
// again.
func (o *operator) setTarget(b *encoding.Broadcast) {
	b.Namespace = o.namespace
	b.Rooms, b.Except = o.rooms.AppendTo(b.Rooms[:0]), o.except.AppendTo(b.Except[:0])
}
