package compat_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/harness"
)

// TestAsk asks and steers three servers from outside, with every adapter, on one Redis and on a Redis Cluster, through
// the library and through the command.
func TestAsk(t *testing.T) {
	t.Parallel()
	clients := harness.ClientsFor(t, harness.V4)
	drivers := askingDrivers(t, "replies")
	for _, redis := range startAskRedis(t) {
		for _, row := range askRows {
			t.Run(row.name+"/"+redis.name, func(t *testing.T) {
				t.Parallel()
				start := time.Now()
				prefix := prefixOf(t)
				a := startAsked(t, clients, row.adapter(prefix), redis.conn, 3)
				atOnce := func(askers []asker) {
					a.step("missing acknowledgement", func(a *asked) { missingAcknowledgement(a, askers) })
					if redis.cluster != nil && strings.HasPrefix(row.name, "sharded") {
						a.step("slot moves", func(a *asked) { slotMoves(a, askers, redis.cluster, prefix+"#/#emitter#") })
					}
				}
				a.each(redis.client, []emitter.Option{row.option(prefix)}, slices.Concat(redis.flags, row.flags(prefix)), func() {
					a.step("acknowledgements", acknowledgements)
					a.step("sockets", sockets)
					a.step("rooms and servers", roomsAndServers)
					a.step("events for servers", func(a *asked) { serverSide(a, true) })
					a.step("a server asks meanwhile", serverAsksMeanwhile)
					atOnce([]asker{a.via})
					a.step("join and leave", joinAndLeave)
					a.step("disconnect", disconnect)
				})
				askers := drivenAskers(t, drivers, redis, row.driver(prefix))
				a.eachDriver(askers, atOnce)
				fmt.Fprintf(os.Stdout, "ask %-36s %-13s 3 servers, %d clients, %d askers, %d checks in %.1f s\n",
					row.name, redis.name, len(a.seen), 2+len(askers), a.checks, time.Since(start).Seconds())
			})
		}
	}
}

func acknowledgements(a *asked) {
	photo := map[string]any{"title": "sun", "data": []byte{0, 1, 255}}
	all := in("/", nil, "mute")
	for _, test := range []struct {
		what string
		whom whom
		want []*member
	}{
		{"except mute", whom{except: []string{"mute"}}, a.who(all)},
		{"room", whom{rooms: []string{"r1"}}, a.who(in("/", []string{"r1"}))},
		{"rooms", whom{rooms: []string{"r2", "nobody"}}, a.who(in("/", []string{"r2"}))},
		{"room except another", whom{rooms: []string{"r1"}, except: []string{"r2"}}, a.who(in("/", []string{"r1"}, "r2"))},
		{"socket id", whom{rooms: []string{a.members[0].ID}}, a.members[:1]},
		{"namespace", whom{namespace: "admin"}, a.who(in("/admin", nil))},
		{"room of a namespace", whom{namespace: "/admin", rooms: []string{"r1"}}, a.who(in("/admin", []string{"r1"}))},
		{"nobody", whom{rooms: []string{"nobody"}}, nil},
	} {
		acks, err := a.via.emitWithAck(a.ctx, test.whom, "ping", photo, 7)
		if err != nil {
			a.Fatalf("%s: %v", test.what, err)
		}
		var got []string
		for _, value := range acks.values {
			var g greeting
			a.ok(value.Decode(&g))
			got = append(got, g.Name)
			a.equal(test.what+": binary and numbers", fmt.Sprintf("%s %v", g.Photo, g.Deep.Numbers), fmt.Sprintf("%s %v", g.Name, []float64{1, -2.5, 1e15}))
		}
		slices.Sort(got)
		perServer := make([]int, len(a.nodes))
		for _, m := range test.want {
			perServer[slices.Index(a.nodes, m.Node)]++
		}
		slices.Sort(perServer)
		slices.Sort(acks.perServer)
		a.equal(test.what+": who answered", got, names(test.want))
		a.equal(test.what+": clients", acks.clients, len(test.want))
		if acks.perServer != nil {
			a.equal(test.what+": clients of each server", acks.perServer, perServer)
		}
		a.equal(test.what+": servers", acks.servers, len(a.nodes))
		if len(test.want) > 0 {
			if err := test.want[0].Await(a.ctx, func(events []harness.Event) bool { return len(events) > a.seen[test.want[0]] }); err != nil {
				a.Fatal(err)
			}
			event := test.want[0].Events()[a.seen[test.want[0]]]
			a.equal("what a client got", fmt.Sprint(event, event.WantsAck), `"ping" {"data":{"$binary":"AAH/"},"title":"sun"} 7 true`)
		}
		a.received("ping", test.want...)
	}
	// An acknowledgement without arguments.
	acks, err := a.via.emitWithAck(a.ctx, whom{rooms: []string{"r2"}}, "nothing")
	a.ok(err)
	a.equal("empty acknowledgements", len(acks.values), len(a.who(in("/", []string{"r2"}))))
	for _, value := range acks.values {
		var v any = "something"
		a.ok(value.Decode(&v))
		a.equal("an empty acknowledgement", v, nil)
	}
	a.received("nothing", a.who(in("/", []string{"r2"}))...)
}

