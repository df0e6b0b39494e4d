package main

import (
	"fmt"
	"html"
	"strings"
)

// What a character and a line take up, in the units of the picture, and how many characters a line holds.
const (
	characterWidth = 8.4
	lineHeight     = 20
	columns        = 96
	margin         = 20
	titleBar       = 34
)

// The pace of someone who types, and reads: how long before the output of a command appears, and before the next
// command does, in seconds.
const (
	typing  = 0.9
	reading = 2.2
)

// draw shows the screens from top to bottom, each at its time. Who wants no motion, and what draws none, sees all of
// them at once.
func draw(screens []screen) string {
	var text, lines strings.Builder
	y, at := float64(titleBar+margin), 0.3
	line := func(class, line string) {
		fmt.Fprintf(&lines, `<text class="%s" x="%d" y="%.0f" style="animation-delay:%.1fs" xml:space="preserve">%s</text>`+"\n", class, margin, y, at, html.EscapeString(line))
		y += lineHeight
	}
	for _, s := range screens {
		for _, part := range wrap("$ " + s.command) {
			line("command", part)
		}
		at += typing
		for printed := range strings.Lines(s.printed) {
			for _, part := range wrap(strings.TrimSuffix(printed, "\n")) {
				line("output", part)
			}
		}
		y += lineHeight / 2
		at += reading
		text.WriteString("$ " + s.command + "\n" + s.printed)
	}
	width, height := columns*characterWidth+2*margin, y
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" role="img" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14">
<title>sioemit in a terminal</title>
<desc>%s</desc>
<style>
text { fill: #d5d9e0; }
.command { fill: #ffffff; font-weight: bold; }
@media (prefers-reduced-motion: no-preference) { .command, .output { animation: appear 1ms both; } }
@keyframes appear { from { opacity: 0; } }
</style>
<rect width="100%%" height="100%%" rx="8" fill="#1d2129"/>
<g fill="#4a5160"><circle cx="22" cy="18" r="6"/><circle cx="42" cy="18" r="6"/><circle cx="62" cy="18" r="6"/></g>
%s</svg>
`, width, height, html.EscapeString(text.String()), lines.String())
}

// wrap breaks a line where the terminal would.
func wrap(line string) []string {
	var parts []string
	characters := []rune(line)
	for len(characters) > columns {
		parts = append(parts, string(characters[:columns]))
		characters = characters[columns:]
	}
	return append(parts, string(characters))
}
