package compat_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/harness"
)

// awaitNodes waits until n nodes have subscribed. They subscribe to the requests after the broadcasts.
func awaitNodes(t *testing.T, r *harness.Redis, n int) {
	t.Helper()
	const channel = "socket.io-request#/#"
	lbAwait(t, fmt.Sprintf("%d nodes on %s", n, channel), func() bool {
		counts, err := r.Client().PubSubNumSub(t.Context(), channel).Result()
		if err != nil {
			t.Fatal(err)
		}
		return counts[channel] == int64(n)
	})
}

// lbTransports are what clients connect with; nil is the default: polling, then an upgrade to WebSocket.
var lbTransports = [][]string{{"polling"}, nil, {"websocket"}}

// lbPopulation is the clients behind a load balancer, and what each of them should have received.
type lbPopulation struct {
	clients   []*harness.Client
	nodes     map[string]int // clients by node
	addresses int
	again     int // clients that had to connect twice
	want      map[*harness.Client][]expectation

	sent, delivered, withheld int
}

// lbPopulate connects clients from one loopback address after the other until each node has one of each transport.
func lbPopulate(t *testing.T, b balancer, url string) *lbPopulation {
	t.Helper()
	const most = 100 // addresses; a hash that spreads them needs five or six
	p := &lbPopulation{nodes: make(map[string]int), want: make(map[*harness.Client][]expectation)}
	hosts := harness.ClientsFor(t, harness.V4)
	t.Cleanup(func() {
		// Clients that say goodbye leave no poll open, for which httpd would wait before it ends.
		for _, c := range p.clients {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	seen := make(map[string]bool) // node and transport
	for ; len(seen) < 3*len(lbTransports); p.addresses++ {
		if p.addresses == most {
			t.Fatalf("clients from %d addresses did not reach three nodes with every transport: %v", most, p.nodes)
		}
		for i := range lbTransports {
			// Another transport first each time, or a load balancer that takes turns gives each node its own.
			transport := lbTransports[(i+p.addresses)%len(lbTransports)]
			c := p.connect(t, hosts, b, url, transport)
			node := nodeOf(t, c)
			p.nodes[node]++
			seen[fmt.Sprint(node, transport)] = true
		}
	}
	if len(p.nodes) != 3 {
		t.Fatalf("clients are on %d nodes, not 3: %v", len(p.nodes), p.nodes)
	}
	return p
}

func (p *lbPopulation) connect(t *testing.T, hosts *harness.Clients, b balancer, url string, transport []string) *harness.Client {
	t.Helper()
	o := harness.ConnectOptions{URL: url, Transports: transport, LocalAddress: loopback(p.addresses)}
	// Some in room a, some in b, some in both, some in none.
	if len(p.clients)%2 == 0 {
		o.Rooms = append(o.Rooms, "a")
	}
	if len(p.clients)%3 == 0 {
		o.Rooms = append(o.Rooms, "b")
	}
	o.Options = map[string]any{"withCredentials": b.cookies, "reconnection": b.loses != ""}
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	c, err := hosts.Connect(ctx, o)
	if err != nil && b.loses != "" {
		t.Logf("%s: %v; connecting again", b.loses, err)
		p.again++
		c, err = hosts.Connect(ctx, o)
	}
	if err != nil {
		t.Fatal(err)
	}
	p.clients = append(p.clients, c)
	return c
}

// nodeOf learns from the first event of a client which node it is on.
func nodeOf(t *testing.T, c *harness.Client) string {
	t.Helper()
	events := c.Events()
	var node string
	if len(events) == 0 || events[0].Name != "welcome" || json.Unmarshal(events[0].Args[0], &node) != nil {
		t.Fatalf("client %s was not welcomed first: %v", c.Name, events)
	}
	return node
}

// emitTo emits to a target and notes who should get it.
func (p *lbPopulation) emitTo(ctx context.Context, t *testing.T, target lbTarget, to func(*harness.Client) bool, event string, args ...any) {
	t.Helper()
	if err := target.Emit(ctx, event, args...); err != nil {
		t.Fatal(err)
	}
	p.sent++
	for _, c := range p.clients {
		if to(c) {
			p.want[c] = append(p.want[c], expected(event, args...))
			p.delivered++
		} else {
			p.withheld++
		}
	}
}

type lbTarget interface {
	Emit(ctx context.Context, event string, args ...any) error
}

// checkEvents connects clients through the load balancer, emits through Redis, and compares everything that each
// client has received with what it should have. It returns a summary.
func checkEvents(t *testing.T, r *harness.Redis, b balancer, url string) string {
	t.Helper()
	p := lbPopulate(t, b, url)
	awaitNodes(t, r, 3)

	io := emitter.New(r.Client())
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()

	everyone := func(*harness.Client) bool { return true }
	in := func(room string) func(*harness.Client) bool {
		return func(c *harness.Client) bool { return slices.Contains(c.Rooms, room) }
	}
	for _, c := range p.clients {
		p.want[c] = []expectation{expected("welcome", nodeOf(t, c))}
	}

	p.emitTo(ctx, t, io, everyone, "to all", "hello", 1)
	p.emitTo(ctx, t, io.To("a"), in("a"), "to a", map[string]any{"id": 7, "tags": []string{"x", "y"}})
	p.emitTo(ctx, t, io.To("a", "b"), func(c *harness.Client) bool { return len(c.Rooms) > 0 }, "to a or b", 2)
	p.emitTo(ctx, t, io.To("a").Except("b"),
		func(c *harness.Client) bool { return in("a")(c) && !in("b")(c) }, "to a but not b")
	p.emitTo(ctx, t, io.To("b"), in("b"), "bytes to b", []byte{0, 1, 0xfe, 0xff})
	for i, one := range p.clients {
		p.emitTo(ctx, t, io.To(one.ID), func(c *harness.Client) bool { return c == one }, "to one", i)
	}
	for i := range 50 {
		p.emitTo(ctx, t, io.To("a"), in("a"), "in order", i)
	}
	// What was published before the fence has arrived before it: whatever is not there by then never comes.
	p.emitTo(ctx, t, io, everyone, "fence")

	for _, c := range p.clients {
		err := c.Await(ctx, func(events []harness.Event) bool { return events[len(events)-1].Name == "fence" })
		if err != nil {
			t.Error(err)
			continue
		}
		if problem := compare(c.Events(), p.want[c]); problem != "" {
			t.Errorf("client %s (%s, rooms %v): %s", c.Name, c.Transport, c.Rooms, problem)
		}
	}
	return p.String()
}

// String sums up for the line of a row.
func (p *lbPopulation) String() string {
	var counts []string
	for node, n := range p.nodes {
		counts = append(counts, fmt.Sprintf("%s: %d", node, n))
	}
	sort.Strings(counts)
	s := fmt.Sprintf("%d clients from %d addresses on %d nodes (%s), %d events sent, %d deliveries, %d rightly not made",
		len(p.clients), p.addresses, len(p.nodes), strings.Join(counts, ", "), p.sent, p.delivered, p.withheld)
	if p.again > 0 {
		s += fmt.Sprintf(", %d clients had to connect twice", p.again)
	}
	return s
}
