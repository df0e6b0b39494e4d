package emitter_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
)

// TestStrangeReplies sends all kinds of replies that are none before those that
// are.
func TestStrangeReplies(t *testing.T) {
	t.Parallel()
	redisServer := startRedis(t)
	var first atomic.Value // id of the first question
	serveClassic(t, redisServer, func(q question) []string {
		replies := []string{
			"", "{", "hello", "\xc1", "\xdd\xff\xff\xff\xff", `[]`, `{}`, `null`,
			q.ack(`1`)[:20],
			fmt.Sprintf(`{"type":8,"requestId":%q,"clientCount":-1}`, q.RequestID),
			fmt.Sprintf(`{"type":8,"requestId":%q,"clientCount":1e99}`, q.RequestID),
			fmt.Sprintf(`{"type":6,"requestId":%q,"data":"wrong kind"}`, q.RequestID),
			fmt.Sprintf(`{"requestId":%q,"rooms":["wrong kind"]}`, q.RequestID),
			fmt.Sprintf(`{"requestId":%q,"sockets":[{"id":"wrong kind"}]}`, q.RequestID),
			question{RequestID: "foreign"}.count(7), question{RequestID: "foreign"}.ack(`"foreign"`),
		}
		if !first.CompareAndSwap(nil, q.RequestID) { // late: the first one is over
			late := question{RequestID: first.Load().(string)}
			replies = append(replies, late.count(1), late.ack(`"late"`))
		}
		// An acknowledgement may overtake the count.
		return append(replies, q.ack(fmt.Sprint(q.Packet.Data[1])), q.count(1), q.ack(`"too many"`))
	})
	io := emitter.New(redisServer.Client())
	for number := range 3 {
		if err := ask(t.Context(), io, number); err != nil {
			t.Error(err)
		}
	}
}

// TestDuplicateReplies counts each server once, where servers say who they are.
func TestDuplicateReplies(t *testing.T) {
	t.Parallel()
	redisServer := startRedis(t)
	reply := func(typ int, q question, uid, key string, value any) string {
		b, err := encoding.Append(nil, map[string]any{
			"type": typ, "uid": uid, "nsp": "/", "data": map[string]any{"requestId": q.RequestID, key: value},
		})
		if err != nil {
			t.Error(err)
		}
		return string(b)
	}
	for _, uid := range []string{"one", "two"} {
		serve(t, redisServer, "socket.io#/#", "socket.io#/#emitter#", func(q question) []string {
			if q.UID != "emitter" {
				t.Errorf("a question of %q", q.UID)
			}
			var replies []string
			switch q.Type {
			case 3: // an event with acknowledgement, which one client of each server gives
				count := reply(11, q, uid, "clientCount", 1)
				replies = []string{count, count, count, reply(12, q, uid, "packet", uid)}
			case 7:
				replies = []string{reply(8, q, uid, "sockets", []any{map[string]any{"id": uid, "rooms": []string{uid, "room"}}})}
				replies = append(replies, replies[0], replies[0])
			case 9:
				replies = []string{reply(10, q, uid, "packet", uid), reply(10, q, uid, "packet", "again")}
			}
			return replies
		})
	}
	io := emitter.New(redisServer.Client(), emitter.WithAdapter(emitter.Streams(emitter.StreamsOptions{})))
	for range 5 {
		acks, err := io.EmitWithAck(t.Context(), "e", 1)
		if err != nil || acks.Clients != 2 || acks.Servers != 2 || !slices.Equal(texts(t, acks.Values), []string{"one", "two"}) {
			t.Fatalf("%+v, %v", acks, err)
		}
		sockets, err := io.FetchSockets(t.Context())
		if err != nil || len(sockets) != 2 || sockets[0].ID == sockets[1].ID {
			t.Fatalf("%+v, %v", sockets, err)
		}
		rooms, err := io.Rooms(t.Context())
		if err != nil || !slices.Equal(rooms, []string{"one", "room", "two"}) {
			t.Fatalf("%v, %v", rooms, err)
		}
		answers, err := io.ServerSideEmitWithAck(t.Context(), "e")
		if err != nil || !slices.Equal(texts(t, answers), []string{"one", "two"}) {
			t.Fatalf("%v, %v", texts(t, answers), err)
		}
	}
}

