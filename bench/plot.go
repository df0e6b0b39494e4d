package main

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Colors that people with any eyesight can tell apart: ours first.
var colors = []string{"#0072b2", "#009e73", "#d55e00", "#7f7f7f", "#cc79a7", "#56b4e9"}

// The frame of a plot of lines. Right of it is the room for their names.
const (
	frameLeft, frameRight = 80.0, 500.0
	frameTop, frameBottom = 50.0, 330.0
)

// plot draws the lines over logarithmic axes.
func (g *growth) plot() string {
	var b strings.Builder
	unit, value := g.unit()
	title := fmt.Sprintf("%s: %s", g.heading, unit)
	openSVG(&b, 760, 400, title)

	lowest, highest := math.Inf(1), math.Inf(-1)
	for _, l := range g.lines {
		for _, t := range l.timings {
			lowest, highest = min(lowest, value(t)), max(highest, value(t))
		}
	}
	ticks := decades(lowest, highest)
	low, high := math.Log(ticks[0]), math.Log(ticks[len(ticks)-1])
	first, last := math.Log(g.at[0]), math.Log(g.at[len(g.at)-1])
	atX := func(v float64) float64 { return frameLeft + (frameRight-frameLeft)*(math.Log(v)-first)/(last-first) }
	atY := func(v float64) float64 {
		return frameBottom - (frameBottom-frameTop)*(math.Log(v)-low)/(high-low)
	}
	for _, v := range ticks {
		fmt.Fprintf(&b, `<line x1="%.0f" y1="%.1f" x2="%.0f" y2="%.1f" stroke="#dddddd"/>`, frameLeft, atY(v), frameRight, atY(v))
		fmt.Fprintf(&b, `<text x="%.0f" y="%.1f" text-anchor="end" fill="#444444">%s</text>`+"\n", frameLeft-8, atY(v)+5, tick(v))
	}
	for i, v := range g.at {
		fmt.Fprintf(&b, `<line x1="%.1f" y1="%.0f" x2="%.1f" y2="%.0f" stroke="#444444"/>`, atX(v), frameBottom, atX(v), frameBottom+5)
		fmt.Fprintf(&b, `<text x="%.1f" y="%.0f" text-anchor="middle" fill="#444444">%s</text>`+"\n", atX(v), frameBottom+22, g.labels[i])
	}
	fmt.Fprintf(&b, `<text x="%.0f" y="%.0f" text-anchor="middle" fill="#444444">%s</text>`+"\n", (frameLeft+frameRight)/2, frameBottom+48, g.axis)

	type label struct {
		name, color string
		y           float64
	}
	var labels []label
	for i, l := range g.lines {
		var points []string
		y := 0.0
		for point, t := range l.timings {
			x := atX(g.at[point])
			y = atY(value(t))
			points = append(points, fmt.Sprintf("%.1f,%.1f", x, y))
			fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"/>`, x, y, colors[i])
		}
		dashes := ` stroke-dasharray="6 4"`
		if l.ours {
			dashes = ""
		}
		fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"%s/>`+"\n", strings.Join(points, " "), colors[i], dashes)
		labels = append(labels, label{l.name, colors[i], y + 5})
	}
	// Names stand at the ends of the lines, and not upon each other.
	slices.SortFunc(labels, func(a, b label) int { return int(math.Copysign(1, a.y-b.y)) })
	for i := len(labels) - 2; i >= 0; i-- {
		labels[i].y = min(labels[i].y, labels[i+1].y-17)
	}
	for _, l := range labels {
		fmt.Fprintf(&b, `<text x="%.0f" y="%.1f" fill="%s">%s</text>`+"\n", frameRight+12, l.y, l.color, html.EscapeString(l.name))
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// unit says what the vertical axis shows, and how to get there.
func (g *growth) unit() (string, func(timing) float64) {
	if g.rates {
		return "emits a second", func(t timing) float64 { return 1e9 / t.median() }
	}
	return "microseconds for one", func(t timing) float64 { return t.median() / 1e3 }
}

// decades returns round numbers from below lowest to above highest: 1, 2, 5,
// 10 and so on, or only the powers of ten where those are many.
func decades(lowest, highest float64) []float64 {
	steps := []float64{1, 2, 5}
	if highest/lowest > 300 {
		steps = steps[:1]
	}
	var all []float64
	for power := math.Pow(10, math.Floor(math.Log10(lowest))); power <= 10*highest; power *= 10 {
		for _, step := range steps {
			all = append(all, power*step)
		}
	}
	from, to := 0, len(all)-1
	for from+1 < to && all[from+1] <= lowest {
		from++
	}
	for to-1 > from && all[to-1] >= highest {
		to--
	}
	return all[from : to+1]
}

// tick writes a number of decades.
func tick(v float64) string {
	if v < 1 {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	return figure(v)
}

// plot draws the rates of a work as bars.
func (w *work) plot() string {
	var b strings.Builder
	const (
		left, right = 380.0, 670.0
		row         = 34.0
	)
	openSVG(&b, 760, int(70+row*float64(len(w.entries))), fmt.Sprintf("%s: %ss a second", w.heading, w.one))
	fastest := 0.0
	for _, e := range w.entries {
		fastest = max(fastest, 1e9/e.timing.median())
	}
	for i, e := range w.entries {
		rate, y := 1e9/e.timing.median(), 50+row*float64(i)
		color := colors[3]
		if e.ours {
			color = colors[0]
		}
		width := (right - left) * rate / fastest
		fmt.Fprintf(&b, `<text x="%.0f" y="%.1f" text-anchor="end" fill="#222222">%s</text>`, left-10, y+17, html.EscapeString(e.name))
		fmt.Fprintf(&b, `<rect x="%.0f" y="%.1f" width="%.1f" height="24" fill="%s"/>`, left, y, width, color)
		fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" fill="#222222">%s</text>`+"\n", left+width+8, y+17, figure(rate))
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// openSVG begins a picture on white, which is readable on a dark page too.
func openSVG(b *strings.Builder, width, height int, title string) {
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13" role="img">`+"\n", width, height)
	fmt.Fprintf(b, "<title>%s</title>\n", html.EscapeString(title))
	fmt.Fprintf(b, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", width, height)
	fmt.Fprintf(b, `<text x="30" y="28" font-size="15" font-weight="bold" fill="#222222">%s</text>`+"\n", html.EscapeString(title))
}
