package compat_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/harness"
)

// resilient is one way to join servers, under a disturbance.
type resilient struct {
	name    string
	adapter harness.Adapter
	emitter emitter.Adapter
	kind    string // of a server's subscription
	channel string // of raw subscribers
	key     string // whose slot matters on a Redis Cluster
	number  func([]byte) (int, error)
}

var resilients = []resilient{
	{
		"classic", harness.RedisAdapter8, emitter.Classic(), "psubscribe",
		"socket.io#/#*", "socket.io#/#", classicNumber,
	},
	{
		"sharded", harness.ShardedAdapter8, emitter.Sharded(emitter.ShardedOptions{}), "ssubscribe",
		"socket.io#/#", "socket.io#/#", shardedNumber,
	},
	{
		"streams", harness.StreamsAdapter, emitter.Streams(emitter.StreamsOptions{}), "xread",
		"", "socket.io", nil,
	},
}

// ensemble is a Redis Cluster, or a Redis with sentinels, and all who listen.
type ensemble struct {
	*testing.T
	ctx       context.Context
	how       resilient
	nodes     []*harness.Redis
	witnesses []*witness // all of them
	servers   []*server
	traffics  []*traffic

	// Of a Redis Cluster.
	cluster *harness.RedisCluster
	slot    int // that matters
}

// unhurried is how long the clients of go-redis here wait for a Redis that runs. By default it is so short that a busy
// machine makes them repeat a command, or fail, without any disturbance. A Redis that is killed ends its connections.
const unhurried = 20 * time.Second

// server is an official Socket.IO server with one client, as a witness.
type server struct {
	*witness
	node   *harness.Node
	client *harness.Client
}

// The kinds of client: the one that go-redis makes by default, and one that sends nothing a second time. One that is
// not redirected either is for a moved slot only.
const (
	repeating     = "repeating"
	notRepeating  = "not repeating"
	notRedirected = "not redirected"
)

func startResilientCluster(t *testing.T, how resilient, clients ...string) *ensemble {
	t.Helper()
	cluster := harness.ClusterFor(t, masters, 1, harness.RedisConfig{Args: []string{"--cluster-replica-validity-factor", "0"}})
	e := &ensemble{T: t, ctx: withDeadline(t), how: how, nodes: cluster.Nodes, cluster: cluster}
	var err error
	if e.slot, err = cluster.Slot(e.ctx, how.key); err != nil {
		t.Fatal(err)
	}
	for i := range masters {
		w := newWitness(fmt.Sprintf("subscriber %d", i+1))
		switch how.kind {
		case "psubscribe":
			// A server's subscription may be on any node.
			at := i
			w.follow(t, how.kind, how.channel, func(context.Context) *harness.Redis {
				for range masters {
					if node := cluster.Nodes[at%masters]; node.Running() {
						return node
					}
					at++
				}
				return nil
			}, how.number)
		case "ssubscribe":
			w.follow(t, how.kind, how.channel, e.owner, how.number)
		case "xread":
			client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: cluster.Addrs(), ReadTimeout: unhurried, ClusterStateReloadInterval: time.Second})
			closeAtEnd(t, client)
			w.read(t, client, how.key)
		}
		e.witnesses = append(e.witnesses, w)
	}
	for i := range 2 {
		e.addServer(i, cluster.Conn())
	}
	if !e.serversBack() {
		t.Fatal("the servers are not subscribed")
	}
	for _, name := range clients {
		options := &redis.ClusterOptions{Addrs: cluster.Addrs(), ReadTimeout: unhurried, ClusterStateReloadInterval: time.Second}
		if name == notRedirected {
			// It must not learn of the move before it has met it.
			options.MaxRedirects, options.ClusterStateReloadInterval = -1, time.Hour
		}
		client := redis.NewClusterClient(options)
		client.OnNewNode(func(node *redis.Client) { node.AddHook(acceptingNode(node.Options().Addr)) })
		if name == notRepeating {
			client.AddHook(emitter.NoRetry())
		}
		closeAtEnd(t, client)
		e.emitWith(name, client)
	}
	return e
}

