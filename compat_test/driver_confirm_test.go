package compat_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sioemit/sioemit/internal/driver"
	"github.com/sioemit/sioemit/internal/harness"
)

// drivenConfirmable is a way to join two servers, about which drivers confirm.
type drivenConfirmable struct {
	name    string
	adapter harness.Adapter
	options map[string]any // of a driver
	cluster bool
	other   string // the Redis client of the second server, where it is not that of the first
	// mistakable says that a connection for replies of an emitter looks like one of a server: what others do at the
	// same time makes a confirmation doubtful.
	mistakable bool
}

var drivenConfirmables = []drivenConfirmable{
	{name: "classic", adapter: harness.RedisAdapter8, other: "ioredis"},
	{name: "sharded", adapter: harness.ShardedAdapter8, options: map[string]any{"adapter": "sharded"}},
	{name: "streams", adapter: harness.StreamsAdapter, options: map[string]any{"adapter": "streams"}},
	{name: "classic on a cluster", adapter: harness.RedisAdapter8, cluster: true},
	{name: "sharded on a cluster", adapter: harness.ShardedAdapter8, options: map[string]any{"adapter": "sharded"}, cluster: true, mistakable: true},
	{name: "streams on a cluster", adapter: harness.StreamsAdapter, options: map[string]any{"adapter": "streams"}, cluster: true},
}

// TestDriversConfirm has every driver with the feature confirm what two servers have taken: when all is well, when one of
// them is frozen, when connections are cut, and when a slot moves.
func TestDriversConfirm(t *testing.T) {
	t.Parallel()
	began := time.Now()
	all := askingDrivers(t, "confirm")
	fmt.Fprintf(os.Stdout, "confirm: %d drivers started in %.1f s\n", len(all), time.Since(began).Seconds())
	one := harness.RedisFor(t, harness.RedisConfig{})
	cluster := harness.ClusterFor(t, masters, 0, harness.RedisConfig{})
	clients, gate := harness.ClientsFor(t, harness.V4), harness.ClientsFor(t, harness.V4)
	for _, how := range drivenConfirmables { // one after the other: a driver does one thing at a time
		t.Run(how.name, func(t *testing.T) {
			began := time.Now()
			r := &rehearsal{T: t, ctx: withDeadline(t), how: how, gate: gate}
			if how.cluster {
				r.redis, r.client, r.cluster, r.call.Redis, r.call.Cluster = cluster.Nodes, cluster.Client(), cluster, cluster.URLs()[0], true
				r.start(clients, cluster.Conn())
			} else {
				r.redis, r.client, r.call.Redis = []*harness.Redis{one}, one.Client(), one.URL()
				r.start(clients, one.Conn())
			}
			for _, d := range all {
				if !how.cluster || len(d.Missing([]string{"cluster"})) == 0 {
					r.drivers = append(r.drivers, d)
				}
			}
			r.undisturbed()
			r.frozen()
			r.cut()
			if how.cluster && how.adapter.Kind != "classic" { // whose events are in no slot
				r.slotMoved()
			}
			r.judge()
			fmt.Fprintf(os.Stdout, "confirm %-20s %d drivers in %.1f s\n", how.name, len(r.drivers), time.Since(began).Seconds())
		})
	}
}

// rehearsal is two servers, with a client each that is in a room of its own, in one for all, and in the one of the gate.
type rehearsal struct {
	*testing.T
	ctx     context.Context
	how     drivenConfirmable
	drivers []*askingDriver
	call    driver.Call // with all but what is called
	redis   []*harness.Redis
	client  redis.UniversalClient
	cluster *harness.RedisCluster // nil for one Redis
	nodes   []*harness.Node
	clients []*harness.Client
	numbers int // of the events that each driver has sent

	// A client of the first server is in the room of the gate, too, and its process is stopped: a driver that waits for
	// its acknowledgement waits until the gate is opened.
	gate   *harness.Clients
	passed int // calls of drivers, so far
}

const gateRoom = "gate"

