package main

import (
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/harness"
)

// blackHole returns an address that takes no connection and refuses none: the
// queue of those that wait to be accepted is full.
func blackHole(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	socket := os.NewFile(uintptr(fd), "a queue")
	t.Cleanup(func() { socket.Close() })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(name.(*syscall.SockaddrInet4).Port))
	conn, err := net.Dial("tcp", address) // the only one that fits
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return address
}

// TestAnnounced has nodes of a Redis Cluster, and Sentinels, send the command to
// where nothing is.
func TestAnnounced(t *testing.T) {
	t.Parallel()
	node := harness.RedisFor(t, harness.RedisConfig{Args: []string{"--cluster-enabled", "yes"}})
	rdb := redis.NewClient(&redis.Options{Addr: node.Addr, Protocol: 2})
	defer rdb.Close()
	if err := rdb.ClusterAddSlotsRange(t.Context(), 0, 16383).Err(); err != nil {
		t.Fatal(err)
	}
	await(t, func() bool { return strings.Contains(rdb.ClusterInfo(t.Context()).Val(), "cluster_state:ok") })
	silent := blackHole(t)
	_, silentPort, _ := strings.Cut(silent, ":")
	for _, test := range []struct {
		name, setting, value string
		texts                []string
	}{
		{"nothing", "cluster-preferred-endpoint-type", "unknown-endpoint", []string{"does not announce the addresses of its nodes", "unknown-endpoint"}},
		{"no name", "cluster-preferred-endpoint-type", "hostname", []string{"announces a node at ?:" + strconv.Itoa(node.Port), "cluster-announce-hostname"}},
		{"an unknown name", "cluster-announce-hostname", "no-such-host.invalid", []string{"announces a node at no-such-host.invalid:" + strconv.Itoa(node.Port), "no such host"}},
		{"a closed port", "cluster-announce-port", "1", []string{"announces a node at no-such-host.invalid:1"}},
		{"a closed port of this machine", "cluster-preferred-endpoint-type", "ip", []string{"announces a node at 127.0.0.1:1, which", "refused", "cluster-announce-ip"}},
		{"what does not answer", "cluster-announce-port", silentPort, []string{"announces a node at " + silent + ", which", "no answer within 6s"}},
	} {
		if err := rdb.ConfigSet(t.Context(), "cluster-announce-ip", "127.0.0.1").Err(); err != nil {
			t.Fatal(err)
		}
		if err := rdb.ConfigSet(t.Context(), test.setting, test.value).Err(); err != nil {
			t.Fatal(err)
		}
		atOnce([]string{"emit x", "emit x --ack", "servers", "pipe --quiet", "listen", "emit x --adapter sharded", "listen --adapter sharded", "listen --adapter streams"}, func(command string) {
			r := sioemit(t, nil, `{"event":"x"}`, append(strings.Fields(command), "--redis", node.URL(), "--cluster", "--timeout", "6s")...)
			if r.status != commandline.StatusFailed || r.stdout != "" {
				t.Errorf("%s, %s: %+v", test.name, command, r)
			}
			if strings.HasPrefix(command, "pipe") { // the summary stands first
				_, r.stderr, _ = strings.Cut(r.stderr, "\n")
			}
			r.oneLine(t, test.texts...)
		})
	}
	// A Redis that answers nobody says so in words of its own, and so does one that
	// has gone.
	for url, text := range map[string]string{"redis://" + silent: "no connection to " + silent + " within 6s (--timeout)", "redis://127.0.0.1:1": "connection refused"} {
		atOnce([]string{"emit x", "emit x --ack", "servers", "listen", "emit x --cluster", "servers --cluster"}, func(command string) {
			r := sioemit(t, nil, "", append(strings.Fields(command), "--redis", url, "--timeout", "6s")...)
			if r.status != commandline.StatusFailed {
				t.Errorf("%s, %s: %+v", url, command, r)
			}
			r.oneLine(t, text)
		})
	}
}

// atOnce calls f for all commands at the same time.
func atOnce(commands []string, f func(command string)) {
	var group sync.WaitGroup
	for _, command := range commands {
		group.Go(func() { f(command) })
	}
	group.Wait()
}
