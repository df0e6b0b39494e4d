package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// streamFeed reads the stream in which the streams adapter keeps the messages
// of a namespace, and those of others.
type streamFeed struct {
	client  redis.UniversalClient
	stream  string
	timeout time.Duration
	since   string // the ID behind which to begin; empty: whatever comes from now on

	last string // the ID behind which to go on, once it is known
}

// streamBlock is how long Redis may wait with an answer that nothing has come.
const streamBlock = 2 * time.Second

func (f *streamFeed) name() string {
	return fmt.Sprintf("stream %s, behind %s", quote(f.stream), f.last)
}

func (f *streamFeed) read(ctx context.Context, ready func(), deliver func(arrival)) error {
	if err := f.begin(ctx); err != nil {
		return err
	}
	gap, err := f.gap(ctx)
	if err != nil {
		return err
	}
	// What comes first need not be waited for, and says whether it may be read.
	entries, err := f.next(ctx, -1)
	if err != nil {
		return err
	}
	ready()
	if gap != "" {
		deliver(arrival{notice: gap})
	}
	for {
		for _, entry := range entries {
			fields := make([]string, 0, 2*len(entry.Values))
			for name, value := range entry.Values {
				text, _ := value.(string)
				fields = append(fields, name, text)
			}
			f.last = entry.ID
			deliver(arrival{channel: f.stream, fields: fields, id: entry.ID})
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
		if entries, err = f.next(ctx, streamBlock); err != nil {
			return err
		}
	}
}

// begin finds the ID behind which to read. Servers ask for whatever comes next
// ("$") each time, and can miss an entry between two questions.
func (f *streamFeed) begin(ctx context.Context) error {
	if f.last != "" {
		return nil
	}
	if f.since != "" {
		f.last = f.since
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	newest, err := f.client.XRevRangeN(ctx, f.stream, "+", "-", 1).Result()
	if err != nil {
		return err
	}
	f.last = "0-0"
	if len(newest) > 0 {
		f.last = newest[0].ID
	}
	return nil
}

// next returns the entries that follow, none when nothing has come for so long;
// a negative time does not wait.
func (f *streamFeed) next(ctx context.Context, block time.Duration) ([]redis.XMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, max(block, 0)+f.timeout)
	defer cancel()
	streams, err := f.client.XRead(ctx, &redis.XReadArgs{Streams: []string{f.stream, f.last}, Count: 100, Block: block}).Result()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	if err != nil || len(streams) == 0 {
		return nil, err
	}
	return streams[0].Messages, nil
}

// gap says when the stream has been trimmed so far that entries behind the last
// one may be gone.
func (f *streamFeed) gap(ctx context.Context) (string, error) {
	if f.last == "0" || f.last == "0-0" {
		return "", nil
	}
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	oldest, err := f.client.XRangeN(ctx, f.stream, "-", "+", 1).Result()
	if err != nil {
		return "", err
	}
	switch {
	case len(oldest) == 0:
		return fmt.Sprintf("warning: stream %s is empty; what came after %s, if anything, is missed", quote(f.stream), f.last), nil
	case laterID(oldest[0].ID, f.last):
		return fmt.Sprintf("warning: stream %s begins with %s; what came between %s and that, if anything, is missed", quote(f.stream), oldest[0].ID, f.last), nil
	}
	return "", nil
}

func (f *streamFeed) missed() string { return "nothing is missed that it still holds" }

// laterID reports whether entry a came after entry b.
func laterID(a, b string) bool {
	aTime, aNumber, _ := parseID(a)
	bTime, bNumber, _ := parseID(b)
	return aTime > bTime || aTime == bTime && aNumber > bNumber
}

// parseID takes the ID of a stream entry apart; without its second half it
// means the first entry of that time.
func parseID(id string) (ms, number uint64, err error) {
	before, after, hasNumber := strings.Cut(id, "-")
	if ms, err = strconv.ParseUint(before, 10, 64); err == nil && hasNumber {
		number, err = strconv.ParseUint(after, 10, 64)
	}
	return ms, number, err
}
