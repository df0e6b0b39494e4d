package main

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sioemit/sioemit/internal/harness"
)

// TestDoctorBeside takes nobody for a server who is none: those who read other
// streams on the same Redis, and sioemit listen.
func TestDoctorBeside(t *testing.T) {
	t.Parallel()
	static := harness.ShardedAdapter8.With("subscriptionMode", "static")
	for name, test := range map[string]struct {
		adapter harness.Adapter // none when empty
		streams bool            // somebody else reads a stream
		readers int             // of streams, to wait for
		listen  []string
		words   []string
		check   string
		status  status
		text    string
		flags   []string
	}{
		"sharded, and a reader of streams":                   {adapter: static, streams: true, readers: 1, words: []string{"--adapter", "sharded", "--subscription-mode", "static"}, check: "servers", status: fine, text: "1 server listens with the sharded adapter"},
		"sharded, a reader of streams, settings for classic": {adapter: static, streams: true, readers: 1, check: "servers", status: failure, text: "1 server listens with the sharded adapter, none with the classic one.", flags: []string{"--adapter", "sharded"}},
		"sharded, and listen":                                {adapter: static, listen: []string{"--adapter", "sharded"}, words: []string{"--adapter", "sharded"}, check: "answers", status: fine, text: "1 of 1 server answered."},
		"only listen, sharded":                               {listen: []string{"--adapter", "sharded"}, words: []string{"--adapter", "sharded"}, check: "servers", status: failure, text: "No Socket.IO server listens on this Redis."},
		"only listen, classic":                               {listen: []string{"--requests"}, check: "servers", status: failure, text: "No Socket.IO server listens on this Redis."},
		"only listen, streams":                               {listen: []string{"--adapter", "streams", "--requests"}, words: []string{"--adapter", "streams"}, check: "servers", status: failure, text: "No Socket.IO server listens on this Redis."},
		"streams, and listen":                                {adapter: harness.StreamsAdapter, listen: []string{"--adapter", "streams"}, readers: 2, words: []string{"--adapter", "streams"}, check: "stream", status: fine, text: "Asked through stream socket.io, 1 of 1 server answered."},
		"streams with sharded pub/sub, and listen": {
			adapter: harness.StreamsAdapter.With("useShardedPubSub", true), listen: []string{"--adapter", "streams", "--sharded-pubsub", "--requests"},
			words: []string{"--adapter", "streams", "--sharded-pubsub"}, check: "answers", status: fine, text: "1 of 1 server answered.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := harness.RedisFor(t, harness.RedisConfig{})
			if test.adapter.Kind != "" {
				admit(t, server.Conn(), test.adapter)
			}
			if test.streams {
				// The stream of a job queue.
				startListen(t, server.URL(), "--adapter", "streams", "--stream-name", "bull:q:events")
			}
			if test.listen != nil {
				startListen(t, server.URL(), test.listen...)
			}
			awaitStreamReaders(t, server, test.readers)
			got := examined(t, append(slices.Clone(test.words), "--redis", server.URL()))
			if f := got.find(test.check); f.Status != test.status || !strings.Contains(f.Text, test.text) {
				t.Errorf("%s is not %s, %q:\n%s", test.check, test.status, test.text, got)
			}
			if flags := got.flags(); !slices.Equal(flags, test.flags) {
				t.Errorf("the flags are %q, not %q:\n%s", flags, test.flags, got)
			}
		})
	}
}

// TestDoctorListenedRoom does not take the subscription of a sioemit listen to the
// channel of a room for that of a server with a client there.
func TestDoctorListenedRoom(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	admit(t, server.Conn(), harness.ShardedAdapter8, "taken", "both")
	words := []string{"--redis", server.URL(), "--adapter", "sharded", "--room"}
	startListen(t, server.URL(), "--adapter", "sharded", "--room", "heard", "--room", "both")
	for room, want := range map[string]status{"heard": uncertain, "both": fine} {
		if got := examined(t, append(slices.Clone(words), room)); got.find("room").Status != want {
			t.Errorf("%s is not %s:\n%s", room, want, got)
		}
	}
}

// awaitStreamReaders returns when so many connections wait for entries of
// streams.
func awaitStreamReaders(t *testing.T, server *harness.Redis, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		clients, err := server.Client().ClientList(ctx).Result()
		if err != nil {
			t.Fatalf("%d readers of streams: %v", n, err)
		}
		if strings.Count(clients, " cmd=xread ") >= n {
			return
		}
		time.Sleep(5 * time.Millisecond) // until it is looked at again
	}
}
