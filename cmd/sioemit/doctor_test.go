package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/harness"
	"github.com/sioemit/sioemit/internal/show"
)

// status is how grave a finding is.
type status string

const (
	fine      status = "ok"
	warning   status = "warning"
	uncertain status = "unknown"
	failure   status = "failure"
)

// finding is a line of doctor --json.
type finding struct {
	Status status   `json:"status"`
	Check  string   `json:"check"`
	Text   string   `json:"text"`
	Advice string   `json:"advice"`
	Flags  []string `json:"flags"`
	Remove []string `json:"remove"`
}

// conclusion is the last one.
type conclusion struct {
	OK      bool     `json:"ok"`
	Exit    int      `json:"exit"`
	Command []string `json:"command"`
}

// checkup is what doctor --json prints.
type checkup struct {
	Findings []finding
	conclusion
}

// examined runs doctor with these words, and checks that what it prints and the
// exit status agree.
func examined(t *testing.T, words []string) checkup {
	t.Helper()
	r := sioemit(t, nil, "", append([]string{"doctor", "--json"}, words...)...)
	var got checkup
	lines := strings.Split(strings.TrimSuffix(r.stdout, "\n"), "\n")
	strict := func(line string, into any) {
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(into); err != nil {
			t.Fatalf("doctor %q: %v: %+v", words, err, r)
		}
	}
	for _, line := range lines[:len(lines)-1] {
		var f finding
		strict(line, &f)
		got.Findings = append(got.Findings, f)
	}
	strict(lines[len(lines)-1], &got.conclusion)
	has := func(s status) bool {
		return slices.ContainsFunc(got.Findings, func(f finding) bool { return f.Status == s })
	}
	want := commandline.StatusDone
	switch {
	case has(failure):
		want = commandline.StatusFailed
		r.oneLine(t, "failed")
	case has(uncertain):
		want = commandline.StatusReplies
		r.oneLine(t, "could not be made")
	}
	if r.status != want || got.Exit != want || got.OK != (want == commandline.StatusDone) {
		t.Errorf("doctor %q: the exit status is not %d: %+v", words, want, r)
	}
	for _, secret := range []string{"sesame", "pa%24%24", "pa$$"} {
		if strings.Contains(r.stdout+r.stderr, secret) {
			t.Errorf("doctor %q shows a password: %+v", words, r)
		}
	}
	if len(got.Command) == 0 != (len(got.flags())+len(got.remove()) == 0) {
		t.Errorf("doctor %q: a command line is corrected, or not, without a reason: %q", words, got.Command)
	}
	return got
}

// flags are those of all findings, of each name the first.
func (r checkup) flags() (all []string) {
	var names []string
	for _, f := range r.Findings {
		for len(f.Flags) > 0 {
			n := 1
			for n < len(f.Flags) && !strings.HasPrefix(f.Flags[n], "--") {
				n++
			}
			if name, _, _ := strings.Cut(f.Flags[0], "="); !slices.Contains(names, name) {
				names, all = append(names, name), append(all, f.Flags[:n]...)
			}
			f.Flags = f.Flags[n:]
		}
	}
	return all
}

func (r checkup) find(check string) finding {
	for _, f := range r.Findings {
		if f.Check == check {
			return f
		}
	}
	return finding{}
}

func (r checkup) String() string {
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "%s %s: %s > %s\n", f.Status, f.Check, f.Text, f.Advice)
	}
	return b.String()
}

// remove are the names of the flags to leave out.
func (r checkup) remove() (all []string) {
	for _, f := range r.Findings {
		all = append(all, f.Remove...)
	}
	return all
}

// corrected are the words that doctor was to have got, by what it says itself;
// the given ones when it changes nothing.
func (r checkup) corrected(t *testing.T, words []string) []string {
	t.Helper()
	if len(r.Command) == 0 {
		return words
	}
	if !slices.Equal(r.Command[:2], []string{"sioemit", "doctor"}) {
		t.Fatalf("the command line is %q", r.Command)
	}
	words = applied(r.Command[2:], []string{"--timeout"}, nil) // which every run gets its own
	words = slices.DeleteFunc(words, func(word string) bool { return word == "--json" })
	for i := range words { // as people do
		words[i] = strings.ReplaceAll(words[i], "PASSWORD", "sesame")
	}
	return words
}

// applied leaves the flags of these names out of words, and adds others.
func applied(words, remove, flags []string) []string {
	words = slices.Clone(words)
	for _, name := range remove {
		i := slices.IndexFunc(words, func(word string) bool { return word == name || strings.HasPrefix(word, name+"=") })
		if i < 0 {
			continue
		}
		n := 1
		if i+1 < len(words) && !strings.HasPrefix(words[i+1], "--") {
			n = 2
		}
		words = slices.Delete(words, i, i+n)
	}
	return append(words, flags...)
}

// forEmit leaves out of doctor's words those that emit has not.
func forEmit(words []string) []string {
	return slices.DeleteFunc(slices.Clone(words), func(word string) bool { return word == "--fetch-sockets" })
}

// byURL uses another URL.
func byURL(words []string, url string) []string {
	return applied(words, []string{"--redis"}, []string{"--redis", url})
}

// ward is one official server with one client, and the words with which
// somebody tries in vain to reach it.
type ward struct {
	redis  *harness.Redis
	client *harness.Client
	words  []string
}

// admit starts a server and a client.
func admit(t *testing.T, conn harness.RedisConn, adapter harness.Adapter, rooms ...string) *harness.Client {
	t.Helper()
	return admitTo(t, harness.V4, harness.NodeConfig{Server: harness.V4.Server, Adapter: adapter, Redis: conn}, harness.ConnectOptions{Rooms: rooms})
}

