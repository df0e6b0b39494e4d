package emitter_test

import (
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/harness"
)

// TestPermissions asks as a user that may do no more than docs/asking.md says.
func TestPermissions(t *testing.T) {
	t.Parallel()
	redisServer := harness.RedisFor(t, harness.RedisConfig{ACL: []string{
		"user default on nopass ~* &* +@all",
		"user app on >secret resetchannels &socket.io* +publish +subscribe +pubsub|numsub",
	}})
	serveClassic(t, redisServer, echo)
	rdb := redis.NewClient(&redis.Options{Addr: redisServer.Addr, Username: "app", Password: "secret"})
	defer rdb.Close()
	if err := ask(t.Context(), emitter.New(rdb), 7); err != nil {
		t.Error(err)
	}
}
