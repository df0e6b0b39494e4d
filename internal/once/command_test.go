package once

import (
	"io"
	"testing"

	"github.com/redis/go-redis/v9"
)

// refusal is an error of Redis.
type refusal string

func (e refusal) Error() string { return string(e) }
func (refusal) RedisError()     {}

// TestQuestionAnswered may be written again when Redis refused it, and not when
// an attempt broke off before, or it was given up.
func TestQuestionAnswered(t *testing.T) {
	t.Parallel()
	write := func(q *Question) bool {
		_, err := q.message.MarshalBinary()
		return err == nil
	}
	loading := refusal("LOADING Redis is loading the dataset in memory")
	for _, test := range []struct {
		name  string
		do    func(q *Question)
		again bool
	}{
		{"refused", func(q *Question) { q.SetErr(loading) }, true},
		{"refused twice", func(q *Question) { q.SetErr(loading); write(q); q.SetErr(loading) }, true},
		{"broken off", func(q *Question) { q.SetErr(io.EOF) }, false},
		{"broken off, then refused", func(q *Question) { q.SetErr(io.EOF); q.SetErr(loading) }, false},
		{"given up, then refused", func(q *Question) { q.GiveUp(); q.SetErr(loading) }, false},
		{"answered", func(q *Question) { q.SetErr(nil) }, false},
	} {
		q := NewQuestion(t.Context(), redis.NewIntCmd(t.Context(), "publish", "c", []byte("m")))
		if !write(q) {
			t.Fatalf("%s: it cannot be written", test.name)
		}
		test.do(q)
		if q.NoRetry() == test.again || write(q) != test.again {
			t.Errorf("%s: may it be written again? %v", test.name, !test.again)
		}
	}
}

// TestQuestionGivenUp is written by nobody who still has it.
func TestQuestionGivenUp(t *testing.T) {
	t.Parallel()
	q := NewQuestion(t.Context(), redis.NewIntCmd(t.Context(), "publish", "c", []byte("m")))
	if q.NoRetry() || q.GiveUp() {
		t.Error("it has been written")
	}
	if b, err := q.message.MarshalBinary(); err == nil {
		t.Errorf("%q is written", b)
	}
	q = NewQuestion(t.Context(), redis.NewIntCmd(t.Context(), "publish", "c", []byte("m")))
	if b, err := q.message.MarshalBinary(); err != nil || string(b) != "m" || !q.NoRetry() {
		t.Errorf("%q, %v", b, err)
	}
	if again, ok := q.Clone().(*Question); !ok || !again.NoRetry() {
		t.Error("a copy may be written")
	}
	if !q.GiveUp() {
		t.Error("it has not been written")
	}
}
