// Package once has commands that are sent to Redis no more than once, whatever
// becomes of their connection.
package once

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// ErrMaybeAsked is the error of writing a question for the second time.
var ErrMaybeAsked = errors.New("it is not known whether the servers were asked, because the connection broke meanwhile")

// Question is a command that asks servers. It is written on a connection once,
// whatever the client makes of an error: go-redis, a hook or a wrapper would
// repeat it under the same id, and the answers of one server would be counted as
// those of two. When Redis itself has refused it, as with MOVED and ASK, it may
// be written again.
type Question struct {
	*redis.IntCmd
	message *message
}

// NewQuestion makes a question of the command that publishes a message.
func NewQuestion(ctx context.Context, cmd redis.Cmder) *Question {
	words := cmd.Args()
	last := len(words) - 1
	m := &message{bytes: words[last].([]byte)}
	words[last] = m
	q := redis.NewIntCmd(ctx, words...)
	q.SetFirstKeyPos(1)
	return &Question{q, m}
}

// NoRetry has go-redis not even try.
func (q *Question) NoRetry() bool {
	q.message.mu.Lock()
	defer q.message.mu.Unlock()
	return q.message.written
}

// GiveUp makes sure that the question is not written any more, as by an
// AutoPipeliner that has it still in its queue, and reports whether it has been.
func (q *Question) GiveUp() (written bool) {
	q.message.mu.Lock()
	defer q.message.mu.Unlock()
	written = q.message.written
	q.message.written, q.message.final = true, true
	return written
}

// SetErr is told what has become of an attempt. What Redis says is the answer to
// the question, unless an attempt before has broken off behind the writing: that
// one may have been read, whatever Redis says to the next.
func (q *Question) SetErr(err error) {
	q.message.mu.Lock()
	if refused := redis.Error(nil); errors.As(err, &refused) {
		q.message.written = q.message.final
	} else if err != nil && q.message.written {
		q.message.final = true
	}
	q.message.mu.Unlock()
	q.IntCmd.SetErr(err)
}

// Clone returns a copy that is a question, too.
func (q *Question) Clone() redis.Cmder { return &Question{q.IntCmd.Clone().(*redis.IntCmd), q.message} }

// message is the last word of a question.
type message struct {
	bytes []byte

	mu      sync.Mutex
	written bool // it must not be written again
	final   bool // and whatever Redis says changes nothing about that
}

// MarshalBinary is called by go-redis for each time that it writes the command,
// and by an AutoPipeliner to learn its size as well. If it learned that in a
// function of another name, no question would be asked, but none twice either.
func (m *message) MarshalBinary() ([]byte, error) {
	if caller, _, _, ok := runtime.Caller(1); ok && strings.Contains(runtime.FuncForPC(caller).Name(), ".cmdApproxBytes") {
		return m.bytes, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.written {
		return nil, ErrMaybeAsked
	}
	m.written = true
	return m.bytes, nil
}
