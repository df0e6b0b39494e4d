package barrier

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/wire"
)

// Servers of the streams adapter before 0.3 subscribe to nothing, and answer by an
// entry. They add a heartbeat when they have added nothing else for five seconds, and
// take one who is silent for ten for gone.
const (
	silence     = 11 * time.Second
	pageOfBeats = 500 // entries
)

// serverUID is how these servers name themselves.
var serverUID = regexp.MustCompile(`^[0-9a-f]{16}$`)

// beats are the servers of a namespace that have been heard, with when that was, in
// milliseconds of the clock of Redis. It is known of all until an entry.
type beats struct {
	until string
	heard map[string]int64
}

// askOld asks the servers of a namespace that nothing but their entries in the stream
// shows. It returns none where there are no such servers.
func (s *servers) askOld(ctx context.Context, a streams) (answers []time.Duration, err error) {
	stream, err := a.format.Stream(s.namespace)
	if err != nil {
		return nil, err
	}
	heard, err := s.listen(ctx, a, stream)
	if err != nil || len(heard) == 0 {
		return nil, err
	}
	id := nobody() // which no other question has
	cmd, err := a.questions(s.namespace, nil)[0].command(ctx, id)
	if err != nil {
		return nil, err
	}
	asked := time.Now()
	if err := s.client.Process(ctx, cmd); err != nil {
		return nil, fmt.Errorf("XADD: %w", err)
	}
	question := cmd.(*redis.StringCmd).Val()
	missing := make(map[string]bool)
	for uid := range heard {
		missing[uid] = true
	}
	at := question
	for pause := time.Millisecond; len(missing) > 0; pause = min(2*pause, 50*time.Millisecond) {
		entries, err := s.entries(ctx, "xrange", stream, "("+at, "+", "count", strconv.Itoa(pageOfBeats))
		switch {
		case err != nil && ctx.Err() != nil:
			return answers, &MissingError{len(answers), len(heard), ctx.Err()}
		case err != nil:
			return answers, err
		}
		for _, entry := range entries {
			at = entry.ID
			uid, _ := entry.Values["uid"].(string)
			data, _ := entry.Values["data"].(string)
			if entry.Values["type"] == strconv.Itoa(wire.ClusterSockets) && strings.Contains(data, id) && serverUID.MatchString(uid) && heard[uid] != answered {
				heard[uid] = answered
				delete(missing, uid)
				answers = append(answers, time.Since(asked))
			}
		}
		if len(entries) > 0 {
			pause = 0
			continue
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return answers, &MissingError{len(answers), len(heard), ctx.Err()}
		}
	}
	for uid := range heard {
		heard[uid] = milliseconds(question)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.beats[s.namespace] = beats{question, heard}
	return answers, nil
}

// answered is instead of a time.
const answered = -1

// listen returns the servers that have been heard in the last seconds.
func (s *servers) listen(ctx context.Context, a streams, stream string) (map[string]int64, error) {
	clock := redis.NewTimeCmd(ctx, "time")
	if err := s.client.Process(ctx, clock); err != nil {
		return nil, fmt.Errorf("TIME: %w", err)
	}
	since := clock.Val().Add(-silence).UnixMilli()
	heard := make(map[string]int64)
	from := strconv.FormatInt(since, 10)
	s.mu.Lock()
	if last, ok := s.beats[s.namespace]; ok && milliseconds(last.until) > since {
		from = last.until
		for uid, at := range last.heard {
			if at >= since {
				heard[uid] = at
			}
		}
	}
	s.mu.Unlock()
	for start := from; ; {
		entries, err := s.entries(ctx, "xrange", stream, start, "+", "count", strconv.Itoa(pageOfBeats))
		if err != nil {
			return nil, err
		}
		for _, entry := range entries {
			uid, _ := entry.Values["uid"].(string)
			switch {
			case entry.Values["nsp"] != s.namespace || uid == encoding.UID || !serverUID.MatchString(uid):
			case entry.Values["type"] == strconv.Itoa(wire.ClusterClose):
				delete(heard, uid)
			default:
				heard[uid] = milliseconds(entry.ID)
			}
		}
		if len(entries) < pageOfBeats {
			break
		}
		start = "(" + entries[len(entries)-1].ID
	}
	// What was trimmed has not been heard.
	oldest, err := s.entries(ctx, "xrange", stream, "-", "+", "count", "1")
	if err != nil || len(oldest) == 0 || len(heard) == 0 {
		return nil, err
	}
	if compareIDs(oldest[0].ID, from) > 0 {
		length := redis.NewIntCmd(ctx, "xlen", stream)
		if err := s.client.Process(ctx, length); err != nil {
			return nil, fmt.Errorf("XLEN: %w", err)
		}
		if length.Val() >= a.maxLen {
			return nil, fmt.Errorf("%w: the stream holds no more than the last %v, in which a server may have said nothing", ErrUnconfirmed, time.Duration(clock.Val().UnixMilli()-milliseconds(oldest[0].ID))*time.Millisecond)
		}
	}
	return heard, nil
}

func (s *servers) entries(ctx context.Context, name, stream string, words ...any) ([]redis.XMessage, error) {
	cmd := redis.NewXMessageSliceCmd(ctx, slices.Concat([]any{name, stream}, words)...)
	if err := s.client.Process(ctx, cmd); err != nil {
		return nil, fmt.Errorf("%s: %w", strings.ToUpper(name), err)
	}
	return cmd.Val(), nil
}

func milliseconds(id string) int64 {
	text, _, _ := strings.Cut(id, "-")
	ms, _ := strconv.ParseInt(text, 10, 64)
	return ms
}
