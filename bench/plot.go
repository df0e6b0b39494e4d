package main

import (
	"fmt"

	"github.com/sioemit/sioemit/internal/plot"
)

// plot draws the lines over logarithmic axes.
func (g *growth) plot() string {
	unit, value := "microseconds for one", func(t timing) float64 { return t.median() / 1e3 }
	if g.rates {
		unit, value = "emits a second", func(t timing) float64 { return 1e9 / t.median() }
	}
	d := plot.Diagram{Title: fmt.Sprintf("%s: %s", g.heading, unit), Axis: g.axis, Log: true}
	for i, at := range g.at {
		d.Marks = append(d.Marks, plot.Mark{At: at, Label: g.labels[i]})
	}
	for _, l := range g.lines {
		drawn := plot.Line{Name: l.name, Dashed: !l.ours}
		for _, t := range l.timings {
			drawn.Values = append(drawn.Values, value(t))
		}
		d.Lines = append(d.Lines, drawn)
	}
	return plot.Diagrams(d)
}

// plot draws the rates of a work as bars.
func (w *work) plot() string {
	var bars []plot.Bar
	for _, e := range w.entries {
		rate := 1e9 / e.timing.median()
		bars = append(bars, plot.Bar{Name: e.name, Value: rate, Text: figure(rate), Ours: e.ours})
	}
	return plot.Bars(fmt.Sprintf("%s: %ss a second", w.heading, w.one), bars)
}
