package protocol

import (
	"fmt"

	"github.com/sioemit/sioemit/internal/wire"
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
	switch typ {
	case wire.ClusterInitialHeartbeat, wire.ClusterHeartbeat:
		m.Kind = KindHeartbeat
		return nil
	case wire.ClusterClose:
		m.Kind = KindGoodbye
		return nil
	}
	data, ok := message["data"].(map[string]any)
	if !ok {
		return fmt.Errorf("the data is %s, not an object", describe(message["data"]))
	}
	m.RequestID, _ = data["requestId"].(string)
	switch typ {
	case wire.ClusterBroadcast, wire.ClusterJoin, wire.ClusterLeave, wire.ClusterDisconnect, wire.ClusterFetch:
		return m.setClusterRequest(typ, data)
	case wire.ClusterServerSide:
		m.Kind = KindServerEmit
		return m.setServerSide(data["packet"], "data", "packet")
	case wire.ClusterSockets:
		m.setValue(KindSockets, data["sockets"])
	case wire.ClusterServerSideAnswer:
		m.setValue(KindServerEmit, data["packet"])
	case wire.ClusterAck:
		m.setValue(KindEmitAck, data["packet"])
	case wire.ClusterClientCount:
		return m.setCount(data["clientCount"])
	default:
		m.setUnknown(message)
	}
	return nil
}

// setClusterRequest reads the data of a request that has options.
func (m *Message) setClusterRequest(typ int64, data map[string]any) error {
	if err := m.setTarget(data["opts"]); err != nil {
		return err
	}
	switch typ {
	case wire.ClusterJoin, wire.ClusterLeave:
		m.Kind = KindJoin
		if typ == wire.ClusterLeave {
			m.Kind = KindLeave
		}
		return m.setChange(data)
	case wire.ClusterDisconnect:
		m.Kind = KindDisconnect
		m.Close, _ = data["close"].(bool)
		return nil
	case wire.ClusterFetch:
		m.Kind = KindSockets
		return nil
	}
	m.Kind = KindEvent
	if _, ok := data["requestId"]; ok {
		m.Kind = KindEmitAck
	}
	return m.setEvent(data["packet"], "data", "packet", "data")
}
