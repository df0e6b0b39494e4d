package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

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