func admitTo(t *testing.T, g harness.Generation, config harness.NodeConfig, options harness.ConnectOptions) *harness.Client {
	t.Helper()
	node := harness.NodeFor(t, config)
	clients := harness.ClientsFor(t, g)
	options.Node = node
	client, err := clients.Connect(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// writtenByServer adds to a stream the entry that a server adds with io.emit,
// for a room in which nobody is.
func writtenByServer(t *testing.T, client redis.UniversalClient, stream, namespace string) {
	t.Helper()
	err := client.XAdd(t.Context(), &redis.XAddArgs{Stream: stream, Values: []string{
		"uid", "0123456789abcdef", "nsp", namespace, "type", "3",
		"data", `{"packet":{"type":2,"data":["x"],"nsp":"` + namespace + `"},"opts":{"rooms":["nobody"],"except":[],"flags":{}}}`,
	}}).Err()
	if err != nil {
		t.Fatal(err)
	}
}

// setup is one way to send events into the void.
type setup struct {
	name  string
	start func(t *testing.T) ward
	// The finding that explains it.
	check  string
	status status // failure when empty
	text   string
	advice string   // a part of it
	flags  []string // all that fix it; HOST stands for the address of Redis
	remove []string // the given ones that must go, beside those of flags
	// byHand does what the advice says where flags cannot: it returns the
	// words to go on with.
	byHand func(t *testing.T, w ward, f finding) []string
	emit   []string // more words for emit, instead of those of hello
	passes bool     // the event arrives before, too, but something else is wrong
	got    string   // the arguments that arrive, when it matters
}

func setups(t *testing.T) []setup {
	binary := filepath.Join(t.TempDir(), "binary")
	if err := os.WriteFile(binary, []byte{0, 1}, 0o600); err != nil {
		t.Fatal(err)
	}
	// single is a ward on a Redis of its own.
	single := func(adapter harness.Adapter, words ...string) func(t *testing.T) ward {
		return func(t *testing.T) ward {
			w := ward{redis: harness.RedisFor(t, harness.RedisConfig{})}
			w.client = admit(t, w.redis.Conn(), adapter, "r1")
			w.words = append([]string{"--redis", w.redis.URL()}, words...)
			return w
		}
	}
	// elsewhere is a ward whose words lead past its Redis.
	elsewhere := func(words func(t *testing.T, w ward) []string) func(t *testing.T) ward {
		return func(t *testing.T) ward {
			w := single(harness.RedisAdapter8)(t)
			w.words = words(t, w)
			return w
		}
	}
	web := func(t *testing.T) string {
		server := httptest.NewServer(http.NotFoundHandler())
		t.Cleanup(server.Close)
		return server.Listener.Addr().String()
	}
	otherURL := func(url func(w ward) string) func(*testing.T, ward, finding) []string {
		return func(_ *testing.T, w ward, _ finding) []string { return byURL(w.words, url(w)) }
	}
	// watched is a ward on a Redis that a Sentinel watches.
	watched := func(url func(*harness.Sentinels) string) func(t *testing.T) ward {
		return func(t *testing.T) ward {
			s := harness.SentinelsFor(t, 0, 1, harness.RedisConfig{})
			return ward{redis: s.Nodes[0], client: admit(t, s.Nodes[0].Conn(), harness.RedisAdapter8), words: []string{"--redis", url(s)}}
		}
	}
	asAdvised := func(_ *testing.T, w ward, f finding) []string { return applied(w.words, f.Remove, f.Flags) }
	restart := func(t *testing.T, w ward, _ finding) []string {
		if err := w.redis.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		return w.words
	}
	rightURL := otherURL(func(w ward) string { return w.redis.URL() })
	return []setup{
		{
			name: "another key", start: single(harness.RedisAdapter8.With("key", "myapp")),
			check: "servers", text: "1 server listens with key myapp, none with socket.io.", flags: []string{"--key", "myapp"},
		},
		{
			name: "a key that needs quotes", start: single(harness.RedisAdapter8.With("key", "my app's")),
			check: "servers", advice: `Add --key 'my app'\''s'.`, flags: []string{"--key", "my app's"},
		},
		{
			name: "another key on a Redis Cluster",
			start: func(t *testing.T) ward {
				cluster := harness.ClusterFor(t, 3, 0, harness.RedisConfig{})
				return ward{client: admit(t, cluster.Conn(), harness.RedisAdapter8.With("key", "myapp")), words: []string{"--redis", cluster.URLs()[0], "--cluster"}}
			},
			check: "servers", text: "1 server listens with key myapp", flags: []string{"--key", "myapp"},
		},
		{
			name: "sharded servers on a Redis Cluster, classic settings",
			start: func(t *testing.T) ward {
				cluster := harness.ClusterFor(t, 3, 0, harness.RedisConfig{})
				return ward{client: admit(t, cluster.Conn(), harness.ShardedAdapter8, "r1"), words: []string{"--redis", cluster.URLs()[0], "--cluster"}}
			},
			check: "servers", text: "1 server listens with the sharded adapter", flags: []string{"--adapter", "sharded"}, emit: []string{"--room", "r1"},
		},
		{
			name: "several keys",
			start: func(t *testing.T) ward {
				w := single(harness.RedisAdapter8.With("key", "shop"))(t)
				admit(t, w.redis.Conn(), harness.RedisAdapter8.With("key", "chat"))
				return w
			},
			check: "servers", text: "No server listens with the classic adapter, key socket.io, in namespace /.", advice: "list below",
			byHand: func(t *testing.T, w ward, _ finding) []string { return append(w.words, "--key", "shop") },
		},
		{
			name: "a namespace that nobody has", start: single(harness.RedisAdapter8, "--namespace", "chat"),
			check: "servers", text: "1 server listens in namespace /, none in /chat.", flags: []string{"--namespace", "/"},
		},
		{
			name: "a namespace with a slip",
			start: func(t *testing.T) ward {
				w := ward{redis: harness.RedisFor(t, harness.RedisConfig{})}
				w.client = admitTo(t, harness.V4, harness.NodeConfig{Server: harness.V4.Server, Adapter: harness.RedisAdapter8, Redis: w.redis.Conn(), Namespaces: []string{"/admin"}},
					harness.ConnectOptions{Namespace: "/admin"})
				w.words = []string{"--redis", w.redis.URL(), "--namespace", "/amdin"}
				return w
			},
			check: "servers", text: "1 server listens in namespace /admin, none in /amdin.", flags: []string{"--namespace", "/admin"},
		},
		{
			name: "sharded servers, classic settings", start: single(harness.ShardedAdapter8),
			check: "servers", text: "1 server listens with the sharded adapter, none with the classic one.", flags: []string{"--adapter", "sharded"},
			emit: []string{"--room", "r1"},
		},
		{
			name: "sharded servers of another prefix", start: single(harness.ShardedAdapter8.With("channelPrefix", "live"), "--adapter", "sharded"),
			check: "servers", text: "1 server listens with key live, none with socket.io.", flags: []string{"--key", "live"},
		},
		{
			name: "sharded servers of another prefix, classic settings", start: single(harness.ShardedAdapter8.With("channelPrefix", "live")),
			check: "servers", text: "1 server listens with the sharded adapter, key live", flags: []string{"--adapter", "sharded", "--key", "live"},
		},
		{
			name: "classic servers, sharded settings", start: single(harness.RedisAdapter8, "--adapter", "sharded"),
			check: "servers", text: "1 server listens with the classic adapter, none with the sharded one.", flags: []string{"--adapter", "classic"},
		},
		{
			name: "classic servers, streams settings", start: single(harness.RedisAdapter7, "--adapter", "streams"),
			check: "servers", text: "1 server listens with the classic adapter, none with the streams one.", flags: []string{"--adapter", "classic"},
		},
		{
			name:  "classic servers, settings that only streams have",
			start: single(harness.RedisAdapter8, "--adapter", "streams", "--stream-count", "3", "--sharded-pubsub"),
			check: "servers", text: "1 server listens with the classic adapter,", advice: "Leave out --stream-count, --sharded-pubsub.",
			flags: []string{"--adapter", "classic"}, remove: []string{"--stream-count", "--sharded-pubsub"},
		},
		{
			name: "sharded servers, a codec", start: single(harness.ShardedAdapter8, "--codec=json"),
			check: "servers", text: "1 server listens with the sharded adapter,", advice: "Add --adapter sharded. Leave out --codec.",
			byHand: asAdvised,
		},
		{
			name: "streams servers, classic settings", start: single(harness.StreamsAdapter),
			check: "servers", text: "1 server listens with the streams adapter, none with the classic one.", flags: []string{"--adapter", "streams"},
		},
		{
			name: "streams servers with sharded pub/sub and three streams, classic settings",
			start: func(t *testing.T) ward {
				w := single(harness.StreamsAdapter.With("useShardedPubSub", true).With("streamCount", 3))(t)
				writtenByServer(t, w.redis.Client(), "socket.io-2", "/")
				return w
			},
			check: "servers", text: "1 server listens with the streams adapter, key socket.io, in namespace /, with sharded pub/sub",
			flags: []string{"--adapter", "streams", "--sharded-pubsub=true", "--stream-count", "3"},
		},
		{
			name: "another stream",
			start: func(t *testing.T) ward {
				w := single(harness.StreamsAdapter.With("streamName", "live"), "--adapter", "streams")(t)
				writtenByServer(t, w.redis.Client(), "live", "/")
				return w
			},
			check: "stream", text: "Servers use stream live for namespace /, not socket.io.", flags: []string{"--stream-name", "live"},
		},
		{
			name: "another number of streams",
			start: func(t *testing.T) ward {
				w := single(harness.StreamsAdapter.With("streamCount", 5), "--adapter", "streams")(t)
				writtenByServer(t, w.redis.Client(), "socket.io-2", "/")
				return w
			},
			check: "stream", text: "Servers use stream socket.io-2 for namespace /", flags: []string{"--stream-count", "5"},
		},
		{
			// Namespace / belongs to stream 2 of 3 as well as of 5.
			name: "another number of streams, for a user who may not see connections",
			start: func(t *testing.T) ward {
				w := ward{redis: harness.RedisFor(t, harness.RedisConfig{ACL: []string{
					"user default on nopass ~* &* +@all", "user app on >sesame ~* &* +@all -client|list",
				}})}
				w.client = admit(t, w.redis.Conn(), harness.StreamsAdapter.With("streamCount", 5))
				writtenByServer(t, w.redis.Client(), "socket.io-2", "/")
				w.words = []string{"--redis", "redis://app:sesame@" + w.redis.Addr, "--adapter", "streams"}
				return w
			},
			check: "stream", text: "Servers use stream socket.io-2 for namespace /", flags: []string{"--stream-count", "3"},
		},
		{
			name: "another number of streams, and nothing in them yet", start: single(harness.StreamsAdapter.With("streamCount", 3), "--adapter", "streams"),
			check: "stream", text: "3 connections read streams, 3 for each server", advice: "Add --stream-count 3.",
			byHand: func(_ *testing.T, w ward, _ finding) []string {
				return append(w.words, "--stream-count", "3")
			},
		},
		{
			name: "a stream in another database",
			start: func(t *testing.T) ward {
				w := single(harness.StreamsAdapter, "--adapter", "streams")(t)
				w.words = byURL(w.words, w.redis.URL()+"/5")
				return w
			},
			check: "stream", text: "The servers read streams of database 0, but the URL names 5.", flags: []string{"--redis", "redis://HOST"},
		},
		{
			name: "streams servers of another prefix", start: single(harness.StreamsAdapter.With("channelPrefix", "live"), "--adapter", "streams"),
			check: "servers", status: warning, text: "1 server listens with key live, none with socket.io. Events arrive, but", flags: []string{"--key", "live"},
			passes: true,
		},
		{
			name: "servers in static mode", start: single(harness.ShardedAdapter8.With("subscriptionMode", "static"), "--adapter", "sharded", "--room", "r1", "--fetch-sockets"),
			check: "subscription-mode", text: `No server subscribes to "socket.io#/#r1#", although clients are in the room`, flags: []string{"--subscription-mode", "static"},
		},
		{
			name: "servers in dynamic mode, dynamic-private settings", start: single(harness.ShardedAdapter8, "--adapter", "sharded", "--subscription-mode", "dynamic-private"),
			check: "subscription-mode", text: "Sockets have no channel of their own here", flags: []string{"--subscription-mode", "dynamic"},
			emit: []string{"--room", "ID"},
		},
		{
			name: "a JSON parser", start: single(harness.RedisAdapter8.With("parser", "json")),
			check: "codec", status: uncertain, text: "The servers read JSON. If they have a JSON parser, they cannot read events", advice: "add --codec json",
			byHand: func(_ *testing.T, w ward, _ finding) []string {
				return append(slices.Clone(w.words), "--codec", "json")
			},
		},
		{
			name: "no JSON parser, although --codec says so", start: single(harness.RedisAdapter8, "--codec", "json"),
			check: "codec", text: "The servers have no JSON parser", flags: []string{"--codec", "msgpack"},
		},
		{
			name: "Socket.IO 2, settings for 4",
			start: func(t *testing.T) ward {
				w := ward{redis: harness.RedisFor(t, harness.RedisConfig{})}
				w.client = admitTo(t, harness.V2, harness.NodeConfig{Server: harness.V2.Server, Adapter: harness.SocketIORedis5, Redis: w.redis.Conn()}, harness.ConnectOptions{})
				w.words = []string{"--redis", w.redis.URL()}
				return w
			},
			check: "server-version", status: warning, text: "The servers are Socket.IO 1 or 2", flags: []string{"--server-version", "2"},
			emit: []string{"--binary", binary}, passes: true, got: `[{"$binary":"AAE="}]`,
		},
		{
			name: "Socket.IO 4, settings for 2", start: single(harness.SocketIORedis61, "--server-version", "2"),
			check: "server-version", text: "The servers are Socket.IO 3 or 4, but --server-version is 2", flags: []string{"--server-version", "4"},
			emit: []string{}, passes: true,
		},
		{
			name: "no password",
			start: func(t *testing.T) ward {
				w := ward{redis: harness.RedisFor(t, harness.RedisConfig{Password: "sesame"})}
				w.client = admit(t, w.redis.Conn(), harness.RedisAdapter8)
				w.words = []string{"--redis", "redis://" + w.redis.Addr}
				return w
			},
			check: "redis", text: "wants a password", advice: "redis://:PASSWORD@", byHand: rightURL,
		},
		{
			name: "a wrong password",
			start: func(t *testing.T) ward {
				w := ward{redis: harness.RedisFor(t, harness.RedisConfig{Password: "sesame"})}
				w.client = admit(t, w.redis.Conn(), harness.RedisAdapter8)
				w.words = []string{"--redis", "redis://:pa%24%24@" + w.redis.Addr}
				return w
			},
			check: "redis", text: "refuses the user or the password", advice: "Check both", byHand: rightURL,
		},
		{
			name: "a user who may not publish on that channel",
			start: func(t *testing.T) ward {
				w := ward{redis: harness.RedisFor(t, harness.RedisConfig{ACL: []string{
					"user default on nopass ~* &* +@all", "user app on >sesame resetchannels &other* -@all +@connection +@transaction +@pubsub +info",
				}})}
				w.client = admit(t, w.redis.Conn(), harness.RedisAdapter8)
				w.words = []string{"--redis", "redis://app:sesame@" + w.redis.Addr}
				return w
			},
			check: "permissions", text: `User app may not PUBLISH on "socket.io#/#".`, advice: "ACL SETUSER app '&socket.io*' and save", byHand: grantByAdvice,
		},
		{
			name: "a user who may use all channels, but not publish",
			start: func(t *testing.T) ward {
				w := ward{redis: harness.RedisFor(t, harness.RedisConfig{ACL: []string{
					"user default on nopass ~* &* +@all", "user app on >sesame ~* &* +@all -publish",
				}})}
				w.client = admit(t, w.redis.Conn(), harness.RedisAdapter8)
				w.words = []string{"--redis", "redis://app:sesame@" + w.redis.Addr}
				return w
			},
			check: "permissions", text: `User app may not PUBLISH on "socket.io#/#".`, advice: "ACL SETUSER app +publish and save", byHand: grantByAdvice,
		},
		{
			name: "a user who may not add to streams",
			start: func(t *testing.T) ward {
				w := ward{redis: harness.RedisFor(t, harness.RedisConfig{ACL: []string{
					"user default on nopass ~* &* +@all", "user app on >sesame allchannels resetkeys +@all -xadd",
				}})}
				w.client = admit(t, w.redis.Conn(), harness.StreamsAdapter)
				w.words = []string{"--redis", "redis://app:sesame@" + w.redis.Addr, "--adapter", "streams"}
				return w
			},
			check: "permissions", text: "User app may not XADD to socket.io.", advice: "ACL SETUSER app +xadd and save", byHand: grantByAdvice,
		},
		{
			name: "a user who may not publish on channels with odd names",
			start: func(t *testing.T) ward {
				w := ward{redis: harness.RedisFor(t, harness.RedisConfig{ACL: []string{
					"user default on nopass ~* &* +@all", "user app on >sesame resetchannels +@all",
				}})}
				w.client = admit(t, w.redis.Conn(), harness.ShardedAdapter8.With("channelPrefix", oddKey))
				w.words = []string{"--redis", "redis://app:sesame@" + w.redis.Addr, "--adapter", "sharded", "--key", oddKey}
				return w
			},
			check: "permissions", text: `User app may not SPUBLISH on `, byHand: grantByAdvice,
		},
		{
			name: "a user who may not add to streams with odd names",
			start: func(t *testing.T) ward {
				w := ward{redis: harness.RedisFor(t, harness.RedisConfig{ACL: []string{
					"user default on nopass ~* &* +@all", "user app on >sesame allchannels resetkeys +@all",
				}})}
				w.client = admit(t, w.redis.Conn(), harness.StreamsAdapter.With("streamName", oddKey))
				w.words = []string{"--redis", "redis://app:sesame@" + w.redis.Addr, "--adapter", "streams", "--stream-name", oddKey}
				return w
			},
			check: "permissions", text: `User app may not XADD to `, byHand: grantByAdvice,
		},
		{
			name: "one node of a Redis Cluster",
			start: func(t *testing.T) ward {
				cluster := harness.ClusterFor(t, 3, 0, harness.RedisConfig{})
				w := ward{client: admit(t, cluster.Conn(), harness.StreamsAdapter)}
				owner, err := cluster.Client().MasterForKey(t.Context(), "socket.io")
				if err != nil {
					t.Fatal(err)
				}
				for _, node := range cluster.Nodes {
					if node.Addr != owner.Options().Addr {
						w.words = []string{"--redis", node.URL(), "--adapter", "streams"}
					}
				}
				return w
			},
			check: "role", text: "This Redis is one node of a Redis Cluster.", flags: []string{"--cluster"},
		},
		{
			name: "--cluster, and there is none", start: single(harness.RedisAdapter8, "--cluster"),
			check: "role", text: "This Redis is not a Redis Cluster.", remove: []string{"--cluster"},
		},
		{
			name: "a Sentinel taken for a Redis", start: watched(func(s *harness.Sentinels) string { return "redis://" + s.Addrs[0] }),
			check: "role", text: "This is a Sentinel, not a Redis.", advice: "?master_name=main", byHand: asAdvised, // the address is another each time
		},
		{
			name: "a Sentinel that knows no such master", start: watched(func(s *harness.Sentinels) string { return "redis://" + s.Addrs[0] + "?master_name=mian" }),
			check: "redis", text: "knows no master mian; it knows main.", advice: "?master_name=main", byHand: asAdvised,
		},
		{
			name: "a master that has reached its maximum number of clients",
			start: func(t *testing.T) ward {
				w := watched(func(s *harness.Sentinels) string { return "redis://" + s.Addrs[0] + "?master_name=main" })(t)
				configure(t, w.redis, "maxclients", "2") // fewer than there are
				return w
			},
			check: "redis", text: "has reached its maximum number of clients", advice: "Raise maxclients",
			byHand: func(t *testing.T, w ward, _ finding) []string {
				configure(t, w.redis, "maxclients", "1000")
				return w.words
			},
		},
		{
			name: "a Redis taken for a Sentinel", start: watched(func(s *harness.Sentinels) string { return s.Nodes[0].URL() + "?master_name=main" }),
			check: "redis", text: "is a Redis, not a Sentinel.", advice: "26379", byHand: asAdvised,
		},
		{
			name: "no Sentinel",
			start: elsewhere(func(t *testing.T, _ ward) []string {
				gone := harness.RedisFor(t, harness.RedisConfig{})
				if err := gone.Stop(); err != nil {
					t.Fatal(err)
				}
				return []string{"--redis", gone.URL() + "?master_name=main"}
			}),
			check: "redis", text: "No Sentinel answers at 127.0.0.1:", advice: "Are Sentinels running there?", byHand: rightURL,
		},
		{
			name: "a master that is down",
			start: func(t *testing.T) ward {
				w := watched(func(s *harness.Sentinels) string { return "redis://" + s.Addrs[0] + "?master_name=main" })(t)
				w.client = nil // a server goes on once Redis is back, but nobody knows when
				if err := w.redis.Stop(); err != nil {
					t.Fatal(err)
				}
				return w
			},
			check: "redis", text: "No Redis answers at 127.0.0.1:", byHand: restart,
		},
		{
			name: "a Sentinel that wants a password",
			start: watched(func(s *harness.Sentinels) string {
				sentinel := redis.NewClient(&redis.Options{Addr: s.Addrs[0]})
				defer sentinel.Close()
				if err := sentinel.Do(t.Context(), "ACL", "SETUSER", "default", "resetpass", ">sesame").Err(); err != nil {
					t.Error(err)
				}
				return "redis://" + s.Addrs[0] + "?master_name=main"
			}),
			check: "redis", text: "The Sentinels want a password.", advice: "Add &sentinel_password=PASSWORD",
			byHand: func(t *testing.T, w ward, _ finding) []string {
				url := w.words[1]
				withPassword := strings.Replace(url, "//", "//:sesame@", 1) // the Sentinel's, in the place of that of Redis
				for other, want := range map[string]finding{
					withPassword:                        {Check: "redis", Text: "The Sentinels want a password."},
					url + "&sentinel_password=pa%24%24": {Check: "redis", Text: "The Sentinels refuse sentinel_username or sentinel_password of the URL."},
					strings.Replace(url, "=main", "=mian&sentinel_password=sesame", 1): {Check: "redis", Text: " knows no master mian; it knows main."},
					strings.TrimSuffix(withPassword, "?master_name=main"):              {Check: "role", Text: "Sentinel", Advice: "&sentinel_password=PASSWORD"},
				} {
					f := examined(t, []string{"--redis", other}).find(want.Check)
					if !strings.Contains(f.Text, want.Text) || !strings.Contains(f.Advice, want.Advice) || len(f.Flags) > 0 {
						t.Errorf("%s: %+v", other, f)
					}
				}
				// The client gives the password of the first URL to all Sentinels.
				words := []string{"--redis", "redis://127.0.0.1:1?master_name=mian&sentinel_password=sesame", "--redis", strings.TrimSuffix(url, "?master_name=main")}
				if f := examined(t, words).find("redis"); !strings.Contains(f.Text, "knows no master mian") {
					t.Errorf("%+v", f)
				}
				return []string{"--redis", url + "&sentinel_password=sesame"}
			},
		},
		{
			name:  "a replica",
			start: elsewhere(func(t *testing.T, w ward) []string { return []string{"--redis", replicaOf(t, w.redis).URL()} }),
			check: "role", text: "This Redis is a replica", flags: []string{"--redis", "redis://HOST"},
		},
		{
			name: "a replica, which takes no stream entries",
			start: func(t *testing.T) ward {
				w := single(harness.StreamsAdapter)(t)
				w.words = []string{"--redis", replicaOf(t, w.redis).URL(), "--adapter", "streams"}
				return w
			},
			check: "role", text: "it takes no stream entries", flags: []string{"--redis", "redis://HOST"},
		},
		{
			name: "a Redis that no server uses",
			start: elsewhere(func(t *testing.T, _ ward) []string {
				return []string{"--redis", harness.RedisFor(t, harness.RedisConfig{}).URL()}
			}),
			check: "servers", text: "No Socket.IO server listens on this Redis.", advice: "Check that", byHand: rightURL,
		},
		{
			name: "a TLS port, spoken to in the clear",
			start: func(t *testing.T) ward {
				w := ward{redis: harness.RedisFor(t, harness.RedisConfig{TLS: true})}
				w.client = admit(t, w.redis.Conn(), harness.RedisAdapter8)
				w.words = []string{"--redis", "redis://" + w.redis.TLSAddr}
				return w
			},
			check: "redis", text: "speaks TLS", advice: "Use --redis rediss://",
			byHand: func(t *testing.T, w ward, f finding) []string { // and its authority is one that nobody knows
				words := applied(w.words, f.Remove, f.Flags)
				if f := examined(t, words).find("redis"); !strings.Contains(f.Advice, "--tls-ca FILE") {
					t.Errorf("%+v", f)
				}
				return append(words, "--tls-ca", w.redis.CAFile)
			},
		},
		{
			name: "an unknown certificate authority",
			start: func(t *testing.T) ward {
				w := ward{redis: harness.RedisFor(t, harness.RedisConfig{TLS: true, Password: "sesame"})}
				w.client = admit(t, w.redis.Conn(), harness.RedisAdapter8)
				w.words = []string{"--redis", w.redis.TLSURL()}
				return w
			},
			check: "redis", text: `is signed by "sioemit test", which this machine does not trust`, advice: "Add --tls-ca FILE",
			byHand: func(_ *testing.T, w ward, _ finding) []string {
				return append(w.words, "--tls-ca", w.redis.CAFile)
			},
		},
		{
			name: "TLS 1.2, spoken to in the clear",
			start: func(t *testing.T) ward {
				w := ward{redis: harness.RedisFor(t, harness.RedisConfig{TLS: true, Args: []string{"--tls-auth-clients", "yes", "--tls-protocols", "TLSv1.2"}})}
				w.client = admit(t, w.redis.Conn(), harness.RedisAdapter8)
				w.words = []string{"--redis", "redis://" + w.redis.TLSAddr}
				return w
			},
			check: "redis", text: "speaks TLS", advice: "Use --redis rediss://", byHand: rightURL,
		},
		{
			name:  "a port of something else",
			start: elsewhere(func(t *testing.T, _ ward) []string { return []string{"--redis", "redis://:sesame@" + web(t)} }),
			check: "redis", text: "is not Redis.", advice: "Check host and port", byHand: rightURL,
		},
		{
			name:  "a port of something else, with TLS",
			start: elsewhere(func(t *testing.T, _ ward) []string { return []string{"--redis", "rediss://:sesame@" + web(t)} }),
			check: "redis", text: "is not Redis with TLS.", advice: "Check host and port", byHand: rightURL,
		},
		{
			name: "a Redis that knows no AUTH",
			start: func(t *testing.T) ward {
				w := ward{redis: harness.RedisFor(t, harness.RedisConfig{Args: []string{"--rename-command", "AUTH", ""}})}
				w.client = admit(t, w.redis.Conn(), harness.RedisAdapter8)
				w.words = []string{"--redis", "redis://u:sesame@" + w.redis.Addr}
				return w
			},
			check: "redis", text: "does not take AUTH", advice: "Leave the user out of the URL", byHand: rightURL,
		},
		{
			name: "a plain port, spoken to with TLS",
			start: elsewhere(func(_ *testing.T, w ward) []string {
				return []string{"--timeout", "5s", "--redis", "rediss://" + w.redis.Addr}
			}),
			check: "redis", text: "does not speak TLS", flags: []string{"--redis", "redis://HOST"},
		},
		{
			name: "Redis is down",
			start: func(t *testing.T) ward {
				w := ward{redis: harness.RedisFor(t, harness.RedisConfig{})}
				w.words = []string{"--redis", w.redis.URL()}
				if err := w.redis.Stop(); err != nil {
					t.Fatal(err)
				}
				return w
			},
			check: "redis", text: "No Redis answers at", advice: "Is Redis running there?", byHand: restart,
		},
		{
			name: "as many clients as Redis takes",
			start: func(t *testing.T) ward {
				w := ward{redis: harness.RedisFor(t, harness.RedisConfig{})}
				configure(t, w.redis, "maxclients", "1") // who says this is the one
				w.words = []string{"--redis", w.redis.URL()}
				return w
			},
			check: "redis", text: "has reached its maximum number of clients", advice: "Raise maxclients",
			byHand: func(t *testing.T, w ward, _ finding) []string {
				configure(t, w.redis, "maxclients", "1000")
				return w.words
			},
		},
		{
			name:  "protected mode",
			start: elsewhere(func(t *testing.T, _ ward) []string { return []string{"--redis", "redis://" + deniedAt(t)} }),
			check: "redis", text: "is in protected mode", advice: "Set a password", byHand: rightURL,
		},
		{
			name: "no certificate of the client",
			start: func(t *testing.T) ward {
				w := ward{redis: harness.RedisFor(t, harness.RedisConfig{TLS: true, Args: []string{"--tls-auth-clients", "yes"}})}
				w.client = admit(t, w.redis.Conn(), harness.RedisAdapter8)
				w.words = []string{"--redis", w.redis.TLSURL(), "--tls-ca", w.redis.CAFile}
				return w
			},
			check: "redis", text: "requires a client certificate", advice: "Add --tls-cert FILE and --tls-key FILE.",
			byHand: func(_ *testing.T, w ward, _ finding) []string {
				return append(w.words, "--tls-cert", w.redis.CAFile, "--tls-key", w.redis.KeyFile)
			},
		},
		{
			name:  "no such database",
			start: elsewhere(func(_ *testing.T, w ward) []string { return []string{"--redis", w.redis.URL() + "/99"} }),
			check: "redis", text: "has no database with that number", advice: "Use a smaller one", byHand: rightURL,
		},
		{
			name: "no such host",
			start: elsewhere(func(_ *testing.T, _ ward) []string {
				return []string{"--redis", "redis://:sesame@no-such-host.invalid"}
			}),
			check: "redis", text: "There is no host no-such-host.invalid.", advice: "Check the host", byHand: rightURL,
		},
	}
}

func configure(t *testing.T, server *harness.Redis, name, value string) {
	t.Helper()
	if err := server.Client().ConfigSet(t.Context(), name, value).Err(); err != nil {
		t.Fatal(err)
	}
}

// deniedAt returns an address on which every client gets what redis-server says
// in protected mode, in the words that stand in that program. Redis itself says
// it to other machines only, and no server of a test is open to those.
func deniedAt(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	denied := regexp.MustCompile(`-DENIED Redis is running in protected mode [^\x00]*\r\n`).Find(program)
	if denied == nil {
		t.Fatalf("%s knows no protected mode", path)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // the end of the test
			}
			_, _ = conn.Write(denied) // whether the client reads it is what is tested
			conn.Close()
		}
	}()
	t.Cleanup(func() {
		listener.Close()
		<-done
	})
	return listener.Addr().String()
}