// missingAcknowledgement has askers wait in vain for one client, all at once.
func missingAcknowledgement(a *asked, askers []asker) {
	const wait = 2 * time.Second // in which all others answer, on a busy machine, too
	n := len(a.nodes)
	var group sync.WaitGroup
	for _, via := range askers {
		group.Go(func() {
			start := time.Now()
			acks, err := via.emitWithAck(a.ctx, whom{rooms: []string{"r2", "mute"}, timeout: wait}, "ping")
			took := time.Since(start)
			if err := via.incomplete(err, emitter.IncompleteError{Call: "EmitWithAck", Servers: n, Asked: n, Clients: n, Expected: n + 1}); err != nil {
				a.Errorf("%s: %v", via.name(), err)
			}
			if len(acks.values) != n {
				a.Errorf("%s: %d values, want %d", via.name(), len(acks.values), n)
			}
			if took < wait || took > 10*wait {
				a.Errorf("%s: the call took %v", via.name(), took)
			}
		})
	}
	group.Wait()
	a.receivedTimes(len(askers), "ping", a.who(in("/", []string{"r2", "mute"}))...)
}

func sockets(a *asked) {
	owner := a.members[1]
	a.ok(owner.SetData(a.ctx, map[string]any{"name": "Ada", "n": 7, "avatar": asJSON([]byte{1, 2, 255})}))
	for _, test := range []struct {
		what string
		whom whom
		want []*member
	}{
		{"all", whom{}, a.who(in("/", nil))},
		{"room except another", whom{rooms: []string{"r1"}, except: []string{"r2"}}, a.who(in("/", []string{"r1"}, "r2"))},
		{"namespace", whom{namespace: "/admin"}, a.who(in("/admin", nil))},
		{"socket id", whom{rooms: []string{owner.ID}}, []*member{owner}},
		{"nobody", whom{rooms: []string{"nobody"}}, nil},
	} {
		got, err := a.via.fetchSockets(a.ctx, test.whom)
		if err != nil {
			a.Fatalf("%s: %v", test.what, err)
		}
		byID := make(map[string]socket)
		for _, one := range got {
			byID[one.id] = one
		}
		a.equal(test.what+": sockets", len(got), len(test.want))
		for _, m := range test.want {
			one, ok := byID[m.ID]
			if !ok {
				a.Fatalf("%s: %s is missing", test.what, m.Name)
			}
			slices.Sort(one.rooms)
			rooms := append(slices.Clone(m.rooms), m.ID)
			slices.Sort(rooms)
			a.equal(test.what+": rooms", one.rooms, rooms)
			h := one.handshake
			if h.Address != "127.0.0.1" || !strings.HasPrefix(h.URL, "/socket.io/") || h.Issued == 0 || h.Time == "" ||
				h.Query["EIO"] != "4" || h.Headers["host"] == nil || h.Secure {
				a.Errorf("%s: handshake %+v", test.what, h)
			}
			var data struct {
				Name   string
				N      int
				Avatar []byte
			}
			a.ok(one.data.Decode(&data))
			want := "{ 0 []}"
			if m == owner {
				want = "{Ada 7 [1 2 255]}"
			}
			a.equal(test.what+": data", data, want)
		}
	}
	a.received("nothing at all")
}

