package listen

import (
	"fmt"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sioemit/sioemit/internal/event"
	"github.com/sioemit/sioemit/internal/show"
)

// people is how what arrives is shown on a terminal: each in a line, cut off where
// the terminal ends. It is nil where the output is for programs.
type people struct {
	terminal *os.File
	coloured bool
}

// The colours, as terminals know them.
const (
	faint = "\x1b[2m"
	bold  = "\x1b[1m"
	cyan  = "\x1b[36m"
)

func newPeople(terminal *os.File) *people {
	return &people{terminal, show.IsColoured(terminal)}
}

// event is the line of an event: when, namespace, rooms, name, arguments.
func (p *people) event(at time.Time, l *event.Line) string {
	var b line
	b.add(p, faint, at.Local().Format("15:04:05.000"))
	b.add(p, faint, show.Quote(l.Namespace))
	if len(l.Rooms) > 0 {
		b.add(p, cyan, "["+show.Rooms(l.Rooms)+"]")
	}
	if len(l.Except) > 0 {
		b.add(p, cyan, "not ["+show.Rooms(l.Except)+"]")
	}
	b.add(p, bold, show.Quote(l.Event))
	for _, arg := range l.Args {
		b.add(p, "", string(show.Visible(arg)))
	}
	return b.text.String()
}

// other is the line of what is no event, as JSON.
func (p *people) other(at time.Time, text string) string {
	var b line
	b.add(p, faint, at.Local().Format("15:04:05.000"))
	b.add(p, faint, text)
	return b.text.String()
}

// line is one that is being put together.
type line struct {
	text  strings.Builder
	width int
}

// add adds a word, or what fits of it.
func (b *line) add(p *people, colour, word string) {
	columns, _ := show.Size(p.terminal)
	if b.width > 0 {
		b.text.WriteByte(' ')
		b.width++
	}
	if columns -= b.width; columns <= 0 {
		return
	}
	word = show.Cut(word, columns)
	b.width += utf8.RuneCountInString(word)
	if p.coloured && colour != "" {
		word = fmt.Sprintf("%s%s\x1b[0m", colour, word)
	}
	b.text.WriteString(word)
}
