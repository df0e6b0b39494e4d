package main

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// intro is the page when there is none yet.
//
//go:embed page.md
var intro string

// The figures stand between these, and people's words around them.
const (
	begin = "<!-- figures: written by make bench -->"
	end   = "<!-- end of the figures -->"
)

// write writes the page and its plots.
func (r *report) write(docs string) error {
	name := filepath.Join(docs, "performance.md")
	old, err := os.ReadFile(name)
	if os.IsNotExist(err) {
		old, err = []byte(intro+begin+"\n"+end+"\n"), nil
	}
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(old), begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		return fmt.Errorf("%s: it lacks the lines %q and %q", name, begin, end)
	}
	if err := os.WriteFile(name, []byte(before+begin+"\n\n"+r.figures()+end+after), 0o644); err != nil {
		return err
	}
	for _, g := range r.growths {
		if err := os.WriteFile(filepath.Join(docs, plotName(g.slug)), []byte(g.plot()), 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(docs, plotName("pipeline")), []byte(r.work("pipeline").plot()), 0o644)
}

func plotName(slug string) string { return "performance-" + slug + ".svg" }

// work finds a work by its name.
func (r *report) work(name string) *work {
	for i := range r.works {
		if r.works[i].name == name {
			return &r.works[i]
		}
	}
	panic("there is no work " + name)
}

// figures is the generated part of the page.
func (r *report) figures() string {
	var b strings.Builder
	if r.quick {
		fmt.Fprintf(&b, "**These figures come from `-quick`, a smoke test: they mean nothing.**\n\n")
	}
	fmt.Fprintf(&b, "Measured on %s\n\n", r.machine)
	fmt.Fprintf(&b, "Times are medians of %s. The contestants took turns, so that what else the machine did hit all alike; a ratio is "+
		"the median of the ratios of the rounds. The event is `order` with this argument, to one room, and nobody is "+
		"subscribed unless it says so:\n\n```json\n%s\n```\n\n", plural(r.rounds, "round"), orderJSON())
	fmt.Fprintf(&b, "Before they are measured, all who send this event send it once, and the bytes that arrive must be the same. "+
		"redis-benchmark sends as many letters x. The msgpack library writes the same values in longer forms. "+
		"Redis runs on the same machine and takes its share of the cores.\n\n")
	fmt.Fprintf(&b, "## What we promise\n\n")
	r.barTable().markdown(&b)
	fmt.Fprintf(&b, "## Where others are faster\n\n")
	if losses := r.losses(); len(losses.rows) > 0 {
		fmt.Fprintf(&b, "\"Ready bytes\" means that they only send: they encode nothing.\n\n")
		losses.markdown(&b)
	} else {
		fmt.Fprintf(&b, "Nowhere.\n\n")
	}
	for _, w := range r.works {
		fmt.Fprintf(&b, "## %s\n\n%s\n\n", w.heading, w.note)
		w.table().markdown(&b)
		if w.name == "pipeline" {
			fmt.Fprintf(&b, "![Emits a second in a pipeline](%s)\n\n", plotName(w.name))
		}
	}
	for _, g := range r.growths {
		fmt.Fprintf(&b, "## %s\n\n%s %s\n\n", g.heading, g.note, g.brackets())
		g.table().markdown(&b)
		fmt.Fprintf(&b, "![%s](%s)\n\n", g.heading, plotName(g.slug))
	}
	return b.String()
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