// oddKey is one that patterns, redis-cli and shells would read otherwise.
const oddKey = `my app's x[1]*?\"é$`

// grantByAdvice types as the administrator the command that the advice holds,
// in a shell and in redis-cli, which have different quotes.
func grantByAdvice(t *testing.T, w ward, f finding) []string {
	for range 3 { // Redis says one thing after the other
		match := regexp.MustCompile(`run (ACL SETUSER .*) and save`).FindStringSubmatch(f.Advice)
		if match == nil {
			t.Fatalf("no command in %q", f.Advice)
		}
		admin := "redis-cli -p " + strconv.Itoa(w.redis.Port)
		inShell := exec.CommandContext(t.Context(), "sh", "-c", admin+" "+match[1])
		inside := exec.CommandContext(t.Context(), "sh", "-c", admin)
		inside.Stdin = strings.NewReader(match[1] + "\n")
		var rules []any
		for _, cmd := range []*exec.Cmd{inShell, inside} {
			if out, err := cmd.CombinedOutput(); err != nil || string(out) != "OK\n" {
				t.Fatalf("%s: %s, %v", match[1], out, err)
			}
			user, err := w.redis.Client().Do(t.Context(), "ACL", "GETUSER", "app").Result()
			if err != nil {
				t.Fatal(err)
			}
			rules = append(rules, user)
		}
		if !reflect.DeepEqual(rules[0], rules[1]) {
			t.Errorf("%s means %v in a shell, %v in redis-cli", match[1], rules[0], rules[1])
		}
		if f = examined(t, w.words).find("permissions"); f.Status == fine {
			break
		}
	}
	return w.words
}

