package emitter_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/harness"
)

// slowly has one client that takes 5 seconds to acknowledge, in which the
// connection for replies is pinged.
func slowly(q question) []string {
	time.Sleep(5 * time.Second)
	return echo(q)
}

// rightsInDocs are those that docs/asking.md gives for an adapter, as rules of an
// ACL.
func rightsInDocs(t *testing.T, adapter string) string {
	t.Helper()
	text, err := os.ReadFile("../docs/asking.md")
	if err != nil {
		t.Fatal(err)
	}
	rights := regexp.MustCompile(`(?m)^    ` + adapter + ` +(\+.*?)( \(.*)?$`).FindSubmatch(text)
	if rights == nil {
		t.Fatalf("docs/asking.md has no rights for %s", adapter)
	}
	return string(rights[1])
}

// TestPingRefused waits on connections where PING is answered with an error.
func TestPingRefused(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*testing.T) (*harness.Redis, *redis.Options){
		"NOPERM": func(t *testing.T) (*harness.Redis, *redis.Options) {
			redisServer := harness.RedisFor(t, harness.RedisConfig{ACL: []string{
				"user default on nopass ~* &* +@all",
				"user app on >secret resetchannels " + rightsInDocs(t, "classic"),
			}})
			return redisServer, &redis.Options{Addr: redisServer.Addr, Username: "app", Password: "secret"}
		},
		"MISCONF": func(t *testing.T) (*harness.Redis, *redis.Options) {
			redisServer := harness.RedisFor(t, harness.RedisConfig{Args: []string{"--enable-protected-configs", "yes", "--save", "3600 1"}})
			t.Cleanup(redisServer.Kill) // it would not end by itself before it has saved
			rdb := redisServer.Client()
			gone := t.TempDir()
			if err := rdb.ConfigSet(t.Context(), "dir", gone).Err(); err != nil {
				t.Fatal(err)
			}
			if err := os.Remove(gone); err != nil {
				t.Fatal(err)
			}
			if err := rdb.BgSave(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			return redisServer, redisServer.Options()
		},
		"MASTERDOWN": func(t *testing.T) (*harness.Redis, *redis.Options) {
			redisServer := harness.RedisFor(t, harness.RedisConfig{Args: []string{"--replica-serve-stale-data", "no", "--replicaof", "127.0.0.1 1"}})
			return redisServer, redisServer.Options()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redisServer, options := start(t)
			rdb := redis.NewClient(options)
			defer rdb.Close()
			eventually(t, "PING is refused", func() bool {
				err := rdb.Ping(t.Context()).Err()
				return err != nil && strings.HasPrefix(err.Error(), name)
			})
			serveClassic(t, redisServer, slowly)
			if err := ask(t.Context(), emitter.New(rdb), 7); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestSubscribeRefusedWhilePinged has a namespace refused while a PING, which is
// refused as well, has no answer yet: each error counts for what it answers.
func TestSubscribeRefusedWhilePinged(t *testing.T) {
	t.Parallel()
	redisServer := harness.RedisFor(t, harness.RedisConfig{ACL: []string{
		"user default on nopass ~* &* +@all",
		"user app on >secret resetchannels &socket.io-re*#/# &socket.io-response#/#emitter# &socket.io-request#/forbidden# +publish +subscribe +pubsub|numsub",
	}})
	serveClassic(t, redisServer, silent)
	serve(t, redisServer, "socket.io-request#/forbidden#", "nowhere", silent)
	rdb := redis.NewClient(&redis.Options{Addr: redisServer.Addr, Username: "app", Password: "secret"})
	defer rdb.Close()
	io := emitter.New(rdb)
	io.SetPatience(50*time.Millisecond, time.Minute)
	waits := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		_, err := io.Timeout(forever).FetchSockets(ctx)
		waits <- err
	}()
	eventually(t, "a PING is refused", func() bool {
		return strings.Contains(fmt.Sprint(redisServer.Client().Do(t.Context(), "acl", "log").Val()), "ping")
	})
	select {
	case err := <-waits:
		t.Fatalf("PING was refused, and the call that waits got %v", err)
	default:
	}
	_, err := io.Of("forbidden").Timeout(forever).FetchSockets(t.Context())
	if err == nil || !strings.Contains(err.Error(), "NOPERM") || !strings.Contains(err.Error(), "channel") {
		t.Errorf("a subscription that is refused: %v", err)
	}
	<-waits // the connection is gone
}
