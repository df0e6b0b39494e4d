package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
)

// Clients is a process that hosts any number of Socket.IO clients of one generation.
type Clients struct {
	Generation Generation

	proc *process

	mu         sync.Mutex
	lastID     int
	replies    map[int]chan reply
	clients    map[string]*Client
	order      []*Client
	unnamed    int
	exceptions []string

	write sync.Mutex // one line at a time
}

type reply struct {
	result json.RawMessage
	err    error
}

// StartClients starts the process. It has no clients yet.
func StartClients(ctx context.Context, g Generation) (*Clients, error) {
	dir, err := NodeModules()
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	cs := &Clients{Generation: g, replies: make(map[int]chan reply), clients: make(map[string]*Client)}
	arg, err := json.Marshal(map[string]string{"client": g.Client})
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("node", filepath.Join(dir, "clients.js"), string(arg))
	cmd.Dir = dir
	if cs.proc, err = startProcess("Socket.IO clients ("+g.Client+")", cmd, cs.onLine); err != nil {
		return nil, err
	}
	go func() {
		// Whoever waits for a client of a process that has died is to learn it.
		<-cs.proc.done
		for _, c := range cs.All() {
			c.wake()
		}
	}()
	return cs, nil
}

// ConnectOptions says which client to connect to what.
type ConnectOptions struct {
	Name         string         // made up when empty
	Node         *Node          // the server
	URL          string         // instead of Node, for instance of a load balancer
	Namespace    string         // "/" when empty
	Transports   []string       // "websocket", "polling"; nil is the default: polling, then an upgrade
	Rooms        []string       // to join before Connect returns
	LocalAddress string         // to connect from, such as 127.0.0.2
	Options      map[string]any // more options of the client
	Beside       *Client        // whose connection it shares, in another namespace; nil: it has one of its own
	// Acks are the arguments of the acknowledgement, by event. An event that is not named is never acknowledged.
	Acks map[string][]any
}

// Connect connects a client. It returns once the client is in its rooms, the server's subscriptions for them are
// in place, and the transport is the final one.
func (cs *Clients) Connect(ctx context.Context, o ConnectOptions) (*Client, error) {
	if o.URL == "" {
		o.URL = o.Node.URL
	}
	if o.Namespace == "" {
		o.Namespace = "/"
	}
	c := &Client{owner: cs, Node: o.Node, Namespace: o.Namespace, Rooms: o.Rooms}
	c.changed = sync.NewCond(&c.mu)
	cs.mu.Lock()
	if o.Name == "" {
		cs.unnamed++
		o.Name = fmt.Sprintf("client%d", cs.unnamed)
	}
	c.Name = o.Name
	if cs.clients[o.Name] != nil {
		cs.mu.Unlock()
		return nil, fmt.Errorf("there is a client %q already", o.Name)
	}
	cs.clients[o.Name] = c
	cs.order = append(cs.order, c)
	cs.mu.Unlock()

	op := map[string]any{
		"op": "connect", "client": o.Name, "url": o.URL, "namespace": o.Namespace, "rooms": o.Rooms,
		"transports": o.Transports,
	}
	if o.LocalAddress != "" {
		op["localAddress"] = o.LocalAddress
	}
	if o.Beside != nil {
		op["beside"] = o.Beside.Name
	}
	if o.Options != nil {
		op["opts"] = o.Options
	}
	if o.Acks != nil {
		op["acks"] = o.Acks
	}
	var result struct{ ID, Transport string }
	if err := cs.call(ctx, op, &result); err != nil {
		cs.mu.Lock()
		delete(cs.clients, o.Name)
		cs.order = slices.DeleteFunc(cs.order, func(other *Client) bool { return other == c })
		cs.mu.Unlock()
		return nil, fmt.Errorf("connect client %q to %s%s: %w", o.Name, o.URL, o.Namespace, err)
	}
	c.ID, c.Transport = result.ID, result.Transport
	return c, nil
}

// All returns the clients that were connected, in the order of Connect.
func (cs *Clients) All() []*Client {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return append([]*Client(nil), cs.order...)
}

// Exceptions are what clients threw while they handled a message, as a browser would show it in its console.
// Which client it was is not known.
func (cs *Clients) Exceptions() []string {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return append([]string(nil), cs.exceptions...)
}

// AwaitException waits until some client threw an exception, and returns the first.
func (cs *Clients) AwaitException(ctx context.Context) (string, error) {
	all := cs.All()
	if len(all) == 0 {
		return "", errors.New("there are no clients")
	}
	var first string
	err := all[0].await(ctx, func() (bool, error) {
		if e := cs.Exceptions(); len(e) > 0 {
			first = e[0]
		}
		return first != "", nil
	})
	return first, err
}

// call has the process carry out one operation.
func (cs *Clients) call(ctx context.Context, op map[string]any, result any) error {
	answer := make(chan reply, 1)
	cs.mu.Lock()
	cs.lastID++
	id := cs.lastID
	cs.replies[id] = answer
	cs.mu.Unlock()
	defer func() {
		cs.mu.Lock()
		delete(cs.replies, id)
		cs.mu.Unlock()
	}()

	op["id"] = id
	line, err := json.Marshal(op)
	if err != nil {
		return err
	}
	cs.write.Lock()
	_, err = cs.proc.stdin.Write(append(line, '\n'))
	cs.write.Unlock()
	if err != nil {
		<-cs.proc.done
		return cs.proc.failure()
	}
	select {
	case r := <-answer:
		if r.err != nil || result == nil {
			return r.err
		}
		return json.Unmarshal(r.result, result)
	case <-cs.proc.done:
		return cs.proc.failure()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (cs *Clients) onLine(line []byte) {
	var m struct {
		Reply      int             `json:"reply"`
		Result     json.RawMessage `json:"result"`
		Error      string          `json:"error"`
		Client     string          `json:"client"`
		Event      json.RawMessage `json:"event"`
		Ack        bool            `json:"ack"`
		Disconnect string          `json:"disconnect"`
		Exception  string          `json:"exception"`
	}
	head, rest, hasArgs := bytes.Cut(line, []byte("\t"))
	if err := json.Unmarshal(head, &m); err != nil {
		_, _ = cs.proc.stderr.Write(append(line, '\n')) // something that a package printed; never fails
		return
	}
	if m.Exception != "" {
		cs.mu.Lock()
		cs.exceptions = append(cs.exceptions, m.Exception)
		cs.mu.Unlock()
		for _, c := range cs.All() {
			c.wake()
		}
		return
	}
	cs.mu.Lock()
	answer, c := cs.replies[m.Reply], cs.clients[m.Client]
	cs.mu.Unlock()
	if answer != nil {
		r := reply{result: m.Result}
		if m.Error != "" {
			r.err = fmt.Errorf("%s", m.Error)
		}
		answer <- r
	}
	if c == nil {
		return
	}
	c.mu.Lock()
	if m.Event != nil {
		e := Event{WantsAck: m.Ack}
		if hasArgs {
			for arg := range bytes.SplitSeq(rest, []byte("\t")) {
				e.Args = append(e.Args, arg)
			}
		}
		if json.Unmarshal(m.Event, &e.Name) != nil {
			e.Name = string(m.Event) // a broken sender may have put anything there
		}
		c.events = append(c.events, e)
	}
	if m.Disconnect != "" {
		c.reason = m.Disconnect
	}
	c.mu.Unlock()
	c.changed.Broadcast()
}

// Close ends the process and with it all clients.
func (cs *Clients) Close() error { return cs.proc.close() }

// Kill ends the process at once: the servers see connections that are cut.
func (cs *Clients) Kill() { cs.proc.kill() }
