package harness

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
)

// Client is one connected Socket.IO client.
type Client struct {
	Name      string
	ID        string // the socket id on the server; in a namespace of version 1 and 2 it has the form "/admin#..."
	Node      *Node
	Namespace string
	Transport string   // the one in use: "websocket" or "polling"
	Rooms     []string // that it was told to join when it connected

	owner *Clients

	mu      sync.Mutex
	changed *sync.Cond
	events  []Event
	reason  string // why it was disconnected, "" while it is connected
}

// Event is something that a client received.
type Event struct {
	Name     string
	Args     []json.RawMessage // binary, at any depth, is {"$binary":"<base64>"}
	WantsAck bool
}

// String shows the event as a line of JSON, cut when it is very long.
func (e Event) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q", e.Name)
	for _, arg := range e.Args {
		if len(arg) > 200 {
			fmt.Fprintf(&b, " %s...(%d bytes)", arg[:100], len(arg))
		} else {
			fmt.Fprintf(&b, " %s", arg)
		}
	}
	return b.String()
}

// Events are the events that the client received so far, in order.
func (c *Client) Events() []Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Event(nil), c.events...)
}

// Take returns the events that the client received since the last call, and forgets them: a row has millions.
func (c *Client) Take() []Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	events := c.events
	c.events = nil
	return events
}

// Disconnected returns the reason why the client lost its connection ("parse error", "transport close",
// "io server disconnect", ...), or "" while it is connected.
func (c *Client) Disconnected() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reason
}

// Await waits until the events received so far satisfy the condition. It fails at once when the client is
// disconnected first, and when the context ends; the error shows the last events. The condition must not keep or
// change the slice.
func (c *Client) Await(ctx context.Context, ok func(events []Event) bool) error {
	return c.await(ctx, func() (bool, error) {
		if ok(c.events) {
			return true, nil
		}
		if c.reason != "" {
			return false, fmt.Errorf("client %s was disconnected: %s; %s", c.Name, c.reason, c.latest())
		}
		if e := c.owner.Exceptions(); len(e) > 0 {
			return false, fmt.Errorf("a client threw %q; client %s: %s", e[0], c.Name, c.latest())
		}
		return false, nil
	})
}

// AwaitDisconnect waits until the client is disconnected, and returns the reason.
func (c *Client) AwaitDisconnect(ctx context.Context) (string, error) {
	err := c.await(ctx, func() (bool, error) { return c.reason != "", nil })
	return c.Disconnected(), err
}

func (c *Client) await(ctx context.Context, ok func() (bool, error)) error {
	defer context.AfterFunc(ctx, c.wake)()
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		if done, err := ok(); done || err != nil {
			return err
		}
		if !c.owner.proc.running() {
			return c.owner.proc.failure()
		}
		if ctx.Err() != nil {
			return fmt.Errorf("client %s did not get what was awaited: %w; %s", c.Name, context.Cause(ctx), c.latest())
		}
		c.changed.Wait()
	}
}

// wake has those who wait look again.
func (c *Client) wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changed.Broadcast()
}

// latest describes what the client got last.
func (c *Client) latest() string {
	const show = 5
	last := c.events
	if len(last) > show {
		last = last[len(last)-show:]
	}
	var b strings.Builder
	fmt.Fprintf(&b, "it got %d events", len(c.events))
	for _, e := range last {
		fmt.Fprintf(&b, "\n  %s", e)
	}
	return b.String()
}

// Join has the server put the client in more rooms, and returns once they are in effect on the whole cluster.
func (c *Client) Join(ctx context.Context, rooms ...string) error {
	return c.Call(ctx, "join", rooms)
}

// Leave has the server take the client out of rooms.
func (c *Client) Leave(ctx context.Context, rooms ...string) error {
	return c.Call(ctx, "leave", rooms)
}

// SetData sets socket.data on the server, which fetchSockets returns.
func (c *Client) SetData(ctx context.Context, data any) error {
	return c.Call(ctx, "data", data)
}

// Call emits an event to the server and waits for its acknowledgement.
func (c *Client) Call(ctx context.Context, event string, value any) error {
	err := c.owner.call(ctx, map[string]any{"op": "call", "client": c.Name, "event": event, "value": value}, nil)
	if err != nil {
		return fmt.Errorf("client %s, %s: %w", c.Name, event, err)
	}
	return nil
}

// BytesRead is the number of bytes that the TCP connection of a websocket client has read so far.
func (c *Client) BytesRead(ctx context.Context) (int64, error) {
	var n int64
	err := c.owner.call(ctx, map[string]any{"op": "bytesRead", "client": c.Name}, &n)
	return n, err
}

// Close disconnects the client.
func (c *Client) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopGrace)
	defer cancel()
	return c.owner.call(ctx, map[string]any{"op": "close", "client": c.Name}, nil)
}
