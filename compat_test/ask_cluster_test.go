package compat_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/harness"
)

// askRow is a kind of cluster that is asked; prefix keeps the rows of one Redis apart.
type askRow struct {
	name    string
	adapter func(prefix string) harness.Adapter
	option  func(prefix string) emitter.Option
	flags   func(prefix string) []string       // the same for the command
	driver  func(prefix string) map[string]any // and for a driver
}

// classicAsk is a row of the classic adapter.
func classicAsk(name string, adapter harness.Adapter) askRow {
	return askRow{
		name,
		func(prefix string) harness.Adapter { return adapter.With("key", prefix) },
		emitter.WithKey,
		func(prefix string) []string { return []string{"--key", prefix} },
		func(prefix string) map[string]any { return map[string]any{"key": prefix} },
	}
}

var askRows = []askRow{
	classicAsk("classic, shared response channel", harness.RedisAdapter8),
	classicAsk("classic, specific response channel", harness.RedisAdapter8.With("publishOnSpecificResponseChannel", true)),
	{
		"sharded, dynamic",
		func(prefix string) harness.Adapter { return harness.ShardedAdapter8.With("channelPrefix", prefix) },
		func(prefix string) emitter.Option {
			return emitter.WithAdapter(emitter.Sharded(emitter.ShardedOptions{ChannelPrefix: prefix}))
		},
		func(prefix string) []string { return []string{"--adapter", "sharded", "--key", prefix} },
		func(prefix string) map[string]any {
			return map[string]any{"adapter": "sharded", "channelPrefix": prefix}
		},
	},
	{
		"streams",
		func(prefix string) harness.Adapter {
			return harness.StreamsAdapter.With("channelPrefix", prefix).With("streamName", prefix)
		},
		func(prefix string) emitter.Option {
			return emitter.WithAdapter(emitter.Streams(emitter.StreamsOptions{ChannelPrefix: prefix, StreamName: prefix}))
		},
		func(prefix string) []string {
			return []string{"--adapter", "streams", "--key", prefix, "--stream-name", prefix}
		},
		func(prefix string) map[string]any {
			return map[string]any{"adapter": "streams", "channelPrefix": prefix, "streamName": prefix}
		},
	},
}

// askRedis is a Redis, or a Redis Cluster, that the rows share.
type askRedis struct {
	name    string
	conn    harness.RedisConn
	client  emitter.Client
	flags   []string              // for the command
	url     string                // for drivers
	cluster *harness.RedisCluster // nil for one Redis
}

func startAskRedis(t *testing.T) []askRedis {
	t.Helper()
	one := startRedis(t)
	cluster := harness.ClusterFor(t, masters, 0, harness.RedisConfig{})
	return []askRedis{
		{"one Redis", one.Conn(), one.Client(), []string{"--redis", one.URL()}, one.URL(), nil},
		{"Redis Cluster", cluster.Conn(), cluster.Client(), []string{"--redis", cluster.URLs()[0], "--cluster"}, cluster.URLs()[0], cluster},
	}
}

// asked is a cluster of Socket.IO servers with clients that answer.
type asked struct {
	*testing.T
	ctx     context.Context
	io      *emitter.Emitter // sends what marks the end of a step, and looks
	via     asker            // is put to the test
	nodes   []*harness.Node
	clients *harness.Clients
	members []*member
	seen    map[*member]int       // how many events have been accounted for
	served  map[*harness.Node]int // and how many of each server
	checks  int
}

// startAsked brings up the servers.
func startAsked(t *testing.T, clients *harness.Clients, adapter harness.Adapter, conn harness.RedisConn, nodes int) *asked {
	t.Helper()
	a := &asked{T: t, ctx: withDeadline(t), clients: clients, seen: make(map[*member]int), served: make(map[*harness.Node]int)}
	a.nodes = make([]*harness.Node, nodes)
	failed := make([]error, nodes)
	var group sync.WaitGroup
	for i := range nodes {
		group.Go(func() {
			a.nodes[i], failed[i] = harness.StartNode(a.ctx, harness.NodeConfig{
				Server: harness.V4.Server, Adapter: adapter, Redis: conn, Namespaces: []string{"/admin"},
				ServerSideAck: map[string]any{"server": i},
			})
		})
	}
	group.Wait()
	for i, err := range failed {
		if err != nil {
			t.Fatal(err)
		}
		closeAtEnd(t, a.nodes[i])
	}
	return a
}

// each lets every asker, one after the other, ask and steer clients of its own: the steps disconnect them. With the
// options and flags given, askers see the servers.
func (a *asked) each(client emitter.Client, options []emitter.Option, flags []string, steps func()) {
	a.Helper()
	path, err := command.build()
	if err != nil {
		a.Fatal(err)
	}
	a.io = emitter.New(client, options...)
	outer := a.T
	for _, via := range []asker{library{a.io}, commandLine{path: path, flags: flags}} {
		if !outer.Run(via.name(), func(t *testing.T) {
			a.T, a.via = t, via
			a.ctx = withDeadline(t)
			a.populate()
			steps()
			for _, m := range a.members {
				a.ok(m.Close())
			}
			a.members = nil
		}) {
			outer.FailNow()
		}
	}
	a.T = outer
}

