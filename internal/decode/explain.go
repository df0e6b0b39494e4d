package decode

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/protocol"
	"github.com/sioemit/sioemit/internal/show"
)

// explanation is what decode says about a message.
type explanation struct {
	Adapter     string            `json:"adapter"`
	Kind        protocol.Kind     `json:"kind"`
	Reply       bool              `json:"reply"`
	Form        string            `json:"form"`
	Bytes       int               `json:"bytes"`
	Channel     string            `json:"channel,omitempty"`
	Stream      string            `json:"stream,omitempty"`
	ID          string            `json:"id,omitempty"`
	MessageType *int              `json:"messageType,omitempty"`
	PacketType  int               `json:"packetType,omitempty"`
	UID         string            `json:"uid,omitempty"`
	RequestID   string            `json:"requestId,omitempty"`
	Namespace   string            `json:"namespace,omitempty"`
	Rooms       []encoding.Room   `json:"rooms"`
	Except      []encoding.Room   `json:"except"`
	Flags       explainedFlags    `json:"flags"`
	Event       *string           `json:"event,omitempty"`
	Args        []json.RawMessage `json:"args,omitempty"`
	Change      []encoding.Room   `json:"change,omitempty"`
	Close       *bool             `json:"close,omitempty"`
	Value       json.RawMessage   `json:"value,omitempty"`
	Notes       []note            `json:"notes"`
	message     *protocol.Message
}

type explainedFlags struct {
	Volatile bool  `json:"volatile,omitempty"`
	Compress *bool `json:"compress,omitempty"`
	Timeout  int64 `json:"timeout,omitempty"` // milliseconds
}

// note is something to know about a message. About names the servers that it
// holds for; empty, it holds for all.
type note struct {
	About string `json:"about,omitempty"`
	Text  string `json:"text"`
}

// explainMessage collects all that can be said.
func explainMessage(c capture, m *protocol.Message) (*explanation, error) {
	e := &explanation{
		Adapter: adapterOf(c, m), Kind: m.Kind, Reply: m.IsReply, Form: "MessagePack", Bytes: c.size(), ID: c.id, PacketType: m.PacketType,
		UID: m.UID, RequestID: m.RequestID, Namespace: m.Namespace, Rooms: orEmpty(m.Rooms), Except: orEmpty(m.Except), Change: m.Change,
		Flags: explainedFlags{m.Flags.Volatile, m.Flags.Compress, m.Flags.Timeout.Milliseconds()}, message: m,
	}
	if m.IsJSON {
		e.Form = "JSON"
	}
	if c.command == "XADD" {
		e.Stream = c.channel
	} else {
		e.Channel = c.channel
	}
	if m.Number >= 0 {
		e.MessageType = &m.Number
	}
	if hasEvent(m) {
		e.Event = &m.Event
	}
	if m.Kind == protocol.KindDisconnect {
		e.Close = &m.Close
	}
	var err error
	if e.Args, err = show.TaggedArgs(m); err != nil {
		return nil, err
	}
	if m.IsReply || m.Kind == protocol.KindUnknown {
		text, err := m.Value.TaggedJSON()
		if err != nil {
			return nil, err
		}
		e.Value = json.RawMessage(text)
	}
	e.Notes = notesOn(c, e)
	return e, nil
}

func orEmpty(list []encoding.Room) []encoding.Room {
	if list == nil {
		return []encoding.Room{}
	}
	return list
}

func hasEvent(m *protocol.Message) bool {
	return !m.IsReply && slices.Contains([]protocol.Kind{protocol.KindEvent, protocol.KindEmitAck, protocol.KindServerEmit}, m.Kind)
}

// adapterOf names the adapter whose form the message has. The sharded adapter
// and the pub/sub half of the streams adapter differ only in how and when they
// send.
func adapterOf(c capture, m *protocol.Message) string {
	switch {
	case c.command == "XADD":
		return "streams"
	case m.IsPython:
		return "python"
	case !m.IsCluster:
		return "classic"
	case m.IsJSON || m.Kind == protocol.KindEvent:
		return "sharded"
	case c.command == "PUBLISH":
		return "streams"
	}
	return "sharded or streams"
}

