package doctor

import (
	"fmt"
	"io"
	"strings"

	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/show"
)

// colours are those of the statuses, as terminals know them.
var colours = map[status]string{fine: "\x1b[32m", warning: "\x1b[33m", uncertain: "\x1b[35m", failure: "\x1b[31m"}

// printer prints a finding for people, the status in front and the advice below,
// or, with --json, as a line for programs.
func (o *options) printer() func(finding) error {
	if o.json {
		return func(f finding) error { return show.JSON(o.Out, f) }
	}
	colour := show.IsColoured(o.Out)
	return func(f finding) error { return f.render(o.Out, colour) }
}

func (f finding) render(w io.Writer, colour bool) error {
	var b strings.Builder
	const column = "         " // as wide as the longest status, and a gap
	label := string(f.Status)
	if colour {
		label = colours[f.Status] + label + "\x1b[0m"
	}
	b.WriteString(label + column[len(f.Status):])
	b.WriteString(show.Wrap(show.Printable(f.Text), column) + "\n")
	if f.Advice != "" {
		b.WriteString(column + "> " + show.Wrap(show.Printable(f.Advice), column+"  ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// conclusion is the last line of --json.
type conclusion struct {
	OK      bool     `json:"ok"`
	Exit    int      `json:"exit"`
	Command []string `json:"command"` // the corrected command line, empty when flags change nothing
}

// conclude prints what all findings amount to.
func (o *options) conclude(d *diagnosis) error {
	words := d.corrected(o.given)
	if o.json {
		exit := commandline.Status(d.verdict())
		if words == nil {
			words = []string{}
		}
		return show.JSON(o.Out, conclusion{exit == commandline.StatusDone, exit, words})
	}
	if words == nil {
		return nil
	}
	_, err := fmt.Fprintf(o.Out, "\nCorrected: %s\n", show.Printable(shellWords(words)))
	return err
}