func roomsAndServers(a *asked) {
	for namespace, more := range map[string][]string{"/": {"mute", "r1", "r2"}, "/admin": {"r1"}} {
		rooms, err := a.via.rooms(a.ctx, whom{namespace: namespace})
		a.ok(err)
		want := append(ids(a.who(in(namespace, nil))), more...)
		slices.Sort(want)
		a.equal("rooms of "+namespace, rooms, want)
		n, err := a.via.serverCount(a.ctx, whom{namespace: namespace})
		a.ok(err)
		a.equal("servers of "+namespace, n, len(a.nodes))
	}
	start := time.Now()
	_, err := a.via.fetchSockets(a.ctx, whom{namespace: "/nobody", timeout: 5 * time.Minute})
	a.ok(a.via.failed(err, emitter.ErrNoServers))
	if took := time.Since(start); took > 20*time.Second {
		a.Errorf("it took %v to see that a namespace has no servers", took)
	}
}

func serverSide(a *asked, binary bool) {
	args, shown := []any{1, map[string]any{"text": "é<&>"}}, `1 {"text":"é<&>"}`
	if binary {
		args, shown = append(args, []byte{1, 255}), shown+` {"type":"Buffer","data":[1,255]}`
	}
	a.ok(a.via.serverSideEmit(a.ctx, whom{}, "news", args...))
	a.ok(a.via.serverSideEmit(a.ctx, whom{namespace: "/admin"}, "news"))
	answers, err := a.via.serverSideEmitWithAck(a.ctx, whom{}, "question", []any{nil, 1.5})
	a.ok(err)
	var got []int
	for _, answer := range answers {
		var v struct{ Server int }
		a.ok(answer.Decode(&v))
		got = append(got, v.Server)
	}
	slices.Sort(got)
	a.equal("servers that answered", got, []int{0, 1, 2}[:len(a.nodes)])
	for _, node := range a.nodes {
		from := a.served[node]
		a.ok(node.AwaitServerSide(a.ctx, func(events []harness.ServerSideEvent) bool { return len(events) >= from+3 }))
		events := node.ServerSideEvents()[from:]
		a.served[node] += len(events)
		var lines []string
		for _, e := range events {
			lines = append(lines, fmt.Sprintf("%s %s %s %v", e.Namespace, e.Event, e.Args, e.Ack))
		}
		slices.Sort(lines)
		a.equal("what a server got", strings.Join(lines, "; "),
			`/ news [`+shown+`] false; / question [[null,1.5]] true; /admin news [] false`)
	}
	a.received("nothing at all")
}

// serverAsksMeanwhile has servers look at the cluster while our own question is open: we must not be one of those
// for whose answer they wait.
func serverAsksMeanwhile(a *asked) {
	mute := a.who(in("/", []string{"mute"}))[0]
	ctx, cancel := context.WithCancel(a.ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		_, err := a.via.emitWithAck(ctx, whom{rooms: []string{"mute"}, timeout: 5 * time.Minute}, "ping")
		done <- err
	}()
	a.ok(mute.Await(a.ctx, func(events []harness.Event) bool { return len(events) > a.seen[mute] }))
	for _, m := range a.who(in("/", nil, "r1", "mute")) { // one on each server
		got, took, err := m.Fetch(a.ctx)
		a.ok(err)
		slices.Sort(got)
		a.equal("what a server sees", got, ids(a.who(in("/", nil))))
		if took >= 5*time.Second { // after which a server gives up waiting
			a.Errorf("fetchSockets() took a server %v", took)
		}
	}
	n, err := a.via.serverCount(a.ctx, whom{})
	a.ok(err)
	a.equal("servers meanwhile", n, len(a.nodes))
	select {
	case err := <-done:
		a.Errorf("our question was over too early: %v", err)
	default:
		cancel()
		a.ok(a.via.failed(<-done, context.Canceled))
	}
	a.received("ping", mute)
}