// owner is the master that has the slot that matters.
func (e *ensemble) owner(ctx context.Context) *harness.Redis { return e.cluster.Owner(ctx, e.slot) }

func (e *ensemble) addServer(i int, conn harness.RedisConn) {
	e.Helper()
	node := harness.NodeFor(e.T, harness.NodeConfig{Server: harness.V4.Server, Adapter: e.how.adapter, Redis: conn})
	client, err := harness.ClientsFor(e.T, harness.V4).Connect(e.ctx, harness.ConnectOptions{Node: node, Transports: []string{"websocket"}})
	if err != nil {
		e.Fatal(err)
	}
	e.servers = append(e.servers, &server{witness: newWitness(fmt.Sprintf("server %d", i+1)), node: node, client: client})
}

// serversBack looks which servers are subscribed, and notes it; it tells whether all of them are.
func (e *ensemble) serversBack() bool {
	owner := e.owner(e.ctx)
	if owner == nil {
		return false
	}
	if e.how.kind == "ssubscribe" {
		// Each server has subscriptions to several channels, in slots of several nodes. Only all servers
		// together show in the number of those of the one that matters.
		count, err := owner.Client().PubSubShardNumSub(e.ctx, e.how.channel).Result()
		if err != nil || int(count[e.how.channel]) != len(e.all()) {
			return false
		}
	}
	for _, s := range e.servers {
		if s.at() != nil {
			continue
		}
		found, err := s.node.Subscribers(e.ctx, e.nodes)
		if err != nil {
			return false
		}
		for _, one := range found {
			if one.Kind == e.how.kind && (one.Node == owner || one.Kind == "psubscribe") {
				s.subscribed(one.Node)
				break
			}
		}
		if s.at() == nil {
			return false
		}
	}
	return true
}

// emitWith starts traffic through a client.
func (e *ensemble) emitWith(name string, client redis.UniversalClient) {
	io := emitter.New(client, emitter.WithAdapter(e.how.emitter))
	e.traffics = append(e.traffics, startTraffic(e.T, name, 2, func(ctx context.Context, number int) error {
		return io.Emit(ctx, "number", number)
	}))
}

// acceptingNode is a hook that notes which node took a command.
type acceptingNode string

func (a acceptingNode) DialHook(next redis.DialHook) redis.DialHook { return next }

func (a acceptingNode) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		a.note(ctx, err)
		return err
	}
}

func (a acceptingNode) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		a.note(ctx, err)
		return err
	}
}

func (a acceptingNode) note(ctx context.Context, err error) {
	if took, ok := ctx.Value(acceptedKey{}).(*accepted); ok && err == nil {
		took.node.Store(string(a))
	}
}

// all are the witnesses, the servers too.
func (e *ensemble) all() []*witness {
	all := slices.Clone(e.witnesses)
	for _, s := range e.servers {
		all = append(all, s.witness)
	}
	return all
}

// flow waits until so many more calls of each client that is redirected have succeeded.
func (e *ensemble) flow(calls int) {
	e.Helper()
	for _, t := range e.traffics {
		if t.name == notRedirected {
			continue
		}
		for want := t.count() + calls; t.count() < want; {
			select {
			case <-e.ctx.Done():
				e.Fatalf("%s: no more calls succeed: %v%s", t.name, context.Cause(e.ctx), errorsOf(t.stop()))
			case <-time.After(5 * time.Millisecond):
			}
		}
	}
}

// await waits until a condition holds, and says whether it came to that in time.
func (e *ensemble) await(patience time.Duration, ok func() bool) bool {
	for until := time.Now().Add(patience); time.Now().Before(until); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return true
		}
	}
	return ok()
}

