package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// table is rows of cells under a head.
type table struct {
	head []string
	rows [][]string
}

// markdown writes the table for the page.
func (t table) markdown(w io.Writer) {
	fmt.Fprintf(w, "| %s |\n|%s\n", strings.Join(t.head, " | "), strings.Repeat("---|", len(t.head)))
	for _, row := range t.rows {
		fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | "))
	}
	fmt.Fprintln(w)
}

// text writes the table for a terminal.
func (t table) text(w io.Writer) {
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{t.head}, t.rows...) {
		fmt.Fprintln(tab, plain(strings.Join(row, "\t")))
	}
	tab.Flush()
	fmt.Fprintln(w)
}

func (r *report) barTable() table {
	t := table{head: []string{"bar", "limit", "measured (lowest to highest)", "met"}}
	for _, b := range r.bars {
		t.rows = append(t.rows, []string{b.what, b.limit, b.measured, b.verdict()})
	}
	return t
}

func (w *work) table() table {
	first := w.best()
	allocs, memory := false, false
	for _, e := range w.entries {
		allocs, memory = allocs || e.allocs >= 0, memory || e.memory > 0
	}
	t := table{head: []string{"who", "one " + w.one, w.one + "s a second"}}
	if allocs {
		t.head = append(t.head, "allocations")
	}
	if memory {
		t.head = append(t.head, "peak memory")
	}
	if !w.roundTrip {
		t.head = append(t.head, first.name+" is")
	}
	for i, e := range w.entries {
		median := e.timing.median()
		row := []string{e.name, duration(median), figure(1e9 / median)}
		if allocs {
			row = append(row, orNothing(e.allocs >= 0, figure(e.allocs)))
		}
		if memory {
			row = append(row, orNothing(e.memory > 0, figure(float64(e.memory)/1024)+" MiB"))
		}
		if !w.roundTrip {
			row = append(row, orNothing(i > 0, verdict(e.timing.over(first.timing).median())))
		}
		t.rows = append(t.rows, row)
	}
	return t
}

func (g *growth) table() table {
	t := table{head: []string{g.axis}}
	for _, l := range g.lines {
		t.head = append(t.head, l.name)
	}
	for point, label := range g.labels {
		row := []string{label}
		for _, l := range g.lines {
			median := l.timings[point].median()
			cell := duration(median)
			if g.rates {
				cell = figure(1e9/median) + "/s"
			}
			if l.ours {
				cell += fmt.Sprintf(" (%s ×)", figure(g.ratio(l, point)))
			}
			row = append(row, cell)
		}
		t.rows = append(t.rows, row)
	}
	return t
}

// brackets says what the numbers in brackets are.
func (g *growth) brackets() string {
	var pairs []string
	for _, l := range g.lines {
		if l.ours {
			pairs = append(pairs, fmt.Sprintf("\"%s\" beside \"%s\"", l.name, g.lines[l.against].name))
		}
	}
	return "In brackets, how many times as fast it is: " + strings.Join(pairs, "; ") + "."
}

// ratio is how many times as fast a line of ours is as the one that it is
// measured against.
func (g *growth) ratio(l line, point int) float64 {
	return g.lines[l.against].timings[point].over(l.timings[point]).median()
}

// losses lists where somebody is faster than we are.
func (r *report) losses() table {
	t := table{head: []string{"where", "who is faster", "sioemit is"}}
	for _, w := range r.works {
		if w.roundTrip {
			continue
		}
		for _, e := range w.entries[1:] {
			if ratio := e.timing.over(w.best().timing).median(); !e.ours && ratio < 0.995 {
				t.rows = append(t.rows, []string{w.heading, e.name, verdict(ratio)})
			}
		}
	}
	for _, g := range r.growths {
		for _, l := range g.lines {
			if !l.ours {
				continue
			}
			worst, at := 1.0, ""
			for point, label := range g.labels {
				if ratio := g.ratio(l, point); ratio < worst {
					worst, at = ratio, label
				}
			}
			if worst < 0.995 {
				t.rows = append(t.rows, []string{
					fmt.Sprintf("%s, %s; worst at %s %s", g.heading, strings.TrimPrefix(l.name, "sioemit, "), at, g.axis),
					g.lines[l.against].name, verdict(worst),
				})
			}
		}
	}
	return t
}

func orNothing(ok bool, text string) string {
	if !ok {
		return ""
	}
	return text
}

// print writes everything to a terminal.
func (r *report) print(w io.Writer) {
	r.languageTable().text(w)
	if r.works == nil {
		return
	}
	fmt.Fprintf(w, "%s; %s\n", r.date, r.machine)
	fmt.Fprintln(w)
	for _, work := range r.works {
		fmt.Fprintln(w, work.heading)
		work.table().text(w)
	}
	for _, g := range r.growths {
		fmt.Fprintf(w, "%s. %s\n", g.heading, g.brackets())
		g.table().text(w)
	}
	fmt.Fprintln(w, "Where others are faster")
	r.losses().text(w)
	r.barTable().text(w)
}
