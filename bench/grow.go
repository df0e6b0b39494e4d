package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/plot"
)

// grow measures one point of every line.
func (b *bench) grow(g *growth, label string, at float64, target time.Duration, contestants []contestant) error {
	timings, err := b.contest(b.target(target), b.options.rounds, contestants)
	if err != nil {
		return fmt.Errorf("%s %s: %w", label, g.axis, err)
	}
	g.labels, g.at = append(g.labels, label), append(g.at, at)
	for i := range g.lines {
		g.lines[i].timings = append(g.lines[i].timings, timings[i])
	}
	return nil
}

// inPipeline returns how many messages of a size a pipeline should have: no
// more than a few MiB.
func inPipeline(size int) int { return min(max((4<<20)/size, 1), perPipeline) }

// text is an argument of any size.
type text struct {
	Text string `json:"text"`
}

// growPayload measures arguments of 64 bytes to 1 MiB.
func (b *bench) growPayload(r *report) error {
	g := growth{
		slug: "payload", heading: "64 bytes to 1 MiB of argument", axis: "bytes of argument",
		note: "The argument is an object with one string of ASCII letters. A pipeline holds at most 4 MiB.",
		lines: []line{
			{name: "sioemit, Pipelined", ours: true, against: 1},
			{name: "go-redis pipeline of ready bytes"},
			{name: "sioemit, encoding only", ours: true, against: 3},
			{name: "json.Marshal of the argument"},
		},
	}
	for _, size := range []struct {
		label string
		bytes int
	}{{"64", 64}, {"1 Ki", 1 << 10}, {"16 Ki", 16 << 10}, {"256 Ki", 256 << 10}, {"1 Mi", 1 << 20}} {
		b.say("%s bytes of argument", size.label)
		var argument any = text{strings.Repeat("abcdefgh", size.bytes/8)}
		args := []any{argument}
		broadcast := &encoding.Broadcast{Namespace: "/", Event: "text", Args: args, Rooms: []encoding.Room{"room1"}}
		message, err := encoding.Classic{}.Marshal(broadcast)
		if err != nil {
			return err
		}
		template, batch, io := encoding.Classic{}.Template(broadcast), inPipeline(size.bytes), b.emitter(b.rdb)
		ours := func(n int) error {
			return io.Pipelined(b.ctx, func(io *emitter.Emitter) error {
				room := io.To("room1")
				for range n {
					if err := room.Emit(b.ctx, "text", argument); err != nil {
						return err
					}
				}
				return nil
			})
		}
		bare := func(n int) error { return b.barePipelined(channel, message, n) }
		if err := b.grow(&g, size.label, float64(size.bytes), 60*time.Millisecond, []contestant{
			{name: "sioemit", run: batched(batch, ours), unit: batch, unchecked: true},
			{name: "go-redis", run: batched(batch, bare), unit: batch, unchecked: true},
			{name: "encoding", run: timed(func() error { _, err := template.Append(nil, "text", args); return err }), unchecked: true},
			{name: "json.Marshal", run: timed(func() error { _, err := json.Marshal(argument); return err }), unchecked: true},
		}); err != nil {
			return err
		}
	}
	r.growths = append(r.growths, g)
	return nil
}

// growRooms measures events to 1 to 10,000 rooms.
func (b *bench) growRooms(r *report) error {
	g := growth{
		slug: "rooms", heading: "1 to 10,000 rooms in one emit", axis: "rooms",
		note: "The order, to so many rooms. A pipeline holds at most 4 MiB. \"Target kept\" means `room := io.To(rooms...)` once " +
			"for each pipeline; \"new target\" means once for each emit.",
		lines: []line{
			{name: "sioemit, target kept", ours: true, against: 2},
			{name: "sioemit, new target each time", ours: true, against: 2},
			{name: "go-redis pipeline of ready bytes"},
		},
	}
	for _, count := range []int{1, 10, 100, 1000, 10000} {
		b.say("%d rooms", count)
		broadcast := aBroadcast()
		broadcast.Rooms = make([]encoding.Room, count)
		rooms := make([]string, count)
		for i := range rooms {
			rooms[i] = "room" + strconv.Itoa(i+1)
			broadcast.Rooms[i] = encoding.Room(rooms[i])
		}
		message, err := encoding.Classic{}.Marshal(broadcast)
		if err != nil {
			return err
		}
		to := channel
		if count > 1 {
			to = key + "#/#"
		}
		batch, io := inPipeline(len(message)), b.emitter(b.rdb)
		kept := func(n int) error {
			return io.Pipelined(b.ctx, func(io *emitter.Emitter) error {
				target := io.To(rooms...)
				for range n {
					if err := target.Emit(b.ctx, "order", anOrder); err != nil {
						return err
					}
				}
				return nil
			})
		}
		anew := func(n int) error {
			return io.Pipelined(b.ctx, func(io *emitter.Emitter) error {
				for range n {
					if err := io.To(rooms...).Emit(b.ctx, "order", anOrder); err != nil {
						return err
					}
				}
				return nil
			})
		}
		bare := func(n int) error { return b.barePipelined(to, message, n) }
		if err := b.grow(&g, plot.Thousands(count), float64(count), 60*time.Millisecond, []contestant{
			{name: "kept", run: batched(batch, kept), unit: batch, unchecked: true},
			{name: "new", run: batched(batch, anew), unit: batch, unchecked: true},
			{name: "go-redis", run: batched(batch, bare), unit: batch, unchecked: true},
		}); err != nil {
			return err
		}
	}
	r.growths = append(r.growths, g)
	return nil
}
