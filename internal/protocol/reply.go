package protocol

import (
	"fmt"
	"math"

	"github.com/sioemit/sioemit/encoding"
)

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
	// NumberRooms are the rooms that are numbers: join(5) is not join("5").
	NumberRooms []float64
	Clients     int
	Value       encoding.Value // of ReplyServerSide and ReplyAck
}

// UnmarshalReply decodes an answer from any adapter, JSON or MessagePack.
// Answers may come from anyone: see ReplyHead.Decode for the bounds. Errors wrap
// wire.ErrMalformed.
func UnmarshalReply(payload []byte) (*Reply, error) {
	head, err := ReadReplyHead(string(payload))
	if err != nil {
		return nil, err
	}
	return head.Decode()
}

// setRooms skips what is neither text nor a number: JavaScript lets a server
// join(undefined), which no other room of that server must suffer for.
func (r *Reply) setRooms(v any) error {
	list, ok := v.([]any)
	if !ok {
		return fmt.Errorf("rooms is %s, not an array", describe(v))
	}
	r.Rooms = make([]string, 0, len(list))
	for _, v := range list {
		switch v := v.(type) {
		case string:
			r.Rooms = append(r.Rooms, v)
		case int64:
			r.NumberRooms = append(r.NumberRooms, float64(v))
		case uint64:
			r.NumberRooms = append(r.NumberRooms, float64(v))
		case float64:
			r.NumberRooms = append(r.NumberRooms, v)
		}
	}
	return nil
}

func (r *Reply) setClients(v any) error {
	n, ok := v.(int64)
	if !ok || n < 0 || n > math.MaxInt32 {
		return fmt.Errorf("clientCount is %s, not a count", describe(v))
	}
	r.Clients = int(n)
	return nil
}

func (r *Reply) setSockets(v any) error {
	list, ok := v.([]any)
	if !ok {
		return fmt.Errorf("sockets is %s, not an array", describe(v))
	}
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
