package main

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/harness"
)

// TestPasswordsStay checks that no command shows a password that is written
// into the URL wrongly.
func TestPasswordsStay(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"redis://u:123/sesame@127.0.0.1:7100", "redis://127.0.0.1:7100?password=sesame", "redis://u:123?sesame@127.0.0.1:7100",
		"redis://127.0.0.1:7100?sesame", "redis://127.0.0.1:7100?sesame=1", "redis://127.0.0.1:7100?db=0&sesame", "redis://u:123#sesame@127.0.0.1:7100", "redis://u:sesame@127.0.0.1:7100/db", "redis://u:ses%ame@127.0.0.1:7100", "u:sesame@127.0.0.1:7100",
	} {
		for _, words := range [][]string{{"emit", "x"}, {"doctor"}, {"listen"}, {"emit", "x", "--cluster"}, {"emit", "x", "--tls-ca", "ca.pem"}} {
			r := sioemit(t, []string{"REDIS_URL=" + url}, "", words...)
			if r.status != commandline.StatusUsage || r.stdout != "" || strings.Contains(r.stderr, "ame") {
				t.Errorf("%s %q: %+v", url, words, r)
			}
			r.oneLine(t)
		}
	}
}

// TestPasswordsRepeated has Redis, and what is none, repeat the password that the
// command has sent.
func TestPasswordsRepeated(t *testing.T) {
	t.Parallel()
	renamed := harness.RedisFor(t, harness.RedisConfig{Args: []string{"--rename-command", "AUTH", "", "--rename-command", "HELLO", ""}})
	urls := map[string]string{
		"renamed":  "redis://u:sesame@" + renamed.Addr,
		"Sentinel": "redis://" + renamed.Addr + "?master_name=main&sentinel_username=u&sentinel_password=sesame",
	}
	for name, answer := range map[string]func(request string) string{
		"echo":    func(request string) string { return request },
		"an echo": func(request string) string { return "+" + strings.ReplaceAll(request, "\r\n", " ") + "\r\n" },
		"refuses": func(request string) string {
			return "-no: " + strings.ReplaceAll(request, "\r\n", " ") + "\r\n"
		},
	} {
		repeating := answering(t, answer)
		urls[name] = "redis://u:sesame@" + repeating
		urls[name+", Sentinel"] = "redis://" + repeating + "?master_name=main&sentinel_username=u&sentinel_password=sesame"
	}
	for name, url := range urls {
		for _, command := range []string{"emit x", "emit x --json --cluster", "emit x --ack", "servers", "sockets --cluster", "listen", "pipe", "doctor", "doctor --cluster", "listen --adapter streams", "emit x --adapter sharded"} {
			t.Run(name+", "+command, func(t *testing.T) {
				t.Parallel()
				r := sioemit(t, nil, `{"event":"x"}`, append([]string{"--redis", url, "--timeout", "3s"}, strings.Fields(command)...)...)
				if r.status == 0 || strings.Contains(r.stdout+r.stderr, "sesame") {
					t.Errorf("%+v", r)
				}
			})
		}
	}
}

// answering listens on an address, and answers what it is sent.
func answering(t *testing.T, answer func(request string) string) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var conns sync.WaitGroup
	t.Cleanup(func() {
		l.Close()
		conns.Wait()
	})
	conns.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				defer conn.Close()
				request := make([]byte, 4096)
				for {
					n, err := conn.Read(request)
					if err != nil {
						return
					}
					if _, err := io.WriteString(conn, answer(string(request[:n]))); err != nil {
						return
					}
				}
			})
		}
	})
	return l.Addr().String()
}

