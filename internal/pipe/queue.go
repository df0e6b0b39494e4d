package pipe

import (
	"context"
	"errors"
	"sync"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/connect"
)

// The most that a batch holds: enough to make round trips cheap, little enough
// to keep memory flat.
const (
	MaxBatchLines = 2000
	maxBatchBytes = 1 << 20
)

// batch is a pipeline and the lines that its commands come from.
type batch struct {
	pipe  redis.Pipeliner
	io    *emitter.Emitter
	lines []line
	bytes int // of the lines
}

// line is one whose event is in a batch.
type line struct {
	number    int64
	namespace string // with its slash
}

// queue lets reading and sending overlap: while one batch is sent the other one
// fills. A batch is taken as soon as the sender is free, however little is in
// it, so that input that trickles is not held back.
type queue struct {
	mu      sync.Mutex
	changed sync.Cond
	filling *batch
	spare   *batch
	closed  bool // nothing more will come
	ended   bool // nothing more will be sent
}

func newQueue(r *connect.Redis) *queue {
	newBatch := func() *batch {
		pipe := r.Client.Pipeline()
		return &batch{pipe: pipe, io: r.Emitter(pipe)}
	}
	q := &queue{filling: newBatch(), spare: newBatch()}
	q.changed.L = &q.mu
	return q
}

// put lets emit add one line of so many bytes to the batch, once there is room
// in it. It reports false when nothing more will be sent.
func (q *queue) put(l line, size int, emit func(io *emitter.Emitter) error) (taken bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.ended && !q.closed && (len(q.filling.lines) >= MaxBatchLines || q.filling.bytes > 0 && q.filling.bytes+size > maxBatchBytes) {
		q.changed.Wait()
	}
	if q.ended || q.closed {
		return false, nil
	}
	if err := emit(q.filling.io); err != nil {
		return true, err
	}
	q.filling.lines = append(q.filling.lines, l)
	q.filling.bytes += size
	if len(q.filling.lines) == 1 {
		q.changed.Broadcast()
	}
	return true, nil
}

// close says that no more lines come.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.changed.Broadcast()
}

// drain hands batch after batch to flush, until the queue is closed and empty
// or flush returns an error.
func (q *queue) drain(flush func(*batch) error) error {
	for {
		b := q.take()
		if b == nil {
			return nil
		}
		if err := flush(b); err != nil {
			q.mu.Lock()
			q.ended = true
			q.changed.Broadcast()
			q.mu.Unlock()
			return err
		}
		b.lines, b.bytes = b.lines[:0], 0
		q.mu.Lock()
		q.spare = b
		q.mu.Unlock()
	}
}

// take returns the batch that was being filled, nil when the queue is closed
// and empty.
func (q *queue) take() *batch {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.filling.lines) == 0 {
		if q.closed {
			return nil
		}
		q.changed.Wait()
	}
	b := q.filling
	q.filling, q.spare = q.spare, nil
	q.changed.Broadcast()
	return b
}

// waiting returns the lines that nobody has taken.
func (q *queue) waiting() []line {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.filling.lines
}

var errUnanswered = errors.New("redis closed the connection without an answer")

// executeOnce sends commands in one round trip, after which those that Redis has
// not taken have an error. Only an answer counts: when a connection breaks, or
// cannot be set up, go-redis does not always give every command the error.
func executeOnce(ctx context.Context, pipe redis.Pipeliner, cmds []redis.Cmder) {
	for _, cmd := range cmds {
		markUnanswered(cmd)
	}
	_ = pipe.BatchProcess(ctx, cmds...)
	_, err := pipe.Exec(ctx)
	if err == nil || isRefused(err) { // which is about one command only
		err = errUnanswered
	}
	for _, cmd := range cmds {
		if cmd.Err() == nil && !isAnswered(cmd) {
			cmd.SetErr(err)
		}
	}
}

// markUnanswered gives a command a result that Redis never gives: the count of
// PUBLISH is not negative, the id of XADD not empty.
func markUnanswered(cmd redis.Cmder) {
	cmd.SetErr(nil)
	switch cmd := cmd.(type) {
	case *redis.IntCmd:
		cmd.SetVal(-1)
	case *redis.StringCmd:
		cmd.SetVal("")
	}
}

func isAnswered(cmd redis.Cmder) bool {
	switch cmd := cmd.(type) {
	case *redis.IntCmd:
		return cmd.Val() >= 0
	case *redis.StringCmd:
		return cmd.Val() != ""
	}
	return true
}
