package top

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/sioemit/sioemit/encoding"
)

// most is of how many events, and of how many rooms, numbers are kept.
const most = 10_000

// amount is how much there was of something.
type amount struct{ Events, Bytes int }

// tally is what was counted since a time.
type tally struct {
	since    time.Time
	total    amount
	events   map[string]amount
	rooms    map[encoding.Room]amount
	everyone amount
	unlisted int // events, or events in a room, that are in no number but the total
}

func newTally() *tally {
	return &tally{events: make(map[string]amount), rooms: make(map[encoding.Room]amount)}
}

func (t *tally) add(event string, rooms []encoding.Room, bytes int) {
	t.total.add(bytes)
	addTo(t, t.events, event, bytes)
	for _, room := range rooms {
		addTo(t, t.rooms, room, bytes)
	}
	if len(rooms) == 0 {
		t.everyone.add(bytes)
	}
}

func (a *amount) add(bytes int) {
	a.Events++
	a.Bytes += bytes
}

func addTo[K comparable](t *tally, to map[K]amount, key K, bytes int) {
	a, ok := to[key]
	if !ok && len(to) >= most {
		t.unlisted++
		return
	}
	a.add(bytes)
	to[key] = a
}

// row is an amount of something that has a name.
type row[K comparable] struct {
	key K
	amount
}

// noisiest returns the n keys with the most events, and of as many events the most
// bytes.
func noisiest[K cmp.Ordered](amounts map[K]amount, n int) []row[K] {
	var rows []row[K]
	for _, key := range slices.Collect(maps.Keys(amounts)) {
		rows = append(rows, row[K]{key, amounts[key]})
	}
	slices.SortFunc(rows, func(a, b row[K]) int {
		return cmp.Or(cmp.Compare(b.Events, a.Events), cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.key, b.key))
	})
	return rows[:min(n, len(rows))]
}
