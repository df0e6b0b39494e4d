package main

import (
	"cmp"
	"encoding/json"
	"testing"
	"time"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/protocol"
)

// encoding measures what it costs to encode the event, in no pipeline and to
// no Redis.
func (b *bench) encoding(r *report) error {
	b.say("encoding")
	node, err := b.startNode("emit.js", "encode", key)
	if err != nil {
		return err
	}
	defer node.close()
	if err := checkEncoders(b, node); err != nil {
		return err
	}

	// The order is in an interface already, for everyone: that conversion is
	// the caller's.
	var argument any = anOrder
	args := []any{argument}
	broadcast := aBroadcast()
	template, sharded := encoding.Classic{}.Template(broadcast), encoding.Sharded{}.Template(broadcast)
	encoders := []struct {
		name string
		ours bool
		once func() error
	}{
		{"sioemit, target kept", true, func() error { _, err := template.Append(nil, "order", args); return err }},
		{"sioemit, target encoded each time", true, func() error { _, err := encoding.Classic{}.Marshal(broadcast); return err }},
		{"sioemit, target kept, sharded adapter", true, func() error { _, err := sharded.Append(nil, "order", args); return err }},
		{"json.Marshal of the argument alone", false, func() error { _, err := json.Marshal(argument); return err }},
		{"msgpack library, used naively", false, func() error { _, err := naiveMessage(argument); return err }},
	}
	w := work{
		name: "encode", heading: "Encoding one event", one: "event",
		note: "The whole message, in memory only. The classic adapter reads MessagePack; the sharded and streams adapters read JSON. The JavaScript encoder is `notepack.io`, which the official emitter uses.",
	}
	var contestants []contestant
	for _, e := range encoders {
		contestants = append(contestants, contestant{name: e.name, run: timed(e.once), unit: 100, unchecked: true})
		w.entries = append(w.entries, entry{name: e.name, ours: e.ours, allocs: allocs(1, e.once)})
	}
	contestants = append(contestants, contestant{name: "JavaScript emitter's encoder", run: node.run(0), unit: 1000, unchecked: true})
	w.entries = append(w.entries, entry{name: "JavaScript emitter's encoder", allocs: -1})
	if err := b.fill(&w, 60*time.Millisecond, contestants); err != nil {
		return err
	}
	r.works = append(r.works, w)
	ours, marshal := w.entries[0], w.entries[3]
	r.bars = append(r.bars,
		atMost("encode an event: time, as a multiple of json.Marshal of its argument", ours.timing.over(marshal.timing), 1),
		atMost("encode an event: allocations", timing{ours.allocs}, 1),
	)
	return nil
}

// checkEncoders has everyone encode the event once.
func checkEncoders(b *bench, node *node) error {
	answer, err := node.ask(1, 0)
	if err != nil {
		return err
	}
	if err := compare(answer.Message, b.message); err != nil {
		return err
	}
	naive, err := naiveMessage(anOrder)
	if err != nil {
		return err
	}
	// The library writes other forms of the same values, in no certain order.
	decoded, err := protocol.Unmarshal(naive)
	if err != nil {
		return err
	}
	again, err := encoding.Classic{}.Marshal(&decoded.Broadcast)
	if err != nil {
		return err
	}
	want, err := protocol.Unmarshal(b.message)
	if err != nil {
		return err
	}
	wanted, err := encoding.Classic{}.Marshal(&want.Broadcast)
	if err != nil {
		return err
	}
	return compare(append([]byte(decoded.UID), again...), append([]byte(want.UID), wanted...))
}

// allocs counts the allocations of one piece of work, where once does so many.
func allocs(pieces int, once func() error) float64 {
	return testing.AllocsPerRun(100, func() { _ = once() }) / float64(pieces)
}

// fill has the contestants of a work measured, one per entry.
func (b *bench) fill(w *work, target time.Duration, contestants []contestant) error {
	timings, err := b.contest(b.target(target), cmp.Or(w.rounds, b.options.rounds), contestants)
	if err != nil {
		return err
	}
	for i := range w.entries {
		w.entries[i].timing = timings[i]
	}
	return nil
}
