package protocol

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sioemit/sioemit/internal/wire"
)

// Head is what a message says about itself: what it does, who sent it, and which
// question it belongs to. What else it holds is not decoded yet.
type Head struct {
	Kind    Kind
	IsReply bool
	// IsCluster tells the messages of adapters that extend ClusterAdapter, as the
	// sharded and the streams adapter do, from those of the classic adapter.
	IsCluster bool
	IsPython  bool   // of a manager of python-socketio
	IsJSON    bool   // the form: JSON, not MessagePack
	Number    int    // the message's type on the wire; -1 where it has none
	UID       string // of the sender; empty where it does not say
	RequestID string // of a request that wants answers, and of the answers

	namespace string
	message   wire.Raw // all of it; of a stream's entry the data
	isEntry   bool
	data      wire.Raw // of a message of ClusterAdapter
	content   wire.Raw // of a reply
}

// ReadHead reads the head of a message that came by pub/sub, of any adapter, JSON
// or MessagePack. It walks through the message once without building anything of
// it, so that an answer to somebody else, of any size, costs no memory. Errors
// wrap wire.ErrMalformed; that there is none does not mean that Decode has none.
func ReadHead(payload string) (Head, error) {
	h := Head{Number: -1, message: wire.NewRaw(payload)}
	h.IsJSON = h.message.IsJSON
	if h.message.IsArray() { // the one message that is, and no reply
		h.Kind = KindEvent
		return h, nil
	}
	var m members
	err := m.read(&h.message)
	if err == nil {
		err = h.read(&m)
	}
	if err != nil {
		return Head{}, malformed(err)
	}
	return h, nil
}

func malformed(err error) error {
	if errors.Is(err, wire.ErrMalformed) {
		return err
	}
	return fmt.Errorf("%w: %w", wire.ErrMalformed, err)
}

// members are the members of an object that heads are read from. Of those that
// come twice the last one counts, as in JavaScript.
type members struct {
	typ, requestID, uid, nsp, data, sockets, rooms, packet, clientCount wire.Raw

	method, hostID, namespace, callback, id, args wire.Raw // of python-socketio
}

func (m *members) read(object *wire.Raw) error {
	each := object.Members()
	for each.Next() {
		switch each.Name {
		case "type":
			m.typ = each.Value
		case "requestId":
			m.requestID = each.Value
		case "uid":
			m.uid = each.Value
		case "nsp":
			m.nsp = each.Value
		case "data":
			m.data = each.Value
		case "sockets":
			m.sockets = each.Value
		case "rooms":
			m.rooms = each.Value
		case "packet":
			m.packet = each.Value
		case "clientCount":
			m.clientCount = each.Value
		case "method":
			m.method = each.Value
		case "host_id":
			m.hostID = each.Value
		case "namespace":
			m.namespace = each.Value
		case "callback":
			m.callback = each.Value
		case "id":
			m.id = each.Value
		case "args":
			m.args = each.Value
		}
	}
	return each.Err
}

// read tells the families apart. ClusterAdapter says the namespace and has all
// else in the member data, the id of the request, too. Servers take answers by the
// channel alone, without a look at the namespace.
func (h *Head) read(m *members) error {
	if h.IsJSON && !m.method.IsMissing() && m.typ.IsMissing() {
		return h.readPython(m)
	}
	uid, _ := m.uid.Name()
	h.UID = strings.Clone(uid) // it may outlive the message
	number, hasType := m.typ.Int()
	if hasType && number == int64(int32(number)) {
		h.Number = int(number)
	}
	if m.requestID.IsMissing() && (!m.nsp.IsMissing() || m.data.IsObject()) {
		return h.readCluster(m, hasType)
	}
	h.RequestID, _ = m.requestID.Name()
	if !hasType {
		return h.readList(m)
	}
	return h.readClassic(m)
}

var clusterRequests = map[int]Kind{
	wire.ClusterInitialHeartbeat: KindHeartbeat, wire.ClusterHeartbeat: KindHeartbeat, wire.ClusterClose: KindGoodbye, wire.ClusterBroadcast: KindEvent,
	wire.ClusterJoin: KindJoin, wire.ClusterLeave: KindLeave, wire.ClusterDisconnect: KindDisconnect, wire.ClusterFetch: KindSockets, wire.ClusterServerSide: KindServerEmit,
}