// slotMoves moves the shard channel of the replies to another node of the Redis Cluster, while askers wait for them.
func slotMoves(a *asked, askers []asker, cluster *harness.RedisCluster, channel string) {
	mute := a.who(in("/", []string{"mute"}))[0]
	failed := make([]error, len(askers))
	var group sync.WaitGroup
	for i, via := range askers {
		group.Go(func() {
			_, failed[i] = via.emitWithAck(a.ctx, whom{rooms: []string{"mute"}, timeout: 90 * time.Second}, "ping")
		})
	}
	a.ok(mute.Await(a.ctx, func(events []harness.Event) bool { return len(events) >= a.seen[mute]+len(askers) }))
	slot, err := cluster.Slot(a.ctx, channel)
	a.ok(err)
	to := cluster.Nodes[0]
	if to == cluster.Owner(a.ctx, slot) {
		to = cluster.Nodes[1]
	}
	start := time.Now()
	move, err := cluster.StartSlotMove(a.ctx, slot, to)
	a.ok(err)
	_, err = move.MoveKeys(a.ctx)
	a.ok(err)
	a.ok(move.Finish(a.ctx))
	group.Wait()
	for i, via := range askers {
		if err := via.failed(failed[i], emitter.ErrSubscription); err != nil {
			a.Errorf("%s: %v", via.name(), err)
		}
	}
	if took := time.Since(start); took > time.Minute {
		a.Errorf("the calls ended %v after the slot moved", took)
	}
	for _, via := range askers { // whose clients may not have heard of it
		found, err := via.fetchSockets(a.ctx, whom{rooms: []string{"mute"}})
		if err != nil || len(found) != 1 || found[0].id != mute.ID {
			a.Errorf("%s: found %v, %v behind the move, want %s", via.name(), found, err, mute.ID)
		}
	}
	a.receivedTimes(len(askers), "ping", mute)
}

// settle returns when the servers have subscribed to whatever their rooms need: those of the sharded adapter subscribe
// to a channel for each room, some time after the room has got its first client.
func (a *asked) settle() {
	a.Helper()
	for _, m := range a.who(in("/", nil, "r1", "mute")) { // one on each server
		a.ok(m.Join(a.ctx, m.ID)) // where it is already
	}
}

func joinAndLeave(a *asked) {
	change := func(what string, members int, err error) {
		a.Helper()
		a.ok(err)
		for {
			sockets, err := a.io.To("vip").FetchSockets(a.ctx)
			if a.ok(err); len(sockets) == members {
				break
			}
			time.Sleep(3 * time.Millisecond)
		}
		a.settle()
		a.ok(a.io.To("vip").Emit(a.ctx, what))
	}
	r1 := a.who(in("/", []string{"r1"}))
	rest := a.who(in("/", []string{"r1"}, "r2"))
	change("joined", len(r1), a.via.join(a.ctx, whom{rooms: []string{"r1"}}, "vip", "lounge"))
	a.received("joined", r1...)
	change("left", len(rest), a.via.leave(a.ctx, whom{rooms: []string{"vip", "r2"}, except: append([]string{"mute", "nobody"}, ids(rest)...)}, "vip"))
	a.received("left", rest...)
	a.ok(a.io.To("lounge").Emit(a.ctx, "still"))
	a.received("still", r1...)
	change("nobody", 0, a.via.leave(a.ctx, whom{}, "vip", "lounge"))
	a.received("nobody")
	rooms, err := a.io.Of("/admin").Rooms(a.ctx)
	a.ok(err)
	if slices.Contains(rooms, "vip") {
		a.Error("the other namespace has the room as well")
	}
}

func disconnect(a *asked) {
	gone := func(members []*member, err error) {
		a.Helper()
		a.ok(err)
		for _, m := range members {
			reason, err := m.AwaitDisconnect(a.ctx)
			a.ok(err)
			if reason == "" || reason == "parse error" {
				a.Errorf("%s was disconnected: %q", m.Name, reason)
			}
		}
		a.members = slices.DeleteFunc(slices.Clone(a.members), func(m *member) bool { return slices.Contains(members, m) })
		a.received("nothing at all")
	}
	// Only where the connection is closed, the other namespace that uses it goes, too.
	first := a.who(in("/", []string{"r1"}))[0]
	gone([]*member{first, a.beside(first)}, a.via.disconnect(a.ctx, whom{rooms: []string{first.ID}}, true))
	r2 := a.who(in("/", []string{"r2"}))
	a.beside(r2[0])
	gone(r2, a.via.disconnect(a.ctx, whom{rooms: []string{"r2"}, except: []string{"mute"}}, false))
	gone(a.who(in("/admin", nil, "r1")), a.via.disconnect(a.ctx, whom{namespace: "/admin", except: []string{"r1"}}, true))
	gone(a.who(in("/", nil)), a.via.disconnect(a.ctx, whom{}, false))
	for _, m := range a.members {
		if m.Namespace != "/admin" {
			a.Errorf("%s is left", m.Name)
		}
	}
}