func (r *rehearsal) start(clients *harness.Clients, conn harness.RedisConn) {
	r.Helper()
	var err error
	if r.call.Options, err = json.Marshal(r.how.options); err != nil {
		r.Fatal(err)
	}
	if r.how.options == nil {
		r.call.Options = nil
	}
	connect := func(process *harness.Clients, name string, node *harness.Node, rooms ...string) *harness.Client {
		c, err := process.Connect(r.ctx, harness.ConnectOptions{Name: r.how.name + " " + name, Node: node, Rooms: rooms, Acks: map[string][]any{gateRoom: {}}})
		if err != nil {
			r.Fatal(err)
		}
		return c
	}
	for i := range 2 {
		if i == 1 {
			conn.Package = r.how.other
		}
		node := harness.NodeFor(r.T, harness.NodeConfig{Server: harness.V4.Server, Adapter: r.how.adapter, Redis: conn})
		r.nodes = append(r.nodes, node)
		r.clients = append(r.clients, connect(clients, fmt.Sprint(i), node, "all", fmt.Sprint("room", i), gateRoom))
	}
	keeper := connect(r.gate, "keeper", r.nodes[0], gateRoom)
	r.Cleanup(func() {
		r.ok(errors.Join(r.gate.Resume(), r.nodes[1].Resume(), keeper.Close(), r.clients[0].Close(), r.clients[1].Close()))
	})
}

