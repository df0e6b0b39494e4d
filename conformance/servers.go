package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// patience is how long anything may take that has to come at all.
var patience = 20 * time.Second

// servers are those of one case: they hear what is asked, and answer by its script.
type servers struct {
	stage *stage
	c     *Case
	heard chan question
	end   context.CancelFunc
	done  sync.WaitGroup

	mu       sync.Mutex
	answered int // questions
	err      error
}

// question is one that a server has heard.
type question struct {
	id, text string
	number   int // from 1
}

// play has servers answer until end is called.
func (s *stage) play(ctx context.Context, c *Case) *servers {
	v := &servers{stage: s, c: c, heard: make(chan question, 100)}
	ctx, v.end = context.WithCancel(ctx)
	v.done.Go(func() { v.fail(v.answer(ctx)) })
	return v
}

// hear takes what a server gets from Redis.
func (v *servers) hear(payload string) {
	if id := requestID([]byte(payload)); id != "" {
		v.heard <- question{id: id, text: payload}
	}
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
	batch := max(1, len(v.c.Together))
	for number := 1; ; {
		var questions []question
		for range batch {
			select {
			case q := <-v.heard:
				q.number = number
				questions = append(questions, q)
				number++
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
	case a.Question > 0 && a.Question != q.number, !strings.Contains(q.text, a.Asks):
		return nil
	case a.Cut:
		v.stage.log.cutListening()
		return nil
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
			err = node.SPublish(ctx, a.On, payload).Err()
		} else {
			err = node.Publish(ctx, a.On, payload).Err()
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
// late answers come too, and ends the servers. It says what has not reached them.
func (v *servers) finish(ctx context.Context) (wrong []string, err error) {
	defer v.done.Wait()
	defer v.end()
	deadline := time.Now().Add(patience)
	for {
		asked := len(v.stage.log.questions())
		v.mu.Lock()
		answered, err := v.answered, v.err
		v.mu.Unlock()
		switch {
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

// questions are the commands that ask servers, and that Redis has taken, since the last
// take.
func (l *log) questions() []*sentCommand {
	l.mu.Lock()
	defer l.mu.Unlock()
	var asked []*sentCommand
	for _, cmd := range l.commands {
		if cmd.publishes() && !cmd.refused && requestID(cmd.words[len(cmd.words)-1]) != "" {
			asked = append(asked, cmd)
		}
	}
	return asked
}
