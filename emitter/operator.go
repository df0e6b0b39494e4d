package emitter

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/sioemit/sioemit/encoding"
)

// BroadcastOperator is a target: a namespace, rooms, and flags. It never
// changes; its methods return new ones.
type BroadcastOperator struct {
	sender    *sender
	namespace string
	rooms     []string
	except    []string
	flags     encoding.Flags
	timeout   time.Duration // for replies; 0 means that of the context, or the default
	err       error         // what was wrong with the target; every Emit returns it

	prepared atomic.Pointer[route] // nil before the first Emit
}

// Of targets another namespace, in which it keeps rooms and flags. The leading
// slash may be left out: Of("admin") is Of("/admin").
func (o *BroadcastOperator) Of(namespace string) *BroadcastOperator {
	op := o.derive()
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
func (o *BroadcastOperator) To(rooms ...string) *BroadcastOperator {
	op := o.derive()
	if len(rooms) == 0 {
		op.fail(fmt.Errorf("emitter: To without rooms: %w", ErrEmptyRoom))
	}
	op.rooms = op.withRooms(o.rooms, rooms)
	return op
}

// In is To under another name.
func (o *BroadcastOperator) In(rooms ...string) *BroadcastOperator {
	return o.To(rooms...)
}

// Except leaves out the clients in any of the rooms. On Socket.IO 1, 2 and 3 it
// takes socket ids only; see ErrExceptRoom.
func (o *BroadcastOperator) Except(rooms ...string) *BroadcastOperator {
	op := o.derive()
	op.except = op.withRooms(o.except, rooms)
	for _, room := range rooms {
		op.fail(checkExcept(room, o.sender.version))
	}
	return op
}

// Volatile lets servers drop the event for clients that are not ready to
// receive it: because their network is slow, or because they are between two
// requests of HTTP long-polling.
func (o *BroadcastOperator) Volatile() *BroadcastOperator {
	op := o.derive()
	op.flags.Volatile = true
	return op
}

// Compress says whether servers may compress the event for their clients. They
// may unless Compress(false) is called, and do if perMessageDeflate is on.
func (o *BroadcastOperator) Compress(compress bool) *BroadcastOperator {
	op := o.derive()
	op.flags.Compress = &compress
	return op
}

// Emit sends an event to the clients targeted. The arguments become what
// encoding/json makes of them, and []byte becomes binary; see package encoding.
//
// The error is nil once Redis has taken the event. It is one of the errors of
// this package or an *encoding.ArgumentError when the event was refused, in
// which case nothing was sent; otherwise it wraps the error of the Redis client.
func (o *BroadcastOperator) Emit(ctx context.Context, event string, args ...any) error {
	if o.err != nil {
		return o.err
	}
	if err := checkEvent(event, reservedEvents); err != nil {
		return err
	}
	r, err := o.prepare()
	if err != nil {
		return err
	}
	return o.sender.broadcast(ctx, r, event, args)
}

// prepare returns the route of the target; it is made with the first event and
// kept.
func (o *BroadcastOperator) prepare() (*route, error) {
	if r := o.prepared.Load(); r != nil {
		return r, nil
	}
	r, err := o.sender.adapter.route(&encoding.Broadcast{Namespace: o.namespace, Rooms: o.rooms, Except: o.except, Flags: o.flags})
	if err != nil {
		return nil, fmt.Errorf("emitter: %w", err)
	}
	o.prepared.Store(r)
	return r, nil
}

// derive returns a copy to be changed, which has no route yet.
func (o *BroadcastOperator) derive() *BroadcastOperator {
	return &BroadcastOperator{
		sender: o.sender, namespace: o.namespace, rooms: o.rooms, except: o.except, flags: o.flags, timeout: o.timeout, err: o.err,
	}
}

// fail keeps the first thing that was wrong with the target.
func (o *BroadcastOperator) fail(err error) {
	if o.err == nil {
		o.err = err
	}
}

// withRooms returns the rooms of both lists, each once. It never writes to
// the lists, which other operators share.
func (o *BroadcastOperator) withRooms(list, more []string) []string {
	list = slices.Grow(slices.Clip(list), len(more))
	if len(list)+len(more) <= 32 { // up to here looking through the list beats a map
		for _, room := range more {
			o.fail(checkRoom(room))
			if !slices.Contains(list, room) {
				list = append(list, room)
			}
		}
		return list
	}
	known := make(map[string]struct{}, len(list)+len(more))
	for _, room := range list {
		known[room] = struct{}{}
	}
	for _, room := range more {
		o.fail(checkRoom(room))
		before := len(known)
		if known[room] = struct{}{}; len(known) > before {
			list = append(list, room)
		}
	}
	return list
}
