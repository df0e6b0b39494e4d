package listen

import (
	"bufio"
	"encoding/json"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/event"
	"github.com/sioemit/sioemit/internal/protocol"
	"github.com/sioemit/sioemit/internal/settings"
	"github.com/sioemit/sioemit/internal/show"
	"github.com/sioemit/sioemit/internal/traffic"
	"github.com/sioemit/sioemit/internal/wire"
)

// takes reports whether a message passes. Replies name neither room nor event,
// and pass all the same: they belong to some request.
func (o *options) takes(m *protocol.Message) bool {
	if m.IsReply {
		return true
	}
	if len(o.events) > 0 && !slices.Contains(o.events, m.Event) {
		return false
	}
	return len(o.rooms) == 0 || slices.ContainsFunc(m.Rooms, func(room encoding.Room) bool { return slices.Contains(o.rooms, room) })
}

// printer turns what arrives into lines.
type printer struct {
	options
	people    *people // nil: the lines are JSON
	traffic   *traffic.Traffic
	namespace string
	out       *bufio.Writer
	printed   atomic.Int64
	missed    atomic.Int64 // entries of streams
	lastID    string       // of the last stream entry seen
	writtenID atomic.Value // the same, when all before it was written
}

func (p *printer) print(a traffic.Arrival) error {
	if a.Notice != "" {
		p.missed.Add(a.Missed)
		p.say("%s", a.Notice)
		return nil
	}
	m, err := p.traffic.Message(a)
	if a.ID != "" {
		p.lastID = a.ID
	}
	switch {
	case err != nil:
		return p.undecodable(a, err)
	case m == nil || !p.takes(m):
		return nil
	case m.Kind == protocol.KindEvent:
		event, err := eventLine(m)
		if err != nil {
			return p.undecodable(a, err)
		}
		if p.people != nil {
			return p.text(p.people.event(a.At, event))
		}
		event.Time = p.timeOf(a)
		return p.line(a, event)
	case p.requests:
		request, err := requestLine(m, p.namespace)
		if err != nil {
			return p.undecodable(a, err)
		}
		request.Time = p.timeOf(a)
		return p.line(a, request)
	}
	return nil
}

// timeOf is the time that a line says, which may be none.
func (p *printer) timeOf(a traffic.Arrival) time.Time {
	if !p.time {
		return time.Time{}
	}
	return a.At.UTC().Truncate(time.Millisecond)
}

// line prints a value as a JSON line on stdout.
func (p *printer) line(a traffic.Arrival, v any) error {
	if p.people == nil {
		p.printed.Add(1)
		return show.JSON(p.out, v)
	}
	var text strings.Builder
	if err := show.JSON(&text, v); err != nil {
		return err
	}
	return p.text(p.people.other(a.At, strings.TrimSuffix(text.String(), "\n")))
}

// text prints a line for people.
func (p *printer) text(line string) error {
	p.printed.Add(1)
	_, err := p.out.WriteString(line + "\n")
	return err
}

// undecodableLine is how a message is shown that is none.
type undecodableLine struct {
	Channel string            `json:"channel"`
	ID      string            `json:"id,omitempty"`
	Payload any               `json:"payload,omitempty"`
	Fields  map[string]string `json:"fields,omitempty"`
	Error   string            `json:"error"`
}

// undecodable shows what cannot be printed as a message: on stderr, because
// stdout may be on its way to pipe, or among the requests, which pipe does not
// read anyway.
func (p *printer) undecodable(a traffic.Arrival, err error) error {
	shown := undecodableLine{Channel: a.Channel, ID: a.ID, Error: strings.TrimPrefix(err.Error(), wire.ErrMalformed.Error()+": ")}
	if a.Fields != nil {
		shown.Fields = make(map[string]string)
		for i := 0; i+1 < len(a.Fields); i += 2 {
			shown.Fields[a.Fields[i]] = a.Fields[i+1]
		}
	} else {
		shown.Payload = show.Binary(a.Payload)
	}
	wrapped := map[string]undecodableLine{"undecodable": shown}
	if p.requests {
		return p.line(a, wrapped)
	}
	_ = show.JSON(p.Err, wrapped) // a stderr that takes nothing ends nothing
	return nil
}

func eventLine(m *protocol.Message) (*event.Line, error) {
	args, err := show.TaggedArgs(m)
	return &event.Line{Event: m.Event, Args: args, Target: settings.Target{Namespace: m.Namespace, Rooms: m.Rooms, Except: m.Except, Volatile: m.Flags.Volatile, Compress: m.Flags.Compress}}, err
}

// shownRequest is a message that is no event. The members request and reply keep it
// from being taken for one.
type shownRequest struct {
	Time      time.Time         `json:"time,omitzero"`
	Request   protocol.Kind     `json:"request,omitempty"`
	Reply     protocol.Kind     `json:"reply,omitempty"`
	UID       string            `json:"uid,omitempty"`
	RequestID string            `json:"requestId,omitempty"`
	Event     string            `json:"event,omitempty"`
	Args      []json.RawMessage `json:"args,omitempty"`
	Namespace string            `json:"namespace"`
	Rooms     []encoding.Room   `json:"rooms,omitempty"`
	Except    []encoding.Room   `json:"except,omitempty"`
	Change    []encoding.Room   `json:"change,omitempty"`
	Close     bool              `json:"close,omitempty"`
	Timeout   int64             `json:"timeout,omitempty"` // milliseconds
	Value     json.RawMessage   `json:"value,omitempty"`
}

func requestLine(m *protocol.Message, namespace string) (*shownRequest, error) {
	args, err := show.TaggedArgs(m)
	if err != nil {
		return nil, err
	}
	r := &shownRequest{
		Request: m.Kind, UID: m.UID, RequestID: m.RequestID, Event: m.Event, Args: args, Namespace: namespace,
		Rooms: m.Rooms, Except: m.Except, Change: m.Change, Close: m.Close, Timeout: m.Flags.Timeout.Milliseconds(),
	}
	if m.IsReply {
		r.Request, r.Reply = "", m.Kind
	}
	if m.IsReply || m.Kind == protocol.KindUnknown {
		text, err := m.Value.TaggedJSON()
		if err != nil {
			return nil, err
		}
		r.Value = json.RawMessage(text)
	}
	return r, nil
}
