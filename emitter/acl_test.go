package emitter_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/harness"
	"github.com/sioemit/sioemit/internal/wire"
)

// TestPermissions asks as a user that may do no more than docs/asking.md says.
func TestPermissions(t *testing.T) {
	t.Parallel()
	redisServer := harness.RedisFor(t, harness.RedisConfig{ACL: []string{
		"user default on nopass ~* &* +@all",
		"user app on >secret resetchannels &socket.io* +publish +subscribe +pubsub|numsub",
		"user sure on >secret resetchannels &socket.io* +publish +subscribe +pubsub|numsub +client|list +info +time",
	}})
	serveClassic(t, redisServer, func(q question) []string {
		if q.Type == wire.ClassicSocketIDs {
			return []string{fmt.Sprintf(`{"requestId":%q,"sockets":[]}`, q.RequestID)}
		}
		return echo(q)
	})
	rdb := redis.NewClient(&redis.Options{Addr: redisServer.Addr, Username: "app", Password: "secret"})
	defer rdb.Close()
	if err := ask(t.Context(), emitter.New(rdb), 7); err != nil {
		t.Error(err)
	}
	for user, want := range map[string]error{"app": emitter.ErrUnconfirmed, "sure": nil} {
		rdb := redis.NewClient(&redis.Options{Addr: redisServer.Addr, Username: user, Password: "secret"})
		defer rdb.Close()
		io := emitter.New(rdb)
		send := func(io *emitter.Emitter) error { return io.Emit(t.Context(), "e") }
		if c, err := io.Confirmed(t.Context(), send); !errors.Is(err, want) || err == nil && c != (emitter.Confirmation{Sent: 1, Confirmed: 1, Servers: 1}) {
			t.Errorf("%s: %+v, %v", user, c, err)
		} else if want != nil && (!strings.Contains(err.Error(), "INFO: NOPERM") || !redis.HasErrorPrefix(err, "NOPERM") || c.Sent != 0) {
			t.Errorf("%s: %+v, %v", user, c, err)
		}
	}
}
