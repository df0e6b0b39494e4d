package emitter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/once"
	"github.com/sioemit/sioemit/internal/replies"
	"github.com/sioemit/sioemit/internal/roomlist"
)

var (
	// ErrNeedsVersion4 is returned by calls that servers before Socket.IO 4 do
	// not have. Their numbers mean other things there, so nothing is sent.
	ErrNeedsVersion4 = errors.New("this call needs servers with Socket.IO 4")

	// ErrBinaryNotSent is wrapped, beside the error that says why, by the error of
	// a call with binary that was not made.
	ErrBinaryNotSent = errors.New("the binary was not sent, because it is not certain that all servers can read it")

	// ErrTargeted is returned by calls that go to the servers of a namespace
	// when rooms are targeted or left out.
	ErrTargeted = errors.New("this call goes to the servers of a namespace and takes no rooms")
)

// SocketsJoin makes the clients targeted join rooms. The error is nil once Redis
// has taken the request; servers do not answer it. It needs Socket.IO 4 and, of
// the classic adapter, version 6.1.
func (o *operator) SocketsJoin(ctx context.Context, rooms ...string) error {
	return o.change(ctx, "SocketsJoin", encoding.Join, rooms)
}

// SocketsLeave makes the clients targeted leave rooms; see SocketsJoin.
func (o *operator) SocketsLeave(ctx context.Context, rooms ...string) error {
	return o.change(ctx, "SocketsLeave", encoding.Leave, rooms)
}

func (o *operator) change(ctx context.Context, call string, kind encoding.RequestKind, rooms []string) error {
	if len(rooms) == 0 {
		return fmt.Errorf("emitter: %s without rooms: %w", call, ErrEmptyRoom)
	}
	for _, room := range rooms {
		if err := checkRoom(room); err != nil {
			return err
		}
	}
	return o.request(ctx, call, &encoding.Request{Kind: kind, Change: roomlist.Text(rooms)})
}

// DisconnectSockets disconnects the clients targeted from the namespace, all
// clients of the namespace when no rooms are. With close it closes their
// connections, with all their namespaces. See SocketsJoin for the rest.
func (o *operator) DisconnectSockets(ctx context.Context, close bool) error {
	return o.request(ctx, "DisconnectSockets", &encoding.Request{Kind: encoding.Disconnect, Close: close})
}

// ServerSideEmit sends an event to the servers of the namespace, where
// io.on(event) receives it; clients do not get it. The error is nil once Redis
// has taken it. It needs Socket.IO 4 and, of the classic adapter, version 7.
//
// Binary arguments need version 7.2 of the classic adapter: servers with 7.1
// ignore them, and those with an older one end with an exception. With such
// arguments it first asks these servers, as calls with replies do, and returns
// their errors, around ErrBinaryNotSent: an *IncompleteError when not all are of
// 7.2 or later.
func (o *operator) ServerSideEmit(ctx context.Context, event string, args ...any) error {
	if err := o.checkServerSide(event); err != nil {
		return err
	}
	return o.request(ctx, "ServerSideEmit", &encoding.Request{Kind: encoding.ServerSideEmit, Broadcast: encoding.Broadcast{Event: event, Args: args}})
}

func (o *operator) checkServerSide(event string) error {
	if o.err != nil {
		return o.err
	}
	if err := checkEvent(event, reservedServerSide); err != nil {
		return err
	}
	return o.checkUntargeted()
}

func (o *operator) checkUntargeted() error {
	if o.rooms.Len() > 0 || o.except.Len() > 0 {
		return fmt.Errorf("emitter: %w", ErrTargeted)
	}
	return nil
}

// request sends a request to the servers of the namespace.
func (o *operator) request(ctx context.Context, call string, r *encoding.Request) error {
	if o.err != nil {
		return o.err
	}
	if o.sender.version < 4 {
		return fmt.Errorf("emitter: %w, not %d", ErrNeedsVersion4, o.sender.version)
	}
	if err := checkContext(ctx); err != nil {
		return err
	}
	o.setTarget(&r.Broadcast)
	cmd, err := o.sender.adapter.request(ctx, r)
	if err != nil {
		return fmt.Errorf("emitter: %w", err)
	}
	if o.sender.adapter.endsServers(cmd) {
		if err := o.checkReadsBinary(ctx, call); err != nil {
			return err
		}
	}
	if r.Kind == encoding.ServerSideEmit {
		o.sender.noteBeside(o.namespace)
	}
	switch began := time.Now(); {
	case o.sender.pipeline == nil:
		defer func() { o.sender.barrier.Note(o.namespace, began) }()
	case o.sender.barrier != nil:
		o.sender.barrier.NoteNamespace(o.namespace)
	}
	if r.ID == "" {
		return o.sender.send(ctx, o.namespace, cmd)
	}
	q := once.NewQuestion(ctx, cmd)
	if err = o.sender.send(ctx, o.namespace, q); err != nil && q.GiveUp() && !errors.Is(err, ErrMaybeAsked) {
		err = fmt.Errorf("%w: %w", err, ErrMaybeAsked)
	}
	return err
}

// checkReadsBinary asks the servers whether their adapter reads requests with
// binary. What shows it is that they answer an event with acknowledgement, both came with 7.2.
// This one goes to a room that nobody is in.
func (o *operator) checkReadsBinary(ctx context.Context, call string) error {
	all := &operator{sender: o.sender, namespace: o.namespace, timeout: o.timeout}
	r := &encoding.Request{Kind: encoding.EmitWithAck, Broadcast: encoding.Broadcast{Event: "probe"}}
	_, err := all.To(replies.NewID()).ask(ctx, call, r, new(ackCollector))
	if err == nil || errors.Is(err, ErrNoServers) {
		return nil
	}
	return fmt.Errorf("%w; %w", err, ErrBinaryNotSent)
}
