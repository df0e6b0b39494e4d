package barrier

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/internal/goredis"
	"github.com/sioemit/sioemit/internal/once"
	"github.com/sioemit/sioemit/internal/protocol"
	"github.com/sioemit/sioemit/internal/replies"
	"github.com/sioemit/sioemit/internal/wire"
)

// ErrNoServers is returned when nobody is there to answer.
var ErrNoServers = errors.New("no server listens on the namespace")

// MissingError says that servers have not answered in time.
type MissingError struct {
	Answered, Asked int
	Err             error // of the context
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("%d of %d servers answered: %v", e.Answered, e.Asked, e.Err)
}

// Unwrap returns the error of the context.
func (e *MissingError) Unwrap() error { return e.Err }

// Barrier asks the servers that one client reaches. What is sent to them is noted in
// its Sent.
type Barrier struct {
	*Sent
	client   *goredis.Client
	receiver *replies.Receiver
	adapter  Adapter
}

// New returns a Barrier at which nothing was sent yet. It does not use the client.
func New(client *goredis.Client, receiver *replies.Receiver, adapter Adapter) *Barrier {
	return &Barrier{newSent(nil), client, receiver, adapter}
}

// Start returns a Barrier for what is sent from now on, which has looked at what
// carries it. The error wraps ErrUnconfirmed when Redis does not let it look.
func (b *Barrier) Start(ctx context.Context) (*Barrier, error) {
	start, err := look(ctx, b.client, b.adapter.by())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnconfirmed, err)
	}
	return &Barrier{newSent(start), b.client, b.receiver, b.adapter}, nil
}

// Ask asks every server of a namespace, and returns how long after the question each
// answer came, also when it returns a *MissingError.
func (b *Barrier) Ask(ctx context.Context, namespace string) (answers []time.Duration, err error) {
	s, err := b.servers(ctx, namespace)
	if err != nil {
		return nil, err
	}
	return s.ask(ctx, s.adapter.questions(namespace, nil))
}

// Present is Ask for those who want to know who is there, and nothing of what was sent
// before: it leaves nothing in a stream.
func (b *Barrier) Present(ctx context.Context, namespace string) (answers []time.Duration, err error) {
	s, err := b.servers(ctx, namespace)
	if err != nil {
		return nil, err
	}
	return s.ask(ctx, []question{s.adapter.presence(namespace)})
}

// servers are those of one namespace.
type servers struct {
	*Barrier
	namespace string
	wait      func(context.Context) (*replies.Wait, error)
}

func (b *Barrier) servers(ctx context.Context, namespace string) (*servers, error) {
	channels, shard := b.adapter.ReplyChannels(namespace)
	wait, err := b.receiver.On(ctx, b.client, shard, channels)
	return &servers{b, namespace, wait}, err
}

// ask asks questions, the first of them in the namespace. It asks again when servers
// have come meanwhile: one of them may have answered in the place of another.
func (s *servers) ask(ctx context.Context, questions []question) (answers []time.Duration, err error) {
	counts, err := s.count(ctx, questions)
	for err == nil {
		if counts[0] == 0 {
			if a, ok := s.adapter.(streams); ok {
				if answers, err = s.askOld(ctx, a); err != nil || len(answers) > 0 {
					return answers, err
				}
			}
			return nil, fmt.Errorf("%w %s", ErrNoServers, s.namespace)
		}
		if answers, err = s.askAll(ctx, questions, counts); err != nil {
			return answers, err
		}
		before := counts
		if counts, err = s.count(ctx, questions); err != nil || haveGrown(before, counts) {
			continue
		}
		if len(answers) == 0 { // of those who only listen, as sioemit does
			return nil, fmt.Errorf("%w %s", ErrNoServers, s.namespace)
		}
		return answers, nil
	}
	return nil, err
}

func haveGrown(before, after []int) bool {
	for i := range after {
		if after[i] > before[i] {
			return true
		}
	}
	return false
}

// count returns how many servers will answer each question.
func (s *servers) count(ctx context.Context, questions []question) ([]int, error) {
	counts := make([]int, len(questions))
	var mu sync.Mutex
	err := s.client.Each(ctx, func(ctx context.Context, node goredis.Node) error {
		words := []any{"pubsub", questions[0].numsub}
		for _, q := range questions {
			words = append(words, q.channel)
		}
		cmd := redis.NewMapStringIntCmd(ctx, words...)
		if err := node.Process(ctx, cmd); err != nil {
			return fmt.Errorf("PUBSUB: %w", err)
		}
		mu.Lock()
		defer mu.Unlock()
		for i, q := range questions {
			counts[i] += int(cmd.Val()[q.channel])
		}
		return nil
	})
	return counts, err
}

