package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// plot draws two diagrams over the number of nodes, one under the other: the CPU time and the bytes that one emit
// costs all nodes together. Clusters with replicas are left to the table.
func plot(results []result) string {
	var b strings.Builder
	b.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 720" font-family="sans-serif" font-size="14">` + "\n")
	b.WriteString(`<rect width="640" height="720" fill="#ffffff"/>` + "\n")
	diagram(&b, 0, "CPU time of all Redis nodes for one Emit (µs)", results, func(r result) float64 { return r.cpu })
	diagram(&b, 360, "Bytes written by all Redis nodes for one Emit", results, func(r result) float64 { return r.written })
	b.WriteString("</svg>\n")
	return b.String()
}

var colors = map[string]string{"classic": "#c0392b", "sharded": "#1f618d", "streams": "#1e8449"}

// The frame of a diagram.
const (
	left, right = 70.0, 530.0
	top, bottom = 50.0, 300.0
)

func diagram(b *strings.Builder, y float64, title string, results []result, value func(result) float64) {
	results = slices.DeleteFunc(slices.Clone(results), func(r result) bool { return r.size.replicas > 0 })
	widest, highest := 1, 0.0
	for _, r := range results {
		widest, highest = max(widest, r.size.nodes()), max(highest, value(r))
	}
	step := tick(highest)
	highest = step * math.Ceil(highest/step)
	atX := func(nodes int) float64 { return left + (right-left)*float64(nodes-1)/float64(max(1, widest-1)) }
	atY := func(v float64) float64 { return y + bottom - (bottom-top)*v/highest }

	fmt.Fprintf(b, `<text x="%.0f" y="%.0f" font-weight="bold" fill="#222222">%s</text>`+"\n", left-50, y+26, title)
	for v := 0.0; v <= highest+step/2; v += step {
		fmt.Fprintf(b, `<line x1="%.0f" y1="%.1f" x2="%.0f" y2="%.1f" stroke="#dddddd"/>`, left, atY(v), right, atY(v))
		fmt.Fprintf(b, `<text x="%.0f" y="%.1f" text-anchor="end" fill="#444444">%.0f</text>`+"\n", left-8, atY(v)+5, v)
	}
	seen := make(map[int]bool)
	for _, r := range results {
		if n := r.size.nodes(); !seen[n] {
			seen[n] = true
			fmt.Fprintf(b, `<text x="%.1f" y="%.0f" text-anchor="middle" fill="#444444">%d</text>`+"\n", atX(n), y+bottom+20, n)
		}
	}
	fmt.Fprintf(b, `<text x="%.0f" y="%.0f" text-anchor="middle" fill="#444444">nodes of the Redis Cluster</text>`+"\n", (left+right)/2, y+bottom+42)

	// Names stand at the ends of the lines, and not upon each other.
	type label struct {
		name string
		y    float64
	}
	var labels []label
	for _, a := range adapters {
		var points []string
		var last float64
		for _, r := range results {
			if r.adapter == a.name {
				last = atY(value(r))
				points = append(points, fmt.Sprintf("%.1f,%.1f", atX(r.size.nodes()), last))
				fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="4" fill="%s"/>`+"\n", atX(r.size.nodes()), last, colors[a.name])
			}
		}
		fmt.Fprintf(b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", strings.Join(points, " "), colors[a.name])
		labels = append(labels, label{a.name, last + 5})
	}
	slices.SortFunc(labels, func(a, b label) int { return int(a.y - b.y) })
	for i := len(labels) - 2; i >= 0; i-- {
		labels[i].y = min(labels[i].y, labels[i+1].y-16)
	}
	for _, l := range labels {
		fmt.Fprintf(b, `<text x="%.0f" y="%.1f" fill="%s">%s</text>`+"\n", right+12, l.y, colors[l.name], l.name)
	}
}

// tick is a round distance that divides the axis into four to eight parts.
func tick(highest float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(max(highest, 1))))
	for _, part := range []float64{0.2, 0.5, 1, 2} {
		if highest/(power*part) <= 8 {
			return power * part
		}
	}
	return power * 5
}