// TestUnreachable checks that each way in which Redis cannot be had ends soon,
// with status 1, in one line, without the password.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	const closed = "127.0.0.1:1"                    // not a port that another test may get
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	protected := harness.RedisFor(t, harness.RedisConfig{Password: "right"})
	plain := harness.RedisFor(t, harness.RedisConfig{TLS: true})
	_, plainPort, _ := strings.Cut(plain.Addr, ":")
	noAuth := harness.RedisFor(t, harness.RedisConfig{Args: []string{"--rename-command", "AUTH", ""}})
	web := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(web.Close)
	webAddr := web.Listener.Addr().String()
	for name, test := range map[string]struct {
		url  string // or several
		text string
		flag string
	}{
		"down":           {"redis://:sesame@" + closed, closed, ""},
		"no such host":   {"redis://:sesame@no-such-host.invalid", "no-such-host.invalid", ""},
		"silent":         {"redis://:sesame@" + silent.Addr().String(), "--timeout", ""},
		"wrong password": {"redis://:sesame@" + protected.Addr, "refuses the user or the password", ""},
		"no password":    {"redis://" + protected.Addr, "wants a password", ""},
		"no AUTH":        {"redis://u:sesame@" + noAuth.Addr, "redis at " + noAuth.Addr + " does not take AUTH", ""},
		"no socket":      {"unix:///no/such/redis.sock", "/no/such/redis.sock", ""},
		"no TLS there":   {"rediss://:sesame@" + plain.Addr, plain.Addr + " did not answer within 1s (--timeout); if that is no TLS port, write redis://", ""},
		"TLS there":      {"redis://:sesame@" + plain.TLSAddr, plain.TLSAddr + " closed the connection: is it still running? if that is a TLS port, write rediss://", ""},
		"a web server":   {"redis://:sesame@" + webAddr, "what answers at " + webAddr + " is not Redis", ""},
		"one for TLS":    {"rediss://:sesame@" + webAddr, "what answers at " + webAddr + " does not speak TLS", ""},
		"one, a cluster": {"redis://:sesame@" + webAddr, "what answers at " + webAddr + " is not Redis", "--cluster"},
		"no cluster":     {"redis://" + plain.Addr, "redis at " + plain.Addr + " is not a Redis Cluster: leave out --cluster", "--cluster"},
		"several Redis":  {"redis://" + plain.Addr + " redis://localhost:" + plainPort, "is not a Redis Cluster: give only one --redis", ""},
	} {
		for _, command := range [][]string{{"emit", "hello"}, {"servers"}, {"listen"}, {"pipe"}} {
			t.Run(name+", "+command[0], func(t *testing.T) {
				t.Parallel()
				// Where nothing answers, the time has to run out; where something
				// does, the command must not wait that long.
				timeout, soon := "1m", 30*time.Second
				if strings.HasPrefix(name, "no TLS") || name == "silent" || name == "no such host" {
					timeout, soon = "1s", 10*time.Second
				}
				words := append(slices.Clone(command), "--timeout", timeout)
				if test.flag != "" {
					words = append(words, test.flag)
				}
				started := time.Now()
				r := sioemit(t, []string{"REDIS_URL=" + test.url}, `{"event":"hello"}`, words...)
				if r.status != commandline.StatusFailed || r.stdout != "" || strings.Contains(r.stderr, "sesame") {
					t.Errorf("%+v", r)
				}
				if command[0] == "pipe" { // the first line is the summary
					_, r.stderr, _ = strings.Cut(r.stderr, "\n")
				}
				r.oneLine(t, test.text)
				if took := time.Since(started); took > soon {
					t.Errorf("took %v with a timeout of %s", took, timeout)
				}
			})
		}
	}
}