func (r *rehearsal) ok(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// until waits for a condition that nothing announces.
func (r *rehearsal) until(what string, done func() bool) {
	r.Helper()
	for !done() {
		select {
		case <-r.ctx.Done():
			r.Fatalf("%s: %v", what, context.Cause(r.ctx))
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// act is a call of a driver, by its words.
func (r *rehearsal) act(chain [][]any, words ...any) driver.Step {
	var step driver.Step
	var err error
	if chain != nil {
		step.Chain, err = json.Marshal(chain)
		r.ok(err)
	}
	step.Call, err = json.Marshal(words)
	r.ok(err)
	return step
}

func (r *rehearsal) confirm(timeout time.Duration) driver.Step {
	return r.act([][]any{{"timeout", timeout.Milliseconds()}}, "confirm")
}

// events are some with a number each in a pipeline: to everyone, to the room for all, and to that of each client, in turn.
func (r *rehearsal) events(who, from int) (step driver.Step) {
	for n := from; n < from+eventsAtOnce; n++ {
		for _, chain := range [][][]any{nil, {{"to", "all"}}, {{"to", "room0"}}, {{"to", "room1"}}} {
			step.Pipeline = append(step.Pipeline, r.act(chain, "emit", "n", who, n))
		}
	}
	return step
}

const (
	eventsAtOnce = 5
	each         = 3 // events of a number that a client gets: to everyone, to the room for all, and to its own
)

// line has drivers make calls, all at once or one after the other, and compares what they answer. Where several answers
// will do, a | divides them.
func (r *rehearsal) line(what string, atOnce bool, steps func(who int) []driver.Step, want ...string) {
	r.Helper()
	var group sync.WaitGroup
	for i, d := range r.drivers {
		group.Go(func() {
			call := r.call
			call.Sequence = steps(i)
			d.mu.Lock()
			defer d.mu.Unlock()
			whole, err := d.Call(call)
			if err != nil {
				r.Errorf("%s: %s %s: %v", what, d.Language, d.Variant, err)
				return
			}
			var answers []driver.Answer
			if err := json.Unmarshal(whole.Result, &answers); err != nil || len(answers) != len(want) {
				r.Errorf("%s: %s %s: %+v: %v", what, d.Language, d.Variant, whole, err)
				return
			}
			for step, a := range answers {
				if got := inShort(&a); !slices.Contains(strings.Split(want[step], "|"), got) {
					r.Errorf("%s: %s %s: call %d: %s instead of %s: %s", what, d.Language, d.Variant, step+1, got, want[step], a.Message)
				}
			}
		})
		if !atOnce {
			group.Wait()
		}
	}
	group.Wait()
}

// inShort is the number of servers, or how many of how many have answered, or the name of an error.
func inShort(a *driver.Answer) string {
	n, err := strconv.Atoi(string(a.Result))
	switch {
	case a.Error == "incomplete":
		return fmt.Sprintf("%d of %d", a.Missing["servers"], a.Missing["asked"])
	case a.Error != "":
		return a.Error
	case a.Skip != "":
		return "skipped"
	case err == nil:
		return strconv.Itoa(n)
	}
	return "ok"
}

// youngServer matches a subscriber of less than three seconds in CLIENT LIST.
var youngServer = regexp.MustCompile(`(?m) name=sioemit-test-\S+ age=[012] .*sub=[1-9]`)

// undisturbed confirms what is sent while nothing happens: first of all by the age of connections.
func (r *rehearsal) undisturbed() {
	r.Helper()
	r.until("servers are old enough", func() bool { return !youngServer.MatchString(r.connections()) })
	from := r.numbers
	r.numbers += 2 * eventsAtOnce
	steps := func(who int) []driver.Step {
		return []driver.Step{r.events(who, from), r.confirm(time.Minute), r.events(who, from+eventsAtOnce), r.confirm(time.Minute)}
	}
	if r.how.mistakable { // the one before has left the connection of a moment ago
		r.line("one after the other", false, steps, "ok", "2|unconfirmed", "ok", "2")
		return
	}
	r.line("undisturbed", true, steps, "ok", "2", "ok", "2")
}

// frozen stops a server, and lets it go on when every driver has seen that.
func (r *rehearsal) frozen() {
	r.Helper()
	from := r.numbers
	r.numbers += eventsAtOnce
	r.ok(r.nodes[1].Pause())
	goesOn := make(chan struct{})
	go func() {
		defer close(goesOn)
		err := r.clients[0].Await(r.ctx, func(events []harness.Event) bool { return countNamed(events, "resume") == len(r.drivers) })
		if err := errors.Join(err, r.nodes[1].Resume()); err != nil {
			r.Error(err)
		}
	}()
	r.line("frozen", true, func(who int) []driver.Step {
		return []driver.Step{r.events(who, from), r.confirm(3 * time.Second), r.act(nil, "emit", "resume"), r.confirm(time.Minute), r.confirm(time.Minute)}
	}, "ok", "1 of 2", "ok", r.sure(), "2")
	<-goesOn
}

// gated has every driver send events between two confirmations and wait at the gate, which opens when something has
// been done.
func (r *rehearsal) gated(what string, meanwhile func(), want string) {
	r.Helper()
	from := r.numbers
	r.numbers += 2 * eventsAtOnce
	r.passed += len(r.drivers)
	r.ok(r.gate.Pause())
	done := make(chan struct{})
	defer func() {
		if err := r.gate.Resume(); err != nil {
			r.Error(err)
		}
		<-done
	}()
	go func() {
		defer close(done)
		r.line(what, true, func(who int) []driver.Step {
			wait := r.act([][]any{{"to", gateRoom}, {"timeout", 90000}}, "emitWithAck", gateRoom)
			return []driver.Step{
				r.confirm(time.Minute), r.events(who, from), wait, r.confirm(time.Minute),
				r.confirm(time.Minute), r.events(who, from+eventsAtOnce), r.confirm(time.Minute), r.confirm(time.Minute),
			}
		}, "2", "ok", "ok", want, "2", "ok", r.sure(), "2")
	}()
	sent := each * (from + eventsAtOnce) * len(r.drivers)
	for _, client := range r.clients { // so that nothing is on its way to a server any more
		r.ok(client.Await(r.ctx, func(events []harness.Event) bool {
			return countNamed(events, gateRoom) == r.passed && countNamed(events, "n") == sent
		}))
	}
	meanwhile()
}

// sure is the answer of a confirmation while others confirm.
func (r *rehearsal) sure() string {
	if r.how.mistakable {
		return "2|unconfirmed"
	}
	return "2"
}

// cut ends the connections by which servers get events, or empties the stream from which they read them.
func (r *rehearsal) cut() {
	r.Helper()
	r.gated("cut", func() {
		if r.how.adapter.Kind == "streams" {
			r.ok(r.client.XTrimMaxLen(r.ctx, "socket.io", 0).Err())
			return
		}
		before := r.subscriptions()
		for _, node := range r.redis {
			for _, id := range r.subscribers(node) {
				r.ok(node.Client().ClientKillByFilter(r.ctx, "ID", id).Err())
			}
		}
		r.until("the servers come back", func() bool { return r.subscriptions() == before })
	}, "unconfirmed")
}

// slotMoved moves the slot of the channel or of the stream.
func (r *rehearsal) slotMoved() {
	r.Helper()
	key, want := "socket.io#/#", "unconfirmed"
	if r.how.adapter.Kind == "streams" {
		key, want = "socket.io", "2" // whose servers read on at the new master
	}
	slot, err := r.cluster.Slot(r.ctx, key)
	r.ok(err)
	owner := r.cluster.Owner(r.ctx, slot)
	r.gated("slot moved", func() {
		before := r.subscriptions()
		move, err := r.cluster.StartSlotMove(r.ctx, slot, r.redis[(slices.Index(r.redis, owner)+1)%masters])
		r.ok(err)
		_, err = move.MoveKeys(r.ctx)
		r.ok(err)
		r.ok(move.Finish(r.ctx))
		r.until("the servers subscribe at the new master", func() bool { return r.subscriptions() == before })
	}, want)
}

// connections are the lines of CLIENT LIST of all nodes.
func (r *rehearsal) connections() string {
	var all strings.Builder
	for _, node := range r.redis {
		list, err := node.Client().ClientList(r.ctx).Result()
		r.ok(err)
		all.WriteString(list)
	}
	return all.String()
}

// serverConnection matches a subscriber that is a server: its id, and on how much it is.
var serverConnection = regexp.MustCompile(`(?m)^id=(\d+) .* name=sioemit-test-\S+ .* sub=(\d+) psub=(\d+) ssub=(\d+) `)

// subscribers are the ids of connections of servers that are subscribed to something.
func (r *rehearsal) subscribers(node *harness.Redis) (ids []string) {
	list, err := node.Client().ClientList(r.ctx).Result()
	r.ok(err)
	for _, m := range serverConnection.FindAllStringSubmatch(list, -1) {
		if m[2]+m[3]+m[4] != "000" {
			ids = append(ids, m[1])
		}
	}
	return ids
}

// subscriptions are how many subscriptions the servers have, of each kind.
func (r *rehearsal) subscriptions() (all [3]int) {
	for _, m := range serverConnection.FindAllStringSubmatch(r.connections(), -1) {
		for i, text := range m[2:] {
			n, err := strconv.Atoi(text)
			r.ok(err)
			all[i] += n
		}
	}
	return all
}

// judge fails the test unless both clients have got every event, and none twice.
func (r *rehearsal) judge() {
	r.Helper()
	want := each * r.numbers * len(r.drivers)
	for i, client := range r.clients {
		patient, cancel := context.WithTimeout(r.ctx, time.Minute)
		defer cancel()
		if err := client.Await(patient, func(events []harness.Event) bool { return countNamed(events, "n") >= want }); err != nil {
			r.Errorf("client %d: %v", i, err)
		}
		times := make(map[string]int)
		for _, event := range named(client.Events(), "n") {
			times[fmt.Sprintf("%s", event.Args)]++
		}
		if len(times) != r.numbers*len(r.drivers) {
			r.Errorf("client %d got events of %d numbers, not %d", i, len(times), r.numbers*len(r.drivers))
		}
		for which, n := range times {
			if n != each {
				r.Errorf("client %d got %s %d times, not %d", i, which, n, each)
			}
		}
	}
}
