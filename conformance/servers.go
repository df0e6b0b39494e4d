package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// patience is how long anything may take that has to come at all.
var patience = 20 * time.Second

// servers are those of one case: they hear what is asked, and answer by its script.
type servers struct {
	stage     *stage
	c         *Case
	audiences map[string]*audience
	heard     chan question
	stop      context.CancelFunc
	done      sync.WaitGroup

	mu       sync.Mutex
	answered int   // questions
	acts     []Act // that are to come
	err      error
}

// question is one that a server has heard.
type question struct {
	id, text string
	channel  string // or stream
	number   int    // from 1; those that go through several nodes have the same
}

// play has servers listen, and answer, until end is called.
func (s *stage) play(ctx context.Context, c *Case) (*servers, error) {
	v := &servers{stage: s, c: c, audiences: make(map[string]*audience), heard: make(chan question, 100), acts: c.Meanwhile}
	for channel, n := range c.Given.Subscribers {
		a, err := s.gather(ctx, channel, n, c.Given.Shard, v.hear)
		if err != nil {
			return nil, errors.Join(err, v.end(ctx))
		}
		v.audiences[channel] = a
	}
	for stream, uids := range c.Given.Heartbeats {
		for _, uid := range uids {
			if err := s.add(ctx, stream, []string{"uid", uid, "nsp", "/", "type", "2"}); err != nil {
				return nil, errors.Join(err, v.end(ctx))
			}
		}
	}
	s.log.onTaken(func(cmd *sentCommand) { v.fail(v.taken(ctx, cmd)) })
	answering, stop := context.WithCancel(ctx)
	v.stop = stop
	v.done.Go(func() { v.fail(v.answer(answering)) })
	return v, nil
}

// add adds an entry to a stream.
func (s *stage) add(ctx context.Context, stream string, words []string) error {
	node, _, err := s.home(ctx, stream, true)
	if err != nil {
		return err
	}
	return node.Client().XAdd(ctx, &redis.XAddArgs{Stream: stream, Values: words}).Err()
}

// end has them listen no more. What they had to say was said when finish returned.
func (v *servers) end(ctx context.Context) error {
	v.stage.log.onTaken(nil)
	var errs []error
	for _, a := range v.audiences {
		errs = append(errs, a.end(ctx))
	}
	return errors.Join(errs...)
}

// hear takes what a server gets from Redis.
func (v *servers) hear(channel, payload string) {
	if id := requestID([]byte(payload)); id != "" {
		v.heard <- question{id: id, text: payload, channel: channel}
	}
}

// taken does what has to be done once Redis has taken a command and before the client
// knows that. What is in a stream, its servers have read.
func (v *servers) taken(ctx context.Context, cmd *sentCommand) error {
	if err := v.act(ctx, cmd); err != nil {
		return err
	}
	if strings.EqualFold(string(cmd.words[0]), "XADD") {
		v.hear(string(cmd.words[1]), string(cmd.words[len(cmd.words)-1]))
	}
	return nil
}

// act does what the case wants to be done behind a command.
func (v *servers) act(ctx context.Context, cmd *sentCommand) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.acts) == 0 || !slices.ContainsFunc(cmd.words, func(w []byte) bool { return bytes.Contains(w, []byte(v.acts[0].Behind)) }) {
		return nil
	}
	act := v.acts[0]
	v.acts = v.acts[1:]
	if a := v.audiences[act.Drop]; a != nil {
		if err := errors.Join(a.drop(), a.await(ctx)); err != nil {
			return err
		}
	}
	if a := v.audiences[act.Add]; a != nil {
		if err := errors.Join(a.add(ctx), a.await(ctx)); err != nil {
			return err
		}
	}
	if act.Empty == "" {
		return nil
	}
	node, _, err := v.stage.home(ctx, act.Empty, true)
	if err != nil {
		return err
	}
	return node.Client().XTrimMaxLen(ctx, act.Empty, 0).Err()
}

// requestID returns the id of a question, or nothing for what is none.
func requestID(payload []byte) string {
	v, err := decodePayload(payload)
	if err != nil {
		return ""
	}
	message, _ := v.(map[string]any)
	if data, ok := message["data"].(map[string]any); ok {
		message = data
	}
	id, _ := message["requestId"].(string)
	return id
}

// answer plays the script: for each question that comes, or, of several that are asked
// together, once all are there.
func (v *servers) answer(ctx context.Context) error {
	batch, through := max(1, len(v.c.Together)), v.stage.through(v.c)
	for n := 0; ; {
		var questions []question
		for range batch {
			select {
			case q := <-v.heard:
				q.number = 1 + n/through
				questions = append(questions, q)
				n++
			case <-ctx.Done():
				return nil
			}
		}
		for i := range v.c.Answers {
			for _, q := range questions {
				if err := v.one(ctx, &v.c.Answers[i], q); err != nil {
					return fmt.Errorf("answer %d: %w", i+1, err)
				}
			}
		}
		v.mu.Lock()
		v.answered += batch
		v.mu.Unlock()
	}
}

// one gives an answer, if it is meant for the question.
func (v *servers) one(ctx context.Context, a *Answer, q question) error {
	switch {
	case a.Question > 0 && a.Question != q.number, !strings.Contains(q.text, a.Asks), a.At != "" && a.At != q.channel:
		return nil
	case a.Cut:
		v.stage.log.cutListening()
		return nil
	case a.Entry != nil:
		words, err := a.entry(q.id)
		if err != nil {
			return err
		}
		return v.stage.add(ctx, a.On, words)
	}
	payload, err := a.payload(q.id)
	if err != nil {
		return err
	}
	node, _, err := v.stage.home(ctx, a.On, v.c.Given.Shard)
	if err != nil {
		return err
	}
	if a.Pause > 0 || a.Rate > 0 {
		v.stage.log.setPace(pace{payload, time.Duration(a.Pause) * time.Millisecond, a.Rate})
	}
	for range max(1, a.Times) {
		if v.c.Given.Shard {
			err = node.Client().SPublish(ctx, a.On, payload).Err()
		} else {
			err = node.Client().Publish(ctx, a.On, payload).Err()
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

func (v *servers) fail(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.err = errors.Join(v.err, err)
}

// finish returns once every question has been answered that Redis has taken, so that
// late answers come too, and has the servers answer no more. It says what has not reached
// them, and what was to be done and has not been.
func (v *servers) finish(ctx context.Context) (wrong []string, err error) {
	defer v.done.Wait()
	defer v.stop()
	deadline := time.Now().Add(patience)
	for {
		asked := len(v.stage.log.questions())
		v.mu.Lock()
		answered, acts, err := v.answered, v.acts, v.err
		v.mu.Unlock()
		switch {
		case err == nil && answered >= asked && len(acts) > 0:
			return []string{fmt.Sprintf("nothing was sent that holds %q", acts[0].Behind)}, nil
		case err != nil || answered >= asked || asked < len(v.c.Together):
			return nil, err
		case time.Now().After(deadline):
			return []string{fmt.Sprintf("%d of %d questions have reached no server", asked-answered, asked)}, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
}

// asks reports whether a command that publishes is a question, which servers answer.
func (c *sentCommand) asks() bool { return requestID(c.words[len(c.words)-1]) != "" }

// questions are the commands that ask servers, and that Redis has taken, since the last
// take.
func (l *log) questions() []*sentCommand {
	l.mu.Lock()
	defer l.mu.Unlock()
	var asked []*sentCommand
	for _, cmd := range l.commands {
		if cmd.publishes() && !cmd.refused && cmd.asks() {
			asked = append(asked, cmd)
		}
	}
	return asked
}
