package encoding

import (
	"fmt"

	"github.com/sioemit/sioemit/internal/wire"
)

// appendClusterMessage writes a message around its data: {type, data, uid, nsp},
// in the key order of the official servers.
func appendClusterMessage(dst []byte, typ byte, namespace string, data writeData) ([]byte, error) {
	dst = wire.AppendMapHeader(dst, 4)
	dst = wire.AppendString(dst, "type")
	dst = append(dst, byte(typ))
	dst, err := data(wire.AppendString(dst, "data"))
	if err != nil {
		return nil, err
	}
	dst = wire.AppendString(dst, "uid")
	dst = wire.AppendString(dst, UID)
	dst = wire.AppendString(dst, "nsp")
	return wire.AppendString(dst, namespace), nil
}

// appendClusterBroadcast writes the data of a broadcast: {packet, opts}, and
// between them the id of the request when acknowledgements are wanted; data
// writes that of the packet. The packet names no namespace, the message around
// it does.
func appendClusterBroadcast(dst []byte, b *Broadcast, requestID string, data writeData) ([]byte, error) {
	n := 2
	if requestID != "" {
		n++
	}
	dst = wire.AppendMapHeader(dst, n)
	dst = wire.AppendString(dst, "packet")
	dst = wire.AppendMapHeader(dst, 2)
	dst = wire.AppendString(dst, "type")
	dst = append(dst, wire.PacketEvent)
	dst, err := data(wire.AppendString(dst, "data"))
	if err != nil {
		return nil, err
	}
	dst = appendRequestID(dst, requestID)
	return appendClusterOptions(dst, b), nil
}

// appendClusterOptions writes the member opts: {rooms, except, flags}.
func appendClusterOptions(dst []byte, b *Broadcast) []byte {
	dst = wire.AppendString(dst, "opts")
	dst = wire.AppendMapHeader(dst, 3)
	dst = appendTarget(dst, b)
	dst = wire.AppendString(dst, "flags")
	return appendFlags(dst, b.Flags)
}

// clusterRequest returns the type of a request's message and what writes its
// data.
func (e *encoder) clusterRequest(r *Request) (byte, writeData) {
	switch r.Kind {
	case Join, Leave:
		typ := byte(wire.ClusterJoin)
		if r.Kind == Leave {
			typ = wire.ClusterLeave
		}
		return typ, func(dst []byte) ([]byte, error) {
			dst = wire.AppendMapHeader(dst, 2)
			dst = appendClusterOptions(dst, &r.Broadcast)
			dst = wire.AppendString(dst, "rooms")
			return appendRooms(dst, r.Change), nil
		}
	case Disconnect:
		return wire.ClusterDisconnect, func(dst []byte) ([]byte, error) {
			dst = wire.AppendMapHeader(dst, 2)
			dst = appendClusterOptions(dst, &r.Broadcast)
			return wire.AppendBool(wire.AppendString(dst, "close"), r.Close), nil
		}
	case FetchSockets:
		return wire.ClusterFetch, func(dst []byte) ([]byte, error) {
			dst = wire.AppendMapHeader(dst, 2)
			dst = appendClusterOptions(dst, &r.Broadcast)
			return appendRequestID(dst, r.ID), nil
		}
	case ServerSideEmit:
		return wire.ClusterServerSide, func(dst []byte) ([]byte, error) {
			n := 1
			if r.ID != "" {
				n++
			}
			dst = wire.AppendMapHeader(dst, n)
			dst = appendRequestID(dst, r.ID)
			dst = wire.AppendString(dst, "packet")
			return e.event(dst, r.Event, r.Args, forServers)
		}
	case EmitWithAck:
		return wire.ClusterBroadcast, func(dst []byte) ([]byte, error) {
			return appendClusterBroadcast(dst, &r.Broadcast, r.ID, func(dst []byte) ([]byte, error) { return e.event(dst, r.Event, r.Args, r.limit()) })
		}
	}
	return 0, func([]byte) ([]byte, error) {
		return nil, fmt.Errorf("encoding: the sharded and streams adapters have no request of kind %d", r.Kind)
	}
}

// prefixed returns <prefix>#<namespace>#, the channel on which all servers of a
// namespace listen.
func prefixed(prefix, namespace string) string {
	if prefix == "" {
		prefix = DefaultKey
	}
	return wire.Channel(prefix, namespace)
}
