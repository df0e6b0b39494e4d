package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"time"
)

// once measures one event from a shell: a process that starts, connects, sends
// and ends.
func (b *bench) once(r *report) error {
	b.say("one event from a shell")
	w := work{
		name: "once", heading: "One event from a shell", one: "run",
		note: "A process starts, connects, sends and ends. `redis-cli` sends ready bytes. `sioemit emit` also asks how many " +
			"servers listen.",
	}
	var contestants []contestant
	for _, c := range []struct {
		name    string
		command func() *exec.Cmd
	}{
		{"sioemit emit", func() *exec.Cmd {
			return exec.CommandContext(b.ctx, b.sioemit, "--redis", b.url, "--key", key, "emit", "--room", "room1", "order", orderJSON())
		}},
		{"redis-cli PUBLISH of ready bytes", func() *exec.Cmd {
			return exec.CommandContext(b.ctx, "redis-cli", "-u", b.url, "PUBLISH", channel, string(b.message))
		}},
		{"a Node.js script with the official emitter", func() *exec.Cmd { return b.nodeCommand("once.js", key, orderJSON()) }},
	} {
		contestants = append(contestants, contestant{name: c.name, run: timed(func() error {
			cmd := c.command()
			var output bytes.Buffer
			cmd.Stdout, cmd.Stderr = &output, &output
			if err := cmd.Run(); err != nil {
				return fmt.Errorf("%w\n%s", err, output.Bytes())
			}
			return nil
		})})
		w.entries = append(w.entries, entry{name: c.name, ours: len(w.entries) == 0, ceiling: len(w.entries) == 1, allocs: -1})
	}
	if err := b.fill(&w, 200*time.Millisecond, contestants); err != nil {
		return err
	}
	r.works = append(r.works, w)
	r.bars = append(r.bars, atMost("one `sioemit emit`: time, as a multiple of redis-cli PUBLISH",
		w.entries[0].timing.over(w.entries[1].timing), 1.5))
	return nil
}
