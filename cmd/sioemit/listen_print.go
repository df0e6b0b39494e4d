package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/protocol"
	"github.com/sioemit/sioemit/internal/show"
	"github.com/sioemit/sioemit/internal/wire"
	"github.com/urfave/cli/v2"
)

// trafficFilter says which messages are printed.
type trafficFilter struct {
	rooms  []encoding.Room
	events []string
}

func newTrafficFilter(c *cli.Context) trafficFilter {
	return trafficFilter{roomsOf(c, "room"), c.StringSlice("event")}
}

// takes reports whether a message passes. Replies name neither room nor event,
// and pass all the same: they belong to some request.
func (f trafficFilter) takes(m *protocol.Message) bool {
	if m.IsReply {
		return true
	}
	if len(f.events) > 0 && !slices.Contains(f.events, m.Event) {
		return false
	}
	return len(f.rooms) == 0 || slices.ContainsFunc(m.Rooms, func(room encoding.Room) bool { return slices.Contains(f.rooms, room) })
}

// trafficPrinter turns what arrives into lines.
type trafficPrinter struct {
	c         *cli.Context
	out       *bufio.Writer
	filter    trafficFilter
	printed   atomic.Int64
	missed    atomic.Int64 // entries of streams
	lastID    string       // of the last stream entry seen
	writtenID atomic.Value // the same, when all before it was written
}

func (p *trafficPrinter) print(a arrival) error {
	if a.notice != "" {
		p.missed.Add(a.missed)
		p.say("%s", a.notice)
		return nil
	}
	m, err := p.decode(a)
	if a.id != "" {
		p.lastID = a.id
	}
	switch {
	case err != nil:
		return p.undecodable(a, err)
	case m == nil || !p.filter.takes(m):
		return nil
	case m.Kind == protocol.KindEvent:
		event, err := eventLine(m)
		if err != nil {
			return p.undecodable(a, err)
		}
		return p.line(event)
	case p.c.Bool("requests"):
		request, err := requestLine(m, namespaceOf(p.c))
		if err != nil {
			return p.undecodable(a, err)
		}
		return p.line(request)
	}
	return nil
}

// decode returns nil for what belongs to another namespace, and an error for
// what servers would not understand either.
func (p *trafficPrinter) decode(a arrival) (*protocol.Message, error) {
	namespace := namespaceOf(p.c)
	if a.fields != nil {
		m, err := protocol.UnmarshalEntry(a.fields)
		if err == nil && m.Namespace != namespace {
			return nil, nil
		}
		return m, err
	}
	m, err := protocol.Unmarshal([]byte(a.payload))
	if err != nil {
		return nil, err
	}
	if m.Namespace != "" && m.Namespace != namespace {
		return nil, fmt.Errorf("it says namespace %q, so servers ignore it on this channel", m.Namespace)
	}
	if p.c.String("adapter") != "classic" {
		if m.Number < 0 {
			return nil, errors.New("it is a message of the classic adapter")
		}
		return m, nil
	}
	format := encoding.Classic{Key: p.c.String("key")}
	onRequestChannels := a.channel == format.RequestChannel(namespace) || strings.HasPrefix(a.channel, format.ResponseChannel(namespace))
	if onRequestChannels == (m.Kind == protocol.KindEvent) {
		return nil, fmt.Errorf("servers expect something else on this channel than %s", m.Kind)
	}
	if m.Kind != protocol.KindEvent && !m.IsReply && p.c.Int("server-version") < 3 {
		return protocol.UnmarshalUnknown([]byte(a.payload))
	}
	return m, nil
}

// line prints a value as a JSON line on stdout.
func (p *trafficPrinter) line(v any) error {
	p.printed.Add(1)
	return show.JSON(p.out, v)
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
func (p *trafficPrinter) undecodable(a arrival, err error) error {
	shown := undecodableLine{Channel: a.channel, ID: a.id, Error: strings.TrimPrefix(err.Error(), wire.ErrMalformed.Error()+": ")}
	if a.fields != nil {
		shown.Fields = make(map[string]string)
		for i := 0; i+1 < len(a.fields); i += 2 {
			shown.Fields[a.fields[i]] = a.fields[i+1]
		}
	} else {
		shown.Payload = show.Binary(a.payload)
	}
	wrapped := map[string]undecodableLine{"undecodable": shown}
	if p.c.Bool("requests") {
		return p.line(wrapped)
	}
	_ = show.JSON(p.c.App.ErrWriter, wrapped) // a stderr that takes nothing ends nothing
	return nil
}

func eventLine(m *protocol.Message) (*line, error) {
	args, err := show.TaggedArgs(m)
	return &line{m.Event, args, m.Namespace, m.Rooms, m.Except, m.Flags.Volatile, m.Flags.Compress}, err
}

// shownRequest is a message that is no event. Its first member keeps it from
// being taken for one.
type shownRequest struct {
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
