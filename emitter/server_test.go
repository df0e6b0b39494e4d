package emitter_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/harness"
	"github.com/sioemit/sioemit/internal/wire"
)

// question is a request as a server of the classic or the streams adapter
// receives it.
type question struct {
	Type      int
	UID       string
	RequestID string
	Packet    struct{ Data []any }
	Opts      struct {
		Rooms, Except []string
		Flags         struct{ Timeout int }
	}
	streams bool
}

// server stands in for a Socket.IO server where a real one would be in the way:
// it answers what the test wants, when the test wants. That the real ones answer
// in this form is proven in compat_test.
type server struct {
	rdb      *redis.Client
	pubsub   *redis.PubSub
	channel  string // for replies
	done     chan struct{}
	answered sync.WaitGroup
}

// serve answers what comes on the request channel with the replies that answer
// returns, until the end of the test.
func serve(t testing.TB, redisServer *harness.Redis, requests, responses string, answer func(question) []string) *server {
	t.Helper()
	options := redisServer.Options()
	options.ClientName = "server"
	rdb := redis.NewClient(options)
	s := &server{rdb: rdb, pubsub: rdb.Subscribe(t.Context(), requests), channel: responses, done: make(chan struct{})}
	if _, err := s.pubsub.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	messages := s.pubsub.Channel(redis.WithChannelSize(2000))
	go func() {
		defer close(s.done)
		for m := range messages {
			q, err := readQuestion(m.Payload)
			if err != nil {
				t.Errorf("a request that cannot be read: %v: %q", err, m.Payload)
				continue
			}
			s.answered.Go(func() { s.publish(t, answer(q)...) })
		}
	}()
	t.Cleanup(func() {
		s.pubsub.Close()
		<-s.done
		s.answered.Wait()
		rdb.Close()
	})
	return s
}

// serveClassic is a server of the classic adapter in namespace "/".
func serveClassic(t testing.TB, redisServer *harness.Redis, answer func(question) []string) *server {
	t.Helper()
	return serve(t, redisServer, "socket.io-request#/#", "socket.io-response#/#", answer)
}

func (s *server) publish(t testing.TB, replies ...string) {
	// Not the context of the test, which ends before its cleanup.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, reply := range replies {
		if err := s.rdb.Publish(ctx, s.channel, reply).Err(); err != nil {
			t.Errorf("the server cannot answer: %v", err)
		}
	}
}

func readQuestion(payload string) (question, error) {
	var q question
	decoded, err := wire.Decode([]byte(payload))
	if strings.HasPrefix(payload, "{") {
		var text []byte
		if text, err = encoding.Append(nil, encoding.TaggedJSON(payload)); err == nil {
			decoded, err = wire.Decode(text)
		}
	}
	if err != nil {
		return q, err
	}
	if message, ok := decoded.(map[string]any); ok {
		if data, ok := message["data"].(map[string]any); ok { // of the streams adapter
			data["type"], data["uid"] = message["type"], message["uid"]
			if packet, ok := data["packet"].([]any); ok { // of ServerSideEmit
				data["packet"] = map[string]any{"data": packet}
			}
			decoded, q.streams = data, true
		}
	}
	err = encoding.NewValue(decoded).Decode(&q)
	return q, err
}

// count is the reply of a classic server that sent an event to n clients.
func (q question) count(n int) string {
	return fmt.Sprintf(`{"type":8,"requestId":%q,"clientCount":%d}`, q.RequestID, n)
}

// ack is the reply of a classic server for one of its clients.
func (q question) ack(json string) string {
	return fmt.Sprintf(`{"type":9,"requestId":%q,"packet":%s}`, q.RequestID, json)
}

// echo has one client that acknowledges every event with its first argument.
func echo(q question) []string {
	return []string{q.count(1), q.ack(fmt.Sprint(q.Packet.Data[1]))}
}

// silent never answers.
func silent(question) []string { return nil }

// eventually waits until a condition holds.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	end := time.Now().Add(time.Minute)
	for !ok() {
		if time.Now().After(end) {
			t.Fatalf("still not so: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// subscriptions are the connections named "asker" that have subscribed to
// anything, as Redis lists them: id and number of channels.
func subscriptions(t testing.TB, redisServer *harness.Redis) map[string]string {
	t.Helper()
	list, err := redisServer.Client().ClientList(context.Background()).Result()
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]string)
	for line := range strings.Lines(list) {
		fields := make(map[string]string)
		for _, field := range strings.Fields(line) {
			name, value, _ := strings.Cut(field, "=")
			fields[name] = value
		}
		if fields["name"] == "asker" && (fields["sub"] != "0" || fields["ssub"] != "0") {
			found[fields["id"]] = fields["sub"] + "+" + fields["ssub"]
		}
	}
	return found
}

// asker is a client that subscriptions finds.
func asker(t testing.TB, redisServer *harness.Redis) *redis.Client {
	t.Helper()
	options := redisServer.Options()
	options.ClientName = "asker"
	rdb := redis.NewClient(options)
	t.Cleanup(func() { rdb.Close() })
	return rdb
}

// serveExamples answers the examples, as two clients of one server would.
func serveExamples(addr string) (stop func(), err error) {
	ctx := context.Background()
	rdb := redis.NewClient(&redis.Options{Addr: addr})
	pubsub := rdb.Subscribe(ctx, "socket.io-request#/#")
	if _, err := pubsub.Receive(ctx); err != nil {
		return nil, err
	}
	go func() {
		for m := range pubsub.Channel() {
			q, err := readQuestion(m.Payload)
			if err != nil {
				continue
			}
			replies := []string{q.count(2), q.ack(`{"name":"Ada","ready":true}`), q.ack(`{"name":"Grace","ready":false}`)}
			if q.Type == 5 {
				replies = []string{fmt.Sprintf(`{"requestId":%q,"sockets":[{"id":"a1","rooms":["a1","lobby"],"data":{"name":"Ada"},"handshake":{"address":"192.0.2.7"}}]}`, q.RequestID)}
			}
			for _, reply := range replies {
				if err := rdb.Publish(ctx, "socket.io-response#/#", reply).Err(); err != nil {
					return
				}
			}
		}
	}()
	return func() {
		pubsub.Close()
		rdb.Close()
	}, nil
}
