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

// clusterMessage writes a message around its data: {type, data, uid, nsp}, in
// the key order of the official servers.
func (e *encoder) clusterMessage(typ messageType, namespace string, data func() error) error {
	e.buf = appendMapHeader(e.buf, 4)
	e.buf = appendString(e.buf, "type")
	e.buf = append(e.buf, byte(typ))
	e.buf = appendString(e.buf, "data")
	if err := data(); err != nil {
		return err
	}
	e.buf = appendString(e.buf, "uid")
	e.buf = appendString(e.buf, UID)
	e.buf = appendString(e.buf, "nsp")
	e.buf = appendString(e.buf, namespace)
	return nil
}

// clusterBroadcast writes the data of a broadcast: {packet, opts}, and between
// them the id of the request when acknowledgements are wanted; data writes that
// of the packet. The packet names no namespace, the message around it does.
func (e *encoder) clusterBroadcast(b *Broadcast, requestID string, data func() error) error {
	n := 2
	if requestID != "" {
		n++
	}
	e.buf = appendMapHeader(e.buf, n)
	e.buf = appendString(e.buf, "packet")
	e.buf = appendMapHeader(e.buf, 2)
	e.buf = appendString(e.buf, "type")
	e.buf = append(e.buf, byte(Event))
	e.buf = appendString(e.buf, "data")
	if err := data(); err != nil {
		return err
	}
	e.requestID(requestID)
	e.clusterOptions(b)
	return nil
}

// clusterOptions writes the member opts: {rooms, except, flags}.
func (e *encoder) clusterOptions(b *Broadcast) {
	e.buf = appendString(e.buf, "opts")
	e.buf = appendMapHeader(e.buf, 3)
	e.buf = appendString(e.buf, "rooms")
	e.strings(b.Rooms)
	e.buf = appendString(e.buf, "except")
	e.strings(b.Except)
	e.buf = appendString(e.buf, "flags")
	e.flags(b.Flags)
}

// clusterRequest returns the type of a request's message and the function that
// writes its data.
func (e *encoder) clusterRequest(r *Request) (messageType, func() error) {
	switch r.Kind {
	case Join, Leave:
		typ := messageJoin
		if r.Kind == Leave {
			typ = messageLeave
		}
		return typ, func() error {
			e.buf = appendMapHeader(e.buf, 2)
			e.clusterOptions(&r.Broadcast)
			e.buf = appendString(e.buf, "rooms")
			e.strings(r.Change)
			return nil
		}
	case Disconnect:
		return messageDisconnect, func() error {
			e.buf = appendMapHeader(e.buf, 2)
			e.clusterOptions(&r.Broadcast)
			e.buf = appendBool(appendString(e.buf, "close"), r.Close)
			return nil
		}
	case FetchSockets:
		return messageFetchSockets, func() error {
			e.buf = appendMapHeader(e.buf, 2)
			e.clusterOptions(&r.Broadcast)
			e.requestID(r.ID)
			return nil
		}
	case ServerSideEmit:
		return messageServerSide, func() error {
			n := 1
			if r.ID != "" {
				n++
			}
			e.buf = appendMapHeader(e.buf, n)
			e.requestID(r.ID)
			e.buf = appendString(e.buf, "packet")
			return e.data(r.Event, r.Args)
		}
	case EmitWithAck:
		return messageBroadcast, func() error {
			return e.clusterBroadcast(&r.Broadcast, r.ID, func() error { return e.data(r.Event, r.Args) })
		}
	}
	return 0, func() error {
		return fmt.Errorf("encoding: the sharded and streams adapters have no request of kind %d", r.Kind)
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
