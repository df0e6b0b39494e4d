// Package plot draws figures for the documentation, as SVG: lines over two axes, and bars. What measures is
// elsewhere: go run ./compat_test/scaling and make bench.
package plot

import (
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
)

// Colors that people with any eyesight can tell apart: ours first.
var colors = []string{"#0072b2", "#009e73", "#d55e00", "#7f7f7f", "#cc79a7", "#56b4e9"}

// width is that of every picture.
const width = 760

// open begins a picture on white, which is readable on a dark page too.
func open(b *strings.Builder, height int, title string) {
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13" role="img">`+"\n", width, height)
	fmt.Fprintf(b, "<title>%s</title>\n", html.EscapeString(title))
	fmt.Fprintf(b, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", width, height)
}

func heading(b *strings.Builder, y float64, text string) {
	fmt.Fprintf(b, `<text x="30" y="%.0f" font-size="15" font-weight="bold" fill="#222222">%s</text>`+"\n", y+28, html.EscapeString(text))
}

// Thousands writes an integer with commas.
func Thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// tick writes a number at an axis.
func tick(v float64) string {
	if v != math.Trunc(v) {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	return Thousands(int(v))
}
