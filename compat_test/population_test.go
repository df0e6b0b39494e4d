package compat_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/harness"
)

// namespaces are the ones that the servers have.
var namespaces = []string{"/", "/admin"}

// Rooms that members are in from the start. A room may have the same name in two namespaces.
const (
	roomA       = "a"
	roomB       = "b"
	roomSocket  = "socket"  // everyone in "/" whose transport is websocket
	roomWitness = "witness" // the two clients that live in a process of their own
)

// cluster is a row that runs: one Redis or a Redis Cluster, two servers, and many clients on each.
type cluster struct {
	row     row
	url     string // for the command
	connect func(*testing.T) redis.UniversalClient
	nodes   []*harness.Node
	clients *harness.Clients // all but the witnesses; this process can be paused
	members []*member
	fences  *emitter.Emitter // sends what marks the end of a promise

	lastFence int
	unsettled bool // a promise failed before everything it sent had arrived
	broken    bool // a client was lost: whatever follows would fail for this reason only

	sent, received, withheld int
}

// member is a client together with what is known about it without asking sioemit: who it is and where it belongs.
type member struct {
	*harness.Client
	kind  string // of transport: "websocket", "polling" or "default"
	rooms []string
}

func (m *member) in(room string) bool { return slices.Contains(m.rooms, room) }

// start brings up the whole cluster. On each of two servers there are, for each transport, clients in room a, in
// b, in both, in none, and in another namespace with and without a room of the same name.
func start(t *testing.T, r row) *cluster {
	t.Helper()
	ctx := withDeadline(t)
	c := &cluster{row: r}
	conn := c.startRedis(t)
	for range 2 {
		c.nodes = append(c.nodes, harness.NodeFor(t, harness.NodeConfig{
			Server:     r.generation.Server,
			Adapter:    r.serverAdapter(),
			Redis:      conn,
			Namespaces: namespaces[1:],
			Options: map[string]any{
				// Compression is off by default from version 3 on.
				"perMessageDeflate": map[string]any{"threshold": 1024},
			},
		}))
	}
	c.clients = harness.ClientsFor(t, r.generation)
	witnesses := harness.ClientsFor(t, r.generation)

	var group sync.WaitGroup
	var mu sync.Mutex
	var failures []error
	connect := func(process *harness.Clients, kind string, o harness.ConnectOptions) {
		m := &member{kind: kind, rooms: o.Rooms}
		c.members = append(c.members, m)
		group.Go(func() {
			client, err := process.Connect(ctx, o)
			if err != nil {
				mu.Lock()
				defer mu.Unlock()
				failures = append(failures, err)
				return
			}
			m.Client = client
		})
	}
	for i, node := range c.nodes {
		for _, transport := range r.transports() {
			for _, place := range []struct {
				namespace string
				rooms     []string
			}{
				{"/", []string{roomA}},
				{"/", []string{roomB}},
				{"/", []string{roomA, roomB}},
				{"/", nil},
				{"/admin", []string{roomA}},
				{"/admin", nil},
			} {
				o := harness.ConnectOptions{
					Name:      fmt.Sprintf("server%d %s %s%s", i+1, transport, place.namespace, strings.Join(place.rooms, "+")),
					Node:      node,
					Namespace: place.namespace,
					Rooms:     slices.Clone(place.rooms),
				}
				if transport != "default" {
					o.Transports = []string{transport}
				}
				if place.namespace == "/" && transport != "polling" {
					o.Rooms = append(o.Rooms, roomSocket)
				}
				connect(c.clients, transport, o)
			}
		}
		connect(witnesses, "websocket", harness.ConnectOptions{
			Name: fmt.Sprintf("server%d witness", i+1), Node: node, Transports: []string{"websocket"},
			Rooms: []string{roomSocket, roomWitness},
		})
	}
	group.Wait()
	for _, err := range failures {
		t.Error(err)
	}
	if len(failures) > 0 {
		t.FailNow()
	}

	c.fences = emitter.New(c.connect(t), r.options()...)
	return c
}

// startRedis starts what the row needs, and returns how servers connect to it.
func (c *cluster) startRedis(t *testing.T) harness.RedisConn {
	t.Helper()
	if !c.row.cluster {
		r := startRedis(t)
		c.url = r.URL()
		c.connect = func(t *testing.T) redis.UniversalClient {
			client := redis.NewClient(r.Options())
			closeAtEnd(t, client)
			return client
		}
		return r.Conn()
	}
	r := harness.ClusterFor(t, masters, 0, harness.RedisConfig{Args: unlimited})
	c.url = r.URLs()[0] // a cluster is known by any of its nodes
	c.connect = func(t *testing.T) redis.UniversalClient {
		client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: r.Addrs()[:1]})
		closeAtEnd(t, client)
		return client
	}
	return r.Conn()
}

// some returns the members that satisfy the condition. A promise that would be about nobody is a mistake.
func (c *cluster) some(t *testing.T, ok func(*member) bool) []*member {
	t.Helper()
	found := c.matching(ok)
	if len(found) == 0 {
		t.Fatal("no client is meant")
	}
	return found
}

// matching returns the members that satisfy the condition, if there are any.
func (c *cluster) matching(ok func(*member) bool) []*member {
	var found []*member
	for _, m := range c.members {
		if ok(m) {
			found = append(found, m)
		}
	}
	return found
}

// join puts a member in rooms until the end of the test.
func (c *cluster) join(ctx context.Context, t *testing.T, m *member, rooms ...string) {
	t.Helper()
	if err := m.Join(ctx, rooms...); err != nil {
		t.Fatal(err)
	}
	m.rooms = append(slices.Clone(m.rooms), rooms...)
	t.Cleanup(func() {
		m.rooms = m.rooms[:len(m.rooms)-len(rooms)]
		if c.broken {
			return
		}
		if err := m.Leave(withDeadline(t), rooms...); err != nil {
			t.Error(err)
		}
	})
}

// welcome connects one more client, until the end of the test, with websocket and to the first server.
func (c *cluster) welcome(ctx context.Context, t *testing.T, rooms ...string) *member {
	t.Helper()
	client, err := c.clients.Connect(ctx, harness.ConnectOptions{
		Node: c.nodes[0], Transports: []string{"websocket"}, Rooms: rooms,
	})
	if err != nil {
		t.Fatal(err)
	}
	m := &member{Client: client, kind: "websocket", rooms: rooms}
	c.members = append(c.members, m)
	t.Cleanup(func() {
		c.members = slices.DeleteFunc(c.members, func(other *member) bool { return other == m })
		if err := m.Close(); err != nil && !c.broken {
			t.Error(err)
		}
	})
	return m
}

// gather puts one client of each kind of transport on each server into a room, until the end of the test. What is
// costly is sent to them and not to dozens.
func (c *cluster) gather(ctx context.Context, t *testing.T, room string) {
	t.Helper()
	for _, node := range c.nodes {
		for _, kind := range c.row.transports() {
			m := c.some(t, and(inAny(roomA), func(m *member) bool { return m.Node == node && m.kind == kind }))[0]
			c.join(ctx, t, m, room)
		}
	}
}

// transports lists the transports in use among the members.
func (c *cluster) transports() string {
	var list []string
	for _, m := range c.members {
		if !slices.Contains(list, m.Transport) {
			list = append(list, m.Transport)
		}
	}
	slices.Sort(list)
	return strings.Join(list, "+")
}
