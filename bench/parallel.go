package main

import (
	"fmt"
	"time"

	"github.com/sioemit/sioemit/internal/plot"
)

// senders are those who are compared with many goroutines.
func (b *bench) senders() (names []string, once []func() error) {
	room, autoRoom := b.emitter(b.rdb).To("room1"), b.emitter(b.auto).To("room1")
	return []string{"sioemit on Client", "sioemit on AutoPipeline", "go-redis Client, ready bytes", "go-redis AutoPipeline, ready bytes"},
		[]func() error{
			func() error { return room.Emit(b.ctx, "order", anOrder) },
			func() error { return autoRoom.Emit(b.ctx, "order", anOrder) },
			func() error { return b.rdb.Publish(b.ctx, channel, b.message).Err() },
			func() error { return b.auto.Publish(b.ctx, channel, b.message).Err() },
		}
}

// manyGoroutines is how many share a Client in the table.
const manyGoroutines = 100

// parallel measures many goroutines that emit one event after the other.
func (b *bench) parallel(r *report) error {
	b.say("%d goroutines", manyGoroutines)
	names, once := b.senders()
	w := work{
		name: "parallel", heading: fmt.Sprintf("%d goroutines", manyGoroutines), one: "emit",
		note: "Each emits one event after the other and waits for the answer. go-redis's `client.AutoPipeline()` joins what they " +
			"send at the same time.",
	}
	var contestants []contestant
	for _, i := range []int{1, 0, 3, 2} {
		contestants = append(contestants, contestant{name: names[i], run: together(manyGoroutines, once[i]), unit: manyGoroutines})
		w.entries = append(w.entries, entry{name: names[i], ours: i < 2, ceiling: i >= 2, allocs: -1})
	}
	contestants = append(contestants, contestant{
		name: "redis-benchmark", run: b.redisBenchmark(manyGoroutines, 1), unit: 1000, unchecked: true,
	})
	w.entries = append(w.entries, entry{name: fmt.Sprintf("redis-benchmark -c %d PUBLISH", manyGoroutines), ceiling: true, allocs: -1})
	if err := b.fill(&w, 100*time.Millisecond, contestants); err != nil {
		return err
	}
	r.works = append(r.works, w)
	return nil
}

// growGoroutines measures the same with 1 to 1,000 goroutines.
func (b *bench) growGoroutines(r *report) error {
	names, once := b.senders()
	g := growth{
		slug: "goroutines", heading: "1 to 1,000 goroutines", axis: "goroutines", rates: true,
		note: "Emits a second, of all goroutines together. With few goroutines, the round trip to Redis decides, as above: a ratio near 1 is noise, on either side.",
	}
	for i, name := range names {
		g.lines = append(g.lines, line{name: name, ours: i < 2, against: i + 2})
	}
	for _, goroutines := range []int{1, 3, 10, 30, 100, 300, 1000} {
		b.say("%d goroutines", goroutines)
		var contestants []contestant
		for i := range names {
			contestants = append(contestants, contestant{name: names[i], run: together(goroutines, once[i]), unit: goroutines})
		}
		if err := b.grow(&g, plot.Thousands(goroutines), float64(goroutines), 60*time.Millisecond, contestants); err != nil {
			return err
		}
	}
	r.growths = append(r.growths, g)
	return nil
}
