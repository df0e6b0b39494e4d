package main

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/sioemit/sioemit/compat_test/harness"
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
	} {
		target, err := parseURL(raw)
		if err != nil || target.options.Addr != want {
			t.Errorf("%s: %+v, %v", raw, target, err)
		}
	}
	for _, raw := range []string{
		"", "localhost:6379", "http://u:secret@localhost", "redis://u:secret#x@host", "redis://u:secret@host:port", "redis://u:sec%ret@host",
		"redis://u:secret@host/db", "redis://u:secret@host?nonsense=1", "redis://u:secret@host?master_name=", "redis://u:secret@ho st", ":secret",
	} {
		if target, err := parseURL(raw); err == nil || strings.Contains(err.Error(), "sec") || strings.Contains(err.Error(), "ret") {
			t.Errorf("%s: %+v, %v", raw, target, err)
		}
	}
}

// TestUnreachable checks that each way in which Redis cannot be had ends soon,
// with status 1, in one line, without the password.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := free.Addr().String()
	free.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	protected := startRedis(t, harness.RedisConfig{Password: "right"})
	plain := startRedis(t, harness.RedisConfig{})
	for name, test := range map[string]struct{ url, text string }{
		"down":           {"redis://:sesame@" + closed, closed},
		"no such host":   {"redis://:sesame@no-such-host.invalid", "no-such-host.invalid"},
		"silent":         {"redis://:sesame@" + silent.Addr().String(), "--timeout"},
		"wrong password": {"redis://:sesame@" + protected.Addr, "refused the user or password"},
		"no password":    {"redis://" + protected.Addr, "wants a password"},
		"no socket":      {"unix:///no/such/redis.sock", "/no/such/redis.sock"},
		"no TLS there":   {"rediss://:sesame@" + plain.Addr, "--timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			started := time.Now()
			r := sioemit(t, nil, "", "--redis", test.url, "emit", "hello", "--timeout", "1s")
			if r.status != statusFailed || r.stdout != "" || strings.Contains(r.stderr, "sesame") {
				t.Errorf("%+v", r)
			}
			r.oneLine(t, test.text)
			if took := time.Since(started); took > 4*time.Second {
				t.Errorf("took %v with a timeout of 1s", took)
			}
		})
	}
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	server := startRedis(t, harness.RedisConfig{Password: "p@ss/word"})
	url := server.URL()
	wrong := "redis://127.0.0.1:1"
	for _, env := range [][]string{
		{"SIOEMIT_REDIS_URL=" + url},
		{"REDIS_URL=" + url},
		{"REDIS_URL=" + wrong, "SIOEMIT_REDIS_URL=" + url},
		{"SIOEMIT_REDIS_URL=", "REDIS_URL=" + url},
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
	if r := sioemit(t, []string{"SIOEMIT_REDIS_URL=" + url}, "", "emit", "hello", "--redis", wrong); r.status != statusFailed {
		t.Errorf("--redis does not go before the environment: %+v", r)
	}
	if r := sioemit(t, []string{"SIOEMIT_SERVER_VERSION=7"}, "", "emit", "hello", "--dry-run"); r.status != statusUsage {
		t.Errorf("server version 7: %+v", r)
	}
}

// TestConnections reaches Redis in each of the ways that a URL can name, and
// finds the listener on the ordinary port there.
func TestConnections(t *testing.T) {
	t.Parallel()
	server := startRedis(t, harness.RedisConfig{Password: "p@ss/w#rd", UnixSocket: true, TLS: true, Args: []string{"--tls-auth-clients", "yes"}})
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
	for name, test := range map[string]struct {
		words []string
		text  string
	}{
		"unknown CA":     {[]string{"--redis", server.TLSURL()}, "certificate"},
		"no certificate": {[]string{"--redis", server.TLSURL(), "--tls-ca", server.CAFile}, "certificate"},
	} {
		r := sioemit(t, nil, "", append(test.words, "emit", "x")...)
		if r.status != statusFailed || strings.Contains(r.stderr, "p@ss") || strings.Contains(r.stderr, "p%40ss") {
			t.Errorf("%s: %+v", name, r)
		}
		r.oneLine(t, test.text)
	}
	for _, words := range [][]string{
		{"--redis", server.TLSURL(), "--tls-cert", server.CAFile}, {"--redis", server.TLSURL(), "--tls-ca", server.KeyFile}, {"--redis", server.URL(), "--tls-ca", server.CAFile},
		{"--redis", server.TLSURL(), "--tls-ca", "/no/such/file"},
	} {
		if r := sioemit(t, nil, "", append(words, "emit", "x")...); r.status != statusUsage {
			t.Errorf("%q: %+v", words, r)
		}
	}
}

// TestClusterNode finds out that a plain URL names a node of a Redis Cluster.
func TestClusterNode(t *testing.T) {
	t.Parallel()
	cluster, err := harness.StartRedisCluster(t.Context(), 3, 0, harness.RedisConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cluster.Close() })
	moved := 0
	for _, url := range cluster.URLs() {
		for _, adapter := range []string{"sharded", "streams"} {
			r := sioemit(t, nil, "", "--redis", url, "--adapter", adapter, "emit", "x")
			if r.status == statusFailed {
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
