package compat_test

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/harness"
)

// TestPython is about what servers in Python do apart from the promises of the matrix: with binary where it is allowed,
// with requests about sockets, with what they do not survive, and with the other client, that of python-socketio.
func TestPython(t *testing.T) {
	harness.NeedServers(t)
	for _, adapter := range []harness.Adapter{harness.Uvicorn, harness.FlaskSocketIO} {
		t.Run(adapter.Package, func(t *testing.T) {
			t.Parallel()
			ctx := withDeadline(t)
			r := startRedis(t)
			var nodes [2]*harness.Node
			for i := range nodes {
				nodes[i] = harness.NodeFor(t, harness.NodeConfig{Server: harness.Python.Server, Adapter: adapter, Redis: r.Conn(), Namespaces: namespaces[1:]})
			}
			clients := harness.ClientsFor(t, harness.Python)
			var js [2]*harness.Client
			for i, node := range nodes {
				var err error
				if js[i], err = clients.Connect(ctx, harness.ConnectOptions{Node: node, Transports: []string{"websocket"}, Rooms: []string{"r"}}); err != nil {
					t.Fatal(err)
				}
			}
			py := startPythonClient(t, nodes[1].URL, "websocket", "r")
			io := emitter.New(r.Client(), emitter.WithAdapter(emitter.Python(emitter.PythonOptions{AllowBinary: true})))
			if n, err := io.ServerCount(ctx); n != 2 || err != nil {
				t.Errorf("%d servers, %v", n, err)
			}
			must := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			// all has everyone get what is sent next, in order, and nothing else.
			all := func(want ...expectation) {
				t.Helper()
				for _, c := range js {
					must(c.Await(ctx, func(events []harness.Event) bool { return len(events) >= len(want) }))
					if problem := compare(c.Take(), want); problem != "" {
						t.Errorf("the official client: %s", problem)
					}
				}
				for _, w := range want {
					got := py.next(t)
					var e struct {
						Event string
						Args  []json.RawMessage
					}
					if err := json.Unmarshal([]byte(got), &e); err != nil || !same(harness.Event{Name: e.Event, Args: e.Args}, w) {
						t.Errorf("the client in Python got %s, want %s", got, show(w))
					}
				}
			}

			for _, args := range [][]any{
				{[]byte{0, 255}}, {[]byte{}}, {"x", map[string]any{"a": []any{[]byte{1}, map[string]any{"b": []byte{2}}}}, []byte{3}}, {[]any{[]byte{4}}},
				{"héé 日本 😀"}, {}, {nil, nil}, {[]any{}}, {[]any{1, 2}}, {map[string]any{"_placeholder": true, "num": 0}},
			} {
				must(io.Emit(ctx, "e", args...))
				all(expected("e", args...))
			}
			deep := json.RawMessage(strings.Repeat("[", 300) + strings.Repeat("]", 300))
			must(io.To("r", "s").Emit(ctx, "deep", deep))
			all(expected("deep", deep))
			var many []expectation
			must(io.Pipelined(ctx, func(io *emitter.Emitter) error {
				for i := range 500 {
					many = append(many, expected("number", i))
					if err := io.Emit(ctx, "number", i); err != nil {
						return err
					}
				}
				return nil
			}))
			all(many...)

			// What the adapter refuses because of it: lost, or not as it was meant, and the server takes the next one.
			null, fence := expected("null"), expected("fence", 1)
			for _, data := range []string{`[` + strings.Repeat("[", 600) + strings.Repeat("]", 600) + `]`, `[null]`} {
				must(r.Client().Publish(ctx, "socketio", `{"method":"emit","event":"null","data":`+data+`,"binary":false,"namespace":"/","room":null,"skip_sid":null,"callback":null,"host_id":"emitter"}`).Err())
			}
			must(io.Emit(ctx, "fence", 1))
			all(null, fence)

			// Requests about one socket, which either server may have.
			for _, c := range js {
				one := io.To(c.ID)
				must(one.SocketsJoin(ctx, "joined"))
				must(io.To("joined").Emit(ctx, "e", 1))
				must(c.Await(ctx, func(events []harness.Event) bool { return len(events) == 1 }))
				must(one.SocketsLeave(ctx, "joined"))
				must(io.To("joined").Emit(ctx, "e", 2))
				must(one.SocketsJoin(ctx, "joined"))
				must(io.SocketsLeave(ctx, "joined"))
				must(io.To("joined").Emit(ctx, "e", 3))
				must(one.Emit(ctx, "e", 4))
				must(c.Await(ctx, func(events []harness.Event) bool { return len(events) == 2 }))
				if problem := compare(c.Take(), []expectation{expected("e", 1), expected("e", 4)}); problem != "" {
					t.Error(problem)
				}
			}
			must(io.To(js[0].ID).DisconnectSockets(ctx, false))
			if reason, err := js[0].AwaitDisconnect(ctx); reason != "io server disconnect" || err != nil {
				t.Errorf("disconnected by %q, %v", reason, err)
			}
			must(io.To(py.id).DisconnectSockets(ctx, false))
			if got := py.next(t); !strings.Contains(got, "disconnect") {
				t.Error(got)
			}
			must(io.Emit(ctx, "left", 1))
			must(js[1].Await(ctx, func(events []harness.Event) bool { return len(events) == 1 }))
		})
	}
}

