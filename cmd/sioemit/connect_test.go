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

func TestParseURL(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"redis://localhost":                   "localhost:6379",
		"redis://user:pw@host:1234/3":         "host:1234",
		"rediss://host":                       "host:6379",
		"unix:///run/redis.sock":              "/run/redis.sock",
		"redis://[::1]:7000":                  "[::1]:7000",
		"redis://host:26379?master_name=main": "host:26379",
		"redis://:p%23w%2F%40@host:6379/0":    "host:6379",
		"redis://u:p@ss@host":                 "host:6379",
		"REDIS://host/":                       "host:6379",
		"redis://host?db=3&read_timeout=1s":   "host:6379",
		"rediss://host?skip_verify=true":      "host:6379",
		"unix:///run/redis@1/redis.sock":      "/run/redis@1/redis.sock",
		"unix://:pw@/run/redis.sock?db=2":     "/run/redis.sock",
	} {
		target, err := parseURL(raw)
		if err != nil || target.options.Addr != want {
			t.Errorf("%s: %+v, %v", raw, target, err)
		}
	}
	for raw, text := range map[string]string{
		"":                           "no scheme: write redis://HOST:PORT",
		":secret":                    "no scheme: write redis://HOST:PORT",
		"u:secret@localhost:6379":    "no scheme: write redis://HOST:PORT",
		"redis:u:secret@localhost":   "no scheme: write redis://HOST:PORT",
		"localhost:6379":             "write redis://localhost:6379",
		"127.0.0.1:7100":             "write redis://127.0.0.1:7100",
		"[::1]:7100":                 "write redis://[::1]:7100",
		"http://u:secret@localhost":  "starts with redis://",
		"sec:ret://u:pw@localhost":   "starts with redis://",
		"redis://u:secret@host:port": "port",
		"redis://u:sec%ret@host":     "%25",
		"redis://u:secret@ho st":     "cannot be read",
		"redis://u:sec ret@host":     "cannot be read",
		"redis://u:secret":           "port",
		"redis://127.0.0.1:99999":    "a number from 1 to 65535",
		"redis://u:secret@host:0":    "a number from 1 to 65535",
		"rediss://u:65536":           "a number from 1 to 65535",
		// A password that is not written as it must be: not even the host is
		// shown, because a part of the password is taken for it.
		"redis://secret#x@host":                                      "/ ? # @ in a password are written %2F %3F %23 %40",
		"redis://u:secret#x@host":                                    "%23",
		"redis://u:123#secret@host:6379":                             "%23",
		"redis://u:123/secret@host:6379":                             "%2F",
		"redis://u:secret/0@host":                                    "%2F",
		"redis://u:123?secret@host:6379":                             "%3F",
		"redis://u:1@secret/x@host":                                  "%40",
		"unix://u:1/secret@/run/sock":                                "%2F",
		"redis://host?master_name=main&sentinel_password=a#secret":   "%23",
		"redis://host?master_name=main&sentinel_password=a@secret":   "%40",
		"redis://u:secret@host/db":                                   "redis://host: what follows the host is the number of a database",
		"redis://u:secret@host/1/2":                                  "number of a database",
		"redis://u:secret@host/-1":                                   "number of a database",
		"redis://u:secret@host?nonsense=secret":                      `redis://host: there is no such option as number 1 behind the ?; a password stands before the host`,
		"redis://host:1?password=secret":                             `redis://host:1: there is no such option as number 1 behind the ?; a password stands before the host`,
		"redis://host?password=top&secret":                           "no such option as number 1",
		"redis://host?secret":                                        "no such option as number 1",
		"redis://host?db=1&secret=x":                                 "no such option as number 2",
		"redis://host?db=1&dbs=secret":                               "number 2 behind the ? (did you mean db?)",
		"redis://host?master_nam=secret":                             "did you mean master_name?",
		"redis://host?db=secret":                                     `option "db" has a value`,
		"redis://host?read_timeout=secret":                           `option "read_timeout" has a value`,
		"redis://host?pool_fifo=secret":                              `option "pool_fifo" has a value`,
		"redis://host?db=%secret":                                    "behind the ?",
		"redis://u:secret@host?master_name=":                         "redis://host: master_name is empty",
		"redis://host?sentinel_password=secret":                      "redis://host: sentinel_username and sentinel_password need master_name",
		"redis://host?master_name=main&sentinel_password=a&secret=1": "a & in it is written %26",
		"unix://:secret@":                                            "unix:///",
		"unix://run/redis.sock":                                      "unix:///",
	} {
		target, err := parseURL(raw)
		if err == nil || strings.Contains(err.Error(), "sec") || strings.Contains(err.Error(), "ret") || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %+v, %v, want an error that says %s", raw, target, err, text)
		}
	}
}

// FuzzParseURL looks for a URL of which the password is shown.
func FuzzParseURL(f *testing.F) {
	for _, part := range []string{"", "/", "?", "#", "@", "%", ":", "&", "=", "//", "1/", "1?", "/0?db=1&", "a@b", "://", "[", "%2F", ";", " ", "\\", "\n"} {
		f.Add("redis", part, "", "host:6379")
		f.Add("rediss", "1", part, "host/0?db=1")
		f.Add("unix", part, part, "/run/redis.sock")
		f.Add("redis", part, part, "host?master_name="+part)
	}
	f.Fuzz(func(t *testing.T, scheme, before, after, rest string) {
		const secret = "sesame"
		password := before + secret + after
		for _, raw := range []string{
			scheme + "://u" + password + "@" + rest, scheme + "://:" + password + "@" + rest, scheme + "://user:" + password + "@" + rest,
			"redis://host?" + password, "redis://host?db=1&" + password, "redis://host?password=" + password, "redis://host:1/0?master_name=main&sentinel_password=" + password,
		} {
			var shown string
			target, err := parseURL(raw)
			if err != nil {
				shown = err.Error()
			} else {
				shown = target.shown + target.options.Addr
			}
			if strings.Contains(shown, secret) && !strings.Contains(scheme+rest, secret) {
				t.Errorf("%q: %s", raw, shown)
			}
		}
	})
}

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
		"a web server":   {"redis://:sesame@" + webAddr, "what answers at " + webAddr + " is no Redis", ""},
		"one for TLS":    {"rediss://:sesame@" + webAddr, "what answers at " + webAddr + " speaks no TLS", ""},
		"one, a cluster": {"redis://:sesame@" + webAddr, "what answers at " + webAddr + " is no Redis", "--cluster"},
		"no cluster":     {"redis://" + plain.Addr, "redis at " + plain.Addr + " is no Redis Cluster: leave out --cluster", "--cluster"},
		"several Redis":  {"redis://" + plain.Addr + " redis://localhost:" + plainPort, "is no Redis Cluster: give one --redis", ""},
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
		"no Sentinel":          {"redis://" + plain.Addr + "?master_name=main", "what answers at " + plain.Addr + " is no Sentinel: leave master_name out"},
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