// TestNoRedisNoResult prints no result where nobody was asked: a script would
// take it for the answer.
func TestNoRedisNoResult(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"emit --ack x", "server-emit --ack x", "sockets", "rooms", "servers", "emit x", "server-emit x", "join a --all"} {
		r := sioemit(t, []string{"REDIS_URL=redis://127.0.0.1:1"}, "", append(strings.Fields(command), "--json")...)
		if r.status != commandline.StatusFailed || r.stdout != "" {
			t.Errorf("%s: %+v", command, r)
		}
		r.oneLine(t, "no Redis at 127.0.0.1:1")
	}
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{Password: "p@ss/word"})
	url := server.URL()
	wrong := "redis://127.0.0.1:1"
	for _, env := range [][]string{
		{"SIOEMIT_REDIS_URL=" + url},
		{"REDIS_URL=" + url},
		{"REDIS_URL=" + wrong, "SIOEMIT_REDIS_URL=" + url},
		{"SIOEMIT_REDIS_URL=", "REDIS_URL=" + url},
		{"SIOEMIT_REDIS_URL= ", "REDIS_URL= " + url + " "},
		{"SIOEMIT_REDIS_URL=" + url, "SIOEMIT_KEY=k", "SIOEMIT_NAMESPACE=admin"},
	} {
		r := sioemit(t, env, "", "emit", "hello", "--json")
		want := `{"channel":"socket.io#/#","servers":0}`
		if len(env) == 3 {
			want = `{"channel":"k#/admin#","servers":0}`
		}
		if r.status != 0 || strings.TrimSpace(r.stdout) != want {
			t.Errorf("%q: %+v", env, r)
		}
	}
	if r := sioemit(t, []string{"SIOEMIT_REDIS_URL=" + url}, "", "emit", "hello", "--redis", wrong); r.status != commandline.StatusFailed {
		t.Errorf("--redis does not go before the environment: %+v", r)
	}
	if r := sioemit(t, []string{"SIOEMIT_SERVER_VERSION=7"}, "", "emit", "hello", "--dry-run"); r.status != commandline.StatusUsage {
		t.Errorf("server version 7: %+v", r)
	}
}

// TestConnections reaches Redis in each of the ways that a URL can name, and
// finds the listener on the ordinary port there.
func TestConnections(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{Password: "p@ss/w#rd", UnixSocket: true, TLS: true, Args: []string{"--tls-auth-clients", "yes"}})
	received := listenOn(t, server.Client(), "/")
	certificate := []string{"--tls-ca", server.CAFile, "--tls-cert", server.CAFile, "--tls-key", server.KeyFile}
	for name, words := range map[string][]string{
		"password":             {"--redis", server.URL()},
		"another database":     {"--redis", server.URL() + "/5"}, // pub/sub has no databases
		"unix socket":          {"--redis", server.SocketURL()},
		"TLS, own CA and cert": append(certificate, "--redis", server.TLSURL()),
	} {
		r := sioemit(t, nil, "", append(words, "emit", name)...)
		if r.status != 0 || r.stderr != "" || !strings.Contains(r.stdout, "1 server listens") {
			t.Errorf("%s: %+v", name, r)
			continue
		}
		if _, b := received.next(t); b.Event != name {
			t.Errorf("%s: received %+v", name, b)
		}
	}
	old := harness.RedisFor(t, harness.RedisConfig{TLS: true, Args: []string{"--tls-auth-clients", "yes", "--tls-protocols", "TLSv1.2", "--bind", "127.0.0.1", "127.0.0.2"}})
	_, oldPort, _ := strings.Cut(old.TLSAddr, ":")
	for name, test := range map[string]struct {
		words []string
		text  string
	}{
		"unknown CA":              {[]string{"--redis", server.TLSURL()}, "add --tls-ca FILE"},
		"no certificate":          {[]string{"--redis", server.TLSURL(), "--tls-ca", server.CAFile}, "--tls-cert"},
		"no certificate, TLS 1.2": {[]string{"--redis", old.TLSURL(), "--tls-ca", old.CAFile}, "--tls-cert"},
		"another CA's":            {[]string{"--redis", old.TLSURL(), "--tls-ca", old.CAFile, "--tls-cert", server.CAFile, "--tls-key", server.KeyFile}, "--tls-cert"},
		"another host":            {[]string{"--redis", "rediss://127.0.0.2:" + oldPort, "--tls-ca", old.CAFile}, "is for another host"},
	} {
		r := sioemit(t, nil, "", append(test.words, "emit", "x")...)
		if r.status != commandline.StatusFailed || strings.Contains(r.stderr, "p@ss") || strings.Contains(r.stderr, "p%40ss") {
			t.Errorf("%s: %+v", name, r)
		}
		r.oneLine(t, test.text)
	}
	for _, words := range [][]string{
		{"--redis", server.TLSURL(), "--tls-cert", server.CAFile}, {"--redis", server.TLSURL(), "--tls-ca", server.KeyFile}, {"--redis", server.URL(), "--tls-ca", server.CAFile},
		{"--redis", server.TLSURL(), "--tls-ca", "/no/such/file"},
	} {
		if r := sioemit(t, nil, "", append(words, "emit", "x")...); r.status != commandline.StatusUsage {
			t.Errorf("%q: %+v", words, r)
		}
	}
}