// finish stops the traffic, lets everything arrive and judges it.
func (e *ensemble) finish(what string, d death) {
	e.Helper()
	var sent [][]emission
	for _, t := range e.traffics {
		sent = append(sent, t.stop())
	}
	everything := slices.Concat(sent...)
	collect := func() {
		for _, s := range e.servers {
			s.mu.Lock()
			clear(s.got)
			for _, event := range s.client.Events() {
				n, err := eventNumber(event)
				if err != nil {
					e.Error(err)
				}
				s.got[n]++
			}
			s.mu.Unlock()
		}
	}
	collect()
	settled(everything, e.all(), d, collect)
	collect()
	for i, t := range e.traffics {
		f := judge(sent[i], e.all(), d)
		name := e.how.name + ", " + what + ", " + t.name
		f.report(e.T, name, len(e.all()))
		died := !d.from.IsZero()
		if f.duplicates > 0 && (t.name == notRepeating || !died) {
			e.Errorf("%s: %d duplicates", name, f.duplicates)
		}
		fails := t.name == notRedirected && e.how.kind != "psubscribe" // which any node takes
		if (f.errors > 0) != fails && !died {
			e.Errorf("%s: %d errors", name, f.errors)
		}
		// Only the subscriptions to a shard channel end when its slot moves.
		if f.whileUnsubscribed > 0 && !died && e.how.kind != "ssubscribe" {
			e.Errorf("%s: %d missed while not subscribed", name, f.whileUnsubscribed)
		}
		if text := errorsOf(sent[i]); text != "" {
			e.Log(t.name, text)
		}
	}
}

func eventNumber(event harness.Event) (int, error) {
	var n json.Number
	if event.Name != "number" || len(event.Args) != 1 {
		return 0, fmt.Errorf("unexpected event %s", event)
	}
	if err := json.Unmarshal(event.Args[0], &n); err != nil {
		return 0, err
	}
	return strconv.Atoi(n.String())
}

// durable tells whether the servers read what they missed: they are owed everything, whatever becomes of their
// connections.
func (e *ensemble) durable() bool { return e.how.kind == "xread" }

// kill kills a node, and notes whose subscription ends with it.
func (e *ensemble) kill(victim *harness.Redis) death {
	var affected []*witness
	for _, w := range e.all() {
		if w.at() == victim && !e.durable() {
			affected = append(affected, w)
		}
	}
	for _, w := range affected {
		w.end(true)
	}
	d := death{from: time.Now(), node: victim.Addr}
	victim.Kill()
	d.to = time.Now()
	e.Logf("%s is killed, and with it the subscription of %d of %d witnesses", victim.Addr, len(affected), len(e.all()))
	return d
}

// recover waits until those who are not subscribed are so again.
func (e *ensemble) recover(from time.Time) {
	e.Helper()
	const patience = time.Minute
	if e.durable() {
		return
	}
	for _, w := range e.witnesses {
		if !e.await(patience, func() bool { return w.at() != nil }) {
			e.Errorf("%s is not subscribed again", w.name)
		}
	}
	e.Logf("raw subscribers are back after %v", time.Since(from).Round(time.Millisecond))
	if len(e.servers) == 0 {
		return
	}
	if e.await(patience, e.serversBack) {
		e.Logf("servers are back after %v", time.Since(from).Round(time.Millisecond))
		return
	}
	for _, s := range e.servers {
		e.Errorf("not all servers are subscribed again within %v; %s: %s", patience, s.name, s.node.Stderr())
	}
}

// A master of a Redis Cluster is killed while events are emitted, and its replica takes over. It is the master that
// has the shard channel or the stream; with the classic adapter one of the three that have a subscriber.
func TestMasterKilled(t *testing.T) {
	for _, how := range resilients {
		t.Run(how.name, func(t *testing.T) {
			t.Parallel()
			e := startResilientCluster(t, how, repeating, notRepeating)
			e.flow(200)
			victim := e.owner(e.ctx)
			if err := e.cluster.SetNodeTimeout(e.ctx, time.Second); err != nil {
				t.Fatal(err)
			}
			d := e.kill(victim)
			if !e.await(time.Minute, func() bool { owner := e.owner(e.ctx); return owner != nil && owner != victim }) {
				t.Fatal("no replica took over")
			}
			t.Logf("a replica took over after %v", time.Since(d.from).Round(time.Millisecond))
			// No other node is to seem dead, too.
			if err := e.cluster.SetNodeTimeout(e.ctx, time.Minute); err != nil {
				t.Fatal(err)
			}
			e.recover(d.from)
			e.flow(200)
			e.finish("master killed", d)
		})
	}
}

