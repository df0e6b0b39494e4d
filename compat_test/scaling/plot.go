package main

import (
	"slices"
	"strconv"

	"github.com/sioemit/sioemit/internal/plot"
)

// draw shows over the number of nodes what one emit costs all nodes together: CPU time, and bytes. Clusters with
// replicas are left to the table.
func draw(results []result) string {
	results = slices.DeleteFunc(slices.Clone(results), func(r result) bool { return r.size.replicas > 0 })
	diagram := func(title string, value func(result) float64) plot.Diagram {
		d := plot.Diagram{Title: title, Axis: "nodes of the Redis Cluster"}
		for _, a := range adapters {
			d.Lines = append(d.Lines, plot.Line{Name: a.name})
		}
		for _, r := range results {
			at := float64(r.size.nodes())
			if !slices.ContainsFunc(d.Marks, func(m plot.Mark) bool { return m.At == at }) {
				d.Marks = append(d.Marks, plot.Mark{At: at, Label: strconv.Itoa(r.size.nodes())})
			}
			i := slices.IndexFunc(d.Lines, func(l plot.Line) bool { return l.Name == r.adapter })
			d.Lines[i].Values = append(d.Lines[i].Values, value(r))
		}
		return d
	}
	return plot.Diagrams(
		diagram("CPU time of all Redis nodes for one Emit (µs)", func(r result) float64 { return r.cpu }),
		diagram("Bytes written by all Redis nodes for one Emit", func(r result) float64 { return r.written }),
	)
}
