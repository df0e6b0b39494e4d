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
	begin          = "<!-- figures: written by make bench -->"
	end            = "<!-- end of the figures -->"
	beginLanguages = "<!-- languages: written by make bench -->"
	endLanguages   = "<!-- end of the languages -->"
)

// write writes the page and its plots, or only what was measured.
func (r *report) write(docs string) error {
	name := filepath.Join(docs, "performance.md")
	old, err := os.ReadFile(name)
	page := string(old)
	if os.IsNotExist(err) {
		page, err = strings.Join([]string{intro + begin, end, "", "## Other languages", "", beginLanguages, endLanguages, ""}, "\n"), nil
	}
	if err == nil && r.works != nil {
		page, err = between(page, begin, end, r.figures())
	}
	if err == nil {
		page, err = between(page, beginLanguages, endLanguages, r.languageFigures())
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := os.WriteFile(name, []byte(page), 0o644); err != nil || r.works == nil {
		return err
	}
	for _, g := range r.growths {
		if err := os.WriteFile(filepath.Join(docs, plotName(g.slug)), []byte(g.plot()), 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(docs, plotName("pipeline")), []byte(r.work("pipeline").plot()), 0o644)
}

// between puts a text between two lines of a page.
func between(page, begin, end, text string) (string, error) {
	before, rest, found := strings.Cut(page, begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		return "", fmt.Errorf("it lacks the lines %q and %q", begin, end)
	}
	return before + begin + "\n\n" + text + end + after, nil
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
		fmt.Fprintf(&b, "%s\n\n", quickWarning)
	}
	fmt.Fprintf(&b, "Measured on %s; %s\n\n", r.date, r.machine)
	fmt.Fprintf(&b, "Times are medians of %s. The contestants take turns, so that other load on the machine affects them alike; a ratio is "+
		"the median of the rounds' ratios. The event is `order` with this argument, to one room. Nobody is subscribed, "+
		"unless a section says so:\n\n```json\n%s\n```\n\n", plural(r.rounds, "round"), orderJSON())
	fmt.Fprintf(&b, "Before the measurement, each contestant sends this event once, and the bytes that arrive must be the same, except "+
		"for two: redis-benchmark sends as many letters x, and the msgpack library writes the same values in longer forms. "+
		"Redis runs on the same machine and takes its share of the cores.\n\n")
	fmt.Fprintf(&b, "## What we promise\n\n")
	r.barTable().markdown(&b)
	fmt.Fprintf(&b, "## Where others are faster\n\n")
	if losses := r.losses(); len(losses.rows) > 0 {
		fmt.Fprintf(&b, "\"Ready bytes\" means that nothing is encoded, only sent.\n\n")
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

// languageFigures is the generated part about the other languages.
func (r *report) languageFigures() string {
	var b strings.Builder
	if r.quick {
		fmt.Fprintf(&b, "%s\n\n", quickWarning)
	}
	fmt.Fprintf(&b, "Measured on %s with `make -C sdk/LANGUAGE bench`. The event is the one above, to one room. These figures are CPU time of the "+
		"client, user and system. A rate says how many times as fast an emit is as what it is compared with, a time how many times as long it takes. "+
		"Each pair took turns in one run; the ratio is the median of the rounds. Ready bytes are what the Redis client alone costs: nothing is encoded.\n\n", r.date)
	r.languageTable().markdown(&b)
	return b.String()
}

const quickWarning = "**These figures come from `-quick`, a smoke test: they mean nothing.**"

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