// readCluster reads a message {uid, nsp, type, data}.
func (h *Head) readCluster(m *members, hasType bool) error {
	h.IsCluster = true
	namespace, err := m.nsp.Name()
	if err != nil && !m.nsp.IsMissing() {
		return fmt.Errorf("the namespace is %s, not a string", describeRaw(&m.nsp))
	}
	h.namespace = strings.Clone(namespace)
	if !hasType {
		return fmt.Errorf("the type is %s, not a number", describeRaw(&m.typ))
	}
	if err := h.readData(&m.data); err != nil {
		return err
	}
	if m.nsp.IsMissing() && !h.IsReply && h.Kind != KindUnknown {
		return errors.New("the namespace is missing") // without which servers ignore a request
	}
	return nil
}

// readData reads the member data of such a message, or the field of an entry.
func (h *Head) readData(data *wire.Raw) error {
	if h.Kind = clusterRequests[h.Number]; h.Kind == KindHeartbeat || h.Kind == KindGoodbye {
		return nil
	}
	if !data.IsObject() {
		return fmt.Errorf("the data is %s, not an object", describeRaw(data))
	}
	h.data = *data
	var m members
	if err := m.read(data); err != nil {
		return err
	}
	h.RequestID, _ = m.requestID.Name()
	switch h.Number {
	case wire.ClusterSockets:
		return h.answers(KindSockets, m.sockets)
	case wire.ClusterServerSideAnswer:
		return h.answers(KindServerEmit, m.packet)
	case wire.ClusterAck:
		return h.answers(KindEmitAck, m.packet)
	case wire.ClusterClientCount:
		return h.answers(KindAckCount, m.clientCount)
	}
	switch {
	case h.Kind == "":
		h.Kind = KindUnknown
	case h.Kind == KindEvent && !m.requestID.IsMissing():
		h.Kind = KindEmitAck
	}
	return nil
}

var classicRequests = map[int]Kind{
	wire.ClassicSocketIDs: KindSockets, wire.ClassicAllRooms: KindRooms, wire.ClassicJoin: KindJoin, wire.ClassicLeave: KindLeave, wire.ClassicDisconnect: KindDisconnect,
	wire.ClassicFetch: KindSockets, wire.ClassicServerSide: KindServerEmit, wire.ClassicEmitWithAck: KindEmitAck,
}

// readClassic reads a request or a reply of the classic adapter with Socket.IO 4.
// Both travel as objects, on channels of their own; here the object itself
// tells: replies have no uid, and either no type or one of three.
func (h *Head) readClassic(m *members) error {
	switch h.Number {
	case wire.ClassicClientCount:
		return h.answers(KindAckCount, m.clientCount)
	case wire.ClassicAck:
		return h.answers(KindEmitAck, m.packet)
	case wire.ClassicServerSide:
		if h.UID == "" && h.RequestID != "" {
			return h.answers(KindServerEmit, m.data)
		}
	}
	if h.Kind = classicRequests[h.Number]; h.Kind == "" {
		h.Kind = KindUnknown
	}
	return nil
}

// readList reads a reply without a type: to the request for sockets or rooms, or to
// one that changed a single socket.
func (h *Head) readList(m *members) error {
	switch {
	case h.RequestID == "":
		return errors.New("it is an object without type, nsp and requestId")
	case !m.sockets.IsNull():
		return h.answers(KindSockets, m.sockets)
	case !m.rooms.IsNull():
		return h.answers(KindRooms, m.rooms)
	}
	h.Kind, h.IsReply = KindUnknown, true
	return nil
}

// answers makes it the head of a reply, which somebody must have asked for.
func (h *Head) answers(kind Kind, content wire.Raw) error {
	if h.RequestID == "" {
		return errors.New("the reply has no requestId")
	}
	h.Kind, h.IsReply, h.content = kind, true, content
	return nil
}