// TestPythonBinary shows why binary has to be allowed: beside a client with websocket, one on HTTP long-polling loses its
// connection over it. Among clients of one transport, all get it.
func TestPythonBinary(t *testing.T) {
	harness.NeedServers(t)
	for _, adapter := range []harness.Adapter{harness.Uvicorn, harness.FlaskSocketIO} {
		t.Run(adapter.Package, func(t *testing.T) {
			t.Parallel()
			ctx := withDeadline(t)
			r := startRedis(t)
			node := harness.NodeFor(t, harness.NodeConfig{Server: harness.Python.Server, Adapter: adapter, Redis: r.Conn()})
			clients := harness.ClientsFor(t, harness.Python)
			connect := func(transport string, rooms ...string) *harness.Client {
				t.Helper()
				c, err := clients.Connect(ctx, harness.ConnectOptions{Node: node, Transports: []string{transport}, Rooms: rooms})
				if err != nil {
					t.Fatal(err)
				}
				return c
			}
			both := connect("websocket", "both")
			polling := []*harness.Client{connect("polling", "both", "polling"), connect("polling", "polling")}
			io := emitter.New(r.Client(), emitter.WithAdapter(emitter.Python(emitter.PythonOptions{AllowBinary: true})))
			if err := io.To("polling").Emit(ctx, "e", []byte{1}); err != nil {
				t.Fatal(err)
			}
			for _, c := range polling {
				if err := c.Await(ctx, func(events []harness.Event) bool {
					return len(events) == 1 && same(events[0], expected("e", []byte{1}))
				}); err != nil {
					t.Error(err)
				}
			}
			// Which of the two encodes it first is chance.
			for n := 1; polling[0].Disconnected() == ""; n++ {
				if n > 500 {
					t.Fatal("a client on long-polling got 500 events with binary: if python-engineio can do it now, AllowBinary is not needed")
				}
				if err := io.To("both").Emit(ctx, "e", []byte{2}); err != nil {
					t.Fatal(err)
				}
				if err := both.Await(ctx, func(events []harness.Event) bool {
					return len(events) == n && same(events[n-1], expected("e", []byte{2}))
				}); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// pythonClient is a client of python-socketio.
type pythonClient struct {
	id    string
	lines chan string
}

func startPythonClient(t *testing.T, words ...string) *pythonClient {
	t.Helper()
	dir, python, err := harness.PythonDir()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, append([]string{filepath.Join(dir, "client.py")}, words...)...)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &pythonClient{lines: make(chan string, 1000)}
	go func() {
		defer close(c.lines)
		for s := bufio.NewScanner(stdout); s.Scan(); {
			c.lines <- s.Text()
		}
	}()
	t.Cleanup(func() {
		stdin.Close()
		for range c.lines {
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("the client in Python: %v", err)
		}
	})
	var ready struct{ ID string }
	if text := c.next(t); json.Unmarshal([]byte(text), &ready) != nil || ready.ID == "" {
		t.Fatalf("the client in Python is not ready: %s", text)
	}
	c.id = ready.ID
	return c
}

// next returns the next line.
func (c *pythonClient) next(t *testing.T) string {
	t.Helper()
	select {
	case text, ok := <-c.lines:
		if !ok {
			t.Fatal("the client in Python has ended")
		}
		return text
	case <-time.After(time.Minute):
		t.Fatal("the client in Python is silent")
	}
	return ""
}
