package emitter_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/harness"
)

const password = "S3cr3tP4ss"

// checkClean complains when the password is anywhere in an error: in its text,
// in what it wraps, or in what errors.As finds in it.
func checkClean(t *testing.T, name string, err error) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error", name)
		return
	}
	var seen func(err error)
	seen = func(err error) {
		if text := fmt.Sprintf("%v %+v", err, err); strings.Contains(text, password) || strings.Contains(text, password[:6]) {
			t.Errorf("%s: %T: %v", name, err, err)
		}
		switch err := err.(type) {
		case interface{ Unwrap() error }:
			if inner := err.Unwrap(); inner != nil {
				seen(inner)
			}
		case interface{ Unwrap() []error }:
			for _, inner := range err.Unwrap() {
				seen(inner)
			}
		}
	}
	seen(err)
	var reply redis.Error
	if !errors.As(err, &reply) || strings.Contains(reply.Error(), password) {
		t.Errorf("%s: the answer of Redis in it is %v", name, reply)
	}
	if !strings.Contains(err.Error(), "ERR") {
		t.Errorf("%s does not say what Redis says: %v", name, err)
	}
}

// TestPasswords has a Redis that knows neither AUTH nor HELLO: it repeats what
// it was sent with them.
func TestPasswords(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{Args: []string{"--rename-command", "AUTH", "", "--rename-command", "HELLO", ""}})
	provider := func(context.Context) (string, string, error) { return "u", password, nil }
	single := redis.NewClient(&redis.Options{Addr: server.Addr, Username: "u", Password: password})
	provided := redis.NewClient(&redis.Options{Addr: server.Addr, CredentialsProviderContext: provider})
	cluster := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{server.Addr}, Username: "u", Password: password})
	sentinel := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: "m", SentinelAddrs: []string{server.Addr}, SentinelUsername: "u", SentinelPassword: password})
	auto, async := autoPipelines(t, single)
	for name, client := range map[string]redis.UniversalClient{
		"Client": single, "credentials of a provider": provided, "ClusterClient": cluster, "Sentinel": sentinel, "AutoPipeline": auto, "AsyncAutoPipeline": async,
		"wrapped": embeds{single},
	} {
		if err := client.Publish(t.Context(), "channel", "").Err(); err == nil || !strings.Contains(err.Error(), password) {
			t.Errorf("%s: Redis does not repeat the password: %v", name, err)
		}
		for call, run := range allCalls {
			if call != "Emit, Pipelined" {
				checkClean(t, call+" on "+name, run(t.Context(), emitter.New(client)))
			}
		}
	}
	for _, client := range []redis.UniversalClient{single, provided, cluster, sentinel} {
		client.Close()
	}
}

// TestPasswordsOfSubscription has the connection for replies be the first that is
// refused.
func TestPasswordsOfSubscription(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	serveClassic(t, server, echo)
	deaf := harness.RedisFor(t, harness.RedisConfig{Args: []string{"--rename-command", "AUTH", "", "--rename-command", "HELLO", ""}})
	rdb := server.Client()
	refused := redis.NewClient(&redis.Options{Addr: deaf.Addr, Username: "u", Password: password})
	defer refused.Close()
	_, err := emitter.New(subscribesElsewhere{rdb, refused}).EmitWithAck(t.Context(), "e")
	if !errors.Is(err, emitter.ErrSubscription) {
		t.Error(err)
	}
	checkClean(t, "EmitWithAck", err)
}

// subscribesElsewhere has its subscriptions on another Redis.
type subscribesElsewhere struct {
	*redis.Client
	other *redis.Client
}

func (c subscribesElsewhere) Subscribe(ctx context.Context, channels ...string) *redis.PubSub {
	return c.other.Subscribe(ctx, channels...)
}

// TestPasswordsWordedOtherwise has servers that are not Redis, and refuse the
// password in their own words.
func TestPasswordsWordedOtherwise(t *testing.T) {
	t.Parallel()
	for _, wording := range []string{
		"ERR unknown command `AUTH`, with args beginning with: `u`, `%s`, ",
		"ERR unknown command auth u %s",
		"ERR invalid password: %s",
		"%s IS WRONG",
		"ERR got 'u' \"%s\"",
		"ERR no such user u:%s",
		"WRONGPASS invalid username-password pair u:%s or user is disabled.",
		"NOPERM %s",
	} {
		addr := refuse(t, fmt.Sprintf(wording, password))
		rdb := redis.NewClient(&redis.Options{Addr: addr, Username: "u", Password: password, MaxRetries: -1})
		err := emitter.New(rdb).Emit(t.Context(), "e")
		if text := fmt.Sprint(err); err == nil || strings.Contains(text, password) {
			t.Errorf("%s: %v", wording, err)
		}
		rdb.Close()
	}
}

// refuse answers everything with one error.
func refuse(t *testing.T, text string) (addr string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(time.Minute))
				words := bufio.NewScanner(conn)
				for words.Scan() {
					if strings.HasPrefix(words.Text(), "*") {
						fmt.Fprintf(conn, "-%s\r\n", text)
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

// TestAnswersStay has the answers of Redis that repeat nothing come as they are.
func TestAnswersStay(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{Password: password, ACL: nil})
	for want, options := range map[string]*redis.Options{
		"NOAUTH Authentication required.":                               {Addr: server.Addr},
		"WRONGPASS invalid username-password pair or user is disabled.": {Addr: server.Addr, Password: "another"},
	} {
		rdb := redis.NewClient(options)
		err := emitter.New(rdb).Emit(t.Context(), "e")
		if err == nil || !strings.HasSuffix(err.Error(), want) || !redis.IsAuthError(err) {
			t.Errorf("%v, want %s", err, want)
		}
		rdb.Close()
	}
	limited := harness.RedisFor(t, harness.RedisConfig{ACL: []string{"user default on nopass ~* &* +@all", "user app on >" + password + " resetchannels &other* +publish"}})
	rdb := redis.NewClient(&redis.Options{Addr: limited.Addr, Username: "app", Password: password})
	defer rdb.Close()
	err := emitter.New(rdb).Emit(t.Context(), "e")
	if !redis.IsPermissionError(err) || !strings.Contains(err.Error(), "NOPERM") || strings.Contains(err.Error(), "not shown") {
		t.Error(err)
	}
}
