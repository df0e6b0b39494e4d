package connect

import (
	"context"
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"
)

// authReplies is a hook of go-redis that keeps to itself what the other side
// says to AUTH and HELLO: Redis repeats what it does not understand, and the
// password is a part of that. What is left says what kind of refusal it is.
type authReplies struct{}

// AuthReplies returns a hook that repeats nothing of what Redis says to AUTH and
// HELLO. The clients of this package have it.
func AuthReplies() redis.Hook { return authReplies{} }

// authError is a reply to AUTH or HELLO, in words that repeat nothing.
type authError string

// errNotTaken is for a refusal of a kind that is not known.
const errNotTaken authError = "redis does not take AUTH with this user and password"

// Error implements error.
func (e authError) Error() string { return string(e) }

// RedisError makes it a redis.Error: go-redis tries AUTH when Redis refuses HELLO.
func (authError) RedisError() {}

// knownReplies are what replies to AUTH and HELLO contain that mean something to
// the reader, and to Trouble.
var knownReplies = []authError{
	"DENIED", "NOAUTH", "WRONGPASS", "invalid password", "without any password configured", "AUTH, but no password is set", "NOPERM", "LOADING", "MASTERDOWN", "max number of clients",
}

// DialHook changes nothing.
func (authReplies) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook looks at the reply to a command.
func (authReplies) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if name := cmd.Name(); err == nil || name != "auth" && name != "hello" {
			return err
		}
		err = withoutPassword(err)
		cmd.SetErr(err)
		return err
	}
}

// ProcessPipelineHook changes nothing: go-redis opens no connection with one.
func (authReplies) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func withoutPassword(err error) error {
	if !IsReply(err) {
		if strings.HasPrefix(err.Error(), "redis: ") && !isFromSentinels(err) { // and what it could not read
			return errNoRedis
		}
		return err
	}
	for _, known := range knownReplies {
		if strings.Contains(err.Error(), string(known)) {
			return known
		}
	}
	return errNotTaken
}

// errNoRedis begins as what go-redis says of a reply that is none.
var errNoRedis = errors.New("redis: invalid reply")
