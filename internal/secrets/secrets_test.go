package secrets

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// answer is an error of Redis.
type answer string

func (a answer) Error() string { return string(a) }
func (answer) RedisError()     {}

const password = "S3cr3tP4ss"

// TestClean has an answer repeat the password, or not, in many wordings.
func TestClean(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"ERR unknown command 'auth', with args beginning with: 'u' 'S3cr3tP4ss'": "ERR unknown command 'auth'",
		"ERR unknown command auth u S3cr3tP4ss":                                  "ERR " + notShown,
		"S3cr3tP4ss IS WRONG":                                                    "ERR " + notShown,
		"ERR invalid password: another":                                          "ERR " + notShown, // that of a provider is not known
		"ERR got 'another'":                                                      "ERR got '…'",
		"ERR wrong number of arguments for 'auth' command":                       "ERR wrong number of arguments for 'auth' command",
		"NOPERM User app has no permissions to run the 'publish' command":        "NOPERM User app has no permissions to run the 'publish' command",
		"WRONGPASS invalid username-password pair or user is disabled.":          "WRONGPASS invalid username-password pair or user is disabled.",
		"MOVED 1 127.0.0.1:7001":                                                 "MOVED 1 127.0.0.1:7001",
	} {
		err := Clean(fmt.Errorf("emitter: PUBLISH: %w", answer(text)), "", password)
		if err.Error() != "emitter: PUBLISH: "+want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
		var reply redis.Error
		if !errors.As(err, &reply) || reply.Error() != want {
			t.Errorf("%s: the answer in it is %v", text, reply)
		}
		var own answer
		if errors.As(err, &own) && strings.Contains(string(own), password) {
			t.Errorf("%s: errors.As finds %s", text, own)
		}
	}
	both := errors.Join(answer("ERR unknown command auth u "+password), io.EOF)
	if err := Clean(both, password); !errors.Is(err, io.EOF) || strings.Contains(err.Error(), password) {
		t.Error(err)
	}
	if Clean(nil, password) != nil || Clean(io.EOF, password) != io.EOF {
		t.Error("what has nothing to hide has changed")
	}
}