var kindTexts = map[protocol.Kind][2]string{ // as a request, as a reply
	protocol.KindEvent:      {"event for clients"},
	protocol.KindEmitAck:    {"event that clients acknowledge", "acknowledgement of one client"},
	protocol.KindAckCount:   {"", "how many clients one server asks to acknowledge"},
	protocol.KindJoin:       {"clients join rooms"},
	protocol.KindLeave:      {"clients leave rooms"},
	protocol.KindDisconnect: {"clients are disconnected"},
	protocol.KindServerEmit: {"event for the servers themselves", "answer of one server to an event"},
	protocol.KindSockets:    {"question which sockets there are", "the sockets of one server"},
	protocol.KindRooms:      {"question which rooms there are", "the rooms of one server"},
	protocol.KindHeartbeat:  {"heartbeat of a server"},
	protocol.KindGoodbye:    {"a server says that it goes"},
	protocol.KindUnknown:    {"request that is not known", "reply that is not known"},
}

// print writes the explanation as text: what the message holds, then the notes.
func (e *explanation) print(w io.Writer) error {
	var b strings.Builder
	row := func(name, text string) {
		if text != "" {
			fmt.Fprintf(&b, "%-12s%s\n", name, text)
		}
	}
	m := e.message
	kind := kindTexts[e.Kind][0]
	if e.Reply {
		kind = kindTexts[e.Kind][1]
	}
	if e.MessageType != nil {
		kind += fmt.Sprintf(" (type %d)", *e.MessageType)
	}
	row("adapter", e.Adapter)
	row("kind", kind)
	row("channel", visible(e.Channel))
	row("stream", strings.TrimSpace(visible(e.Stream)+" "+visible(e.ID)))
	row("form", fmt.Sprintf("%s, %d bytes", e.Form, e.Bytes))
	row("sender", sender(e))
	row("request id", visible(e.RequestID))
	row("namespace", visible(e.Namespace))
	if !e.Reply && m.Kind != protocol.KindServerEmit && m.Kind != protocol.KindRooms && m.Kind != protocol.KindUnknown && m.Kind != protocol.KindHeartbeat && m.Kind != protocol.KindGoodbye {
		row("rooms", quotedList(e.Rooms, "none: everyone in the namespace"))
		row("except", quotedList(e.Except, "none"))
	}
	row("flags", e.Flags.String())
	switch {
	case m.Kind == protocol.KindJoin:
		row("joins", quotedList(e.Change, ""))
	case m.Kind == protocol.KindLeave:
		row("leaves", quotedList(e.Change, ""))
	case m.Kind == protocol.KindDisconnect && m.Close:
		row("close", "yes: the connection, with all its namespaces")
	case m.Kind == protocol.KindDisconnect:
		row("close", "no: from this namespace only")
	}
	if e.Event != nil {
		event := show.Quote(*e.Event)
		if e.PacketType > 0 {
			event += fmt.Sprintf(" (packet type %d)", e.PacketType)
		}
		row("event", event)
		for i, arg := range e.Args {
			row(fmt.Sprintf("argument %d", i+1), string(show.Visible(arg)))
		}
		if len(e.Args) == 0 {
			row("arguments", "none")
		}
	}
	row("holds", string(show.Visible(e.Value)))
	for _, n := range e.Notes {
		n.write(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// visible quotes text that a terminal would not show as it is.
func visible(text string) string {
	if show.IsText(text) {
		return text
	}
	return show.Quote(text)
}

func sender(e *explanation) string {
	switch {
	case e.UID == "":
		return ""
	case e.UID == encoding.UID:
		return e.UID + ", which is not a server"
	case e.Adapter == "python" && e.Reply:
		return "" // it says for whom the reply is
	case e.Adapter == "python":
		return show.Quote(e.UID) + ", a server or a write-only manager"
	}
	return show.Quote(e.UID) + ", a server"
}

func quotedList(list []encoding.Room, none string) string {
	if len(list) == 0 {
		return none
	}
	return show.Rooms(list)
}

// String names the flags that are set; empty if none is.
func (f explainedFlags) String() string {
	var set []string
	if f.Volatile {
		set = append(set, "volatile")
	}
	if f.Compress != nil {
		set = append(set, fmt.Sprintf("compress=%v", *f.Compress))
	}
	if f.Timeout > 0 {
		set = append(set, fmt.Sprintf("timeout=%dms", f.Timeout))
	}
	return strings.Join(set, " ")
}

// write writes the note in lines of 80 columns.
func (n note) write(b *strings.Builder) {
	text := n.Text
	if n.About != "" {
		text = n.About + ": " + text
	}
	b.WriteString("* " + show.Wrap(text, "  ") + "\n")
}
