package emittertest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// Recorder takes what Emitters send. Its methods may be called at any time, from
// any goroutine.
//
// It is a hook of go-redis as well. Code that also uses Redis otherwise, as in a
// transaction with an event in it, can be given a client of a Redis for tests, to
// which the Recorder is added by AddHook: it takes the calls of Emitters out, and
// passes the rest on. A *redis.ClusterClient asks its nodes for ServerCount, whose
// clients need the Recorder, too: in OnNewNode. EXEC of a transaction that holds
// nothing but events is not sent, so that what was watched is not looked at.
type Recorder struct {
	mu      sync.Mutex
	calls   []Call
	servers int
	err     error
}

// NewRecorder returns a Recorder that has recorded nothing.
func NewRecorder() *Recorder { return new(Recorder) }

// Client returns a client for emitter.New, and for what else the code under test
// does with a client to emit: Pipelined, TxPipelined, AutoPipeline. It never opens
// a connection. Commands of others are errors, and calls that need answers of
// servers are, too.
func (r *Recorder) Client() *redis.Client {
	client := redis.NewClient(&redis.Options{
		Addr: "emittertest", MaxRetries: -1, DialerRetries: 1,
		Dialer: func(context.Context, string, string) (net.Conn, error) { return nil, errAlone },
	})
	client.AddHook(r)
	client.AddHook(alone{})
	return client
}

// Calls returns what was sent so far, in the order in which Redis would have got
// it.
func (r *Recorder) Calls() []Call {
	r.mu.Lock()
	defer r.mu.Unlock()
	calls := make([]Call, len(r.calls))
	for i, call := range r.calls {
		calls[i] = call.clone()
	}
	return calls
}

// Reset forgets the calls.
func (r *Recorder) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = nil
}

// FailWith has Redis refuse all calls from now on, for tests of what the code does
// then: they return an error that wraps err, and are not recorded. A nil error
// ends it.
func (r *Recorder) FailWith(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
}

// SetServers sets how many servers ServerCount finds, in every namespace. At
// first there is none.
func (r *Recorder) SetServers(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.servers = n
}

// DialHook changes nothing.
func (r *Recorder) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook records a call.
func (r *Recorder) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if call := decode(cmd); call != nil {
			return r.take([]redis.Cmder{cmd}, []Call{*call})
		}
		if channel := counted(cmd); channel != "" {
			return r.count(cmd, channel)
		}
		return next(ctx, cmd)
	}
}

// ProcessPipelineHook records the calls of a pipeline once the rest of it is done.
func (r *Recorder) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		var taken, rest []redis.Cmder
		var calls []Call
		others := false // but MULTI and EXEC
		for _, cmd := range cmds {
			if call := decode(cmd); call != nil {
				taken, calls = append(taken, cmd), append(calls, *call)
				continue
			}
			rest = append(rest, cmd)
			others = others || cmd.Name() != "multi" && cmd.Name() != "exec"
		}
		if len(taken) > 0 {
			if err := r.refusal(); err != nil {
				return fail(cmds, err)
			}
		}
		var err error
		if others {
			err = next(ctx, rest)
			refused := redis.Error(nil)
			exec := rest[len(rest)-1]
			if err != nil && (!errors.As(err, &refused) || exec.Name() == "exec" && exec.Err() != nil) {
				fail(taken, err) // nothing was sent, or nothing was done
				return err
			}
		}
		if takeErr := r.take(taken, calls); takeErr != nil {
			return takeErr
		}
		return err
	}
}

// take records calls, and answers their commands.
func (r *Recorder) take(cmds []redis.Cmder, calls []Call) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return fail(cmds, r.err)
	}
	r.calls = append(r.calls, calls...)
	for _, cmd := range cmds {
		switch cmd := bare(cmd).(type) {
		case interface{ SetVal(int64) }: // of PUBLISH
			cmd.SetVal(int64(r.servers))
		case interface{ SetVal(string) }: // of XADD
			cmd.SetVal(fmt.Sprintf("%d-0", len(r.calls)))
		}
	}
	return nil
}

// bare returns a command without what emitter.NoRetry has put around it.
func bare(cmd redis.Cmder) redis.Cmder {
	if wrapper, ok := cmd.(interface{ Unwrap() redis.Cmder }); ok {
		return wrapper.Unwrap()
	}
	return cmd
}

func (r *Recorder) refusal() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

func fail(cmds []redis.Cmder, err error) error {
	for _, cmd := range cmds {
		cmd.SetErr(err)
	}
	return err
}

// counted returns the channel whose subscribers ServerCount asks for; of another
// command it is empty.
func counted(cmd redis.Cmder) string {
	words := cmd.Args()
	if len(words) != 3 || words[0] != "pubsub" || words[1] != "numsub" && words[1] != "shardnumsub" {
		return ""
	}
	channel, _ := words[2].(string)
	if !strings.Contains(channel, "#/") || !strings.HasSuffix(channel, "#") {
		return ""
	}
	return channel
}

func (r *Recorder) count(cmd redis.Cmder, channel string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return fail([]redis.Cmder{cmd}, r.err)
	}
	counts, ok := bare(cmd).(*redis.MapStringIntCmd)
	if !ok {
		return fail([]redis.Cmder{cmd}, fmt.Errorf("emittertest: a hook in front of the Recorder has made a %T of PUBSUB, which cannot be answered", cmd))
	}
	counts.SetVal(map[string]int64{channel: int64(r.servers)})
	return nil
}

// errAlone is what comes of calls that need answers.
var errAlone = errors.New("emittertest: a Recorder has no servers that answer")

// alone is the hook that stands where Redis would: behind a Recorder without one.
type alone struct{}

func (alone) DialHook(next redis.DialHook) redis.DialHook { return next }

func (alone) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(_ context.Context, cmd redis.Cmder) error {
		if hello, ok := cmd.(*redis.MapStringInterfaceCmd); ok && cmd.Name() == "hello" {
			hello.SetVal(map[string]any{"mode": "standalone"})
			return nil
		}
		return fail([]redis.Cmder{cmd}, other(cmd))
	}
}

func (alone) ProcessPipelineHook(redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(_ context.Context, cmds []redis.Cmder) error {
		at := slices.IndexFunc(cmds, func(cmd redis.Cmder) bool { return cmd.Name() != "multi" })
		return fail(cmds, other(cmds[at]))
	}
}

// other is the error of a command that is none of an Emitter.
func other(cmd redis.Cmder) error {
	return fmt.Errorf("emittertest: the client of a Recorder has no Redis for %s: add the Recorder to a client that has one, with AddHook", strings.ToUpper(cmd.Name()))
}