// texts decodes strings, and sorts them.
func texts(t testing.TB, values []emitter.Value) []string {
	t.Helper()
	list := make([]string, len(values))
	for i, v := range values {
		if err := v.Decode(&list[i]); err != nil {
			t.Error(err)
		}
	}
	slices.Sort(list)
	return list
}

// TestTwoEmitters ask at the same time, with the same client.
func TestTwoEmitters(t *testing.T) {
	t.Parallel()
	redisServer := startRedis(t)
	serveClassic(t, redisServer, echo)
	var group sync.WaitGroup
	for e := range 2 {
		io := emitter.New(redisServer.Client())
		for i := range 100 {
			group.Go(func() {
				if err := ask(t.Context(), io, 1000*e+i); err != nil {
					t.Error(err)
				}
			})
		}
	}
	group.Wait()
}

// TestDeadline has the earlier one of the context and Timeout end the wait, and
// servers told of it.
func TestDeadline(t *testing.T) {
	t.Parallel()
	redisServer := startRedis(t)
	// The server's replies have to come before it, on a busy machine too.
	const wait = 4 * time.Second
	var group sync.WaitGroup // all at once, since they do nothing but wait
	for i, test := range []struct {
		name             string
		context, timeout time.Duration // 0 is none
		want             time.Duration
	}{
		{"the context", wait, 0, wait},
		{"Timeout", 0, wait, wait},
		{"the context is earlier", wait, forever, wait},
		{"Timeout is earlier", forever, wait, wait},
		{"neither", 0, 0, emitter.DefaultTimeout},
		// The wait is cut short by cancelling, once the server has been told.
		{"a context longer than the default", forever, 0, forever},
	} {
		told := make(chan time.Duration, 1)
		requests, responses := fmt.Sprintf("socket.io-request#/%d#", i), fmt.Sprintf("socket.io-response#/%d#", i)
		serve(t, redisServer, requests, responses, func(q question) []string {
			told <- time.Duration(q.Opts.Flags.Timeout) * time.Millisecond
			return []string{q.count(2), q.ack(`1`)}
		})
		group.Go(func() {
			io := emitter.New(redisServer.Client()).Of(fmt.Sprint("/", i))
			if test.timeout > 0 {
				io = io.Timeout(test.timeout)
			}
			start := time.Now() // before the context, whose deadline counts from here
			ctx, cancel := context.WithCancel(t.Context())
			if test.context > 0 {
				ctx, cancel = context.WithTimeout(t.Context(), test.context)
			}
			defer cancel()
			want, least := context.DeadlineExceeded, test.want
			if test.want == forever {
				want, least = context.Canceled, wait
				time.AfterFunc(wait, cancel)
			}
			acks, err := io.EmitWithAck(ctx, "e", 1)
			took := time.Since(start)
			var incomplete *emitter.IncompleteError
			if !errors.As(err, &incomplete) || !errors.Is(err, want) || took < least || took > soon {
				t.Errorf("%s: %v after %v", test.name, err, took)
				return
			}
			if *incomplete != (emitter.IncompleteError{Call: "EmitWithAck", Servers: 1, Asked: 1, Clients: 1, Expected: 2, Err: want}) {
				t.Errorf("%s: %+v", test.name, incomplete)
			}
			if text := "emitter: EmitWithAck: 1 of 1 servers answered, and 1 of 2 clients: " + want.Error(); err.Error() != text {
				t.Errorf("%s: %q, want %q", test.name, err, text)
			}
			if len(acks.Values) != 1 || acks.Clients != 2 || acks.Servers != 1 {
				t.Errorf("%s: the partial result is %+v", test.name, acks)
			}
			// What is left when the server is asked, which is before the end.
			if d := <-told; d > test.want || d < test.want-took || d <= 0 {
				t.Errorf("%s: the server was told to wait %v, want %v", test.name, d, test.want)
			}
		})
	}
	group.Wait()
	err := emitter.New(redisServer.Client()).Timeout(0).Emit(t.Context(), "e")
	if err == nil || err.Error() != "emitter: Timeout(0s) must be more than 0" {
		t.Errorf("Timeout(0): %v", err)
	}
}