// replicaOf starts a replica and returns when it follows its master.
func replicaOf(t *testing.T, master *harness.Redis, acl ...string) *harness.Redis {
	t.Helper()
	host, port, _ := strings.Cut(master.Addr, ":")
	replica := harness.RedisFor(t, harness.RedisConfig{ACL: acl, Args: []string{"--replicaof", host + " " + port}})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	// WAIT on the master returns when so many replicas have what was written.
	if err := master.Client().Set(ctx, "written", 1, 0).Err(); err != nil {
		t.Fatal(err)
	}
	if n, err := master.Client().Wait(ctx, 1, time.Minute).Result(); err != nil || n != 1 {
		t.Fatalf("%d replicas, %v", n, err)
	}
	return replica
}

// TestDoctor sends an event into the void, asks doctor, does what it says, and
// sees the event arrive.
func TestDoctor(t *testing.T) {
	t.Parallel()
	for _, test := range setups(t) {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := test.start(t)
			sioemit(t, nil, "", slices.Concat([]string{"emit", "lost"}, forEmit(w.words), test.words(w))...)

			before := examined(t, w.words)
			f := before.find(test.check)
			if test.status == "" {
				test.status = failure
			}
			if f.Status != test.status || !strings.Contains(f.Text, test.text) || !strings.Contains(f.Advice, test.advice) {
				t.Fatalf("it does not say %s of %s: %q > %q:\n%s", test.status, test.check, test.text, test.advice, before)
			}
			words := before.corrected(t, w.words)
			if test.byHand != nil {
				words = test.byHand(t, w, f)
			} else {
				var want []string
				for _, flag := range test.flags {
					if strings.HasSuffix(flag, "HOST") {
						flag = strings.ReplaceAll(flag, "HOST", w.redis.Addr)
					}
					want = append(want, flag)
				}
				if got := before.flags(); !slices.Equal(got, want) {
					t.Errorf("the flags are %q, not %q:\n%s", got, want, before)
				}
				for _, name := range before.remove() {
					if !slices.Contains(w.words, name) || !slices.Contains(test.remove, name) && !slices.Contains(want, name) {
						t.Errorf("%s is to be left out, and should not:\n%s", name, before)
					}
				}
			}
			if w.client == nil { // no server could start before
				w.client = admit(t, w.redis.Conn(), harness.RedisAdapter8)
			}
			if after := examined(t, words); !after.OK || len(after.flags())+len(after.remove()) > 0 {
				t.Errorf("it fails still:\n%s", after)
			}
			if r := sioemit(t, nil, "", slices.Concat([]string{"emit", "--quiet", "--require", "1", "found"}, forEmit(words), test.words(w))...); r != (result{}) {
				t.Errorf("emit: %+v", r)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := w.client.Await(ctx, func(events []harness.Event) bool { return len(events) > 0 && events[len(events)-1].Name == "found" }); err != nil {
				t.Fatal(err)
			}
			events := w.client.Events()
			if !test.passes && len(events) != 1 {
				t.Errorf("the first event was not lost: %+v", events)
			}
			if got, err := json.Marshal(events[len(events)-1].Args); err != nil || test.got != "" && string(got) != test.got {
				t.Errorf("received %s, %v, want %s", got, err, test.got)
			}
		})
	}
}

