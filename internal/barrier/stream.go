package barrier

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// span is the first and the last entry that something has added to a stream; empty
// where there is none.
type span struct{ first, last string }

// with returns the span with another entry. Several may be added at the same time,
// so that the answers of Redis come in any order.
func (s span) with(id string) span {
	if s.first == "" || compareIDs(id, s.first) < 0 {
		s.first = id
	}
	if s.last == "" || compareIDs(id, s.last) > 0 {
		s.last = id
	}
	return s
}

// compareIDs compares the ids of entries, <milliseconds>-<number>.
func compareIDs(a, b string) int {
	read := func(id string) (ms, number uint64) {
		left, right, _ := strings.Cut(id, "-")
		ms, _ = strconv.ParseUint(left, 10, 64)
		number, _ = strconv.ParseUint(right, 10, 64)
		return ms, number
	}
	aMS, aNumber := read(a)
	bMS, bNumber := read(b)
	return cmp.Or(cmp.Compare(aMS, bMS), cmp.Compare(aNumber, bNumber))
}

// missing says what of a span is not in the stream any more, now that every server
// has read beyond it: entries that were trimmed before they were read, or that a
// Redis has lost which took the place of another. While the first one is there, none
// behind it has been trimmed.
func (s span) missing(ctx context.Context, client interface {
	Process(context.Context, redis.Cmder) error
}, stream string) (string, error) {
	for _, id := range []string{s.first, s.last} {
		if id == "" {
			continue
		}
		entries := redis.NewXMessageSliceCmd(ctx, "xrange", stream, id, id)
		if err := client.Process(ctx, entries); err != nil {
			return "", fmt.Errorf("XRANGE: %w", err)
		}
		if len(entries.Val()) == 0 {
			return "an entry is no longer in the stream, and may have been trimmed before it was read", nil
		}
	}
	return "", nil
}