// TestAskOldAdapters asks servers of Socket.IO 4 whose adapters know some of the calls only.
func TestAskOldAdapters(t *testing.T) {
	t.Parallel()
	clients := harness.ClientsFor(t, harness.V4)
	redis := startRedis(t)
	for _, test := range []struct {
		name    string
		adapter harness.Adapter
		missing []string // what the error says that its calls need
	}{
		{"socket.io-redis 6.1.1", harness.SocketIORedis61, []string{"7.0", "7.2"}},
		{"@socket.io/redis-adapter 7.0.1", harness.RedisAdapter70, []string{"7.2"}},
		{"@socket.io/redis-adapter 7.1.0", harness.RedisAdapter71, []string{"7.2"}},
		{"@socket.io/redis-adapter 7.2.0", harness.RedisAdapter7, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			prefix := prefixOf(t)
			a := startAsked(t, clients, test.adapter.With("key", prefix), redis.Conn(), 2)
			a.each(redis.Client(), []emitter.Option{emitter.WithKey(prefix)}, []string{"--redis", redis.URL(), "--key", prefix}, func() {
				if test.missing != nil {
					a.step("what they do not answer", func(a *asked) { unanswered(a, test.missing) })
				} else {
					a.step("acknowledgements", acknowledgements)
					a.step("missing acknowledgement", func(a *asked) { missingAcknowledgement(a, []asker{a.via}) })
					a.step("a server asks meanwhile", serverAsksMeanwhile)
				}
				if !slices.Contains(test.missing, "7.0") {
					a.step("events for servers", func(a *asked) { serverSide(a, test.missing == nil) })
				}
				a.step("sockets", sockets)
				a.step("rooms and servers", roomsAndServers)
				a.step("a server asks", func(a *asked) {
					got, _, err := a.members[0].Fetch(a.ctx)
					a.ok(err)
					slices.Sort(got)
					a.equal("what a server sees", got, ids(a.who(in("/", nil))))
				})
				a.step("join and leave", joinAndLeave)
				a.step("disconnect", disconnect)
			})
			works := "all works"
			if test.missing != nil {
				works = "errors name " + strings.Join(test.missing, " and ") + ", the rest works"
			}
			fmt.Fprintf(os.Stdout, "ask %s: %s, %d checks\n", test.name, works, a.checks)
		})
	}
}

// unanswered makes the calls that need one of the versions of @socket.io/redis-adapter that are missing.
func unanswered(a *asked, missing []string) {
	all := whom{timeout: 3 * time.Second} // in which the servers are counted, on a busy machine, too
	var group sync.WaitGroup
	for _, c := range []struct {
		needs, more, name string
		call              func() error
	}{
		{"7.2", "", "EmitWithAck", func() error { _, err := a.via.emitWithAck(a.ctx, all, "ping"); return err }},
		{"7.0", " and a handler for the event", "ServerSideEmitWithAck", func() error { _, err := a.via.serverSideEmitWithAck(a.ctx, all, "ping"); return err }},
		// Binary would end these servers: it must not be sent.
		{"7.2", "", "EmitWithAck", func() error { _, err := a.via.emitWithAck(a.ctx, all, "ping", []byte{1}); return err }},
		{"7.2", "", "ServerSideEmitWithAck", func() error { _, err := a.via.serverSideEmitWithAck(a.ctx, all, "ping", []byte{1}); return err }},
		{"7.2", "", "ServerSideEmit", func() error { return a.via.serverSideEmit(a.ctx, all, "ping", []byte{1}) }},
	} {
		if !slices.Contains(missing, c.needs) {
			continue
		}
		group.Go(func() {
			err := a.via.incomplete(c.call(), emitter.IncompleteError{
				Call: c.name, Asked: len(a.nodes), Needs: "@socket.io/redis-adapter " + c.needs + " or later" + c.more,
			})
			if err != nil {
				a.Error(err)
			}
		})
	}
	group.Wait()
	a.received("nothing at all")
}