// words are the ones that emit gets beside those of doctor: where doctor is
// asked about a room, so is emit.
func (s setup) words(w ward) []string {
	words := slices.Clone(s.emit)
	for i, word := range words {
		if word == "ID" {
			words[i] = w.client.ID
		}
	}
	return words
}

// TestDoctorFine finds nothing wrong where nothing is, with every adapter and
// generation, and counts the servers.
func TestDoctorFine(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		generation harness.Generation
		adapter    harness.Adapter
		words      []string
	}{
		"Socket.IO 1":               {harness.V1, harness.SocketIORedis4, []string{"--server-version", "1"}},
		"Socket.IO 2":               {harness.V2, harness.SocketIORedis5, []string{"--server-version", "2"}},
		"Socket.IO 3":               {harness.V3, harness.SocketIORedis60, []string{"--server-version", "3"}},
		"socket.io-redis 6.1":       {harness.V4, harness.SocketIORedis61, nil},
		"redis-adapter 7":           {harness.V4, harness.RedisAdapter7, nil},
		"redis-adapter 8":           {harness.V4, harness.RedisAdapter8, nil},
		"redis-adapter 8, specific": {harness.V4, harness.RedisAdapter8.With("publishOnSpecificResponseChannel", true), nil},
		"redis-adapter 8, JSON":     {harness.V4, harness.RedisAdapter8.With("parser", "json"), []string{"--codec", "json"}},
		"sharded":                   {harness.V4, harness.ShardedAdapter8, []string{"--adapter", "sharded"}},
		"sharded, static":           {harness.V4, harness.ShardedAdapter8.With("subscriptionMode", "static"), []string{"--adapter", "sharded", "--subscription-mode", "static"}},
		"sharded, dynamic-private":  {harness.V4, harness.ShardedAdapter8.With("subscriptionMode", "dynamic-private"), []string{"--adapter", "sharded", "--subscription-mode", "dynamic-private"}},
		"streams":                   {harness.V4, harness.StreamsAdapter, []string{"--adapter", "streams"}},
		"streams, sharded pub/sub":  {harness.V4, harness.StreamsAdapter.With("useShardedPubSub", true), []string{"--adapter", "streams", "--sharded-pubsub"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := harness.RedisFor(t, harness.RedisConfig{})
			config := harness.NodeConfig{Server: test.generation.Server, Adapter: test.adapter, Redis: server.Conn(), Namespaces: []string{"/admin"}}
			client := admitTo(t, test.generation, config, harness.ConnectOptions{Rooms: []string{"r1"}})
			other := harness.NodeFor(t, config)
			if test.adapter.Kind == "streams" {
				writtenByServer(t, server.Client(), "socket.io", "/")
			}
			words := append(test.words, "--redis", server.URL(), "--timeout", "1m")
			got := examined(t, append(slices.Clone(words), "--room", "r1", "--fetch-sockets"))
			for _, f := range got.Findings {
				if f.Check == "codec" && slices.Contains(test.words, "json") { // which may be wrong for another adapter
					if f.Status != warning || len(f.Flags) > 0 {
						t.Errorf("%+v", f)
					}
					continue
				}
				if f.Status != fine || f.Advice != "" || len(f.Flags) > 0 {
					t.Errorf("%+v", f)
				}
			}
			for check, text := range map[string]string{
				"servers": "2 servers listen", "answers": "2 of 2 servers answered.", "room": "1 client is in room r1 now.", "others": "namespace /admin (2 servers)",
			} {
				if f := got.find(check); !strings.Contains(f.Text, text) {
					t.Errorf("%s: %+v, want %s", check, f, text)
				}
			}
			if f := examined(t, append(slices.Clone(words), "--room", "r2", "--fetch-sockets")).find("room"); f.Status != failure || f.Text != "No client is in room r2 now." {
				t.Errorf("%+v", f)
			}
			// Without --fetch-sockets, nobody is asked for what may end a server.
			for room, clients := range map[string]int{"r1": 1, "r2": 0} {
				want := failure
				switch {
				case test.adapter.Kind == "streams" || test.adapter.Options["subscriptionMode"] == "static":
					want = uncertain
				case clients > 0:
					want = fine
				}
				if f := examined(t, append(slices.Clone(words), "--room", room)).find("room"); f.Status != want {
					t.Errorf("%s: %+v", room, f)
				}
			}
			if got := examined(t, append(slices.Clone(words), "--room", "r2", "--room", "r1", "--fetch-sockets")); !got.OK || got.find("room").Status != warning {
				t.Errorf("two rooms, a client in one: %s", got)
			}
			if events := client.Events(); len(events) != 0 {
				t.Errorf("clients received something from doctor: %+v", events)
			}
			// A server that has stopped listens and does not answer.
			if err := other.Pause(); err != nil {
				t.Fatal(err)
			}
			if f := examined(t, append(words[:len(words)-1:len(words)-1], "8s")).find("answers"); f.Status != failure || !strings.HasPrefix(f.Text, "1 of 2 servers answered") {
				t.Errorf("one server hangs: %+v", f)
			}
			if err := other.Resume(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestDoctorBlind sees little, says so, and does not invent a failure.
func TestDoctorBlind(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{ACL: []string{
		"user default on nopass ~* &* +@all",
		"user publisher on >sesame resetchannels &socket.io* -@all +publish",
		"user reader on >sesame allchannels -@all +pubsub",
	}})
	admit(t, server.Conn(), harness.RedisAdapter8)
	for user, checks := range map[string]map[string]string{
		"publisher": {"version": "not known", "servers": "cannot be seen", "permissions": "not known", "emitters": "cannot be seen"},
		"reader":    {"version": "not known", "permissions": "not known", "answers": "could not be asked"},
	} {
		got := examined(t, []string{"--redis", "redis://" + user + ":sesame@" + server.Addr})
		for check, text := range checks {
			if f := got.find(check); f.Status == fine || f.Status == failure || !strings.Contains(f.Text, text) {
				t.Errorf("%s, %s: %+v\n%s", user, check, f, got)
			}
		}
		if got.Exit != commandline.StatusReplies {
			t.Errorf("%s: exit status %d where nothing is known:\n%s", user, got.Exit, got)
		}
	}
}

// TestDoctorReplica finds out on a replica what does not depend on the rest.
func TestDoctorReplica(t *testing.T) {
	t.Parallel()
	master := harness.RedisFor(t, harness.RedisConfig{})
	replica := replicaOf(t, master,
		"user default on nopass ~* &* +@all",
		"user blind on >sesame ~* &* +@all -pubsub",
		"user silent on >sesame ~* &* +@all -publish -acl",
	)
	admit(t, master.Conn(), harness.StreamsAdapter)
	for _, test := range []struct {
		user, adapter, check string
		status               status
		text                 string
	}{
		{"blind", "classic", "role", warning, "This Redis is a replica"},
		{"blind", "streams", "role", failure, "it takes no stream entries"},
		{"silent", "streams", "permissions", warning, `User silent may emit, but not PUBLISH on "socket.io#/#"`},
	} {
		got := examined(t, []string{"--redis", "redis://" + test.user + ":sesame@" + replica.Addr, "--adapter", test.adapter})
		if f := got.find(test.check); f.Status != test.status || !strings.Contains(f.Text, test.text) {
			t.Errorf("%+v: it says\n%s", test, got)
		}
	}
}

// TestDoctorPrinted reads what people read.
func TestDoctorPrinted(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	admit(t, server.Conn(), harness.RedisAdapter8.With("key", "my\x1b[31mapp"))
	r := sioemit(t, nil, "", "doctor", "--redis", server.URL())
	if r.status != commandline.StatusFailed || !strings.Contains(r.stdout, "\nfailure  1 server listens with key") || !strings.Contains(r.stdout, "\nCorrected: sioemit doctor --redis "+server.URL()+" --timeout 1m0s --key ") || strings.Contains(r.stdout, "\x1b") {
		t.Errorf("%+v", r)
	}
	r.oneLine(t, "checks failed")
	for line := range strings.Lines(r.stdout) {
		if len([]rune(line)) > show.LineWidth+1 && !strings.HasPrefix(line, "Corrected: ") { // which is copied
			t.Errorf("%d characters: %q", len(line), line)
		}
	}
	for _, words := range [][]string{{"doctor", "x"}, {"doctor", "--room", ""}, {"doctor", "--adapter", "sharded", "--codec", "json"}, {"doctor", "--server-version", "5"}, {"doctor", "--timeout", "0s"}} {
		if r := sioemit(t, []string{"SIOEMIT_REDIS_URL=" + server.URL()}, "", words...); r.status != commandline.StatusUsage || r.stdout != "" {
			t.Errorf("%q: %+v", words, r)
		}
	}
}

// TestDoctorDocs runs the examples of docs/doctor.md. Another address and another
// version of Redis are no difference.
func TestDoctorDocs(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/doctor.md")
	if err != nil {
		t.Fatal(err)
	}
	server := harness.RedisFor(t, harness.RedisConfig{})
	admit(t, server.Conn(), harness.RedisAdapter8.With("key", "myapp"))
	for range 2 {
		admit(t, server.Conn(), harness.RedisAdapter8.With("key", "myapp"))
	}
	version := regexp.MustCompile(`Redis [0-9.]+[0-9]`)
	docs := version.ReplaceAllString(string(page), "Redis 7")
	ran := 0
	for block := range strings.SplitSeq(docs, "\n\n    $ sioemit doctor") {
		words, rest, _ := strings.Cut(block, "\n")
		if ran++; ran == 1 {
			continue // what stands before the first example
		}
		r := sioemit(t, []string{"SIOEMIT_REDIS_URL=" + server.URL()}, "", append([]string{"--timeout", "1m", "doctor"}, strings.Fields(words)...)...)
		got := version.ReplaceAllString(r.stdout+r.stderr, "Redis 7")
		got = strings.ReplaceAll(strings.ReplaceAll(got, server.Addr, "localhost:6379"), " --timeout 1m0s", "")
		for line := range strings.Lines(got) {
			var found bool
			if line != "\n" {
				line = "    " + line
			}
			if rest, found = strings.CutPrefix(rest, line); !found {
				t.Errorf("sioemit doctor%s prints\n%s\nand its example goes on with\n%.200s", words, got, rest)
				break
			}
		}
	}
	if ran != 3 {
		t.Errorf("%d examples", ran-1)
	}
	// The commands of scripts, in a shell.
	bin := t.TempDir()
	if err := os.Symlink(executable(t), filepath.Join(bin, "sioemit")); err != nil {
		t.Fatal(err)
	}
	scripts := 0
	for line := range strings.Lines(docs) {
		command, isCommand := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "    sioemit doctor")
		if !isCommand {
			continue
		}
		scripts++
		cmd := exec.CommandContext(t.Context(), "sh", "-c", "sioemit doctor"+strings.Replace(command, "1m", "1s", 1))
		cmd.Env = []string{runMain + "=1", "GORACE=atexit_sleep_ms=0", "SIOEMIT_REDIS_URL=" + server.URL(), "PATH=" + bin + ":" + os.Getenv("PATH")}
		out, _ := cmd.Output() // the status of the first is looked at below, that of the last is not 0
		want := map[int]string{1: "ok       3 of 3 servers answered.", 2: "3 servers listen with key myapp, none with socket.io.\n", 3: "failure  3 servers listen"}[scripts]
		if !strings.Contains(string(out), want) || scripts == 1 && !cmd.ProcessState.Success() {
			t.Errorf("%s prints %s", command, out)
		}
	}
	if scripts != 3 {
		t.Errorf("%d commands", scripts)
	}
	_, last, _ := strings.Cut(docs, "\n    }\n")
	last, _, _ = strings.Cut(last, "\n")
	var said conclusion
	if err := json.Unmarshal([]byte(last), &said); err != nil {
		t.Fatal(err)
	}
	r := sioemit(t, []string{"SIOEMIT_REDIS_URL=" + server.URL()}, "", "--timeout", "1m", "doctor", "--json")
	lines := strings.Split(strings.TrimSpace(r.stdout), "\n")
	var concluded conclusion
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &concluded); err != nil {
		t.Fatal(err)
	}
	if concluded.Command = applied(concluded.Command, []string{"--timeout"}, nil); !reflect.DeepEqual(concluded, said) {
		t.Errorf("the conclusion is %+v, in the example %+v", concluded, said)
	}
	_, object, _ := strings.Cut(docs, "\n    {\n")
	object, _, _ = strings.Cut(object, "\n    }\n")
	var example finding
	if err := json.Unmarshal([]byte("{"+object+"}"), &example); err != nil {
		t.Fatal(err)
	}
	if got := examined(t, []string{"--redis", server.URL()}).find("servers"); !reflect.DeepEqual(got, example) {
		t.Errorf("the finding is %+v, in the example %+v", got, example)
	}
}

// executable is this test binary, which is the command when runMain is set.
func executable(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// TestDoctorInTime ends when --timeout says so, even if Redis never answers.
func TestDoctorInTime(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	if err := server.Pause(); err != nil {
		t.Fatal(err)
	}
	defer server.Resume()
	// An answer needs no search for the reason.
	odd := harness.RedisFor(t, harness.RedisConfig{Args: []string{"--rename-command", "SELECT", "OTHER"}})
	if f := examined(t, []string{"--redis", odd.URL() + "/1", "--timeout", "1h"}).find("redis"); !strings.Contains(f.Text, "refuses: ERR unknown command") {
		t.Errorf("%+v", f)
	}
	for _, scheme := range []string{"redis://", "rediss://"} {
		started := time.Now()
		got := examined(t, []string{"--redis", scheme + server.Addr, "--timeout", "1s"})
		if f := got.find("redis"); f.Status != failure || !strings.Contains(f.Text, "does not answer") {
			t.Errorf("%+v", f)
		}
		if took := time.Since(started); took > 10*time.Second {
			t.Errorf("took %v with a timeout of 1s", took)
		}
	}
}

// TestDoctorSubscribesInTime ends when --timeout says so, even if Redis never
// answers PSUBSCRIBE.
func TestDoctorSubscribesInTime(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	held := make(chan struct{})
	url := through(t, server.Addr, func(toRedis []byte) bool {
		if bytes.Contains(bytes.ToLower(toRedis), []byte("psubscribe")) {
			<-held
			return false
		}
		return true
	})
	defer close(held)
	started := time.Now()
	got := examined(t, []string{"--redis", url, "--timeout", "2s"})
	if f := got.find("emitters"); f.Status != warning || !strings.Contains(f.Text, "cannot be seen what other emitters publish: it took too long.") {
		t.Errorf("%+v:\n%s", f, got)
	}
	if took := time.Since(started); took > 20*time.Second {
		t.Errorf("took %v with a timeout of 2s", took)
	}
}

// TestDoctorInterrupted says nothing that it has not found out.
func TestDoctorInterrupted(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for _, words := range [][]string{nil, {"--json"}} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], append([]string{"doctor", "--timeout", "1h", "--redis", "redis://" + silent.Addr().String()}, words...)...)
		cmd.Env = []string{runMain + "=1", "GORACE=atexit_sleep_ms=0"}
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		conn, err := silent.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.Read(make([]byte, 64)); err != nil { // it waits for an answer then
			t.Fatal(err)
		}
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // the status is looked at
		got := result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
		if want := (result{commandline.StatusInterrupt, "", "sioemit: interrupted\n"}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
}
