package pipe

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/connect"
	"github.com/sioemit/sioemit/internal/event"
	"github.com/sioemit/sioemit/internal/outcome"
	"github.com/sioemit/sioemit/internal/show"
	"golang.org/x/time/rate"
)

// piper is one run of pipe.
type piper struct {
	options
	ctx      context.Context
	redis    *connect.Redis
	queue    *queue
	limit    *rate.Limiter // nil: none
	replay   replay
	defaults event.Line
	progress *progress // nil: none

	namespaces map[string]bool // of the first lines queued; the reader's until it has ended

	bytes    atomic.Int64 // read
	queued   atomic.Int64 // lines in the queue, ever; each becomes sent or is not
	sent     atomic.Int64
	rejected atomic.Int64
	next     atomic.Int64 // number of the line behind the last one queued or rejected
	behind   atomic.Int64 // likewise, without those that were rejected
	skipped  atomic.Int64 // bytes before the first line to be sent, -1: it has not come

	checkpoint *checkpoint // nil: none

	unsubscribed int64 // events of the sharded adapter on the channel of a room, to which nobody subscribes
	subscribed   int64 // and those on one to which somebody does

	added map[string]int64 // entries by stream

	keepUp *keepUp // nil: nothing holds back

	trusted      bool    // Redis took all of the last commands
	firstNotSent int64   // line number, 0: none
	sentBehind   []int64 // lines after that one that were sent all the same
}

// MaxNamespaces is in how many namespaces, at most, pipe asks at the end whether
// anybody listens: those that come first.
const MaxNamespaces = 20

func newPiper(ctx context.Context, o options, r *connect.Redis, limit *rate.Limiter) *piper {
	p := &piper{
		options: o, ctx: ctx, redis: r, queue: newQueue(r), limit: limit,
		namespaces: make(map[string]bool), added: make(map[string]int64),
		defaults: event.Line{Target: o.target},
	}
	p.next.Store(o.fromLine)
	p.behind.Store(o.fromLine)
	p.skipped.Store(-1)
	return p
}

// parseRate reads 500/s, 500/m and 5k/s; the empty rate is none.
func parseRate(text string) (*rate.Limiter, error) {
	if text == "" {
		return nil, nil
	}
	number, unit, _ := strings.Cut(text, "/")
	number, thousands := strings.CutSuffix(number, "k")
	n, err := strconv.ParseFloat(number, 64)
	if thousands {
		n *= 1000
	}
	switch {
	case err != nil || !(n > 0 && n <= 1e9): // NaN is neither
		return nil, fmt.Errorf("--rate %s: it must be a number with /s or /m, such as 500/s or 5k/s", text)
	case unit == "m":
		n /= 60
	case unit != "s":
		return nil, fmt.Errorf("--rate %s: it must end in /s or /m", text)
	}
	// Ten milliseconds' worth at once, so that high rates need no timer a line.
	return rate.NewLimiter(rate.Limit(n), max(1, int(n/100))), nil
}

// read puts every line of input into the queue. It returns when the input ends,
// when nothing more will be sent, at the first bad line with --fail-fast, and
// after too many bad lines in a row.
func (p *piper) read(input io.Reader) error {
	in := bufio.NewReaderSize(input, 256<<10)
	from := p.fromLine
	head, _ := in.Peek(4)
	bad := badRow{most: p.maxBadLines, head: bytes.Clone(head), isKept: p.checkpoint != nil}
	var l event.Line
	for number := int64(1); ; number++ {
		text, err := event.ReadLine(in)
		switch {
		case err == io.EOF && p.ctx.Err() != nil:
			return nil // whoever writes was interrupted, too: the line may be half of one
		case err != nil && err != io.EOF && !errors.Is(err, event.ErrLongLine):
			return err // what came of the line does not count
		}
		if number == from {
			p.skipped.Store(p.bytes.Load())
		}
		p.bytes.Add(int64(len(text)))
		if number == 1 {
			text = bytes.TrimPrefix(text, []byte("\ufeff")) // some editors begin a file with it
		}
		text = bytes.TrimSpace(text)
		if err != io.EOF || len(text) > 0 {
			if err := p.checkpoint.line(number, text); err != nil {
				return err
			}
		}
		if number >= from && (len(text) > 0 || errors.Is(err, event.ErrLongLine)) {
			if p.limit != nil {
				if err := p.limit.Wait(p.ctx); err != nil {
					return nil // interrupted; the line counts as not read
				}
			}
			taken, lineErr := false, err
			if err == nil || err == io.EOF {
				taken, lineErr = p.put(number, &l, text)
				if !taken && lineErr == nil {
					return nil
				}
			}
			if lineErr == nil {
				bad.good()
			} else {
				p.reject(number, lineErr)
				p.next.Store(number + 1)
				if p.failFast {
					return nil
				}
				if err := bad.bad(number, text); err != nil {
					return err
				}
			}
		}
		if err == io.EOF {
			if len(text) == 0 {
				number--
			}
			if from > number+1 { // one behind the last is where nothing is left to be done
				if p.checkpoint != nil {
					return commandline.Usagef("%s says that %s are done, but the input has only %d: is it another input?", p.checkpointFile, show.Plural(int(from-1), "line"), number)
				}
				return commandline.Usagef("--from-line %d: the input has %s", from, show.Plural(int(number), "line"))
			}
			return nil
		}
	}
}

