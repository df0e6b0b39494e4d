package pipe

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/internal/census"
	"github.com/sioemit/sioemit/internal/settings"
	"github.com/sioemit/sioemit/internal/show"
)

// drained is what Redis may keep for a subscriber when more is sent. Beside the
// window it is less than any limit.
const drained = 1 << 20

// backlogError says that a subscriber does not read what Redis keeps for it.
type backlogError struct {
	bytes int
	since time.Duration
}

func (e *backlogError) Error() string {
	return fmt.Sprintf("for %[2]v (--timeout), a subscriber has not read the %[1]s that Redis holds for it", show.Plural(e.bytes, "byte"), e.since)
}

// awaitDrained waits until Redis keeps little for each of its subscribers that may
// be a server.
func (k *keepUp) awaitDrained(ctx context.Context) error {
	pause, least, since := 5*time.Millisecond, -1, time.Now()
	for {
		bytes, err := k.backlog(ctx)
		switch {
		case err != nil:
			return err
		case bytes <= drained:
			return nil
		case least < 0 || bytes < least:
			least, since = bytes, time.Now()
		case time.Since(since) > k.settings.Redis.Timeout:
			return &backlogError{bytes, k.settings.Redis.Timeout}
		}
		select {
		case <-time.After(pause):
			pause = min(2*pause, 100*time.Millisecond)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// backlog is the most that Redis keeps for a subscriber.
func (k *keepUp) backlog(ctx context.Context) (bytes int, err error) {
	ctx, cancel := context.WithTimeout(ctx, k.settings.Redis.Timeout)
	defer cancel()
	field := "sub" // that says to what servers subscribe
	switch k.settings.Adapter {
	case settings.Classic:
		field = "psub"
	case settings.Sharded:
		field = "ssub"
	}
	var mu sync.Mutex
	err = census.EveryNode(ctx, k.redis.Client, func(ctx context.Context, node *redis.Client) error {
		cmd := redis.NewStringCmd(ctx, "client", "list", "type", "pubsub")
		if err := node.Process(ctx, cmd); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		for line := range strings.Lines(cmd.Val()) {
			if numberOf(line, field) > 0 {
				bytes = max(bytes, numberOf(line, "omem"))
			}
		}
		return nil
	})
	return bytes, err
}

// numberOf is the number of a field in a line of CLIENT LIST, 0 where it has none.
func numberOf(line, field string) int {
	_, rest, _ := strings.Cut(line, " "+field+"=")
	text, _, _ := strings.Cut(rest, " ")
	n, _ := strconv.Atoi(text)
	return n
}
