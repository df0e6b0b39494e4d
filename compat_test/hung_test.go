package compat_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sioemit/sioemit/compat_test/harness"
	"github.com/sioemit/sioemit/emitter"
)

// A master of a Redis Cluster hangs while events are emitted: its connections stay open, and nothing is answered. A
// replica takes over all the same. An Emit to that master takes until go-redis gives up waiting for it, and for its
// address, and asks another node. The official servers never give up: one that is subscribed there gets nothing until
// the node runs again, or ends.
func TestMasterHung(t *testing.T) {
	for _, how := range resilients {
		t.Run(how.name, func(t *testing.T) {
			t.Parallel()
			e := startResilientCluster(t, how)
			const byDefault, hurried = "by default", "ReadTimeout of a second"
			// So seldom that a stream still has all of it when the servers read on.
			const pause = 20 * time.Millisecond
			e.emitWith(byDefault, e.connect(&redis.ClusterOptions{ClusterStateReloadInterval: time.Second}), pause)
			e.emitWith(hurried, e.connect(&redis.ClusterOptions{ClusterStateReloadInterval: time.Second, ReadTimeout: time.Second}), pause)
			e.flow(100)
			victim := e.owner(e.ctx)
			if err := e.cluster.SetNodeTimeout(e.ctx, time.Second); err != nil {
				t.Fatal(err)
			}
			d := e.hang(victim)
			if !e.await(time.Minute, func() bool { owner := e.owner(e.ctx); return owner != nil && owner != victim }) {
				t.Fatal("no replica took over")
			}
			t.Logf("a replica took over after %v", time.Since(d.from).Round(time.Millisecond))
			if err := e.cluster.SetNodeTimeout(e.ctx, time.Minute); err != nil {
				t.Fatal(err)
			}
			e.flow(100)
			for _, traffic := range e.traffics {
				slowest, errs, _ := traffic.since(d.from)
				t.Logf("%s: a call took up to %v; %d errors", traffic.name, slowest.Round(time.Millisecond), errs)
				least, most := 9*time.Second, 30*time.Second
				if traffic.name == hurried {
					least, most = time.Second, 9*time.Second
				}
				if slowest < least || slowest > most {
					t.Errorf("%s: a call took up to %v", traffic.name, slowest)
				}
			}
			var deaf []string
			for _, s := range e.servers {
				if s.at() == nil {
					deaf = append(deaf, s.name)
				}
			}
			if how.kind == "ssubscribe" && (len(deaf) != len(e.servers) || e.serversBack()) {
				t.Error("the servers are subscribed again: say so in docs/scaling.md")
			}
			e.flow(50)
			until := time.Now()
			if e.durable() {
				victim.Kill() // because of TestMasterRunsAgain
			} else if err := victim.Resume(); err != nil {
				t.Fatal(err)
			}
			e.recover(until)
			e.flow(100)
			t.Logf("while the master hung, for %v, deaf servers: %q", until.Sub(d.from).Round(time.Millisecond), deaf)
			e.finish("master hung", d)
		})
	}
}

// A master that hung and runs again first carries out what its connections brought meanwhile: it does not know yet that
// it has a successor. The id of such an entry is of that moment. A server that was waiting at it reads that entry, goes
// on from there, at the successor, and so never reads what was added to the stream in between.
func TestMasterRunsAgain(t *testing.T) {
	t.Parallel()
	ctx := withDeadline(t)
	cluster := startRedisCluster(t, 1, harness.RedisConfig{Args: []string{"--cluster-replica-validity-factor", "0"}})
	slot, err := cluster.Slot(ctx, "socket.io")
	if err != nil {
		t.Fatal(err)
	}
	master := cluster.Owner(ctx, slot)
	client := redis.NewClusterClient(&redis.ClusterOptions{
		Addrs: cluster.Addrs(), ReadTimeout: time.Second, ClusterStateReloadInterval: time.Second,
	})
	closeAtEnd(t, client)
	io := emitter.New(client, emitter.WithAdapter(emitter.Streams(emitter.StreamsOptions{})))
	// On this connection, the next command waits in a buffer of the kernel until the master runs again.
	if err := io.Emit(ctx, "first"); err != nil {
		t.Fatal(err)
	}
	read := make(chan *redis.XStreamSliceCmd, 1)
	reader := redis.NewClient(&redis.Options{Addr: master.Addr, ReadTimeout: -1, MaxRetries: -1})
	closeAtEnd(t, reader)
	go func() { read <- reader.XRead(ctx, &redis.XReadArgs{Streams: []string{"socket.io", "$"}, Block: 0}) }()
	for {
		list, err := master.Client().ClientList(ctx).Result()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(list, " cmd=xread ") {
			break
		}
		time.Sleep(3 * time.Millisecond)
	}
	if err := cluster.SetNodeTimeout(ctx, time.Second); err != nil {
		t.Fatal(err)
	}
	if err := master.Pause(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := master.Resume(); err != nil {
			t.Error(err)
		}
	})
	for i := range 5 {
		for io.Emit(ctx, "number", i) != nil { // until there is a successor
			if ctx.Err() != nil {
				t.Fatal(context.Cause(ctx))
			}
		}
	}
	successor := cluster.Owner(ctx, slot)
	if successor == nil || successor == master {
		t.Fatal("no replica took over")
	}
	added, err := successor.Client().XRange(ctx, "socket.io", "-", "+").Result()
	if err != nil || len(added) < 5 {
		t.Fatalf("%d entries, %v", len(added), err)
	}
	if err := master.Resume(); err != nil {
		t.Fatal(err)
	}
	got, err := (<-read).Result()
	if err != nil {
		t.Fatal(err)
	}
	rest, err := successor.Client().XRange(ctx, "socket.io", "("+got[0].Messages[0].ID, "+").Result()
	if err != nil || len(rest) > 0 {
		t.Errorf("the reader goes on with %d of %d entries, %v: say so in docs/scaling.md", len(rest), len(added), err)
	}
}
