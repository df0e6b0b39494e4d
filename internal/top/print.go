package top

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/show"
)

// everyone is the room of null, of events without one.
const everyone = "(everyone)"

// rates are those of a line of JSON.
type rates struct {
	Events          int     `json:"events"`
	Bytes           int     `json:"bytes"`
	EventsPerSecond float64 `json:"eventsPerSecond"`
	BytesPerSecond  float64 `json:"bytesPerSecond"`
}

func (t *tally) rates(a amount, now time.Time) rates {
	seconds := max(now.Sub(t.since).Seconds(), 0.001)
	return rates{a.Events, a.Bytes, round(float64(a.Events) / seconds), round(float64(a.Bytes) / seconds)}
}

func round(x float64) float64 { return float64(int64(x*10+0.5)) / 10 }

// print prints everything once, for programs or files.
func (c *counter) print() error {
	now := time.Now()
	if c.tally.since.IsZero() { // it has never listened
		return nil
	}
	if c.tally.unlisted > 0 {
		c.Warn("there are more than %d different events or rooms: %d that came are not listed", most, c.tally.unlisted)
	}
	if !c.json {
		_, err := io.WriteString(c.Out, c.tables(now, c.rows))
		return err
	}
	var text strings.Builder
	for _, r := range noisiest(c.tally.events, c.rows) {
		if err := show.JSON(&text, struct {
			Event string `json:"event"`
			rates
		}{r.key, c.tally.rates(r.amount, now)}); err != nil {
			return err
		}
	}
	for _, r := range c.noisiestRooms(c.rows) {
		if err := show.JSON(&text, struct {
			Room *encoding.Room `json:"room"`
			rates
		}{r.key, c.tally.rates(r.amount, now)}); err != nil {
			return err
		}
	}
	_, err := io.WriteString(c.Out, text.String())
	return err
}

// noisiestRooms are those of the tally, and nil for everyone, first.
func (c *counter) noisiestRooms(n int) []row[*encoding.Room] {
	var rows []row[*encoding.Room]
	if c.tally.everyone.Events > 0 {
		rows = append(rows, row[*encoding.Room]{nil, c.tally.everyone})
	}
	for _, r := range noisiest(c.tally.rooms, n) {
		rows = append(rows, row[*encoding.Room]{&r.key, r.amount})
	}
	return rows[:min(n, len(rows))]
}

// tables are the events and the rooms, at most so many of each.
func (c *counter) tables(now time.Time, rows int) string {
	var b strings.Builder
	line := func(a amount, name string) {
		r := c.tally.rates(a, now)
		fmt.Fprintf(&b, "%10.1f %12.0f  %s\n", r.EventsPerSecond, r.BytesPerSecond, name)
	}
	line(c.tally.total, "(all)")
	fmt.Fprintf(&b, "\n%10s %12s  EVENT\n", "EVENTS/S", "BYTES/S")
	for _, r := range noisiest(c.tally.events, rows) {
		line(r.amount, show.Quote(r.key))
	}
	fmt.Fprintf(&b, "\n%10s %12s  ROOM\n", "EVENTS/S", "BYTES/S")
	for _, r := range c.noisiestRooms(rows) {
		name := everyone
		if r.key != nil {
			name = show.Room(*r.key)
		}
		line(r.amount, name)
	}
	return b.String()
}

// draw draws the tables over what was on the terminal before.
func (c *counter) draw() error {
	columns, rows := show.Size(show.Terminal(c.Out))
	const others = 8 // lines: the notice, the sum, two headlines, what stands between them, and the cursor's
	text := c.notice + "\n"
	if !c.tally.since.IsZero() {
		text += c.tables(time.Now(), min(c.rows, max(1, (rows-others)/2)))
	}
	var b strings.Builder
	b.WriteString("\x1b[H")
	for line := range strings.Lines(text) {
		b.WriteString(show.Cut(strings.TrimSuffix(line, "\n"), columns) + "\x1b[K\n")
	}
	b.WriteString("\x1b[J")
	_, err := io.WriteString(c.Out, b.String())
	return err
}
