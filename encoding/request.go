package encoding

import "fmt"

// RequestKind is what a request asks the servers for.
type RequestKind int

// Kinds of requests. Only those with an ID are answered.
const (
	Join           RequestKind = iota // clients to join rooms
	Leave                             // clients to leave rooms
	Disconnect                        // clients to be disconnected
	ServerSideEmit                    // an event for the servers themselves
	FetchSockets                      // the sockets targeted
	AllRooms                          // the names of all rooms; the classic adapter only
	EmitWithAck                       // an event that clients acknowledge
)

// Request is a message to the servers of a namespace that is no plain
// broadcast.
type Request struct {
	Kind RequestKind
	// ID makes servers answer; answers carry it. It must be unique among all
	// who ask, and empty for Join, Leave and Disconnect.
	ID        string
	Broadcast // the target, and the event of ServerSideEmit and EmitWithAck
	// Change are the rooms to Join or Leave.
	Change []string
	// Close is whether Disconnect closes the underlying connection, with the
	// client's other namespaces.
	Close bool
}

// The numbers of the classic adapter's requests.
const (
	classicAllRooms    = 1
	classicJoin        = 2
	classicLeave       = 3
	classicDisconnect  = 4
	classicFetch       = 5
	classicServerSide  = 6
	classicEmitWithAck = 7
)

// MarshalRequest returns the message of a request, which goes to the request
// channel: JSON, or MessagePack when an argument holds binary, which adapters
// from 7.2 on read. Servers with an older one, such as socket.io-redis 6.1, end
// with an exception when they get MessagePack there. So an event with
// acknowledgement is JSON too where the official servers, which know what the
// others are, send MessagePack.
func (c Classic) MarshalRequest(r *Request) ([]byte, error) {
	f := formJSONUnlessBinary
	if c.Codec == JSON {
		f = formJSON
	}
	return marshal(f, func(e *encoder) error { return e.classicRequest(r) })
}

func (e *encoder) classicRequest(r *Request) error {
	switch r.Kind {
	case Join, Leave:
		typ := classicJoin
		if r.Kind == Leave {
			typ = classicLeave
		}
		e.buf = appendMapHeader(e.buf, 3)
		e.classicType(typ)
		e.classicOptions(&r.Broadcast)
		e.buf = appendString(e.buf, "rooms")
		e.strings(r.Change)
		return nil
	case Disconnect:
		e.buf = appendMapHeader(e.buf, 3)
		e.classicType(classicDisconnect)
		e.classicOptions(&r.Broadcast)
		e.buf = appendBool(appendString(e.buf, "close"), r.Close)
		return nil
	}
	start, n := len(e.buf), 3
	e.buf = append(e.buf, 0)
	e.buf = appendString(appendString(e.buf, "uid"), UID)
	if r.ID != "" {
		n++
	}
	e.requestID(r.ID)
	switch r.Kind {
	case AllRooms:
		n--
		e.classicType(classicAllRooms)
	case FetchSockets:
		e.classicType(classicFetch)
		e.classicOptions(&r.Broadcast)
	case ServerSideEmit:
		e.classicType(classicServerSide)
		e.buf = appendString(e.buf, "data")
		if err := e.data(r.Event, r.Args); err != nil {
			return err
		}
	case EmitWithAck:
		n++
		e.classicType(classicEmitWithAck)
		e.buf = appendString(e.buf, "packet")
		e.buf = appendMapHeader(e.buf, 3)
		e.classicType(int(Event))
		e.buf = appendString(e.buf, "data")
		if err := e.data(r.Event, r.Args); err != nil {
			return err
		}
		e.buf = appendString(appendString(e.buf, "nsp"), r.Namespace)
		e.clusterOptions(&r.Broadcast)
	default:
		return fmt.Errorf("encoding: the classic adapter has no request of kind %d", r.Kind)
	}
	e.buf = setHeader(e.buf, start, n, appendMapHeader)
	return nil
}

func (e *encoder) classicType(typ int) {
	e.buf = appendInt(appendString(e.buf, "type"), int64(typ))
}

// classicOptions writes the member opts: {rooms, except}.
func (e *encoder) classicOptions(b *Broadcast) {
	e.buf = appendString(e.buf, "opts")
	e.buf = appendMapHeader(e.buf, 2)
	e.buf = appendString(e.buf, "rooms")
	e.strings(b.Rooms)
	e.buf = appendString(e.buf, "except")
	e.strings(b.Except)
}

// requestID writes the member requestId, if there is one.
func (e *encoder) requestID(id string) {
	if id != "" {
		e.buf = appendString(appendString(e.buf, "requestId"), id)
	}
}