// calls are all calls with replies, and calls without that go to servers.
func calls(ctx context.Context) (withReplies, without map[string]func(*emitter.BroadcastOperator) error) {
	withReplies = map[string]func(*emitter.BroadcastOperator) error{
		"EmitWithAck":           func(io *emitter.BroadcastOperator) error { _, err := io.EmitWithAck(ctx, "e"); return err },
		"FetchSockets":          func(io *emitter.BroadcastOperator) error { _, err := io.FetchSockets(ctx); return err },
		"Rooms":                 func(io *emitter.BroadcastOperator) error { _, err := io.Rooms(ctx); return err },
		"ServerSideEmitWithAck": func(io *emitter.BroadcastOperator) error { _, err := io.ServerSideEmitWithAck(ctx, "e"); return err },
	}
	without = map[string]func(*emitter.BroadcastOperator) error{
		"SocketsJoin":       func(io *emitter.BroadcastOperator) error { return io.SocketsJoin(ctx, "r") },
		"SocketsLeave":      func(io *emitter.BroadcastOperator) error { return io.SocketsLeave(ctx, "r") },
		"DisconnectSockets": func(io *emitter.BroadcastOperator) error { return io.DisconnectSockets(ctx, true) },
		"ServerSideEmit":    func(io *emitter.BroadcastOperator) error { return io.ServerSideEmit(ctx, "e") },
	}
	return withReplies, without
}

// TestCannotAsk has nothing sent where no reply could come.
func TestCannotAsk(t *testing.T) {
	t.Parallel()
	redisServer := startRedis(t)
	var seen []string
	done := make(chan struct{})
	spy := redisServer.Client().PSubscribe(t.Context(), "*")
	defer spy.Close()
	if _, err := spy.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(done)
		for m := range spy.Channel() {
			if m.Channel == "end" {
				return
			}
			seen = append(seen, m.Channel)
		}
	}()

	rdb := redisServer.Client()
	conn := rdb.Conn()
	defer conn.Close()
	pipe := rdb.Pipeline()
	withReplies, without := calls(t.Context())
	for name, call := range withReplies {
		for _, test := range []struct {
			name   string
			client emitter.Client
			want   error
		}{
			{"no server", rdb, emitter.ErrNoServers},
			{"pipeline", pipe, emitter.ErrPipelined},
			{"connection", conn, emitter.ErrCannotSubscribe},
		} {
			start := time.Now()
			if err := call(emitter.New(test.client).Timeout(forever)); !errors.Is(err, test.want) {
				t.Errorf("%s, %s: %v, want %v", name, test.name, err, test.want)
			}
			if d := time.Since(start); d > soon {
				t.Errorf("%s, %s: back after %v", name, test.name, d)
			}
		}
		err := emitter.New(rdb).Pipelined(t.Context(), func(io *emitter.Emitter) error { return call(io.Of("/")) })
		if !errors.Is(err, emitter.ErrPipelined) {
			t.Errorf("%s, Pipelined: %v", name, err)
		}
	}
	if pipe.Len() > 0 {
		t.Errorf("%d commands are in the pipeline", pipe.Len())
	}
	for version := 1; version <= 3; version++ {
		io := emitter.New(rdb, emitter.WithServerVersion(version)).Of("/")
		for _, list := range []map[string]func(*emitter.BroadcastOperator) error{withReplies, without} {
			for name, call := range list {
				if err := call(io); !errors.Is(err, emitter.ErrNeedsVersion4) {
					t.Errorf("%s on version %d: %v", name, version, err)
				}
			}
		}
	}
	if err := rdb.Publish(t.Context(), "end", "").Err(); err != nil {
		t.Fatal(err)
	}
	<-done
	if len(seen) > 0 {
		t.Errorf("published to %q", seen)
	}
}

