package plot

import (
	"fmt"
	"html"
	"strings"
)

// Bar is one of those that are compared.
type Bar struct {
	Name  string
	Value float64
	Text  string // the value, as people read it
	Ours  bool
}

// Bars draws one bar under the other; the longest is that of the highest value.
func Bars(title string, bars []Bar) string {
	var b strings.Builder
	const (
		left, right = 380.0, 670.0
		row         = 34.0
	)
	open(&b, int(70+row*float64(len(bars))), title)
	heading(&b, 0, title)
	highest := 0.0
	for _, bar := range bars {
		highest = max(highest, bar.Value)
	}
	for i, bar := range bars {
		y, color := 50+row*float64(i), colors[3]
		if bar.Ours {
			color = colors[0]
		}
		length := (right - left) * bar.Value / highest
		fmt.Fprintf(&b, `<text x="%.0f" y="%.1f" text-anchor="end" fill="#222222">%s</text>`, left-10, y+17, html.EscapeString(bar.Name))
		fmt.Fprintf(&b, `<rect x="%.0f" y="%.1f" width="%.1f" height="24" fill="%s"/>`, left, y, length, color)
		fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" fill="#222222">%s</text>`+"\n", left+length+8, y+17, bar.Text)
	}
	b.WriteString("</svg>\n")
	return b.String()
}