// result is what has become of one question.
type result struct {
	answers []time.Duration
	missing int
	err     error
}

// worse reports whether r says more of what is wrong than another one.
func (r *result) worse(than *result) bool {
	return r.missing > than.missing || r.err != nil && than.err == nil
}

// askAll asks all questions at the same time, each of so many servers. It returns the
// answers to the first one, or else to that which most have not answered.
func (s *servers) askAll(ctx context.Context, questions []question, counts []int) (answers []time.Duration, err error) {
	results := make([]result, len(questions))
	var group sync.WaitGroup
	for i, q := range questions {
		if counts[i] == 0 {
			continue // of a room that nobody is in any more
		}
		group.Go(func() {
			if q.everyMaster && s.client.IsCluster() {
				results[i] = s.askMasters(ctx, q, counts[i])
			} else {
				results[i] = s.askOne(ctx, s.client, q, counts[i])
			}
		})
	}
	group.Wait()
	worst := &results[0]
	for i := range results {
		if results[i].worse(worst) {
			worst = &results[i]
		}
	}
	return worst.answers, worst.err
}

// askMasters asks one question by way of each master.
func (s *servers) askMasters(ctx context.Context, q question, count int) (worst result) {
	var mu sync.Mutex
	err := s.client.Each(ctx, func(ctx context.Context, node goredis.Node) error {
		if isMaster, err := isMaster(ctx, node); err != nil || !isMaster {
			return err
		}
		r := s.askOne(ctx, node, q, count)
		mu.Lock()
		defer mu.Unlock()
		if worst.answers == nil || r.worse(&worst) {
			worst = r
		}
		return nil
	})
	if err != nil && worst.err == nil {
		worst.err = err
	}
	return worst
}

func isMaster(ctx context.Context, node goredis.Node) (bool, error) {
	info := redis.NewStringCmd(ctx, "info", "replication")
	err := node.Process(ctx, info)
	return infoField(info.Val(), "role") == "master", err
}

// maxAttempts is how often a question is asked when it is not known whether Redis
// has got it, each time under another id.
const maxAttempts = 4

// askOne asks one question by way of one node, or of the client.
func (s *servers) askOne(ctx context.Context, node goredis.Node, q question, count int) (r result) {
	r.missing = count
	w, err := s.wait(ctx)
	if err != nil {
		r.err = err
		return r
	}
	defer w.Release()
	asked, err := ask(ctx, node, q, w)
	if err != nil {
		r.err = err
		return r
	}
	uids := make(map[string]bool)
	listeners := 0 // who answer, and are no servers
	r.err = w.Await(ctx, func(heads []protocol.Head) (all bool) {
		for _, h := range heads {
			if h.Kind != protocol.KindSockets || uids[h.UID] {
				continue
			}
			if h.UID != "" {
				uids[h.UID] = true // of the classic adapter nobody says who he is
			}
			if strings.HasPrefix(h.UID, wire.ListenerUID) {
				listeners++
				continue
			}
			r.answers = append(r.answers, time.Since(asked))
		}
		return len(r.answers)+listeners >= count
	})
	r.missing = max(0, count-len(r.answers)-listeners)
	if r.err != nil && ctx.Err() != nil {
		r.err = &MissingError{len(r.answers), count - listeners, r.err}
	}
	return r
}

// ask sends a question, whose answers w waits for, and returns when.
func ask(ctx context.Context, node goredis.Node, q question, w *replies.Wait) (asked time.Time, err error) {
	for attempt := 1; ; attempt++ {
		cmd, err := q.command(ctx, w.ID())
		if err != nil {
			return asked, err
		}
		asked = time.Now()
		if err = node.Process(ctx, cmd); err == nil {
			return asked, nil
		}
		if question, ok := cmd.(*once.Question); !ok || !question.GiveUp() || attempt == maxAttempts || ctx.Err() != nil {
			return asked, fmt.Errorf("asking: %w", err)
		}
		w.Renew()
	}
}
