package pipe

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/internal/barrier"
	"github.com/sioemit/sioemit/internal/census"
	"github.com/sioemit/sioemit/internal/connect"
	"github.com/sioemit/sioemit/internal/outcome"
	"github.com/sioemit/sioemit/internal/pace"
	"github.com/sioemit/sioemit/internal/settings"
)

// keepUp finds out whether the servers keep up with what is sent: as well as these
// servers and this Redis allow.
type keepUp struct {
	*piper
	barrier *connect.Barrier
	started bool
	window  *pace.Window
	giveUp  context.CancelFunc // the confirmation that is under way

	since  time.Time // of what is on its way to Redis
	run    taken     // that the window does not know of yet
	open   []int64   // numbers of lines, in the order in which Redis took them
	closed int64     // how many stood before these

	// What is below belongs to whoever confirms, one at a time.
	way     way
	heard   map[string]bool // namespaces in which servers have answered
	unheard int64           // lines in namespaces where nobody listens
}

// taken are lines that Redis has taken one after the other.
type taken struct {
	namespace    string
	lines, bytes int
}

// way is how to find it out. The next one is taken when one cannot be.
type way int

const (
	byProof   way = iota // the servers answer behind it, and nothing was lost on the way
	byAnswer             // they answer, and Redis does not let us see whether something was lost
	byBuffers            // Redis keeps little for them
	byNothing
)

func newKeepUp(p *piper) (*keepUp, error) {
	barrier, err := p.redis.Barrier()
	if err != nil {
		return nil, err
	}
	k := &keepUp{piper: p, barrier: barrier, heard: make(map[string]bool)}
	var ctx context.Context
	ctx, k.giveUp = context.WithCancel(context.WithoutCancel(p.ctx))
	k.window = pace.New(ctx, k.limits(), k.confirm)
	if !p.settings.CanAnswer() {
		k.way = byBuffers
	}
	return k, nil
}

// start looks how things are before the first line is sent.
func (k *keepUp) start(ctx context.Context) error {
	if k.started {
		return nil
	}
	if k.way == byProof {
		ctx, cancel := context.WithTimeout(ctx, k.settings.Redis.Timeout)
		defer cancel()
		if started, err := k.barrier.Start(ctx); err == nil {
			k.barrier.Barrier = started
		} else if err = k.fallBack(ctx, err); err != nil {
			return err
		}
	}
	k.started = true
	return nil
}

// limits are what may be unconfirmed. The servers of the streams adapter must read
// an entry before so many more have come that Redis trims it.
func (k *keepUp) limits() pace.Limits {
	var l pace.Limits
	if k.settings.Adapter == settings.Streams {
		l.Messages = int(max(1, k.settings.MaxLen/4))
	}
	return l
}

// wait returns how many of the commands may be sent now, one at least.
func (k *keepUp) wait(ctx context.Context, cmds []redis.Cmder) (n int, err error) {
	if k == nil {
		return len(cmds), nil
	}
	if err := k.start(ctx); err != nil {
		return 0, err
	}
	bytes := connect.SizeOf(cmds[0])
	if err := k.window.Wait(ctx, bytes); err != nil {
		return 0, &unconfirmedError{err}
	}
	for n = 1; n < len(cmds); n++ {
		bytes += connect.SizeOf(cmds[n])
		if !k.window.Fits(n+1, bytes) {
			break
		}
	}
	return n, nil
}

// before says that commands are about to be sent.
func (k *keepUp) before() {
	if k != nil {
		k.since = time.Now()
	}
}

// note takes note of a line that Redis has taken.
func (k *keepUp) note(l line, cmd redis.Cmder) {
	if k == nil {
		return
	}
	k.barrier.Note(l.namespace, k.since)
	switch cmd := cmd.(type) {
	case *redis.StringCmd:
		k.barrier.NoteEntry(l.namespace, cmd.Val())
	case *redis.IntCmd:
		if channel, ok := cmd.Args()[1].(string); ok && k.settings.Redis.IsCluster() && k.settings.Adapter == settings.Sharded && k.isRoomChannel(channel) {
			k.barrier.NoteRoom(l.namespace, channel)
		}
	}
	if k.run.namespace != l.namespace {
		k.after()
		k.run.namespace = l.namespace
	}
	k.run.lines++
	k.run.bytes += connect.SizeOf(cmd)
	k.open = append(k.open, l.number)
}

// after ends what was noted.
func (k *keepUp) after() {
	if k == nil || k.run.lines == 0 {
		return
	}
	k.window.Sent(k.run.namespace, k.run.lines, k.run.bytes)
	k.run.lines, k.run.bytes = 0, 0
	k.close()
}

// close forgets the lines that are confirmed.
func (k *keepUp) close() {
	confirmed := k.window.Confirmed()
	k.open = k.open[confirmed-k.closed:]
	k.closed = confirmed
}

// standing is what is known of the lines that were sent.
type standing struct {
	isProven  bool // whether the two below are known
	confirmed int64
	servers   int     // that have the lines, the fewest of all confirmations
	open      []int64 // numbers of the lines that are not confirmed, in the order in which Redis took them
	err       error   // why
}

// firstOpen is the number of the first line that is not confirmed, 0 where all are.
func (s *standing) firstOpen() int64 {
	if len(s.open) == 0 {
		return 0
	}
	return slices.Min(s.open) // what was sent again stands behind later ones
}

