package encoding

import "fmt"

// messageType is the type of a message between servers whose adapters extend
// ClusterAdapter of socket.io-adapter 2.5, as the sharded and the streams
// adapter do.
type messageType uint8

const (
	messageBroadcast    messageType = 3
	messageJoin         messageType = 4
	messageLeave        messageType = 5
	messageDisconnect   messageType = 6
	messageFetchSockets messageType = 7
	messageServerSide   messageType = 9
)

// appendClusterMessage writes a message around its data: {type, data, uid, nsp},
// in the key order of the official servers.
func appendClusterMessage(dst []byte, typ messageType, namespace string, data writeData) ([]byte, error) {
	dst = appendMapHeader(dst, 4)
	dst = appendString(dst, "type")
	dst = append(dst, byte(typ))
	dst, err := data(appendString(dst, "data"))
	if err != nil {
		return nil, err
	}
	dst = appendString(dst, "uid")
	dst = appendString(dst, UID)
	dst = appendString(dst, "nsp")
	return appendString(dst, namespace), nil
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
	dst = appendMapHeader(dst, n)
	dst = appendString(dst, "packet")
	dst = appendMapHeader(dst, 2)
	dst = appendString(dst, "type")
	dst = append(dst, byte(Event))
	dst, err := data(appendString(dst, "data"))
	if err != nil {
		return nil, err
	}
	dst = appendRequestID(dst, requestID)
	return appendClusterOptions(dst, b), nil
}

// appendClusterOptions writes the member opts: {rooms, except, flags}.
func appendClusterOptions(dst []byte, b *Broadcast) []byte {
	dst = appendString(dst, "opts")
	dst = appendMapHeader(dst, 3)
	dst = appendTarget(dst, b)
	dst = appendString(dst, "flags")
	return appendFlags(dst, b.Flags)
}

// clusterRequest returns the type of a request's message and what writes its
// data.
func (e *encoder) clusterRequest(r *Request) (messageType, writeData) {
	switch r.Kind {
	case Join, Leave:
		typ := messageJoin
		if r.Kind == Leave {
			typ = messageLeave
		}
		return typ, func(dst []byte) ([]byte, error) {
			dst = appendMapHeader(dst, 2)
			dst = appendClusterOptions(dst, &r.Broadcast)
			dst = appendString(dst, "rooms")
			return appendRooms(dst, r.Change), nil
		}
	case Disconnect:
		return messageDisconnect, func(dst []byte) ([]byte, error) {
			dst = appendMapHeader(dst, 2)
			dst = appendClusterOptions(dst, &r.Broadcast)
			return appendBool(appendString(dst, "close"), r.Close), nil
		}
	case FetchSockets:
		return messageFetchSockets, func(dst []byte) ([]byte, error) {
			dst = appendMapHeader(dst, 2)
			dst = appendClusterOptions(dst, &r.Broadcast)
			return appendRequestID(dst, r.ID), nil
		}
	case ServerSideEmit:
		return messageServerSide, func(dst []byte) ([]byte, error) {
			n := 1
			if r.ID != "" {
				n++
			}
			dst = appendMapHeader(dst, n)
			dst = appendRequestID(dst, r.ID)
			dst = appendString(dst, "packet")
			return e.event(dst, r.Event, r.Args, forServers)
		}
	case EmitWithAck:
		return messageBroadcast, func(dst []byte) ([]byte, error) {
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
	return prefix + "#" + namespace + "#"
}