// populate connects to each server clients in room r1, in r1 and r2, in none, and in /admin with and without r1. One
// client, in room mute, never acknowledges anything.
func (a *asked) populate() {
	a.Helper()
	for i, node := range a.nodes {
		for _, place := range []struct {
			namespace string
			rooms     []string
		}{{"/", []string{"r1"}}, {"/", []string{"r1", "r2"}}, {"/", nil}, {"/admin", []string{"r1"}}, {"/admin", nil}} {
			a.connect(fmt.Sprintf("%s%v%d", place.namespace, place.rooms, i), node, place.namespace, place.rooms, true)
		}
	}
	a.connect("mute", a.nodes[0], "/", []string{"mute"}, false)
}

// greeting is how clients acknowledge a ping.
type greeting struct {
	Name  string
	Photo []byte
	Deep  struct{ Numbers []float64 }
}

func (a *asked) connect(name string, node *harness.Node, namespace string, rooms []string, answers bool) {
	a.Helper()
	o := harness.ConnectOptions{
		Name: a.Name() + " " + name, Node: node, Namespace: namespace, Rooms: rooms, Transports: []string{"websocket"},
	}
	if answers {
		o.Acks = map[string][]any{
			"ping":    {map[string]any{"name": name, "photo": asJSON([]byte(name)), "deep": map[string]any{"numbers": []float64{1, -2.5, 1e15}}}},
			"nothing": {},
		}
	}
	a.add(o, name)
}

func (a *asked) add(o harness.ConnectOptions, kind string) *member {
	a.Helper()
	client, err := a.clients.Connect(a.ctx, o)
	if err != nil {
		a.Fatal(err)
	}
	m := &member{Client: client, kind: kind, rooms: o.Rooms}
	a.members = append(a.members, m)
	return m
}

// beside adds a member of /admin that shares the connection of another one.
func (a *asked) beside(m *member) *member {
	a.Helper()
	return a.add(harness.ConnectOptions{Name: m.Name + " beside", Node: m.Node, Namespace: "/admin", Beside: m.Client}, m.kind+" beside")
}

// who returns the members for which the condition holds.
func (a *asked) who(ok func(*member) bool) []*member {
	a.Helper()
	list := slices.DeleteFunc(slices.Clone(a.members), func(m *member) bool { return !ok(m) })
	if len(list) == 0 {
		a.Fatal("no client is meant")
	}
	return list
}

// in means the clients of a namespace that are in one of the rooms, if there are any, and in none of except.
func in(namespace string, rooms []string, except ...string) func(*member) bool {
	any := func(m *member, rooms []string) bool { return slices.ContainsFunc(rooms, m.in) }
	return func(m *member) bool {
		return m.Namespace == namespace && (len(rooms) == 0 || any(m, rooms)) && !any(m, except)
	}
}

// ids are the sorted ids of members.
func ids(members []*member) []string {
	list := make([]string, len(members))
	for i, m := range members {
		list[i] = m.ID
	}
	slices.Sort(list)
	return list
}

// names are the sorted names of members, as clients know them.
func names(members []*member) []string {
	list := make([]string, len(members))
	for i, m := range members {
		list[i] = m.kind
	}
	slices.Sort(list)
	return list
}

// received waits until exactly those members have got an event, and proves with a fence that nobody else has and that
// nothing else came.
func (a *asked) received(event string, by ...*member) {
	a.Helper()
	a.receivedTimes(1, event, by...)
}

func (a *asked) receivedTimes(times int, event string, by ...*member) {
	a.Helper()
	for _, m := range by {
		if err := m.Await(a.ctx, func(events []harness.Event) bool { return len(events) >= a.seen[m]+times }); err != nil {
			a.Fatal(err)
		}
	}
	for _, namespace := range []string{"/", "/admin"} {
		if err := a.io.Of(namespace).Emit(a.ctx, fence); err != nil {
			a.Fatal(err)
		}
	}
	for _, m := range a.members {
		err := m.Await(a.ctx, func(events []harness.Event) bool {
			return len(events) > a.seen[m] && events[len(events)-1].Name == fence
		})
		if err != nil {
			a.Fatal(err)
		}
		var got []string
		for _, e := range m.Events()[a.seen[m]:] {
			got = append(got, e.Name)
		}
		want := []string{fence}
		if slices.Contains(by, m) {
			want = append(slices.Repeat([]string{event}, times), fence)
		}
		if !slices.Equal(got, want) {
			a.Errorf("%s got %q, want %q", m.Name, got, want)
		}
		a.seen[m] += len(got)
		a.checks++
	}
}

// step runs a part of a row under a name, and stops the row when it fails.
func (a *asked) step(name string, f func(a *asked)) {
	a.Helper()
	outer := a.T
	ok := outer.Run(name, func(t *testing.T) {
		a.T = t
		f(a)
	})
	a.T = outer
	if !ok {
		for _, node := range a.nodes {
			if text := node.Stderr(); text != "" {
				a.Log(node.URL, text)
			}
		}
		a.FailNow()
	}
}

func (a *asked) equal(what string, got, want any) {
	a.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		a.Errorf("%s: %s, want %s", what, g, w)
	}
	a.checks++
}

func (a *asked) ok(err error) {
	a.Helper()
	if err != nil {
		a.Fatal(err)
	}
}

// prefixOf makes a key of the name of a test.
func prefixOf(t *testing.T) string { return strings.NewReplacer("/", ".", "#", ".").Replace(t.Name()) }