// TestSteerRefused lists what is wrong before anything is sent.
func TestSteerRefused(t *testing.T) {
	t.Parallel()
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1}) // sending would be another error
	defer rdb.Close()
	ctx := t.Context()
	io := emitter.New(rdb)
	two := func(_ any, err error) error { return err }
	for name, test := range map[string]struct{ got, want error }{
		"join nothing":             {io.SocketsJoin(ctx), emitter.ErrEmptyRoom},
		"join an empty room":       {io.SocketsJoin(ctx, "a", ""), emitter.ErrEmptyRoom},
		"leave nothing":            {io.SocketsLeave(ctx), emitter.ErrEmptyRoom},
		"leave invalid":            {io.SocketsLeave(ctx, "\xff"), emitter.ErrInvalidUTF8},
		"disconnect an empty room": {io.To("").DisconnectSockets(ctx, true), emitter.ErrEmptyRoom},
		"no event for servers":     {io.ServerSideEmit(ctx, ""), emitter.ErrEmptyEvent},
		"connect for servers":      {io.ServerSideEmit(ctx, "connect"), emitter.ErrReservedEvent},
		"connection for servers":   {two(io.ServerSideEmitWithAck(ctx, "connection")), emitter.ErrReservedEvent},
		"error for servers":        {io.ServerSideEmit(ctx, "error"), emitter.ErrReservedEvent},
		"error with an answer":     {two(io.ServerSideEmitWithAck(ctx, "error")), emitter.ErrReservedEvent},
		"new_namespace":            {io.ServerSideEmit(ctx, "new_namespace"), emitter.ErrReservedEvent},
		"invalid for servers":      {io.ServerSideEmit(ctx, "\xff"), emitter.ErrInvalidUTF8},
		"servers of a room":        {io.To("a").ServerSideEmit(ctx, "e"), emitter.ErrTargeted},
		"servers except a room":    {two(io.Except("a").ServerSideEmitWithAck(ctx, "e")), emitter.ErrTargeted},
		"rooms of a room":          {two(io.To("a").Rooms(ctx)), emitter.ErrTargeted},
		"server count of a room":   {two(io.To("a").ServerCount(ctx)), emitter.ErrTargeted},
		"disconnect no rooms":      {io.To().DisconnectSockets(ctx, true), emitter.ErrEmptyRoom},
		"no event":                 {two(io.EmitWithAck(ctx, "")), emitter.ErrEmptyEvent},
		"reserved event":           {two(io.EmitWithAck(ctx, "disconnect")), emitter.ErrReservedEvent},
		"fetch an empty room":      {two(io.To("").FetchSockets(ctx)), emitter.ErrEmptyRoom},
	} {
		if !errors.Is(test.got, test.want) {
			t.Errorf("%s: %v, want %v", name, test.got, test.want)
		}
	}
}

