package encoding

import "fmt"

// ReplyKind is what a reply holds.
type ReplyKind int

// Kinds of replies.
const (
	ReplySockets     ReplyKind = iota // one server's sockets
	ReplyRooms                        // one server's rooms
	ReplyServerSide                   // one server's answer to ServerSideEmit
	ReplyClientCount                  // of how many clients one server expects an acknowledgement
	ReplyAck                          // one client's acknowledgement
)

// Reply is an answer of a server to a Request.
type Reply struct {
	Kind      ReplyKind
	RequestID string
	UID       string // of the server; empty from the classic adapter
	Sockets   []map[string]any
	Rooms     []string
	Clients   int
	Value     Value // of ReplyServerSide and ReplyAck
}

// The numbers of replies: those of the classic adapter, which sends sockets
// and rooms without one, and those of ClusterAdapter.
const (
	classicReplyServerSide  = 6
	classicReplyClientCount = 8
	classicReplyAck         = 9
	clusterReplySockets     = 8
	clusterReplyServerSide  = 10
	clusterReplyClientCount = 11
	clusterReplyAck         = 12
)

// UnmarshalReply decodes an answer from any adapter, JSON or MessagePack.
// Answers may come from anyone: see Decode for the bounds. Errors wrap
// ErrMalformed.
func UnmarshalReply(payload []byte) (*Reply, error) {
	v, err := decodeMessage(payload)
	if err != nil {
		return nil, err
	}
	message, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%w: a reply is an object, not %s", ErrMalformed, describe(v))
	}
	r := &Reply{}
	data, isCluster := message["data"].(map[string]any)
	if _, flat := message["requestId"]; flat {
		isCluster, data = false, message
	}
	if r.RequestID, ok = data["requestId"].(string); !ok {
		return nil, fmt.Errorf("%w: the reply has no requestId", ErrMalformed)
	}
	typ, hasType := message["type"].(int64)
	if isCluster {
		r.UID, _ = message["uid"].(string)
		err = r.setCluster(typ, data)
	} else {
		err = r.setClassic(typ, hasType, data)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	original := ArrivesAs
	if payload[0] == '{' {
		original = buffers
	}
	r.Value.decoded = original(r.Value.decoded)
	for _, socket := range r.Sockets {
		if data, ok := socket["data"]; ok {
			socket["data"] = original(data)
		}
	}
	return r, nil
}

func (r *Reply) setCluster(typ int64, data map[string]any) error {
	switch typ {
	case clusterReplySockets:
		return r.setSockets(data["sockets"])
	case clusterReplyServerSide:
		r.Kind, r.Value = ReplyServerSide, Value{data["packet"]}
		return nil
	case clusterReplyClientCount:
		return r.setClients(data["clientCount"])
	case clusterReplyAck:
		r.Kind, r.Value = ReplyAck, Value{data["packet"]}
		return nil
	}
	return fmt.Errorf("message type %d is no reply", typ)
}

func (r *Reply) setClassic(typ int64, hasType bool, data map[string]any) error {
	switch {
	case hasType && typ == classicReplyServerSide:
		r.Kind, r.Value = ReplyServerSide, Value{data["data"]}
		return nil
	case hasType && typ == classicReplyClientCount:
		return r.setClients(data["clientCount"])
	case hasType && typ == classicReplyAck:
		r.Kind, r.Value = ReplyAck, Value{data["packet"]}
		return nil
	case hasType:
		return fmt.Errorf("message type %d is no reply", typ)
	case data["rooms"] != nil:
		r.Kind = ReplyRooms
		var err error
		r.Rooms, err = roomList(data, "rooms")
		return err
	}
	return r.setSockets(data["sockets"])
}

func (r *Reply) setClients(v any) error {
	n, ok := v.(int64)
	if !ok || n < 0 || n > 1<<31 {
		return fmt.Errorf("clientCount is %s, not a count", describe(v))
	}
	r.Kind, r.Clients = ReplyClientCount, int(n)
	return nil
}

func (r *Reply) setSockets(v any) error {
	list, ok := v.([]any)
	if !ok {
		return fmt.Errorf("sockets is %s, not an array", describe(v))
	}
	r.Kind = ReplySockets
	for _, v := range list {
		socket, ok := v.(map[string]any)
		if !ok {
			return fmt.Errorf("a socket is %s, not an object", describe(v))
		}
		if id, ok := socket["id"].(string); !ok || id == "" {
			return fmt.Errorf("a socket has no id")
		}
		r.Sockets = append(r.Sockets, socket)
	}
	return nil
}

// buffers turns {"type":"Buffer","data":[...]}, which JSON.stringify makes of
// binary, at any depth back into it.
func buffers(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = buffers(v[i])
		}
	case map[string]any:
		if data, ok := v["data"].([]any); ok && len(v) == 2 && v["type"] == "Buffer" {
			if b, ok := byteList(data); ok {
				return b
			}
		}
		for k := range v {
			v[k] = buffers(v[k])
		}
	}
	return v
}

func byteList(list []any) ([]byte, bool) {
	b := make([]byte, len(list))
	for i, v := range list {
		n, ok := v.(int64)
		if !ok || n < 0 || n > 255 {
			return nil, false
		}
		b[i] = byte(n)
	}
	return b, true
}
