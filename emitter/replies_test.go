package emitter_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/harness"
)

// soon is when a call has to be back that is not to wait for its replies any
// longer, on a machine that is busy with other things too; forever is the
// timeout of such calls.
const (
	soon    = 30 * time.Second
	forever = 5 * time.Minute
)

// ask sends an event with a number, and complains unless exactly that number
// comes back.
func ask(ctx context.Context, io *emitter.Emitter, number int) error {
	acks, err := io.Timeout(forever).EmitWithAck(ctx, "question", number)
	if err != nil {
		return err
	}
	if len(acks.Values) != 1 || acks.Clients != 1 || acks.Servers != 1 || !slices.Equal(acks.PerServer, []int{1}) {
		return fmt.Errorf("question %d: %+v", number, acks)
	}
	var got int
	if err := acks.Values[0].Decode(&got); err != nil || got != number {
		return fmt.Errorf("question %d was answered with %d, %v", number, got, err)
	}
	return nil
}

// TestThousandQuestions has them all in flight at once.
func TestThousandQuestions(t *testing.T) {
	t.Parallel()
	const n = 1000
	redisServer := startRedis(t)
	var asked atomic.Int64
	answer := make(chan struct{})
	serveClassic(t, redisServer, func(q question) []string {
		asked.Add(1)
		<-answer
		return echo(q)
	})
	rdb := asker(t, redisServer)
	emitters := []*emitter.Emitter{emitter.New(rdb), emitter.New(rdb)} // the second asks one question in ten
	var group sync.WaitGroup
	for number := range n {
		group.Go(func() {
			io := emitters[0]
			if number%10 == 0 {
				io = emitters[1]
			}
			if err := ask(t.Context(), io, number); err != nil {
				t.Error(err)
			}
		})
	}
	eventually(t, "every question is asked", func() bool { return asked.Load() == n })
	if open := subscriptions(t, redisServer); len(open) != len(emitters) {
		t.Errorf("%d connections wait for replies, want one for each of %d emitters: %v", len(open), len(emitters), open)
	}
	close(answer)
	group.Wait()
	eventually(t, "no connection is left", func() bool { return len(subscriptions(t, redisServer)) == 0 })
}