// put parses a line and adds its event to the queue.
func (p *piper) put(number int64, l *event.Line, text []byte) (taken bool, err error) {
	args := l.Args
	*l = p.defaults
	l.Args = args
	if err := l.Parse(text); err != nil {
		return false, err
	}
	if p.replays {
		if l.Time.IsZero() {
			return false, errNoTime
		}
		if !p.replay.wait(p.ctx.Done(), l.Time) {
			return false, nil
		}
	}
	return p.queue.put(line{number, encoding.Namespace(l.Namespace)}, len(text), func(io *emitter.Emitter) error {
		err := l.Emit(context.WithoutCancel(p.ctx), io) // Ctrl-C makes no line a bad one
		if err == nil {
			p.queued.Add(1)
			p.next.Store(number + 1)
			p.behind.Store(number + 1)
			if len(p.namespaces) <= MaxNamespaces {
				p.namespaces[l.Namespace] = true
			}
		}
		return err
	})
}

func (p *piper) reject(number int64, err error) {
	p.rejected.Add(1)
	p.progress.message(func() {
		p.Say("line %d: %s", number, show.OneLine(p.refused(err).Error()))
	})
}

// print is --dry-run: it prints the commands of a batch.
func (p *piper) print(b *batch) error {
	for _, cmd := range b.pipe.Cmds() {
		if err := outcome.PrintCommand(p.Out, p.json, cmd.Args()); err != nil {
			return err
		}
	}
	b.pipe.Discard()
	p.sent.Add(int64(len(b.lines)))
	return nil
}

// execute sends a batch, and what Redis has not confirmed of it again, for as long
// as --retry-for allows. A batch under way is finished after Ctrl-C, but not tried
// again, and no server is waited for. A line that Redis refuses ends the run, because
// it is not the line that is wrong: a permission is missing, and whoever grants it can
// resume.
func (p *piper) execute(b *batch) error {
	started, pause := time.Now(), 50*time.Millisecond
	cmds, lines := slices.Clone(b.pipe.Cmds()), b.lines
	b.pipe.Discard()
	for len(cmds) > 0 {
		// A Redis that has just come up may refuse the first commands of a
		// pipeline, because it is loading, and take the later ones. To keep the
		// order, one command finds out whether it is ready.
		n := untilLarge(cmds)
		if !p.trusted {
			n = 1
		}
		n, err := p.keepUp.wait(p.ctx, cmds[:n])
		if err == nil {
			var againCmds []redis.Cmder
			var againLines []line
			againCmds, againLines, err = p.send(b.pipe, cmds[:n], lines[:n])
			cmds, lines = append(againCmds, cmds[n:]...), append(againLines, lines[n:]...)
		}
		p.trusted = err == nil
		var large *connect.TooLargeError
		switch {
		case p.trusted:
			continue
		case n == 1 && errors.As(err, &large) && large.IsCertain() && !p.failFast:
			p.queued.Add(-1)
			p.reject(lines[0].number, large)
			cmds, lines = cmds[1:], lines[1:]
			continue
		}
		if !isPassing(err) || time.Since(started) >= p.retryFor || p.ctx.Err() != nil {
			p.firstNotSent = lines[0].number
			for _, l := range b.lines {
				_, isLeft := slices.BinarySearchFunc(lines, l.number, func(l line, number int64) int { return cmp.Compare(l.number, number) })
				if l.number > p.firstNotSent && !isLeft {
					p.sentBehind = append(p.sentBehind, l.number)
				}
			}
			if errors.As(err, new(*unconfirmedError)) {
				return err
			}
			return p.redis.Explain(err)
		}
		select {
		case <-time.After(pause):
			pause = min(2*pause, time.Second)
		case <-p.ctx.Done():
		}
	}
	p.note(b)
	return nil
}

// send sends commands once, and returns those that Redis has not taken, with the
// error that counts.
func (p *piper) send(pipe redis.Pipeliner, cmds []redis.Cmder, lines []line) (againCmds []redis.Cmder, againLines []line, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.ctx), p.settings.Redis.Timeout)
	defer cancel()
	p.keepUp.before()
	executeOnce(ctx, pipe, cmds)
	for i, cmd := range cmds {
		if cmd.Err() == nil {
			p.sent.Add(1)
			p.noteTaken(cmd)
			p.keepUp.note(lines[i], cmd)
			continue
		}
		if err == nil || isPassing(err) {
			err = cmd.Err() // what stays counts for more than what may pass
		}
		againCmds, againLines = append(againCmds, cmd), append(againLines, lines[i])
	}
	p.keepUp.after()
	return againCmds, againLines, err
}

// untilLarge is how many of the commands may go out together. One that may be
// too large for Redis goes alone: Redis closes the connection then, and nobody
// knows which of the others it has taken.
func untilLarge(cmds []redis.Cmder) int {
	for i, cmd := range cmds {
		if connect.SizeOf(cmd) > connect.LeastLimit {
			return max(1, i)
		}
	}
	return len(cmds)
}

// isRefused reports whether an error is about the one command that got it, and
// will not go away by itself: the user may not use that channel or stream.
func isRefused(err error) bool {
	return redis.HasErrorPrefix(err, "NOPERM") && strings.Contains(err.Error(), " access ")
}

// isPassing reports whether an error may go away by itself: that of a broken
// connection, or of a Redis that is starting, failing over, being resharded, or
// out of memory or disk for now. One of an event that only may be too large is
// judged by what it wraps.
func isPassing(err error) bool {
	var refusal redis.Error
	var large *connect.TooLargeError
	switch {
	case errors.As(err, &large) && large.IsCertain(), errors.As(err, new(*unconfirmedError)):
		return false
	case !errors.As(err, &refusal):
		return true
	}
	for _, prefix := range []string{"LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "MOVED", "ASK", "NOREPLICAS", "UNBLOCKED", "OOM", "MISCONF", "BUSY ", "ERR max number of clients"} {
		if strings.HasPrefix(refusal.Error(), prefix) {
			return true
		}
	}
	return false
}