// finish waits until all lines are confirmed that were sent; after Ctrl-C not for
// long.
func (k *keepUp) finish() standing {
	if k == nil {
		return standing{}
	}
	stop := context.AfterFunc(k.ctx, func() { time.AfterFunc(k.settings.Redis.Timeout, k.giveUp) })
	err := k.window.Finish(context.WithoutCancel(k.ctx))
	stop()
	k.giveUp()
	k.close()
	k.barrier.Close()
	return standing{k.way == byProof, k.closed - k.unheard, k.window.Servers(), k.open, err}
}

// unconfirmedError says why lines that were sent are not confirmed.
type unconfirmedError struct{ err error }

func (e *unconfirmedError) Error() string { return e.err.Error() }

func (e *unconfirmedError) Unwrap() error { return e.err }

// whyUnconfirmed is the error in words of the command line.
func (p *piper) whyUnconfirmed(err error) string {
	var missing *barrier.MissingError
	switch {
	case errors.As(err, &missing):
		return outcome.NotAllHave(p.redis, missing.Answered, missing.Asked)
	case errors.Is(err, barrier.ErrNoServers):
		return err.Error() + ": " + outcome.WhatToCheck
	}
	return connect.ErrorText(p.redis.Explain(err))
}

// confirm returns once the servers have taken the lines that were sent, and how
// many servers they are.
func (k *keepUp) confirm(ctx context.Context, sent map[string]int) (servers int, err error) {
	var unheard int
	for namespace, lines := range sent {
		n, err := k.confirmIn(ctx, namespace)
		switch {
		case err != nil:
			return 0, err
		case n == 0:
			unheard += lines
		case servers == 0 || n < servers:
			servers = n
		}
	}
	k.unheard += int64(unheard)
	return servers, nil
}

// confirmIn is confirm in one namespace. Nobody to ask is no error, unless somebody
// was there before.
func (k *keepUp) confirmIn(ctx context.Context, namespace string) (servers int, err error) {
	for started, pause := time.Now(), 50*time.Millisecond; ; {
		switch k.way {
		case byProof, byAnswer:
			servers, err = k.ask(ctx, namespace)
		case byBuffers:
			servers, err = 0, k.awaitDrained(ctx)
		default:
			return 0, nil
		}
		switch {
		case err == nil:
			k.heard[namespace] = servers > 0
			return servers, nil
		case errors.Is(err, barrier.ErrNoServers) && !k.heard[namespace] && !k.confirms:
			return 0, nil
		case !isVerdict(err) && isPassing(err) && time.Since(started) < k.retryFor && k.ctx.Err() == nil:
			time.Sleep(pause)
			pause = min(2*pause, time.Second)
			continue
		}
		if err := k.fallBack(ctx, err); err != nil {
			return 0, err
		}
	}
}

// isVerdict reports whether an error is about the servers, and not about the way to
// them.
func isVerdict(err error) bool {
	return errors.As(err, new(*barrier.MissingError)) || errors.Is(err, barrier.ErrNoServers) || errors.Is(err, barrier.ErrUnconfirmed) || errors.As(err, new(*backlogError))
}

func (k *keepUp) ask(ctx context.Context, namespace string) (servers int, err error) {
	ctx, cancel := context.WithTimeout(ctx, k.settings.Redis.Timeout)
	defer cancel()
	if k.way == byAnswer {
		var answers []time.Duration
		answers, err = k.barrier.Ask(ctx, namespace)
		servers = len(answers)
	} else {
		servers, err = k.barrier.Confirm(ctx, namespace)
	}
	if err == nil && !k.heard[namespace] && len(k.heard) < MaxNamespaces {
		_ = k.barrier.Hold(ctx, namespace) // it only saves time
	}
	return servers, err
}

// fallBack goes over to another way, where the error says that this one cannot be
// used here. Otherwise it returns the error. With --confirm there is no other way.
func (k *keepUp) fallBack(ctx context.Context, err error) error {
	var missing *barrier.MissingError
	switch {
	case k.confirms:
		return err
	case errors.Is(err, barrier.ErrUnconfirmed) && connect.IsDenied(err):
		k.way = byAnswer
		k.sayOnce("nothing can be confirmed, because Redis does not let this user look whether servers lost their connection: %s", err)
	case connect.IsDenied(err) && (k.way == byBuffers || k.settings.Adapter == settings.Streams):
		k.way = byNothing
		k.sayOnce("lines are sent however far the servers are behind, because Redis does not let this user look: %s", err)
	case connect.IsDenied(err):
		k.way = byBuffers
		k.sayOnce("nothing can be confirmed, because Redis does not let this user ask the servers: %s", err)
	case errors.As(err, &missing) && missing.Answered == 0 && len(k.heard) == 0 && k.areOld(ctx):
		k.way = byBuffers
		k.sayOnce("nothing can be confirmed, because the servers are of Socket.IO 1 or 2: see --server-version", nil)
	default:
		return err
	}
	return nil
}

// areOld reports whether servers are there that understand the question and answer
// in other words, as those of Socket.IO 1 and 2 do.
func (k *keepUp) areOld(ctx context.Context) bool {
	if k.settings.Adapter != settings.Classic {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, k.settings.Redis.Timeout)
	defer cancel()
	group := census.Group{Adapter: settings.Classic, Key: k.settings.Key, Namespace: k.settings.Namespace, Servers: 1}
	answers, err := census.New(k.redis.Client, &k.settings.Servers).Ask(ctx, group, census.Nobody, false)
	return err == nil && answers.Old > 0
}

func (k *keepUp) sayOnce(format string, err error) {
	if k.quiet {
		return
	}
	k.progress.message(func() {
		if err == nil {
			k.Warn("%s", format)
		} else {
			k.Warn(format, connect.ErrorText(k.redis.Explain(err)))
		}
	})
}
