package connect_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/internal/connect"
	"github.com/sioemit/sioemit/internal/harness"
	"github.com/sioemit/sioemit/internal/settings"
)

// TestOpenInOrder sends pipelines to a Redis that is loading, until it takes one. It
// becomes ready while it reads one of them, and must not take the end of it.
func TestOpenInOrder(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	// It takes a tenth of a millisecond to load a key, and looks at its connections, and
	// at 64 KiB of what each has sent, once in 1,024 of them.
	server := harness.RedisFor(t, harness.RedisConfig{Args: []string{"--appendonly", "yes", "--key-load-delay", "100"}})
	const keys, events = 10_000, 5_000
	if _, err := server.Client().Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for i := range keys {
			pipe.Set(ctx, fmt.Sprint("key", i), "", 0)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	restarted := make(chan error, 1)
	go func() { restarted <- server.Restart(ctx) }()

	r := connect.OpenInOrder(&settings.Settings{Redis: settings.Redis{URLs: []*settings.URL{{Options: server.Options()}}, Timeout: time.Minute}})
	defer r.Close()
	payload := strings.Repeat("x", 300)
	wasLoading := false
	for {
		cmds, err := r.Client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
			for range events {
				pipe.XAdd(ctx, &redis.XAddArgs{Stream: "events", Values: []string{"data", payload}})
			}
			return nil
		})
		if err == nil {
			break
		}
		switch {
		case redis.HasErrorPrefix(err, "LOADING"):
			wasLoading = true
		case connect.IsReply(err):
			t.Fatal(err)
		}
		first := cmds[0].Err()
		for i, cmd := range cmds {
			if (cmd.Err() == nil) != (first == nil) {
				t.Fatalf("the first command: %v; number %d: %v", first, i+1, cmd.Err())
			}
		}
	}
	if !wasLoading {
		t.Error("Redis was not loading, so that nothing was tested")
	}
	if err := <-restarted; err != nil {
		t.Fatal(err)
	}
	if n, err := server.Client().XLen(ctx, "events").Result(); n != events {
		t.Errorf("%d events, %v", n, err)
	}
}
