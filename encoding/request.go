package encoding

import (
	"fmt"

	"github.com/sioemit/sioemit/internal/wire"
)

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
	Change []Room
	// Close is whether Disconnect closes the underlying connection, with the
	// client's other namespaces.
	Close bool
}

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
	return marshal(f, func(e *encoder, dst []byte) ([]byte, error) { return e.classicRequest(dst, r) })
}

func (e *encoder) classicRequest(dst []byte, r *Request) (out []byte, err error) {
	switch r.Kind {
	case Join, Leave:
		typ := wire.ClassicJoin
		if r.Kind == Leave {
			typ = wire.ClassicLeave
		}
		dst = wire.AppendMapHeader(dst, 3)
		dst = appendClassicType(dst, typ)
		dst = appendClassicOptions(dst, &r.Broadcast)
		dst = wire.AppendString(dst, "rooms")
		return appendRooms(dst, r.Change), nil
	case Disconnect:
		dst = wire.AppendMapHeader(dst, 3)
		dst = appendClassicType(dst, wire.ClassicDisconnect)
		dst = appendClassicOptions(dst, &r.Broadcast)
		return wire.AppendBool(wire.AppendString(dst, "close"), r.Close), nil
	}
	start, n := len(dst), 3
	dst = append(dst, 0)
	dst = wire.AppendString(wire.AppendString(dst, "uid"), UID)
	if r.ID != "" {
		n++
	}
	dst = appendRequestID(dst, r.ID)
	switch r.Kind {
	case AllRooms:
		n--
		dst = appendClassicType(dst, wire.ClassicAllRooms)
	case FetchSockets:
		dst = appendClassicType(dst, wire.ClassicFetch)
		dst = appendClassicOptions(dst, &r.Broadcast)
	case ServerSideEmit:
		dst = appendClassicType(dst, wire.ClassicServerSide)
		dst = wire.AppendString(dst, "data")
		if dst, err = e.event(dst, r.Event, r.Args, forServers); err != nil {
			return nil, err
		}
	case EmitWithAck:
		n++
		dst = appendClassicType(dst, wire.ClassicEmitWithAck)
		dst = wire.AppendString(dst, "packet")
		dst = wire.AppendMapHeader(dst, 3)
		dst = appendClassicType(dst, wire.PacketEvent)
		dst = wire.AppendString(dst, "data")
		if dst, err = e.event(dst, r.Event, r.Args, r.limit()); err != nil {
			return nil, err
		}
		dst = wire.AppendString(wire.AppendString(dst, "nsp"), r.Namespace)
		dst = appendClusterOptions(dst, &r.Broadcast)
	default:
		return nil, fmt.Errorf("encoding: the classic adapter has no request of kind %d", r.Kind)
	}
	dst[start] = wire.MapHeader(n)
	return dst, nil
}

func appendClassicType(dst []byte, typ int) []byte {
	return wire.AppendInt(wire.AppendString(dst, "type"), int64(typ))
}

// appendClassicOptions writes the member opts: {rooms, except}.
func appendClassicOptions(dst []byte, b *Broadcast) []byte {
	dst = wire.AppendString(dst, "opts")
	dst = wire.AppendMapHeader(dst, 2)
	return appendTarget(dst, b)
}

// appendRequestID writes the member requestId, if there is one.
func appendRequestID(dst []byte, id string) []byte {
	if id == "" {
		return dst
	}
	return wire.AppendString(wire.AppendString(dst, "requestId"), id)
}
