package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// lineWidth is that of the narrowest terminal to be reckoned with. Text is
// wrapped there on wider ones too, and in files: long lines read badly.
const lineWidth = 80

// colours are those of the statuses, as terminals know them.
var colours = map[status]string{fine: "\x1b[32m", warning: "\x1b[33m", failure: "\x1b[31m"}

// coloured reports whether w shows colours and the user wants them: see
// no-color.org.
func coloured(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(file.Fd()))
}

// render prints one finding after the other, the status in front and the advice
// below, and at the end all flags together.
func (d *diagnosis) render(w io.Writer, colour bool) error {
	var b strings.Builder
	const column = "         " // as wide as the longest status, and a gap
	for _, f := range d.findings {
		label := string(f.Status)
		if colour {
			label = colours[f.Status] + label + "\x1b[0m"
		}
		b.WriteString(label + column[len(f.Status):])
		b.WriteString(wrap(printable(f.Text), column) + "\n")
		if f.Advice != "" {
			b.WriteString(column + "> " + wrap(printable(f.Advice), column+"  ") + "\n")
		}
	}
	flags, remove := d.flags(), d.remove()
	if len(flags)+len(remove) > 0 {
		b.WriteByte('\n')
	}
	if len(remove) > 0 {
		fmt.Fprintf(&b, "Flags to leave out: %s\n", strings.Join(remove, " "))
	}
	if len(flags) > 0 {
		fmt.Fprintf(&b, "Flags to add: %s\n", printable(shellWords(flags)))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// wrap breaks text at its spaces where a line that begins behind indent would
// become too long. A word is never broken, so that it can be copied.
func wrap(text, indent string) string {
	var b strings.Builder
	width := len(indent)
	for i, word := range strings.Split(text, " ") {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case width+1+n > lineWidth:
			b.WriteString("\n" + indent)
			width = len(indent)
		default:
			b.WriteByte(' ')
			width++
		}
		b.WriteString(word)
		width += n
	}
	return b.String()
}

// printable takes control characters out of text: names of channels come from
// Redis, where anybody may have chosen them, and terminals obey some.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || 0x80 <= r && r < 0xa0 {
			return utf8.RuneError
		}
		return r
	}, text)
}
