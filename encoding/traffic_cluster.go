package encoding

import "fmt"

// The numbers of messages with which servers find each other where the adapter
// extends ClusterAdapterWithHeartbeat, such as @socket.io/redis-streams-adapter
// before 0.3.
const (
	messageInitialHeartbeat messageType = 1
	messageHeartbeat        messageType = 2
	messageClose            messageType = 13
)

// setCluster reads a message of an adapter that extends ClusterAdapter:
// {uid, nsp, type, data}.
func (m *Message) setCluster(message map[string]any) error {
	var ok bool
	if m.Namespace, ok = message["nsp"].(string); !ok {
		return fmt.Errorf("the namespace is %s, not a string", describe(message["nsp"]))
	}
	m.UID, _ = message["uid"].(string)
	typ, ok := message["type"].(int64)
	if !ok {
		return fmt.Errorf("the type is %s, not a number", describe(message["type"]))
	}
	if typ == int64(int32(typ)) {
		m.Number = int(typ)
	}
	switch messageType(max(0, min(typ, 255))) {
	case messageInitialHeartbeat, messageHeartbeat:
		m.Kind = KindHeartbeat
		return nil
	case messageClose:
		m.Kind = KindGoodbye
		return nil
	}
	data, ok := message["data"].(map[string]any)
	if !ok {
		return fmt.Errorf("the data is %s, not an object", describe(message["data"]))
	}
	m.RequestID, _ = data["requestId"].(string)
	switch typ {
	case int64(messageBroadcast), int64(messageJoin), int64(messageLeave), int64(messageDisconnect), int64(messageFetchSockets):
		return m.setClusterRequest(messageType(typ), data)
	case int64(messageServerSide):
		m.Kind = KindServerEmit
		return m.setServerSide(data["packet"], "data", "packet")
	case clusterReplySockets:
		m.setValue(KindSockets, data["sockets"])
	case clusterReplyServerSide:
		m.setValue(KindServerEmit, data["packet"])
	case clusterReplyAck:
		m.setValue(KindEmitAck, data["packet"])
	case clusterReplyClientCount:
		return m.setCount(data["clientCount"])
	default:
		m.setUnknown(message)
	}
	return nil
}

// setClusterRequest reads the data of a request that has options.
func (m *Message) setClusterRequest(typ messageType, data map[string]any) error {
	if err := m.setTarget(data["opts"]); err != nil {
		return err
	}
	switch typ {
	case messageJoin, messageLeave:
		m.Kind = KindJoin
		if typ == messageLeave {
			m.Kind = KindLeave
		}
		return m.setChange(data)
	case messageDisconnect:
		m.Kind = KindDisconnect
		m.Close, _ = data["close"].(bool)
		return nil
	case messageFetchSockets:
		m.Kind = KindSockets
		return nil
	}
	m.Kind = KindEvent
	if _, ok := data["requestId"]; ok {
		m.Kind = KindEmitAck
	}
	return m.setEvent(data["packet"], "data", "packet", "data")
}
