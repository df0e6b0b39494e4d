package emitter

import (
	"io"
	"testing"
)

// refusal is an error of Redis.
type refusal string

func (e refusal) Error() string { return string(e) }
func (refusal) RedisError()     {}

// TestQuestionAnswered may be written again when Redis refused it, and not when
// an attempt broke off before, or it was given up.
func TestQuestionAnswered(t *testing.T) {
	t.Parallel()
	write := func(q *question) bool {
		_, err := q.message.MarshalBinary()
		return err == nil
	}
	loading := refusal("LOADING Redis is loading the dataset in memory")
	for _, test := range []struct {
		name  string
		do    func(q *question)
		again bool
	}{
		{"refused", func(q *question) { q.SetErr(loading) }, true},
		{"refused twice", func(q *question) { q.SetErr(loading); write(q); q.SetErr(loading) }, true},
		{"broken off", func(q *question) { q.SetErr(io.EOF) }, false},
		{"broken off, then refused", func(q *question) { q.SetErr(io.EOF); q.SetErr(loading) }, false},
		{"given up, then refused", func(q *question) { q.giveUp(); q.SetErr(loading) }, false},
		{"answered", func(q *question) { q.SetErr(nil) }, false},
	} {
		q := newQuestion(t.Context(), newPublish(t.Context(), "publish", "c", []byte("m")))
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
	q := newQuestion(t.Context(), newPublish(t.Context(), "publish", "c", []byte("m")))
	if q.NoRetry() || q.giveUp() {
		t.Error("it has been written")
	}
	if b, err := q.message.MarshalBinary(); err == nil {
		t.Errorf("%q is written", b)
	}
	q = newQuestion(t.Context(), newPublish(t.Context(), "publish", "c", []byte("m")))
	if b, err := q.message.MarshalBinary(); err != nil || string(b) != "m" || !q.NoRetry() {
		t.Errorf("%q, %v", b, err)
	}
	if again, ok := q.Clone().(*question); !ok || !again.NoRetry() {
		t.Error("a copy may be written")
	}
	if !q.giveUp() {
		t.Error("it has not been written")
	}
}
