package emitter

import (
	"context"
	"errors"
	"math"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/protocol"
)

// Value is an answer of a client or a server; its Decode works like
// json.Unmarshal, and puts binary into []byte.
type Value = encoding.Value

// Acks are the acknowledgements of one event.
type Acks struct {
	// Values are what the clients answered, in the order of arrival: the first
	// argument of each acknowledgement, null when it had none.
	Values []Value
	// Clients is how many clients the servers sent the event to.
	Clients int
	// PerServer is the same, for each server that said so.
	PerServer []int
	// Servers is how many servers were asked.
	Servers int
}

// EmitWithAck sends an event to the clients targeted and waits until each has
// acknowledged it. When a client does not before the deadline, it returns what
// came and an *IncompleteError that says how many are missing. It needs
// Socket.IO 4 and, of the classic adapter, version 7.2.
func (o *operator) EmitWithAck(ctx context.Context, event string, args ...any) (Acks, error) {
	if err := checkEvent(event, reservedEvents); err != nil {
		return Acks{}, err
	}
	r := &encoding.Request{Kind: encoding.EmitWithAck, Broadcast: encoding.Broadcast{
		Event: event, Args: args, Flags: o.flags, MaxAttachments: o.sender.maxAttachments,
	}}
	var c ackCollector
	asked, err := o.ask(ctx, "EmitWithAck", r, &c)
	c.acks.Servers = asked
	if e, ok := errors.AsType[*IncompleteError](err); err != nil && asked > 0 && (!ok || e.Servers < e.Asked) {
		o.sender.noteBeside(o.namespace)
	}
	return c.acks, err
}

// ackCollector waits for a client count of each server, and for as many
// acknowledgements as the counts add up to. An acknowledgement may overtake the
// count.
type ackCollector struct {
	acks Acks
	seen servers
}

func (c *ackCollector) wants(h *protocol.Head) bool {
	return h.Kind == protocol.KindEmitAck || h.Kind == protocol.KindAckCount && !c.seen[h.UID]
}

func (c *ackCollector) add(m *protocol.Message) error {
	if m.Kind == protocol.KindEmitAck {
		c.acks.Values = append(c.acks.Values, m.Value)
		return nil
	}
	c.seen.add(m.UID)
	c.acks.PerServer = append(c.acks.PerServer, m.Clients())
	if c.acks.Clients += m.Clients(); c.acks.Clients < 0 {
		c.acks.Clients = math.MaxInt // where an int has 32 bits; no server has so many
	}
	return nil
}

func (c *ackCollector) complete(asked int) bool {
	return len(c.acks.PerServer) >= asked && len(c.acks.Values) >= c.acks.Clients
}

func (c *ackCollector) incomplete(e *IncompleteError) {
	e.Servers, e.Clients, e.Expected = len(c.acks.PerServer), len(c.acks.Values), c.acks.Clients
}

// servers are those that have answered, by their uids, so that a reply that
// comes twice is known. Those of the classic adapter do not say who they are.
type servers map[string]bool

func (s *servers) add(uid string) {
	if uid == "" {
		return
	}
	if *s == nil {
		*s = make(servers)
	}
	(*s)[uid] = true
}

// ServerSideEmitWithAck sends an event to the servers of the namespace and
// returns what each answered, in the order of arrival. A server without a
// handler for the event never answers. When answers are missing at the
// deadline, it returns those that came and an *IncompleteError. It needs
// Socket.IO 4 and, of the classic adapter, version 7.
func (o *operator) ServerSideEmitWithAck(ctx context.Context, event string, args ...any) ([]Value, error) {
	if err := o.checkServerSide(event); err != nil {
		return nil, err
	}
	r := &encoding.Request{Kind: encoding.ServerSideEmit, Broadcast: encoding.Broadcast{Event: event, Args: args}}
	var c serverSideCollector
	_, err := o.ask(ctx, "ServerSideEmitWithAck", r, &c)
	return c.values, err
}

type serverSideCollector struct {
	values []Value
	seen   servers
}

func (c *serverSideCollector) wants(h *protocol.Head) bool {
	return h.Kind == protocol.KindServerEmit && !c.seen[h.UID]
}

func (c *serverSideCollector) add(m *protocol.Message) error {
	c.seen.add(m.UID)
	c.values = append(c.values, m.Value)
	return nil
}

func (c *serverSideCollector) complete(asked int) bool { return len(c.values) >= asked }

func (c *serverSideCollector) incomplete(e *IncompleteError) { e.Servers = len(c.values) }
