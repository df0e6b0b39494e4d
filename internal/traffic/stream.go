package traffic

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/internal/show"
)

// streamFeed reads the stream in which the streams adapter keeps the messages
// of a namespace, and those of others. It counts the entries, so that it knows
// how many it has not got.
type streamFeed struct {
	client  redis.UniversalClient
	stream  string
	timeout time.Duration
	since   string // the ID behind which to begin; empty: whatever comes from now on
	whyLost func(error) string

	last      string // the ID behind which to go on, once it is known
	passed    int64  // entries that were ever added up to that one; unknown where that is not known
	isCounted bool   // by Redis
	isSpoken  bool   // of a gap that could not be counted
	pace      pace
}

// unknown is a number of entries that is not known: of a Redis before 7.0, or one
// that does not let us ask.
const unknown = -1

// streamBlock is how long Redis may wait with an answer that nothing has come.
const streamBlock = 2 * time.Second

func (f *streamFeed) name() string {
	return fmt.Sprintf("stream %s, behind %s", show.Quote(f.stream), f.last)
}

func (f *streamFeed) read(ctx context.Context, ready func(), deliver func(Arrival)) error {
	if err := f.begin(ctx); err != nil {
		return err
	}
	f.pace = pace{caughtUp: time.Now()}
	why := "while there was no connection"
	// What comes first need not be waited for, and says whether it may be read.
	entries, gap, err := f.next(ctx, -1)
	if err != nil {
		return err
	}
	ready()
	for {
		if gap.is() {
			deliver(Arrival{Notice: "warning: " + gap.text(f.stream, why), Missed: max(gap.entries, 0)})
		}
		for _, entry := range entries {
			fields := make([]string, 0, 2*len(entry.Values))
			for name, value := range entry.Values {
				text, _ := value.(string)
				fields = append(fields, name, text)
			}
			f.last = entry.ID
			if f.passed != unknown {
				f.passed++
			}
			began := time.Now()
			deliver(Arrival{Channel: f.stream, Fields: fields, ID: entry.ID, At: timeOf(entry.ID)})
			f.pace.passedOn(began)
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
		why = "before they were read"
		if f.pace.isSlow() {
			why = "before they were read, because the output is written more slowly than entries come"
		}
		began := time.Now()
		if entries, gap, err = f.next(ctx, min(streamBlock, f.timeout/2)); err != nil {
			return err
		}
		f.pace.waited(began)
	}
}

// timeOf is when an entry came into its stream, which its ID says unless whoever
// added it chose another.
func timeOf(id string) time.Time {
	milliseconds, _, err := ParseID(id)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(int64(milliseconds))
}

// begin finds the ID behind which to read. Servers ask for whatever comes next
// ("$") each time, and can miss an entry between two questions.
func (f *streamFeed) begin(ctx context.Context) error {
	if f.last != "" {
		return nil
	}
	if f.since != "" {
		f.last, f.passed = f.since, unknown
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	newest, err := f.client.XRevRangeN(ctx, f.stream, "+", "-", 1).Result()
	if err != nil {
		return err
	}
	f.last, f.passed = "0-0", unknown
	if len(newest) > 0 {
		f.last = newest[0].ID
	}
	return nil
}

// next returns the entries that follow, none when nothing has come for so long,
// and those that are missing in front of them; a negative time does not wait.
func (f *streamFeed) next(ctx context.Context, block time.Duration) ([]redis.XMessage, streamGap, error) {
	ctx, cancel := context.WithTimeout(ctx, max(block, 0)+f.timeout)
	defer cancel()
	// Redis looks at the stream, and then reads it, with nothing in between.
	pipe := f.client.Pipeline()
	info := pipe.XInfoStream(ctx, f.stream)
	read := pipe.XRead(ctx, &redis.XReadArgs{Streams: []string{f.stream, f.last}, Count: 100, Block: block})
	var oldest *redis.XMessageSliceCmd
	if !f.isCounted { // then this is all that shows a gap: what was read may not have been the next
		oldest = pipe.XRangeN(ctx, f.stream, "-", "+", 1)
	}
	_, pipeErr := pipe.Exec(ctx)
	streams, err := read.Result()
	switch {
	case errors.Is(err, redis.Nil): // nothing has come
	case err != nil:
		return nil, streamGap{}, err
	case len(streams) == 0: // as when the connection could not be opened
		return nil, streamGap{}, pipeErr
	}
	state := stateOf(info)
	if f.isCounted = state.added != unknown; !f.isCounted && oldest != nil {
		if oldest.Err() != nil {
			return nil, streamGap{}, oldest.Err()
		}
		if len(oldest.Val()) > 0 {
			state.first = oldest.Val()[0].ID
		}
	}
	gap := f.gap(state)
	if len(streams) == 0 {
		return nil, gap, nil
	}
	entries := streams[0].Messages
	if f.isCounted && f.passed == unknown && entries[len(entries)-1].ID == state.newest {
		f.passed = state.added - int64(len(entries))
	}
	return entries, gap, nil
}

// streamState is what Redis knows of a stream.
type streamState struct {
	added         int64  // entries, ever; unknown where Redis does not tell
	gone          int64  // of them, trimmed or deleted
	first, newest string // the ID of the first entry that is there, and the last one given; empty: none, or not known
	deleted       bool   // some one by one, not by trimming
}

func stateOf(info *redis.XInfoStreamCmd) streamState {
	v, err := info.Result()
	switch {
	case err != nil && strings.Contains(err.Error(), "no such key"):
		return streamState{newest: "0-0"}
	case err != nil, v.EntriesAdded == 0 && v.LastGeneratedID != "0-0":
		return streamState{added: unknown}
	}
	return streamState{v.EntriesAdded, v.EntriesAdded - v.Length, v.FirstEntry.ID, v.LastGeneratedID, v.MaxDeletedEntryID != "0-0"}
}

// gap finds out how many entries behind the last one are gone, and brings the
// count of those that have passed up to date.
func (f *streamFeed) gap(s streamState) streamGap {
	fromStart := f.last == "0" || f.last == "0-0"
	isTrimmed := laterID(cmp.Or(s.first, s.newest), f.last)
	if s.added == unknown { // each time anew: the last entry may be the only one that went
		gap := streamGap{after: f.last, until: s.first, entries: unknown}
		if fromStart || !isTrimmed || f.isSpoken {
			gap = streamGap{}
		}
		f.isSpoken = isTrimmed
		return gap
	}
	passed := f.passed
	switch {
	case s.newest == f.last || !isTrimmed && passed > s.added: // all has passed; or Redis has lost what came last
		f.passed = s.added
	case isTrimmed:
		f.passed = s.gone
	default:
		return streamGap{}
	}
	switch {
	case passed == unknown && isTrimmed && !fromStart:
		return streamGap{after: f.last, until: s.first, entries: unknown}
	case passed == unknown:
		return streamGap{}
	case passed > s.added && isTrimmed:
		return streamGap{after: f.last, until: s.first, entries: unknown}
	}
	return streamGap{after: f.last, until: s.first, entries: max(f.passed-passed, 0), atMost: s.deleted}
}

// streamGap is entries that were not read.
type streamGap struct {
	after, until string // IDs; until is empty where nothing follows yet
	entries      int64
	atMost       bool
}

func (g streamGap) is() bool { return g.entries != 0 }

func (g streamGap) text(stream, why string) string {
	until := cmp.Or(g.until, "the next one")
	if g.entries == unknown {
		return fmt.Sprintf("stream %s begins with %s; what came between %s and that, if anything, is missed", show.Quote(stream), until, g.after)
	}
	atMost := ""
	if g.atMost {
		atMost = "at most "
	}
	return fmt.Sprintf("missed: %s%d entries of stream %s, between %s and %s; Redis trimmed it %s", atMost, g.entries, show.Quote(stream), g.after, until, why)
}

func (f *streamFeed) lost(err error) string { return f.whyLost(err) }

func (f *streamFeed) missed() string { return "nothing is missed that it still holds" }

// laterID reports whether entry a came after entry b.
func laterID(a, b string) bool {
	aTime, aNumber, _ := ParseID(a)
	bTime, bNumber, _ := ParseID(b)
	return aTime > bTime || aTime == bTime && aNumber > bNumber
}

// ParseID takes the ID of a stream entry apart; without its second half it
// means the first entry of that time.
func ParseID(id string) (ms, number uint64, err error) {
	before, after, hasNumber := strings.Cut(id, "-")
	if ms, err = strconv.ParseUint(before, 10, 64); err == nil && hasNumber {
		number, err = strconv.ParseUint(after, 10, 64)
	}
	return ms, number, err
}
