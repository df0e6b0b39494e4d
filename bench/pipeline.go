package main

import (
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/plot"
)

// perPipeline is how many events a pipeline has.
const perPipeline = 1000

// oursPipelined sends n events in one round trip.
func (b *bench) oursPipelined(io *emitter.Emitter, n int) error {
	return b.pipelined(io, n, func(room *emitter.BroadcastOperator) error { return room.Emit(b.ctx, "order", anOrder) })
}

// oursToRoom has a target for each event, as most programs do. Inlined, what is
// in it would be compiled once more, and To not inlined there.
//
//go:noinline
func (b *bench) oursToRoom(io *emitter.Emitter, n int) error {
	return io.Pipelined(b.ctx, func(io *emitter.Emitter) error {
		for range n {
			if err := io.To("room1").Emit(b.ctx, "order", anOrder); err != nil {
				return err
			}
		}
		return nil
	})
}

// oursByPointer does not copy the order to the heap for each event.
func (b *bench) oursByPointer(io *emitter.Emitter, n int) error {
	return b.pipelined(io, n, func(room *emitter.BroadcastOperator) error { return room.Emit(b.ctx, "order", &anOrder) })
}

func (b *bench) pipelined(io *emitter.Emitter, n int, emit func(room *emitter.BroadcastOperator) error) error {
	return io.Pipelined(b.ctx, func(io *emitter.Emitter) error {
		room := io.To("room1")
		for range n {
			if err := emit(room); err != nil {
				return err
			}
		}
		return nil
	})
}

// barePipelined publishes ready-made bytes n times in one round trip.
func (b *bench) barePipelined(channel string, message []byte, n int) error {
	_, err := b.rdb.Pipelined(b.ctx, func(pipe redis.Pipeliner) error {
		for range n {
			pipe.Publish(b.ctx, channel, message)
		}
		return nil
	})
	return err
}

// pipeline measures many events from one sender.
func (b *bench) pipeline(r *report) error {
	b.say("pipelines")
	io := b.emitter(b.rdb)
	ours := func(n int) error { return b.oursPipelined(io, n) }
	toRoom := func(n int) error { return b.oursToRoom(io, n) }
	byPointer := func(n int) error { return b.oursByPointer(io, n) }
	bare := func(n int) error { return b.barePipelined(channel, b.message, n) }
	w := work{
		name: "pipeline", heading: "Events in a pipeline", one: "emit",
		note: "One sender, with " + plot.Thousands(perPipeline) + " events in a round trip; for JavaScript, the number that suits it best (%s). " +
			"\"Target kept\" means `room := io.To(\"room1\")` once for each pipeline. With `&order`, Go does not copy the struct to the heap, as it does when a value becomes an `any`. " +
			"go-redis and redis-benchmark publish ready bytes: they are the ceiling, not rivals.",
		entries: []entry{
			{name: "sioemit, Pipelined, target kept", ours: true, allocs: allocs(perPipeline, func() error { return ours(perPipeline) })},
			{name: "sioemit, Pipelined, io.To(room).Emit each time", ours: true, allocs: allocs(perPipeline, func() error { return toRoom(perPipeline) })},
			{name: "sioemit, Pipelined, &order", ours: true, allocs: allocs(perPipeline, func() error { return byPointer(perPipeline) })},
			{name: "go-redis pipeline of ready bytes", allocs: allocs(perPipeline, func() error { return bare(perPipeline) }), ceiling: true},
		},
	}
	contestants := []contestant{
		{name: "sioemit", run: batched(perPipeline, ours), unit: perPipeline},
		{name: "sioemit To", run: batched(perPipeline, toRoom), unit: perPipeline},
		{name: "sioemit &order", run: batched(perPipeline, byPointer), unit: perPipeline},
		{name: "go-redis", run: batched(perPipeline, bare), unit: perPipeline},
	}
	batches := ""
	for _, js := range []struct{ mode, short, name string }{
		{"node-redis", "node-redis", "JavaScript emitter on node-redis"},
		{"ioredis", "ioredis", "JavaScript emitter on ioredis"},
		{"ioredis-auto", "ioredis with enableAutoPipelining", "JavaScript emitter on ioredis, enableAutoPipelining"},
	} {
		node, err := b.startNode("emit.js", js.mode, key)
		if err != nil {
			return err
		}
		defer node.close()
		size, err := node.bestBatch(b)
		if err != nil {
			return fmt.Errorf("%s: %w", js.name, err)
		}
		batches += fmt.Sprintf(", %d on %s", size, js.short)
		contestants = append(contestants, contestant{name: js.name, run: node.run(size), unit: size})
		w.entries = append(w.entries, entry{name: js.name, allocs: -1})
	}
	w.note = fmt.Sprintf(w.note, batches[len(", "):])
	contestants = append(contestants, contestant{
		name: "redis-benchmark", run: b.redisBenchmark(1, perPipeline), unit: 20 * perPipeline, unchecked: true,
	})
	w.entries = append(w.entries, entry{name: fmt.Sprintf("redis-benchmark -c 1 -P %d PUBLISH", perPipeline), allocs: -1, ceiling: true})
	if err := b.fill(&w, 150*time.Millisecond, contestants); err != nil {
		return err
	}
	r.works = append(r.works, w)
	kept, to, ready, js := w.entries[0].timing, w.entries[1].timing, w.entries[3].timing, w.entries[4].timing
	r.bars = append(r.bars,
		atLeast("emits in a pipeline, target kept: rate, as a multiple of a go-redis pipeline of ready bytes", ready.over(kept), 0.85),
		atLeast("emits in a pipeline, `io.To(room).Emit` each time: rate, as a multiple of the same", ready.over(to), 0.75),
		atLeast("emits in a pipeline, `io.To(room).Emit` each time: rate, as a multiple of the JavaScript emitter on node-redis at its best", js.over(to), 6),
	)
	return nil
}
