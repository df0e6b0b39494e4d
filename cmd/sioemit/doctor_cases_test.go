package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/harness"
)

// startNode starts a server.
func startNode(t *testing.T, conn harness.RedisConn, adapter harness.Adapter, namespaces ...string) *harness.Node {
	t.Helper()
	node := harness.NodeFor(t, harness.NodeConfig{Server: harness.V4.Server, Adapter: adapter, Redis: conn, Namespaces: namespaces})
	return node
}

// connectTo connects a client to a server.
func connectTo(t *testing.T, node *harness.Node, options harness.ConnectOptions) *harness.Client {
	t.Helper()
	clients := harness.ClientsFor(t, harness.V4)
	options.Node = node
	client, err := clients.Connect(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// expect is what doctor has to say of one check.
type expect struct {
	check  string
	status status
	text   string
}

func (r checkup) expect(t *testing.T, exit int, wanted ...expect) {
	t.Helper()
	if r.Exit != exit {
		t.Errorf("exit status %d, not %d:\n%s", r.Exit, exit, r)
	}
	for _, want := range wanted {
		if !slices.ContainsFunc(r.Findings, func(f finding) bool {
			return f.Check == want.check && f.Status == want.status && strings.Contains(f.Text, want.text)
		}) {
			t.Errorf("it does not say %+v:\n%s", want, r)
		}
	}
}

// TestDoctorDeaf finds a server that is counted and takes nothing more, since a
// message came that it could not read.
func TestDoctorDeaf(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		adapter harness.Adapter
		words   []string
		deafen  func(ctx context.Context, rdb *redis.Client) error
		check   string
		text    string
	}{
		"classic": {
			adapter: harness.RedisAdapter8, check: "answers", text: "0 of 1 server answered within",
			deafen: func(ctx context.Context, rdb *redis.Client) error {
				deep := strings.Repeat("\x91", 20000) + "\x90"
				return rdb.Publish(ctx, "socket.io#/#", "\x93\xa7emitter\x83\xa4type\x02\xa4data\x92\xa1x"+deep+"\xa3nsp\xa1/\x82\xa5rooms\x90\xa5flags\x80").Err()
			},
		},
		"streams": {
			adapter: harness.StreamsAdapter, words: []string{"--adapter", "streams"}, check: "stream", text: "No server answers through stream socket.io.",
			deafen: func(ctx context.Context, rdb *redis.Client) error {
				deep := strings.Repeat("[", 9000) + strings.Repeat("]", 9000)
				return rdb.XAdd(ctx, &redis.XAddArgs{Stream: "socket.io", Values: []string{
					"uid", "emitter", "nsp", "/", "type", "3",
					"data", `{"packet":{"type":2,"data":["x",` + deep + `],"nsp":"/"},"opts":{"rooms":[],"except":[],"flags":{}}}`,
				}}).Err()
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := harness.RedisFor(t, harness.RedisConfig{})
			conn := server.Conn()
			conn.Package = "redis-5" // later ones go on
			connectTo(t, startNode(t, conn, test.adapter), harness.ConnectOptions{})
			words := append([]string{"--redis", server.URL()}, test.words...)
			examined(t, words).expect(t, commandline.StatusDone)
			if err := test.deafen(t.Context(), server.Client()); err != nil {
				t.Fatal(err)
			}
			examined(t, append(words, "--timeout", "10s")).expect(t, commandline.StatusFailed, expect{test.check, failure, test.text}, expect{"servers", fine, "1 server listens"})
		})
	}
}

// TestDoctorAdapter71 does not take servers that read all requests as JSON, and
// no event, for those with a JSON parser.
func TestDoctorAdapter71(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	client := admit(t, server.Conn(), harness.RedisAdapter71)
	words := []string{"--redis", server.URL()}
	got := examined(t, words)
	got.expect(t, commandline.StatusReplies, expect{"codec", uncertain, "If they use @socket.io/redis-adapter 7.1, it is right."}, expect{"answers", fine, "1 of 1 server answered."})
	if len(got.flags()) > 0 {
		t.Errorf("it would correct what is right:\n%s", got)
	}
	withJSON := append(slices.Clone(words), "--codec", "json")
	examined(t, withJSON).expect(t, commandline.StatusDone, expect{"codec", warning, "If they use @socket.io/redis-adapter 7.1, they cannot read events."})
	for _, words := range [][]string{append(withJSON, "emit", "lost"), append(words, "emit", "found")} {
		if r := sioemit(t, nil, "", append(words, "--require", "1")...); r.status != 0 {
			t.Fatalf("%+v", r)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := client.Await(ctx, func(events []harness.Event) bool { return len(events) > 0 }); err != nil {
		t.Fatal(err)
	}
	if events := client.Events(); len(events) != 1 || events[0].Name != "found" {
		t.Errorf("received %+v", events)
	}
}

// TestDoctorOldStreams finds servers of the streams adapter before 0.3, which
// subscribe to nothing, and follows events to them.
func TestDoctorOldStreams(t *testing.T) {
	t.Parallel()
	for name, adapter := range map[string]harness.Adapter{"0.1": harness.StreamsAdapter01, "0.2": harness.StreamsAdapter02} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := harness.RedisFor(t, harness.RedisConfig{})
			first := startNode(t, server.Conn(), adapter.With("streamName", "live"))
			client := connectTo(t, first, harness.ConnectOptions{Rooms: []string{"r1"}})
			second := startNode(t, server.Conn(), adapter.With("streamName", "live"))
			words := []string{"--redis", server.URL()}
			before := examined(t, words)
			before.expect(t, commandline.StatusFailed, expect{"servers", failure, "2 servers listen with the streams adapter"}, expect{"adapter", warning, "before 0.3"})
			if flags := before.flags(); !slices.Equal(flags, []string{"--adapter", "streams", "--stream-name", "live"}) {
				t.Errorf("the flags are %q", flags)
			}
			words = before.corrected(t, words)
			examined(t, words).expect(t, commandline.StatusDone, expect{"answers", fine, "2 of 2 servers answered."}, expect{"adapter", warning, "events arrive"})
			examined(t, slices.Concat(words, []string{"--room", "r1"})).expect(t, commandline.StatusReplies, expect{"room", uncertain, "not known"})
			examined(t, slices.Concat(words, []string{"--room", "r1", "--fetch-sockets"})).expect(t, commandline.StatusDone, expect{"room", fine, "1 client is in room r1 now."})
			examined(t, slices.Concat(words, []string{"--room", "r2", "--fetch-sockets"})).expect(t, commandline.StatusFailed, expect{"room", failure, "No client is in room r2 now."})
			examined(t, slices.Concat(words[:2], []string{"--adapter", "streams"})).expect(t, commandline.StatusFailed, expect{"servers", failure, "2 servers listen with stream live"})

			if r := sioemit(t, nil, "", slices.Concat([]string{"emit", "--quiet", "found"}, words)...); r.status != 0 {
				t.Errorf("emit: %+v", r)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := client.Await(ctx, func(events []harness.Event) bool { return len(events) == 1 && events[0].Name == "found" }); err != nil {
				t.Error(err)
			}
			if err := second.Pause(); err != nil {
				t.Fatal(err)
			}
			defer second.Resume()
			examined(t, slices.Concat(words, []string{"--timeout", "6s"})).expect(t, commandline.StatusFailed, expect{"answers", failure, "1 of 2 servers answered within"})
		})
	}
}

// TestDoctorRoomElsewhere looks for a room where the flags do not lead, and says
// how to get there.
func TestDoctorRoomElsewhere(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		adapter harness.Adapter
		words   []string
	}{
		"classic":         {harness.RedisAdapter8, nil},
		"sharded":         {harness.ShardedAdapter8, []string{"--adapter", "sharded"}},
		"sharded, static": {harness.ShardedAdapter8.With("subscriptionMode", "static"), []string{"--adapter", "sharded", "--subscription-mode", "static", "--fetch-sockets"}},
		"streams":         {harness.StreamsAdapter, []string{"--adapter", "streams", "--fetch-sockets"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := harness.RedisFor(t, harness.RedisConfig{})
			node := startNode(t, server.Conn(), test.adapter, "/admin")
			connectTo(t, node, harness.ConnectOptions{Rooms: []string{"other"}})
			client := connectTo(t, node, harness.ConnectOptions{Namespace: "/admin", Rooms: []string{"r1"}})
			words := slices.Concat([]string{"--redis", server.URL(), "--room", "r1"}, test.words)
			before := examined(t, words)
			before.expect(t, commandline.StatusFailed, expect{"room", failure, "No client is in room r1 in namespace / of key socket.io now, but some are elsewhere"})
			words = before.corrected(t, words)
			if !slices.Contains(words, "/admin") {
				t.Fatalf("it is corrected to %q:\n%s", words, before)
			}
			examined(t, words).expect(t, commandline.StatusDone)
			if r := sioemit(t, nil, "", slices.Concat([]string{"emit", "--quiet", "found"}, forEmit(words))...); r.status != 0 {
				t.Errorf("emit: %+v", r)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := client.Await(ctx, func(events []harness.Event) bool { return len(events) == 1 && events[0].Name == "found" }); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestDoctorNumberRoom tells the room that is a number from the one that is text.
func TestDoctorNumberRoom(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		adapter harness.Adapter
		words   []string
		blind   bool // without --fetch-sockets: the channels of both rooms have the same name
	}{
		"classic": {harness.RedisAdapter8, nil, false},
		"sharded": {harness.ShardedAdapter8, []string{"--adapter", "sharded"}, true},
		"streams": {harness.StreamsAdapter, []string{"--adapter", "streams"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := harness.RedisFor(t, harness.RedisConfig{})
			client := connectTo(t, startNode(t, server.Conn(), test.adapter), harness.ConnectOptions{Rooms: []string{"6"}})
			if err := client.Call(t.Context(), "join", []int{5}); err != nil {
				t.Fatal(err)
			}
			base := append([]string{"--redis", server.URL()}, test.words...)
			if test.blind {
				for _, flag := range []string{"--room", "--room-number"} {
					examined(t, slices.Concat(base, []string{flag, "5"})).expect(t, commandline.StatusReplies, expect{"room", uncertain, "It is not known whether a client is in room 5"})
				}
				base = append(base, "--fetch-sockets")
			}
			for _, room := range []struct{ wrong, right []string }{
				{[]string{"--room", "5"}, []string{"--room-number", "5"}}, {[]string{"--room-number", "6"}, []string{"--room", "6"}},
			} {
				words := slices.Concat(base, room.wrong)
				before := examined(t, words)
				before.expect(t, commandline.StatusFailed, expect{"room", failure, "No client is in room "}, expect{"room", failure, "A client is in the room that is the "})
				if flags := before.flags(); !slices.Equal(flags, room.right) {
					t.Errorf("the flags are %q, not %q:\n%s", flags, room.right, before)
				}
				words = before.corrected(t, words)
				examined(t, words).expect(t, commandline.StatusDone, expect{"room", fine, "1 client is in room "})
				if r := sioemit(t, nil, "", slices.Concat([]string{"emit", "--quiet", "found"}, forEmit(words))...); r.status != 0 {
					t.Errorf("emit: %+v", r)
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := client.Await(ctx, func(events []harness.Event) bool { return len(events) == 2 }); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestDoctorCircular asks nothing that ends a server whose data is circular.
// That such a question does end it is upstream's fault, and shows that this test
// sees it.
func TestDoctorCircular(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		adapter harness.Adapter
		words   []string
		exit    int
	}{
		"classic": {harness.RedisAdapter8, nil, commandline.StatusDone},
		"sharded": {harness.ShardedAdapter8, []string{"--adapter", "sharded"}, commandline.StatusDone},
		"static":  {harness.ShardedAdapter8.With("subscriptionMode", "static"), []string{"--adapter", "sharded"}, commandline.StatusReplies},
		"streams": {harness.StreamsAdapter, []string{"--adapter", "streams"}, commandline.StatusReplies},
		"old":     {harness.StreamsAdapter02, []string{"--adapter", "streams"}, commandline.StatusReplies},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := harness.RedisFor(t, harness.RedisConfig{})
			node, err := harness.StartNode(t.Context(), harness.NodeConfig{Server: harness.V4.Server, Adapter: test.adapter, Redis: server.Conn()})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { node.Close() }) // it has ended, or this test has failed
			client := connectTo(t, node, harness.ConnectOptions{Rooms: []string{"r1"}})
			if err := client.Call(t.Context(), "circular", nil); err != nil {
				t.Fatal(err)
			}
			words := append([]string{"--redis", server.URL(), "--room", "r1"}, test.words...)
			for range 2 { // the second finds it alive
				examined(t, words).expect(t, test.exit, expect{"answers", fine, "1 of 1 server answered."})
			}
			if test.adapter.Kind == "classic" {
				return
			}
			sioemit(t, nil, "", slices.Concat([]string{"doctor", "--fetch-sockets", "--timeout", "6s"}, words)...)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if _, err := client.AwaitDisconnect(ctx); err != nil {
				t.Errorf("the server lives although it was asked: %v", err)
			}
		})
	}
}

// TestDoctorReplicaSubscribers finds servers whose subClient is connected to a
// replica.
func TestDoctorReplicaSubscribers(t *testing.T) {
	t.Parallel()
	master := harness.RedisFor(t, harness.RedisConfig{})
	replica := replicaOf(t, master)
	conn := master.Conn()
	conn.SubURL = replica.URL()
	client := connectTo(t, startNode(t, conn, harness.RedisAdapter8), harness.ConnectOptions{Rooms: []string{"r1"}})
	startNode(t, master.Conn(), harness.RedisAdapter8)
	words := []string{"--redis", master.URL(), "--room", "r1"}
	examined(t, words).expect(t, commandline.StatusDone,
		expect{"servers", fine, "2 servers listen"}, expect{"answers", fine, "2 of 2 servers answered."},
		expect{"replica", warning, "1 of 2 servers subscribe at " + replica.Addr},
		expect{"room", fine, "1 client is in room r1 now."},
	)
	if r := sioemit(t, nil, "", slices.Concat([]string{"emit", "--quiet", "found"}, words)...); r.status != 0 {
		t.Errorf("emit: %+v", r)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := client.Await(ctx, func(events []harness.Event) bool { return len(events) == 1 }); err != nil {
		t.Error(err)
	}
}

// startPython starts a server of python-socketio.
func startPython(t *testing.T, server *harness.Redis) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", filepath.Join("testdata", "python_server.py"), server.URL())
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatalf("python3-socketio of Debian is needed, see make deps: %v", err)
	}
	t.Cleanup(func() {
		stdin.Close()
		_ = cmd.Process.Kill() // its thread waits for Redis, which ends first
		_ = cmd.Wait()
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		count, err := server.Client().PubSubNumSub(ctx, "socketio").Result()
		if err != nil {
			t.Fatalf("it does not subscribe: %v", err)
		}
		if count["socketio"] > 0 {
			return
		}
		time.Sleep(5 * time.Millisecond) // until it is looked at again
	}
}

// TestDoctorPython finds servers of python-socketio, alone and beside those of
// Node.js, and an emitter of python-socketio that these do not hear.
func TestDoctorPython(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	emitting := fmt.Sprintf("import socketio, sys, time\nm = socketio.RedisManager(%q, write_only=True)\nwhile True:\n    m.emit('x', 1)\n    time.sleep(0.02)\n", server.URL())
	startNode(t, server.Conn(), harness.RedisAdapter8)
	words := []string{"--redis", server.URL(), "--for", "3s"}

	unheard := expect{"emitters", warning, "Another program publishes on socketio, and nobody listens there"}
	quiet := examined(t, words)
	quiet.expect(t, commandline.StatusDone)
	if f := quiet.find("emitters"); f.Check != "" {
		t.Errorf("nobody emits: %s", quiet)
	}
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", "-c", emitting)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	examined(t, append(words[:2:2], "--for", "20s")).expect(t, commandline.StatusDone, unheard)

	startPython(t, server)
	beside := examined(t, words)
	beside.expect(t, commandline.StatusDone, expect{"others", fine, "Others that listen here: python, channel socketio (1 server)."})
	if f := beside.find("emitters"); f.Check != "" {
		t.Errorf("somebody listens: %s", beside)
	}
	// A wrong namespace is likelier than that servers in Python are meant.
	wrong := examined(t, append(words[:2:2], "--for", "0s", "-n", "elsewhere"))
	wrong.expect(t, commandline.StatusFailed, expect{"servers", failure, "1 server listens in namespace /, none in /elsewhere."})
	if got := strings.Join(wrong.flags(), " "); got != "--namespace /" {
		t.Errorf("it leads to %q", got)
	}

	alone := harness.RedisFor(t, harness.RedisConfig{})
	startPython(t, alone)
	words = []string{"--redis", alone.URL()}
	first := examined(t, append(words, "--key", "app"))
	first.expect(t, commandline.StatusFailed,
		expect{"servers", failure, "1 server listens with the python adapter, none with the classic one."},
		expect{"answers", uncertain, "Servers of python-socketio answer no question"})
	if got := strings.Join(first.flags(), " "); got != "--adapter python" || !slices.Contains(first.remove(), "--key") {
		t.Errorf("it leads to %q, without %q", got, first.remove())
	}
	examined(t, append(words, first.flags()...)).expect(t, commandline.StatusReplies,
		expect{"servers", fine, "1 server listens with the python adapter, channel socketio."},
		expect{"permissions", fine, "has every permission that is needed"},
		expect{"answers", uncertain, "Servers of python-socketio answer no question"})
	examined(t, append(words, "--adapter", "python", "--channel", "soketio")).expect(t, commandline.StatusFailed,
		expect{"servers", failure, "1 server listens on channel socketio, none on soketio."})
}

// TestDoctorOtherEmitters finds who publishes where nobody listens, and no one
// else.
func TestDoctorOtherEmitters(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	startNode(t, server.Conn(), harness.RedisAdapter8, "/admin")
	startNode(t, server.Conn(), harness.StreamsAdapter)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		rdb := server.Client()
		message := "\x93\xa7emitter\x83\xa4type\x02\xa4data\x91\xa1x\xa3nsp\xa1/\x82\xa5rooms\x90\xa5flags\x80"
		right, wrong := emitter.New(rdb), emitter.New(rdb, emitter.WithKey("wrong"))
		for ctx.Err() == nil {
			for _, channel := range []string{"socket.io#emitter", "socket.io#/", "news#/sport"} {
				payload := message
				if channel == "news#/sport" { // of something else
					payload = "goal"
				}
				rdb.Publish(ctx, channel, payload)
			}
			_ = right.Emit(ctx, "x")
			_ = right.Of("/admin").To("r1").Emit(ctx, "x")
			_ = right.Of("/chat").Emit(ctx, "x")
			_ = wrong.To("r1").Emit(ctx, "x")
			_ = wrong.SocketsJoin(ctx, "r1")
			_, _ = right.Rooms(ctx) // whose answers nobody waits for in the end
			time.Sleep(20 * time.Millisecond)
		}
	}()
	defer func() {
		cancel()
		<-done
	}()
	got := examined(t, []string{"--redis", server.URL(), "--for", "5s"})
	got.expect(t, commandline.StatusDone,
		expect{"emitters", warning, `Another program publishes on "socket.io#emitter", and nobody listens there`},
		expect{"emitters", warning, "the channel lacks its last #"},
		expect{"emitters", warning, `"socket.io#/chat#"`},
		expect{"emitters", warning, "no server with the classic adapter has key wrong and namespace /."},
		expect{"emitters", warning, `"wrong-request#/#"`},
	)
	var channels []string
	for _, f := range got.Findings {
		if f.Check == "emitters" {
			channels = append(channels, strings.TrimPrefix(strings.SplitN(f.Text, ", and", 2)[0], "Another program publishes on "))
		}
	}
	if want := []string{`"socket.io#/"`, `"socket.io#/chat#"`, `"socket.io#emitter"`, `"wrong#/#r1#"`, `"wrong-request#/#"`}; !slices.Equal(slices.Sorted(slices.Values(channels)), slices.Sorted(slices.Values(want))) {
		t.Errorf("unheard are %q, not %q:\n%s", channels, want, got)
	}
}

// TestDoctorAnnounced names the addresses that a Redis Cluster announces and that
// nobody answers at.
func TestDoctorAnnounced(t *testing.T) {
	t.Parallel()
	cluster := harness.ClusterFor(t, 3, 0, harness.RedisConfig{})
	startNode(t, cluster.Conn(), harness.RedisAdapter8)
	words := []string{"--redis", cluster.URLs()[0], "--cluster"}
	examined(t, words).expect(t, commandline.StatusDone)
	seed := cluster.Nodes[0].Client()
	for endpoint, exit := range map[string]int{"unknown-endpoint": commandline.StatusFailed, "ip": commandline.StatusDone} {
		for _, node := range cluster.Nodes {
			configure(t, node, "cluster-preferred-endpoint-type", endpoint)
		}
		got := examined(t, words)
		got.expect(t, exit)
		if f := got.find("role"); exit != commandline.StatusDone && !strings.Contains(f.Text, "does not announce the addresses of its nodes") {
			t.Errorf("%s", got)
		}
	}
	for _, node := range cluster.Nodes { // whichever came last
		configure(t, node, "cluster-preferred-endpoint-type", "ip")
	}
	gone := harness.RedisFor(t, harness.RedisConfig{})
	if err := gone.Stop(); err != nil { // its port stays its own
		t.Fatal(err)
	}
	if err := seed.ConfigSet(t.Context(), "cluster-announce-port", fmt.Sprint(gone.Port)).Err(); err != nil {
		t.Fatal(err)
	}
	for _, words := range [][]string{words, words[:2]} { // without --cluster, it finds out that this is one
		examined(t, words).expect(t, commandline.StatusFailed, expect{"role", failure, "announces addresses that cannot be reached from here: " + gone.Addr + " (connect: connection refused)"})
	}
}

// TestDoctorAlive takes any answer to PING for one, and any refusal of the event
// for one.
func TestDoctorAlive(t *testing.T) {
	t.Parallel()
	t.Run("exact rights", func(t *testing.T) {
		t.Parallel()
		// No PING, no MULTI, no INFO.
		rights := "resetchannels &socket.io* -@all +publish +subscribe +psubscribe +pubsub"
		server := harness.RedisFor(t, harness.RedisConfig{ACL: []string{
			"user default on nopass ~* &* +@all",
			"user app on >sesame " + rights,
			"user answers on >sesame resetchannels &socket.io-re* -@all +publish +subscribe +pubsub",
		}})
		connectTo(t, startNode(t, server.Conn(), harness.RedisAdapter8), harness.ConnectOptions{Rooms: []string{"r1"}})
		examined(t, []string{"--redis", "redis://app:sesame@" + server.Addr, "--room", "r1"}).expect(t, commandline.StatusDone, expect{"permissions", fine, "User app has every permission that is needed."})
		examined(t, []string{"--redis", "redis://answers:sesame@" + server.Addr, "--room", "r1"}).expect(t, commandline.StatusFailed,
			expect{"permissions", failure, `User answers may not PUBLISH on "socket.io#/#r1#"`}, expect{"answers", fine, "1 of 1 server answered."})
	})
	t.Run("only XADD", func(t *testing.T) {
		t.Parallel()
		server := harness.RedisFor(t, harness.RedisConfig{ACL: []string{
			"user default on nopass ~* &* +@all",
			"user app on >sesame resetkeys ~socket.io resetchannels &socket.io* -@all +xadd +publish +subscribe +pubsub",
		}})
		startNode(t, server.Conn(), harness.StreamsAdapter)
		examined(t, []string{"--redis", "redis://app:sesame@" + server.Addr, "--adapter", "streams"}).expect(t, commandline.StatusDone, expect{"stream", fine, "Asked through stream socket.io, 1 of 1 server answered."})
	})
	t.Run("MISCONF", func(t *testing.T) {
		t.Parallel()
		server := harness.RedisFor(t, harness.RedisConfig{})
		startNode(t, server.Conn(), harness.RedisAdapter8)
		startNode(t, server.Conn(), harness.StreamsAdapter)
		failToSave(t, server)
		examined(t, []string{"--redis", server.URL()}).expect(t, commandline.StatusDone, expect{"redis", fine, "Redis answers"})
		examined(t, []string{"--redis", server.URL(), "--adapter", "streams"}).expect(t, commandline.StatusFailed,
			expect{"redis", fine, "Redis answers"}, expect{"permissions", failure, "Redis does not take XADD to socket.io: MISCONF"})
	})
	t.Run("a command that was renamed", func(t *testing.T) {
		t.Parallel()
		server := harness.RedisFor(t, harness.RedisConfig{Args: []string{"--rename-command", "PUBLISH", "ANNOUNCE", "--rename-command", "PING", "PONG"}})
		startNode(t, server.Conn(), harness.RedisAdapter8)
		got := examined(t, []string{"--redis", server.URL()})
		got.expect(t, commandline.StatusFailed, expect{"redis", fine, "Redis answers"}, expect{"permissions", failure, `Redis does not take PUBLISH on "socket.io#/#": ERR unknown command`})
		if f := got.find("permissions"); !strings.HasPrefix(f.Advice, "Permissions are not the cause.") {
			t.Errorf("%+v", f)
		}
	})
	t.Run("a user without SELECT", func(t *testing.T) {
		t.Parallel()
		server := harness.RedisFor(t, harness.RedisConfig{ACL: []string{"user default on nopass ~* &* +@all", "user app on >sesame ~* &* +@all -select"}})
		examined(t, []string{"--redis", "redis://app:sesame@" + server.Addr + "/1"}).expect(t, commandline.StatusFailed, expect{"redis", failure, "refuses: "})
	})
}

// failToSave makes a Redis refuse writes, and PING, because it could not save.
func failToSave(t *testing.T, server *harness.Redis) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	rdb := server.Client()
	config, err := rdb.ConfigGet(ctx, "dir").Result()
	if err != nil {
		t.Fatal(err)
	}
	inTheWay := filepath.Join(config["dir"], "dump.rdb")
	if err := os.Mkdir(inTheWay, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // or it would not end either
		if err := rdb.ConfigSet(ctx, "save", "").Err(); err != nil {
			t.Error(err)
		}
	})
	configure(t, server, "save", "3600 1000000")
	if err := rdb.BgSave(ctx).Err(); err != nil {
		t.Fatal(err)
	}
	inTime, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for !redis.HasErrorPrefix(rdb.Ping(inTime).Err(), "MISCONF") {
		if inTime.Err() != nil {
			t.Fatal("Redis saves, or does not say that it cannot")
		}
		time.Sleep(5 * time.Millisecond) // until it is looked at again
	}
}

// TestDoctorPrintsAsItGoes prints a finding when it is found, not at the end.
func TestDoctorPrintsAsItGoes(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	startNode(t, server.Conn(), harness.RedisAdapter8)
	for _, form := range []string{"--json=false", "--json"} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "doctor", form, "--redis", server.URL(), "--for", "1h")
		cmd.Env = []string{runMain + "=1", "GORACE=atexit_sleep_ms=0"}
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(stdout)
		for lines.Scan() && !strings.Contains(lines.Text(), "1 of 1 server answered") { // it watches for an hour then
		}
		if lines.Err() != nil {
			t.Error(lines.Err())
		}
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
		for lines.Scan() {
		}
		_ = cmd.Wait() // the status is looked at
		if status := cmd.ProcessState.ExitCode(); status != commandline.StatusInterrupt {
			t.Errorf("%s: it ended by itself, with %d", form, status)
		}
	}
}

// TestDoctorClusterVariable has a variable say that there is a Redis Cluster, which
// the flags of the advice overrule.
func TestDoctorClusterVariable(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	admit(t, server.Conn(), harness.RedisAdapter8)
	env := []string{"SIOEMIT_CLUSTER=true", "SIOEMIT_REDIS_URL=" + server.URL()}
	r := sioemit(t, env, "", "doctor", "--for", "0s")
	advised := regexp.MustCompile(`sioemit (doctor .*--cluster=false.*)\n`).FindStringSubmatch(r.stdout)
	if r.status != commandline.StatusFailed || advised == nil {
		t.Fatalf("%+v", r)
	}
	if r := sioemit(t, env, "", strings.Fields(advised[1])...); r.status != 0 {
		t.Errorf("%q: %+v", advised[1], r)
	}
}

// TestDoctorSecrets prints no password of a command line that it corrects.
func TestDoctorSecrets(t *testing.T) {
	t.Parallel()
	s := harness.SentinelsFor(t, 0, 1, harness.RedisConfig{})
	sentinel := redis.NewClient(&redis.Options{Addr: s.Addrs[0]})
	defer sentinel.Close()
	if err := sentinel.Do(t.Context(), "ACL", "SETUSER", "default", "resetpass", ">sesame").Err(); err != nil {
		t.Fatal(err)
	}
	startNode(t, s.Nodes[0].Conn(), harness.RedisAdapter8.With("key", "myapp"))
	words := []string{"--redis", "redis://" + s.Addrs[0] + "?master_name=main&sentinel_password=sesame"}
	got := examined(t, words) // which looks for the password
	got.expect(t, commandline.StatusFailed, expect{"servers", failure, "with key myapp"})
	if shown := words[1][:strings.LastIndex(words[1], "=")+1] + "PASSWORD"; !slices.Contains(got.Command, shown) {
		t.Errorf("%q does not hold %s", got.Command, shown)
	}
	examined(t, got.corrected(t, words)).expect(t, commandline.StatusDone)
}

// TestDoctorCorrected runs the command line that doctor prints in a shell, as it
// stands there.
func TestDoctorCorrected(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	startNode(t, server.Conn(), harness.ShardedAdapter8.With("channelPrefix", oddKey))
	environment := []string{"SIOEMIT_REDIS_URL=" + server.URL(), "SIOEMIT_KEY=nobody"}
	r := sioemit(t, environment, "", "doctor", "--codec", "json", "-n", "/", "--json=false")
	_, line, found := strings.Cut(r.stdout, "\nCorrected: sioemit ")
	if r.status != commandline.StatusFailed || !found {
		t.Fatalf("%+v", r)
	}
	if strings.Contains(line, "--codec") || strings.Contains(line, server.Addr) {
		t.Errorf("it holds what has to go, or what the environment says: %s", line)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", os.Args[0]+" "+line)
	cmd.Env = append([]string{runMain + "=1", "GORACE=atexit_sleep_ms=0"}, environment...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", line, err, out)
	}
}