// TestSentinel reaches a Redis through a Sentinel, each with a password of its
// own, and tells which of the two refuses.
func TestSentinel(t *testing.T) {
	t.Parallel()
	s := harness.SentinelsFor(t, 0, 1, harness.RedisConfig{Password: "master"})
	plain := harness.RedisFor(t, harness.RedisConfig{})
	sentinel := redis.NewClient(&redis.Options{Addr: s.Addrs[0]})
	defer sentinel.Close()
	for _, user := range []string{"ops", "default"} { // default last: it is ours
		if err := sentinel.Do(t.Context(), "ACL", "SETUSER", user, "on", "resetpass", ">ses+ame&1", "+@all").Err(); err != nil {
			t.Fatal(err)
		}
	}
	url := "redis://:master@" + s.Addrs[0] + "?master_name=main"
	password := "&sentinel_password=ses+ame%261"
	for name, test := range map[string]struct{ url, text string }{
		"password":             {url + password, ""},
		"user":                 {url + password + "&sentinel_username=ops", ""},
		"two URLs":             {url + password + " redis://" + s.Addrs[0], ""},
		"no password":          {url, "the Sentinels want a password: add &sentinel_password=PASSWORD"},
		"wrong password":       {url + "&sentinel_password=sesame", "the Sentinels refuse sentinel_username or sentinel_password"},
		"wrong user":           {url + password + "&sentinel_username=sesame", "the Sentinels refuse sentinel_username or sentinel_password"},
		"another master":       {"redis://:sesame@" + s.Addrs[0] + "?master_name=other" + password, "the Sentinels know no master of the name in the URL"},
		"no Redis password":    {"redis://" + s.Addrs[0] + "?master_name=main" + password, "redis at the master that the Sentinels name wants a password"},
		"wrong password Redis": {"redis://:sesame@" + s.Addrs[0] + "?master_name=main" + password, "redis at the master that the Sentinels name refuses"},
		"no Sentinel":          {"redis://" + plain.Addr + "?master_name=main", "what answers at " + plain.Addr + " is not a Sentinel: leave master_name out"},
		"down":                 {"redis://127.0.0.1:1?master_name=main", "no Redis at 127.0.0.1:1"},
	} {
		for _, words := range [][]string{{"emit", "x", "--quiet"}, {"servers"}} {
			r := sioemit(t, []string{"REDIS_URL=" + test.url}, "", words...)
			if strings.Contains(r.stderr, "sesame") || strings.Contains(r.stderr, "ses+ame") || (r.status == 0) != (test.text == "") {
				t.Errorf("%s: %+v", name, r)
			}
			if test.text != "" {
				r.oneLine(t, test.text)
			}
		}
	}
}

// TestClusterNode finds out that a plain URL names a node of a Redis Cluster.
func TestClusterNode(t *testing.T) {
	t.Parallel()
	cluster := harness.ClusterFor(t, 3, 0, harness.RedisConfig{})
	moved := 0
	for _, url := range cluster.URLs() {
		for _, adapter := range []string{"sharded", "streams"} {
			r := sioemit(t, nil, "", "--redis", url, "--adapter", adapter, "emit", "x")
			if r.status == commandline.StatusFailed {
				moved++
				r.oneLine(t, "add --cluster")
				if strings.Contains(r.stderr, "MOVED") {
					t.Errorf("%+v", r)
				}
			}
			if r := sioemit(t, nil, "", "--redis", url, "--cluster", "--adapter", adapter, "emit", "x", "--quiet"); r != (result{}) {
				t.Errorf("%s with --cluster: %+v", adapter, r)
			}
		}
	}
	if moved == 0 {
		t.Error("every node owns every slot")
	}
}
