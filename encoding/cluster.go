package encoding

// messageType is the type of a message between servers whose adapters extend
// ClusterAdapter of socket.io-adapter 2.5, as the sharded and the streams
// adapter do.
type messageType uint8

const messageBroadcast messageType = 3

// clusterBroadcast writes the data of a broadcast: {packet, opts}, in the key
// order of the official servers. The packet names no namespace, the message
// around it does.
func (e *encoder) clusterBroadcast(b *Broadcast) error {
	e.buf = appendMapHeader(e.buf, 2)
	e.buf = appendString(e.buf, "packet")
	e.buf = appendMapHeader(e.buf, 2)
	e.buf = appendString(e.buf, "type")
	e.buf = append(e.buf, byte(Event))
	e.buf = appendString(e.buf, "data")
	if err := e.broadcastData(b); err != nil {
		return err
	}
	e.buf = appendString(e.buf, "opts")
	e.buf = appendMapHeader(e.buf, 3)
	e.buf = appendString(e.buf, "rooms")
	e.strings(b.Rooms)
	e.buf = appendString(e.buf, "except")
	e.strings(b.Except)
	e.buf = appendString(e.buf, "flags")
	e.flags(b.Flags)
	return nil
}

// prefixed returns <prefix>#<namespace>#, the channel on which all servers of a
// namespace listen.
func prefixed(prefix, namespace string) string {
	if prefix == "" {
		prefix = DefaultKey
	}
	return prefix + "#" + namespace + "#"
}
