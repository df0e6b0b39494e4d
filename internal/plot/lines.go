package plot

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
)

// Diagram is lines over two axes.
type Diagram struct {
	Title string
	Axis  string // what grows to the right
	Marks []Mark // on that axis, in order
	Lines []Line
	Log   bool // both axes are logarithmic; else they are linear, and the vertical one begins at 0
}

// Mark is a place on the horizontal axis.
type Mark struct {
	At    float64
	Label string
}

// Line has a value for each mark.
type Line struct {
	Name   string
	Values []float64
	Dashed bool // for what stands there to be compared with
}

// The frame of a diagram. Right of it is the room for the names of lines.
const (
	frameLeft, frameRight = 80.0, 500.0
	frameTop, frameBottom = 50.0, 330.0
	frameHeight           = 400
)

// Diagrams draws one diagram under the other.
func Diagrams(diagrams ...Diagram) string {
	var b strings.Builder
	var titles []string
	for _, d := range diagrams {
		titles = append(titles, d.Title)
	}
	open(&b, frameHeight*len(diagrams), strings.Join(titles, "; "))
	for i, d := range diagrams {
		d.draw(&b, float64(i*frameHeight))
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func (d *Diagram) draw(b *strings.Builder, y float64) {
	heading(b, y, d.Title)
	lowest, highest := math.Inf(1), math.Inf(-1)
	for _, l := range d.Lines {
		lowest, highest = min(lowest, slices.Min(l.Values)), max(highest, slices.Max(l.Values))
	}
	ticks := steps(highest)
	if d.Log {
		ticks = decades(lowest, highest)
	}
	horizontal := d.scale(d.Marks[0].At, d.Marks[len(d.Marks)-1].At)
	vertical := d.scale(ticks[0], ticks[len(ticks)-1])
	atX := func(v float64) float64 { return frameLeft + (frameRight-frameLeft)*horizontal(v) }
	atY := func(v float64) float64 { return y + frameBottom - (frameBottom-frameTop)*vertical(v) }

	for _, v := range ticks {
		fmt.Fprintf(b, `<line x1="%.0f" y1="%.1f" x2="%.0f" y2="%.1f" stroke="#dddddd"/>`, frameLeft, atY(v), frameRight, atY(v))
		fmt.Fprintf(b, `<text x="%.0f" y="%.1f" text-anchor="end" fill="#444444">%s</text>`+"\n", frameLeft-8, atY(v)+5, tick(v))
	}
	for _, m := range d.Marks {
		fmt.Fprintf(b, `<line x1="%.1f" y1="%.0f" x2="%.1f" y2="%.0f" stroke="#444444"/>`, atX(m.At), y+frameBottom, atX(m.At), y+frameBottom+5)
		fmt.Fprintf(b, `<text x="%.1f" y="%.0f" text-anchor="middle" fill="#444444">%s</text>`+"\n", atX(m.At), y+frameBottom+22, m.Label)
	}
	fmt.Fprintf(b, `<text x="%.0f" y="%.0f" text-anchor="middle" fill="#444444">%s</text>`+"\n", (frameLeft+frameRight)/2, y+frameBottom+48, d.Axis)

	// Names stand at the ends of the lines, and not upon each other.
	type label struct {
		name, color string
		y           float64
	}
	var labels []label
	for i, l := range d.Lines {
		var points []string
		end := 0.0
		for m, value := range l.Values {
			x := atX(d.Marks[m].At)
			end = atY(value)
			points = append(points, fmt.Sprintf("%.1f,%.1f", x, end))
			fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"/>`, x, end, colors[i])
		}
		dashes := ""
		if l.Dashed {
			dashes = ` stroke-dasharray="6 4"`
		}
		fmt.Fprintf(b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"%s/>`+"\n", strings.Join(points, " "), colors[i], dashes)
		labels = append(labels, label{l.Name, colors[i], end + 5})
	}
	slices.SortFunc(labels, func(a, b label) int { return int(math.Copysign(1, a.y-b.y)) })
	for i := len(labels) - 2; i >= 0; i-- {
		labels[i].y = min(labels[i].y, labels[i+1].y-17)
	}
	for _, l := range labels {
		fmt.Fprintf(b, `<text x="%.0f" y="%.1f" fill="%s">%s</text>`+"\n", frameRight+12, l.y, l.color, html.EscapeString(l.name))
	}
}

// scale says which part of the way from first to last a value is.
func (d *Diagram) scale(first, last float64) func(float64) float64 {
	way := func(v float64) float64 { return v }
	if d.Log {
		way = math.Log
	}
	length := way(last) - way(first)
	if length == 0 { // a single mark
		length = 1
	}
	return func(v float64) float64 { return (way(v) - way(first)) / length }
}

// steps returns four to eight equal steps from 0 to above highest, of a round length.
func steps(highest float64) []float64 {
	power := math.Pow(10, math.Floor(math.Log10(max(highest, 1))))
	step := power * 5
	for _, part := range []float64{0.2, 0.5, 1, 2} {
		if highest/(power*part) <= 8 {
			step = power * part
			break
		}
	}
	all := []float64{0}
	for v := 0.0; v < highest; {
		v += step
		all = append(all, v)
	}
	return all
}

// decades returns round numbers from below lowest to above highest: 1, 2, 5, 10 and so on, or only the powers of ten
// where those are many.
func decades(lowest, highest float64) []float64 {
	parts := []float64{1, 2, 5}
	if highest/lowest > 300 {
		parts = parts[:1]
	}
	var all []float64
	for power := math.Pow(10, math.Floor(math.Log10(lowest))); power <= 10*highest; power *= 10 {
		for _, part := range parts {
			all = append(all, power*part)
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
