package compat_test

import (
	"os/exec"
	"testing"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/harness"
)

// A test of binary that passes with any packet type would prove nothing. With the packet type of another
// generation forced upon it, each row has to show what users of other emitters see.
func TestForcedPacketType(t *testing.T) {
	data := []byte{1, 2, 3}
	garbled := `{"type":"Buffer","data":[1,2,3]}`
	for _, c := range []struct {
		name   string
		forced int // server version
		see    func(*testing.T, *harness.Clients)
	}{
		{"1.7.4/socket.io-redis-4.0.1", 4, seeGarbled(garbled)},
		{"2.5.1/socket.io-redis-5.4.0", 3, seeGarbled(garbled)},
		{"3.1.2/socket.io-redis-6.0.1", 2, func(t *testing.T, clients *harness.Clients) {
			// Version 3 throws the packet away; as to the application, the event is lost.
			if thrown, err := clients.AwaitException(withDeadline(t)); err != nil || thrown != "Illegal attachments" {
				t.Errorf("thrown: %q, %v", thrown, err)
			}
		}},
		{"4.8.4/socket.io-redis-6.1.1", 2, seeDropped},
		{"4.8.4/redis-adapter-7.0.1", 1, seeDropped},
		{"4.8.4/redis-adapter-7.1.0", 2, seeDropped},
		{"4.8.4/redis-adapter-7.2.0", 1, seeDropped},
		{"4.8.4/redis-adapter-8.3.0", 2, seeDropped},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			row := rowNamed(c.name)
			ctx := withDeadline(t)
			r := startRedis(t)
			node := harness.NodeFor(t, harness.NodeConfig{
				Server: row.generation.Server, Adapter: row.adapter, Redis: r.Conn(),
			})
			clients := harness.ClientsFor(t, row.generation)
			for _, transports := range [][]string{{"websocket"}, {"polling"}, nil} {
				if _, err := clients.Connect(ctx, harness.ConnectOptions{Node: node, Transports: transports}); err != nil {
					t.Fatal(err)
				}
			}

			right := emitter.New(r.Client(), emitter.WithServerVersion(row.generation.Number))
			if err := right.Emit(ctx, "binary", data); err != nil {
				t.Fatal(err)
			}
			for _, client := range clients.All() {
				if err := client.Await(ctx, received(1)); err != nil {
					t.Error(err)
				} else if problem := compare(client.Events(), []expectation{expected("binary", data)}); problem != "" {
					t.Errorf("client %s: %s", client.Transport, problem)
				}
			}

			wrong := emitter.New(r.Client(), emitter.WithServerVersion(c.forced))
			if err := wrong.Emit(ctx, "binary", data); err != nil {
				t.Fatal(err)
			}
			c.see(t, clients)
		})
	}
}

func received(n int) func([]harness.Event) bool {
	return func(events []harness.Event) bool { return len(events) >= n }
}

// seeGarbled expects something else in the place of the binary.
func seeGarbled(instead string) func(*testing.T, *harness.Clients) {
	return func(t *testing.T, clients *harness.Clients) {
		t.Helper()
		for _, client := range clients.All() {
			if err := client.Await(withDeadline(t), received(2)); err != nil {
				t.Error(err)
				continue
			}
			last := client.Events()[1:]
			if got := string(last[0].Args[0]); got != instead {
				t.Errorf("client %s got %s, want %s", client.Transport, got, instead)
			}
			if compare(last, []expectation{expected("binary", []byte{1, 2, 3})}) == "" {
				t.Error("the comparison does not see it")
			}
		}
	}
}

// seeDropped expects every client to lose its connection.
func seeDropped(t *testing.T, clients *harness.Clients) {
	t.Helper()
	for _, client := range clients.All() {
		if reason, err := client.AwaitDisconnect(withDeadline(t)); err != nil || reason != "parse error" {
			t.Errorf("client %s was disconnected with %q, %v; want parse error", client.Transport, reason, err)
		}
		if err := client.Await(withDeadline(t), received(2)); err == nil {
			t.Error("the wait for an event does not see it")
		}
	}
}

// The vectors are what the installed official packages publish, to the byte.
func TestVectorsAreCurrent(t *testing.T) {
	harness.NeedServers(t)
	t.Parallel()
	dir, err := harness.NodeModules()
	if err != nil {
		t.Fatal(err)
	}
	pythonDir, python, err := harness.PythonDir()
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range []struct{ dir, program, script string }{{dir, "node", "vectors.js"}, {pythonDir, python, "vectors.py"}} {
		cmd := exec.CommandContext(withDeadline(t), in.program, in.script, "--check")
		cmd.Dir = in.dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s --check: %v\n%s", in.script, err, out)
		}
	}
}