// TestQuestionsComeAndGo has a call start to wait in the moment when the last
// one before it closes the connection.
func TestQuestionsComeAndGo(t *testing.T) {
	t.Parallel()
	redisServer := startRedis(t)
	serveClassic(t, redisServer, echo)
	io := emitter.New(asker(t, redisServer))
	var group sync.WaitGroup
	for worker := range 3 {
		group.Go(func() {
			for i := range 150 {
				if err := ask(t.Context(), io, 1000*worker+i); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	eventually(t, "no connection is left", func() bool { return len(subscriptions(t, redisServer)) == 0 })
}

// TestSubscribedBeforeAsking reads in the order of Redis itself which of the
// two came first.
func TestSubscribedBeforeAsking(t *testing.T) {
	t.Parallel()
	redisServer := startRedis(t)
	serveClassic(t, redisServer, echo)
	// Not the Monitor of go-redis, which has a data race.
	monitor, err := net.Dial("tcp", redisServer.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer monitor.Close()
	if _, err := monitor.Write([]byte("MONITOR\r\n")); err != nil {
		t.Fatal(err)
	}
	if err := monitor.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	monitored := bufio.NewScanner(monitor)
	if !monitored.Scan() || monitored.Text() != "+OK" {
		t.Fatalf("MONITOR: %s", monitored.Text())
	}

	io := emitter.New(redisServer.Client())
	const n = 20
	for number := range n {
		if err := ask(t.Context(), io, number); err != nil {
			t.Fatal(err)
		}
	}
	if err := redisServer.Client().Echo(t.Context(), "end").Err(); err != nil {
		t.Fatal(err)
	}
	subscribed, asked := 0, 0
	for monitored.Scan() && !strings.Contains(monitored.Text(), `"end"`) {
		switch line := strings.ToLower(monitored.Text()); {
		case strings.Contains(line, `"subscribe" "socket.io-response#/#" "socket.io-response#/#emitter#"`):
			subscribed++
		case strings.Contains(line, `"publish" "socket.io-request#/#"`):
			if asked++; asked != subscribed {
				t.Fatalf("question %d was asked after %d subscriptions", asked, subscribed)
			}
		}
	}
	if asked != n {
		t.Errorf("%d questions seen, want %d", asked, n)
	}
}

// TestOneConnectionForNamespaces adds channels to a connection that is in use.
func TestOneConnectionForNamespaces(t *testing.T) {
	t.Parallel()
	redisServer := startRedis(t)
	io := emitter.New(asker(t, redisServer))
	namespaces := []string{"/", "/a", "/b", "/c"}
	var asked atomic.Int64
	answer := make(chan struct{})
	for _, namespace := range namespaces {
		serve(t, redisServer, "socket.io-request#"+namespace+"#", "socket.io-response#"+namespace+"#emitter#", func(q question) []string {
			asked.Add(1)
			<-answer
			return []string{fmt.Sprintf(`{"requestId":%q,"rooms":[%q]}`, q.RequestID, namespace)}
		})
	}
	var group sync.WaitGroup
	for _, namespace := range namespaces {
		group.Go(func() {
			rooms, err := io.Of(namespace).Timeout(forever).Rooms(t.Context())
			if err != nil || !slices.Equal(rooms, []string{namespace}) {
				t.Errorf("%s: %v, %v", namespace, rooms, err)
			}
		})
	}
	eventually(t, "every question is asked", func() bool { return asked.Load() == int64(len(namespaces)) })
	open := subscriptions(t, redisServer)
	for _, channels := range open {
		if channels != "8+0" {
			t.Errorf("the connection has %s channels, want 8", channels)
		}
	}
	if len(open) != 1 {
		t.Errorf("%d connections, want 1", len(open))
	}
	close(answer)
	group.Wait()
}

// TestManyNamespaces has one call wait all the time while others ask in ever new
// namespaces: their channels must not pile up on its connection.
func TestManyNamespaces(t *testing.T) {
	t.Parallel()
	const n, most = 700, 1000 // namespaces, with two channels each, and channels of a connection
	redisServer := startRedis(t)
	rdb := redisServer.Client()
	requests := []string{"socket.io-request#/waiting#"}
	for i := range n {
		requests = append(requests, fmt.Sprintf("socket.io-request#/%d#", i))
	}
	servers := rdb.Subscribe(t.Context(), requests...)
	for range requests {
		if _, err := servers.Receive(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	asked, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for m := range servers.Channel() {
			if m.Channel == requests[0] {
				close(asked)
				continue
			}
			q, err := readQuestion(m.Payload)
			if err == nil {
				err = rdb.Publish(t.Context(), strings.Replace(m.Channel, "request", "response", 1), fmt.Sprintf(`{"requestId":%q,"sockets":[]}`, q.RequestID)).Err()
			}
			if err != nil {
				t.Error(err)
			}
		}
	}()
	io := emitter.New(asker(t, redisServer))
	waits := make(chan error, 1)
	go func() {
		_, err := io.Of("waiting").Timeout(forever).FetchSockets(t.Context())
		waits <- err
	}()
	<-asked
	for i := range n {
		if _, err := io.Of(fmt.Sprint(i)).Timeout(forever).FetchSockets(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	open := subscriptions(t, redisServer)
	for _, channels := range open {
		count, _, _ := strings.Cut(channels, "+")
		if n, err := strconv.Atoi(count); err != nil || n > most {
			t.Errorf("a connection has %s channels, want at most %d", channels, most)
		}
	}
	if len(open) == 0 || len(open) > 2 {
		t.Errorf("connections with channels: %v, want that of the call that waits, and perhaps the last one", open)
	}
	if err := io.Close(); err != nil {
		t.Error(err)
	}
	if err := <-waits; !errors.Is(err, emitter.ErrClosed) {
		t.Errorf("the call that waits: %v", err)
	}
	eventually(t, "no connection is left", func() bool { return len(subscriptions(t, redisServer)) == 0 })
	servers.Close()
	<-done
}

// TestEnded has calls wait for a server that never answers, and ends their wait
// in every way that there is.
func TestEnded(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		end  func(*ended)
		want error
		next bool // a later call works again
	}{
		{"connection killed", (*ended).killConnection, emitter.ErrSubscription, true},
		{"every subscription killed", (*ended).killSubscribers, emitter.ErrSubscription, true},
		{"Redis stopped", (*ended).restartRedis, emitter.ErrSubscription, true},
		{"Redis client closed", func(e *ended) { e.rdb.Close() }, emitter.ErrSubscription, false},
		{"cancelled", func(e *ended) { e.cancel() }, context.Canceled, true},
		{"cancelled while Redis hangs", (*ended).cancelWhileRedisHangs, context.Canceled, true},
		{"emitter closed", func(e *ended) { e.io.Close() }, emitter.ErrClosed, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e := &ended{T: t, redis: startRedis(t)}
			var answering atomic.Bool
			serveClassic(t, e.redis, func(q question) []string {
				e.asked.Add(1)
				if answering.Load() {
					return echo(q)
				}
				return nil
			})
			e.rdb = asker(t, e.redis)
			e.io = emitter.New(e.rdb)
			var ctx context.Context
			ctx, e.cancel = context.WithCancel(t.Context())
			defer e.cancel()

			const n = 5
			errs := make(chan error, n)
			for number := range n {
				go func() { errs <- ask(ctx, e.io, number) }()
			}
			// The server can have a question before Redis has answered the one who
			// asks it, and a call that ends in between does not know whether it has asked.
			eventually(t, "every question is asked, and known to be", func() bool {
				pool := e.rdb.PoolStats()
				return e.asked.Load() == n && pool.IdleConns == pool.TotalConns
			})
			start := time.Now()
			test.end(e)
			for range n {
				if err := <-errs; !errors.Is(err, test.want) {
					t.Errorf("got %v, want %v", err, test.want)
				}
			}
			if d := time.Since(start); d > soon {
				t.Errorf("the calls came back after %v", d)
			}
			answering.Store(true)
			if !test.next {
				if err := ask(t.Context(), e.io, 7); err == nil {
					t.Error("a later call works")
				}
				return
			}
			// The server, too, has to subscribe again.
			eventually(t, "the next call works", func() bool {
				err := ask(t.Context(), e.io, 7)
				if err != nil && !errors.Is(err, emitter.ErrNoServers) {
					t.Fatalf("the next call: %v", err)
				}
				return err == nil
			})
		})
	}
}

// TestDeaf has the connection for replies receive nothing more without being
// closed, as behind a proxy whose other side has vanished: new calls soon take
// another one, and those that wait on it are told. One that is merely idle for
// longer stays.
func TestDeaf(t *testing.T) {
	t.Parallel()
	redisServer := startRedis(t)
	var asked atomic.Int64
	var answering atomic.Bool
	answers := make(chan struct{})
	serveClassic(t, redisServer, func(q question) []string {
		asked.Add(1)
		if !answering.Load() {
			<-answers
		}
		return echo(q)
	})
	for _, test := range []struct {
		name string
		deaf bool
		want error
	}{{"idle", false, nil}, {"deaf", true, emitter.ErrSubscription}} {
		var deaf atomic.Bool
		var subscriptions atomic.Int64
		rdb := redis.NewClient(&redis.Options{Addr: redisServer.Addr, Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, addr)
			return &deafConn{Conn: conn, deaf: &deaf, subscriptions: &subscriptions}, err
		}})
		defer rdb.Close()
		io := emitter.New(rdb)
		io.SetPatience(time.Second, 15*time.Second)
		asked.Store(0)
		answering.Store(false)
		result := make(chan error, 1)
		go func() { result <- ask(t.Context(), io, 1) }()
		eventually(t, "the question is asked", func() bool { return asked.Load() == 1 })
		answering.Store(true)
		if deaf.Store(test.deaf); test.deaf {
			eventually(t, "others get their replies", func() bool {
				_, err := io.Timeout(time.Second).EmitWithAck(t.Context(), "e", 2)
				return err == nil
			})
			if len(result) > 0 {
				t.Error("the call on the first connection had no time")
			}
		} else {
			time.AfterFunc(20*time.Second, func() { answers <- struct{}{} }) // longer than all patience
		}
		if err := <-result; !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
		if err := ask(t.Context(), io, 2); err != nil {
			t.Errorf("%s, the next call: %v", test.name, err)
		}
		if n := subscriptions.Load(); !test.deaf && n > 2 {
			t.Errorf("%s: %d connections, want one for each call", test.name, n)
		}
	}
	close(answers)
}

// deafConn loses what it should receive while deaf is set, if it is the first
// one for replies: the server may have the question before the one who asks has
// heard from Redis that it was published.
type deafConn struct {
	net.Conn
	deaf          *atomic.Bool
	subscriptions *atomic.Int64
	first         atomic.Bool
}

func (c *deafConn) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("\r\nsubscribe\r\n")) {
		c.first.Store(c.subscriptions.Add(1) == 1)
	}
	return c.Conn.Write(b)
}

func (c *deafConn) Read(b []byte) (int, error) {
	for {
		n, err := c.Conn.Read(b)
		if err != nil || !c.first.Load() || !c.deaf.Load() {
			return n, err
		}
	}
}

// ended is one case of TestEnded.
type ended struct {
	*testing.T
	redis  *harness.Redis
	rdb    *redis.Client
	io     *emitter.Emitter
	asked  atomic.Int64
	cancel context.CancelFunc
}

func (e *ended) killConnection() {
	open := subscriptions(e, e.redis)
	if len(open) != 1 {
		e.Fatalf("%d subscriptions", len(open))
	}
	for id := range open {
		if err := e.redis.Client().ClientKillByFilter(e.Context(), "ID", id).Err(); err != nil {
			e.Fatal(err)
		}
	}
}

func (e *ended) killSubscribers() {
	if err := e.redis.Client().ClientKillByFilter(e.Context(), "TYPE", "pubsub").Err(); err != nil {
		e.Fatal(err)
	}
}

func (e *ended) restartRedis() {
	if err := e.redis.Restart(e.Context()); err != nil {
		e.Fatal(err)
	}
}

func (e *ended) cancelWhileRedisHangs() {
	if err := e.redis.Pause(); err != nil {
		e.Fatal(err)
	}
	e.cancel()
	e.Cleanup(func() { e.redis.Resume() })
	time.AfterFunc(time.Second, func() { e.redis.Resume() })
}

// TestDialHangs has a connection for replies that does not come about: the
// calls that wait for it must be back in time, and not wait for each other.
func TestDialHangs(t *testing.T) {
	t.Parallel()
	redisServer := startRedis(t)
	serveClassic(t, redisServer, silent)
	var dials atomic.Int64
	options := redisServer.Options()
	options.PoolSize = 1
	dial := redis.NewDialer(options)
	options.Dialer = func(ctx context.Context, network, addr string) (conn net.Conn, err error) {
		if dials.Add(1) > 1 { // the first is the pool's
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return dial(ctx, network, addr)
	}
	rdb := redis.NewClient(options)
	defer rdb.Close()
	io := emitter.New(rdb)
	start := time.Now()
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			// Long enough to count the servers, which comes before the dial.
			if _, err := io.Timeout(3*time.Second).EmitWithAck(t.Context(), "e", 1); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
			}
		})
	}
	group.Wait()
	if d := time.Since(start); d > soon {
		t.Errorf("the calls came back after %v", d)
	}
	if dials.Load() < 2 {
		t.Error("nothing was dialled for replies")
	}
}

// TestSubscriptionRefused has a user that may do all but subscribe.
func TestSubscriptionRefused(t *testing.T) {
	t.Parallel()
	redisServer := harness.RedisFor(t, harness.RedisConfig{ACL: []string{"user default on nopass ~* &* +@all", "user app on >secret ~* &* +@all -subscribe"}})
	serveClassic(t, redisServer, silent)
	rdb := redis.NewClient(&redis.Options{Addr: redisServer.Addr, Username: "app", Password: "secret"})
	defer rdb.Close()
	_, err := emitter.New(rdb).Timeout(forever).FetchSockets(t.Context())
	if !errors.Is(err, emitter.ErrSubscription) || !strings.Contains(err.Error(), "NOPERM") || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v, want what Redis said", err)
	}
}