// A slot is moved to another master while events are emitted: that of the shard channel, or of the stream.
func TestSlotMoved(t *testing.T) {
	for _, how := range resilients {
		t.Run(how.name, func(t *testing.T) {
			t.Parallel()
			e := startResilientCluster(t, how, repeating, notRepeating, notRedirected)
			e.flow(100)
			from := e.owner(e.ctx)
			to := e.nodes[(slices.Index(e.nodes, from)+1)%masters]
			move, err := e.cluster.StartSlotMove(e.ctx, e.slot, to)
			if err != nil {
				t.Fatal(err)
			}
			e.flow(50)
			keys, err := move.MoveKeys(e.ctx)
			if err != nil {
				t.Fatal(err)
			}
			if want := how.kind == "xread"; (keys > 0) != want {
				t.Errorf("%d keys were moved", keys)
			}
			e.flow(50) // ASK, where there is a key
			began := time.Now()
			if how.kind == "ssubscribe" {
				// The old master ends the subscriptions to channels of the slot.
				for _, w := range e.all() {
					w.gone()
				}
			}
			if err := move.Finish(e.ctx); err != nil {
				t.Fatal(err)
			}
			e.recover(began)
			e.flow(200)
			if owner := e.owner(e.ctx); owner != to {
				t.Errorf("the slot is not at %s", to.Addr)
			}
			e.finish("slot moved", death{})
		})
	}
}

// The master that sentinels watch is killed while events are emitted.
func TestSentinelFailover(t *testing.T) {
	for _, how := range resilients {
		t.Run(how.name, func(t *testing.T) {
			t.Parallel()
			ctx := withDeadline(t)
			sentinels := harness.SentinelsFor(t, 2, 3, harness.RedisConfig{})
			e := &ensemble{T: t, ctx: ctx, how: how, nodes: sentinels.Nodes}
			options := redis.FailoverOptions{MasterName: harness.MasterName, SentinelAddrs: sentinels.Addrs, ReadTimeout: unhurried}
			master := func(ctx context.Context) *harness.Redis {
				r, err := sentinels.Master(ctx)
				if err != nil || !r.Running() || r.Client().Info(ctx, "replication").Err() != nil {
					return nil
				}
				return r
			}
			for i := range 3 {
				w := newWitness(fmt.Sprintf("subscriber %d", i+1))
				if how.kind == "xread" {
					o := options
					client := redis.NewFailoverClient(&o)
					closeAtEnd(t, client)
					w.read(t, client, how.key)
				} else {
					w.follow(t, how.kind, how.channel, master, how.number)
				}
				e.witnesses = append(e.witnesses, w)
			}
			for _, name := range []string{repeating, notRepeating} {
				o := options
				if name == notRepeating {
					o.MaxRetries = -1
				}
				client := redis.NewFailoverClient(&o)
				closeAtEnd(t, client)
				e.emitWith(name, client)
			}
			e.flow(200)
			victim, err := sentinels.Master(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if err := sentinels.SetDownAfter(ctx, time.Second); err != nil {
				t.Fatal(err)
			}
			d := e.kill(victim)
			if !e.await(time.Minute, func() bool { r := master(ctx); return r != nil && r != victim }) {
				t.Fatal(errors.New("no replica took over"))
			}
			t.Logf("a replica took over after %v", time.Since(d.from).Round(time.Millisecond))
			e.recover(d.from)
			e.flow(200)
			e.finish("Sentinel failover", d)
		})
	}
}