// TestSteerPipelined sends what needs no reply in a pipeline.
func TestSteerPipelined(t *testing.T) {
	t.Parallel()
	redisServer := startRedis(t)
	seen := make(chan question, 10)
	serveClassic(t, redisServer, func(q question) []string { seen <- q; return nil })
	err := emitter.New(redisServer.Client()).Pipelined(t.Context(), func(io *emitter.Emitter) error {
		_, without := calls(t.Context())
		for _, call := range without {
			if err := call(io.Of("/")); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	types := make([]int, 4)
	for i := range types {
		types[i] = (<-seen).Type
	}
	if slices.Sort(types); !slices.Equal(types, []int{2, 3, 4, 6}) {
		t.Errorf("types %v", types)
	}
}

// TestUnencodable asks nobody when an argument cannot be sent.
func TestUnencodable(t *testing.T) {
	t.Parallel()
	redisServer := startRedis(t)
	serveClassic(t, redisServer, func(q question) []string {
		t.Errorf("the server was asked: %+v", q)
		return nil
	})
	io := emitter.New(asker(t, redisServer)).Timeout(forever)
	for name, test := range map[string]struct {
		args []any
		want error
	}{
		"channel":   {[]any{1, make(chan int)}, nil},
		"deep":      {[]any{1, json.RawMessage(strings.Repeat("[", 1001) + strings.Repeat("]", 1001))}, encoding.ErrTooDeep},
		"prototype": {[]any{1, map[string]any{"__proto__": []byte{1}}}, encoding.ErrUnsafe},
	} {
		_, ackErr := io.EmitWithAck(t.Context(), "e", test.args...)
		_, sideErr := io.ServerSideEmitWithAck(t.Context(), "e", test.args...)
		for _, err := range []error{ackErr, sideErr, io.ServerSideEmit(t.Context(), "e", test.args...)} {
			var argument *encoding.ArgumentError
			if !errors.As(err, &argument) || argument.Index != 1 || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	for name, args := range map[string][]any{
		"placeholder": {[]byte{1}, map[string]any{"_placeholder": true}}, "attachments": {[]byte{1}, "x", slices.Repeat([]any{[]byte{1}}, 10)},
	} {
		var argument *encoding.ArgumentError
		_, err := io.EmitWithAck(t.Context(), "e", args...)
		if !errors.Is(err, encoding.ErrUnsafe) || !errors.As(err, &argument) || argument.Index != len(args)-1 {
			t.Errorf("%s: %v", name, err)
		}
	}
	eventually(t, "no connection is left", func() bool { return len(subscriptions(t, redisServer)) == 0 })
}

// TestRepeatedClassicReplies has one server of two send its answer twice, as one
// does whose client of Redis repeats a command, while the other one is silent.
// They do not say who they are; what they name shows it.
func TestRepeatedClassicReplies(t *testing.T) {
	t.Parallel()
	redisServer := startRedis(t)
	serveClassic(t, redisServer, func(q question) []string {
		reply := fmt.Sprintf(`{"requestId":%q,"sockets":[{"id":"a"},{"id":"b"}]}`, q.RequestID)
		if q.Type == 1 {
			reply = fmt.Sprintf(`{"requestId":%q,"rooms":["a","b","lobby",7]}`, q.RequestID)
		}
		return slices.Repeat([]string{reply}, 5)
	})
	serveClassic(t, redisServer, silent)
	io := emitter.New(redisServer.Client()).Timeout(3 * time.Second)
	var group sync.WaitGroup
	for name, call := range map[string]func() (int, error){
		"FetchSockets": func() (int, error) { sockets, err := io.FetchSockets(t.Context()); return len(sockets), err },
		"Rooms":        func() (int, error) { rooms, err := io.Rooms(t.Context()); return len(rooms) - 1, err },
	} {
		group.Go(func() {
			n, err := call()
			var incomplete *emitter.IncompleteError
			if !errors.As(err, &incomplete) || incomplete.Servers != 1 || incomplete.Asked != 2 || n != 2 {
				t.Errorf("%s: %d, %v", name, n, err)
			}
		})
	}
	group.Wait()
}

// TestAlikeClassicReplies has two servers without clients answer alike, which is
// no repetition.
func TestAlikeClassicReplies(t *testing.T) {
	t.Parallel()
	redisServer := startRedis(t)
	for range 2 {
		serveClassic(t, redisServer, func(q question) []string {
			switch q.Type {
			case 1:
				return []string{fmt.Sprintf(`{"requestId":%q,"rooms":[]}`, q.RequestID)}
			case 5:
				return []string{fmt.Sprintf(`{"requestId":%q,"sockets":[]}`, q.RequestID)}
			case 6:
				return []string{fmt.Sprintf(`{"type":6,"requestId":%q,"data":1}`, q.RequestID)}
			}
			return []string{q.count(0)}
		})
	}
	io := emitter.New(redisServer.Client()).Timeout(forever)
	calls, _ := calls(t.Context())
	for name, call := range calls {
		if err := call(io); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRepeatedClusterReplies has a server without clients, which says who it is,
// answer again and again, while the other one is silent.
func TestRepeatedClusterReplies(t *testing.T) {
	t.Parallel()
	redisServer := startRedis(t)
	serve(t, redisServer, "socket.io#/#", "socket.io#/#emitter#", func(q question) []string {
		reply := fmt.Sprintf(`{"type":8,"data":{"requestId":%q,"sockets":[]},"uid":"one","nsp":"/"}`, q.RequestID)
		return []string{reply, reply, reply}
	})
	serve(t, redisServer, "socket.io#/#", "socket.io#/#emitter#", silent)
	io := emitter.New(redisServer.Client(), emitter.WithAdapter(emitter.Streams(emitter.StreamsOptions{})))
	_, err := io.Timeout(3 * time.Second).FetchSockets(t.Context())
	var incomplete *emitter.IncompleteError
	if !errors.As(err, &incomplete) || incomplete.Servers != 1 || incomplete.Asked != 2 {
		t.Errorf("got %v", err)
	}
}
