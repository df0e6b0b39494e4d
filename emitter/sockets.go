package emitter

import (
	"cmp"
	"context"
	"slices"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/protocol"
)

// Socket is one connected client, as its server describes it.
type Socket struct {
	ID    string
	Rooms []string // with the socket's own id
	// NumberRooms are its rooms that are numbers: join(5) is not join("5").
	NumberRooms []float64
	// Data is what the server has stored in socket.data.
	Data Value
	// Handshake holds cookies and tokens of the client: do not log it.
	Handshake Handshake
}

// Handshake is how a client connected.
type Handshake struct {
	Headers map[string]any `json:"headers"`
	Time    string         `json:"time"`
	Address string         `json:"address"`
	XDomain bool           `json:"xdomain"`
	Secure  bool           `json:"secure"`
	Issued  int64          `json:"issued"` // Unix time in milliseconds
	URL     string         `json:"url"`
	Query   map[string]any `json:"query"`
	Auth    map[string]any `json:"auth"`
}

// FetchSockets returns the clients targeted, those of all servers, in no
// particular order. When a server does not answer before the deadline, it
// returns what came and an *IncompleteError. It needs Socket.IO 4 and, of the
// classic adapter, version 6.1.
//
// Each server writes down socket.data of its clients to answer. One whose data is
// circular ends with an uncaught exception then, as it does when another server
// calls fetchSockets.
func (o *operator) FetchSockets(ctx context.Context) ([]Socket, error) {
	return o.fetchSockets(ctx, "FetchSockets")
}

func (o *operator) fetchSockets(ctx context.Context, call string) ([]Socket, error) {
	c := socketCollector{known: make(map[string]bool)}
	_, err := o.ask(ctx, call, &encoding.Request{Kind: encoding.FetchSockets}, &c)
	return c.sockets, err
}

// socketCollector waits for the sockets of each server.
type socketCollector struct {
	sockets  []Socket
	known    map[string]bool // ids
	answered int
	seen     servers
}

func (c *socketCollector) wants(h *protocol.Head) bool {
	return h.Kind == protocol.KindSockets && !c.seen[h.UID]
}

func (c *socketCollector) add(m *protocol.Message) error {
	sockets, err := m.Sockets()
	if err != nil {
		return err
	}
	c.seen.add(m.UID)
	added := 0
	for _, s := range sockets {
		socket := newSocket(s)
		if c.known[socket.ID] {
			continue
		}
		c.known[socket.ID] = true
		c.sockets = append(c.sockets, socket)
		added++
	}
	// A reply that names known sockets only came twice: no two servers have
	// the same socket.
	if added > 0 || len(sockets) == 0 {
		c.answered++
	}
	return nil
}

func (c *socketCollector) complete(asked int) bool { return c.answered >= asked }

func (c *socketCollector) incomplete(e *IncompleteError) { e.Servers = c.answered }

func newSocket(s protocol.Socket) Socket {
	socket := Socket{ID: s.ID, Rooms: s.Rooms, NumberRooms: s.NumberRooms, Data: s.Data}
	// What an unusual server writes otherwise stays empty; Decode fills in the
	// rest all the same.
	_ = s.Handshake.Decode(&socket.Handshake)
	return socket
}

// Rooms returns the names of all rooms of the namespace, sorted, but for those
// that are numbers; see NumberRooms. The id of each socket is the name of a room,
// too. The classic adapter knows a request for it; of the others it is the union
// of their sockets' rooms, for which they are asked as by FetchSockets. When a server does not answer before the deadline, it
// returns what came and an *IncompleteError.
func (o *operator) Rooms(ctx context.Context) ([]string, error) {
	names, _, err := o.allRooms(ctx, "Rooms")
	return distinct(names), err
}

func (o *operator) allRooms(ctx context.Context, call string) (names []string, numbers []float64, err error) {
	if err := o.checkUntargeted(); o.err == nil && err != nil {
		return nil, nil, err
	}
	if o.sender.adapter.roomsRequest() == encoding.FetchSockets {
		sockets, err := o.fetchSockets(ctx, call)
		for _, socket := range sockets {
			names, numbers = append(names, socket.Rooms...), append(numbers, socket.NumberRooms...)
		}
		return names, numbers, err
	}
	var c roomCollector
	_, err = o.ask(ctx, call, &encoding.Request{Kind: encoding.AllRooms}, &c)
	return c.names, c.numbers, err
}

// roomReply is what one server has said.
type roomReply struct {
	names   []string
	numbers []float64
}

// roomCollector waits for the rooms of each server of the classic adapter.
type roomCollector struct {
	names    []string
	numbers  []float64
	replies  []roomReply // that name rooms
	answered int
}

func (c *roomCollector) wants(h *protocol.Head) bool { return h.Kind == protocol.KindRooms }

func (c *roomCollector) add(m *protocol.Message) error {
	var r roomReply
	r.names, r.numbers = m.RoomNames()
	// A reply that names the same rooms as another came twice: each server has
	// the ids of its sockets among them. Those without rooms are all alike.
	twice := func(other roomReply) bool {
		return slices.Equal(r.names, other.names) && slices.Equal(r.numbers, other.numbers)
	}
	if len(r.names)+len(r.numbers) > 0 {
		if slices.ContainsFunc(c.replies, twice) {
			return nil
		}
		c.replies = append(c.replies, r)
	}
	c.names, c.numbers = append(c.names, r.names...), append(c.numbers, r.numbers...)
	c.answered++
	return nil
}

func (c *roomCollector) complete(asked int) bool { return c.answered >= asked }

func (c *roomCollector) incomplete(e *IncompleteError) { e.Servers = c.answered }

func distinct[Name cmp.Ordered](names []Name) []Name {
	slices.Sort(names)
	return slices.Compact(names)
}
