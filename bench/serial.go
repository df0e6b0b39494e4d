package main

import "time"

// serial measures one event after the other, each with its round trip.
func (b *bench) serial(r *report) error {
	b.say("one after the other")
	room := b.emitter(b.rdb).To("room1")
	autoRoom := b.emitter(b.auto).To("room1")
	w := work{
		name: "serial", heading: "One event after the other", one: "emit", roundTrip: true,
		note: "One goroutine, which waits for Redis to answer each event. The round trip decides: what a sender does itself is about a hundredth of it. So there are no ratios here: which row is ahead changes from run to run.",
	}
	senders := []struct {
		name    string
		ours    bool
		ceiling bool
		once    func() error
	}{
		{"sioemit on Client", true, false, func() error { return room.Emit(b.ctx, "order", anOrder) }},
		{"sioemit on AutoPipeline", true, false, func() error { return autoRoom.Emit(b.ctx, "order", anOrder) }},
		{"go-redis PUBLISH of ready bytes", false, true, func() error { return b.rdb.Publish(b.ctx, channel, b.message).Err() }},
	}
	var contestants []contestant
	for _, s := range senders {
		contestants = append(contestants, contestant{name: s.name, run: timed(s.once)})
		w.entries = append(w.entries, entry{name: s.name, ours: s.ours, ceiling: s.ceiling, allocs: allocs(1, s.once)})
	}
	contestants = append(contestants, contestant{name: "redis-benchmark", run: b.redisBenchmark(1, 1), unit: 500, unchecked: true})
	w.entries = append(w.entries, entry{name: "redis-benchmark -c 1 PUBLISH", ceiling: true, allocs: -1})
	if err := b.fill(&w, 100*time.Millisecond, contestants); err != nil {
		return err
	}
	r.works = append(r.works, w)
	return nil
}
