package compat_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/harness"
)

// TestInstalled installs what each language would publish into an empty folder outside of the repository, and has the
// README's first program reach the clients of two servers from there.
func TestInstalled(t *testing.T) {
	harness.NeedServers(t)
	found, err := sdks()
	if err != nil {
		t.Error(err)
	}
	for _, sdk := range found {
		t.Run(sdk.Name, func(t *testing.T) {
			program, err := languageOf(sdk.Name).program()
			if err != nil {
				t.Fatal(err)
			}
			s := startReadmeServers(t)
			folder := t.TempDir()
			install := exec.CommandContext(withDeadline(t), "make", "-s", "-C", sdk.Folder, "installed", "DIR="+folder)
			if out, err := install.CombinedOutput(); err != nil {
				t.Fatalf("make installed: %v\n%s", err, out)
			}
			s.run(t, exec.CommandContext(withDeadline(t), filepath.Join(folder, "run")), folder, program)
		})
	}
}

// TestHello has the program in Go, and those that go through the command, send the same events as the READMEs.
func TestHello(t *testing.T) {
	harness.NeedServers(t)
	path, err := command.build()
	if err != nil {
		t.Fatal(err)
	}
	for name, run := range map[string]func(*testing.T, *readmeServers){
		"go": func(t *testing.T, s *readmeServers) {
			text, err := os.ReadFile(helloGo)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "main.go")
			s.run(t, exec.CommandContext(withDeadline(t), "sh", "-c", `cat > "$1" && exec go run "$1"`, "sh", file), ".", string(text))
		},
		"ruby": func(t *testing.T, s *readmeServers) {
			s.runThrough(t, path, exec.CommandContext(withDeadline(t), "ruby", helloRuby))
		},
		"elixir": func(t *testing.T, s *readmeServers) {
			s.runThrough(t, path, exec.CommandContext(withDeadline(t), "elixir", helloElixir))
		},
	} {
		t.Run(name, func(t *testing.T) { run(t, startReadmeServers(t)) })
	}
}

// readmeServers are two servers with the default options of a classic adapter, and a client of each kind on both.
type readmeServers struct {
	redis   *harness.Redis
	clients map[*harness.Client][]expectation
}

func startReadmeServers(t *testing.T) *readmeServers {
	t.Helper()
	ctx := withDeadline(t)
	s := &readmeServers{redis: startRedis(t), clients: make(map[*harness.Client][]expectation)}
	clients := harness.ClientsFor(t, harness.V4)
	hello := expected("hello", "world")
	paid := expected("order:paid", map[string]any{"id": 12345, "total": 19.99})
	for range 2 {
		node := harness.NodeFor(t, harness.NodeConfig{
			Server: harness.V4.Server, Adapter: harness.RedisAdapter8, Redis: s.redis.Conn(), Namespaces: []string{"/admin"},
		})
		for _, c := range []struct {
			namespace string
			rooms     []string
			want      []expectation
		}{
			{"/", []string{"user:7"}, []expectation{hello, paid}},
			{"/", []string{"user:7", "muted"}, []expectation{hello}},
			{"/", nil, []expectation{hello}},
			{"/admin", []string{"user:7"}, []expectation{expected("photo", []byte{0xff, 0xd8})}},
		} {
			client, err := clients.Connect(ctx, harness.ConnectOptions{Node: node, Namespace: c.namespace, Rooms: c.rooms})
			if err != nil {
				t.Fatal(err)
			}
			s.clients[client] = append(c.want, expected("end"))
		}
	}
	return s
}

// run runs a program of a README, which names localhost:6379, in another folder.
func (s *readmeServers) run(t *testing.T, cmd *exec.Cmd, folder, program string) {
	t.Helper()
	port := fmt.Sprint(s.redis.Port)
	there := strings.NewReplacer("localhost:6379", "127.0.0.1:"+port, `"localhost", 6379`, `"127.0.0.1", `+port, "'localhost', 6379", "'127.0.0.1', "+port).Replace(program)
	if there == program {
		t.Fatalf("the program does not name localhost:6379:\n%s", program)
	}
	cmd.Dir, cmd.Stdin = folder, strings.NewReader(there)
	s.sends(t, cmd)
}

// runThrough runs a program that finds sioemit in its path.
func (s *readmeServers) runThrough(t *testing.T, sioemit string, cmd *exec.Cmd) {
	t.Helper()
	cmd.Env = append(environment(), "PATH="+filepath.Dir(sioemit)+":"+os.Getenv("PATH"), "SIOEMIT_REDIS_URL="+s.redis.URL())
	s.sends(t, cmd)
}

// sends runs a command, and looks at what every client got.
func (s *readmeServers) sends(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	ctx := withDeadline(t)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if out, err := cmd.Output(); err != nil || len(out) > 0 {
		t.Fatalf("%v, the program printed:\n%s\n%s", err, out, &stderr)
	}
	for _, namespace := range []string{"/", "/admin"} {
		if err := emitter.New(s.redis.Client()).Of(namespace).Emit(ctx, "end"); err != nil {
			t.Fatal(err)
		}
	}
	for client, want := range s.clients {
		ended := func(events []harness.Event) bool { return len(events) > 0 && events[len(events)-1].Name == "end" }
		if err := client.Await(ctx, ended); err != nil {
			t.Error(err)
		}
		if problem := compare(client.Events(), want); problem != "" {
			t.Errorf("a client of %s in %q: %s", client.Namespace, client.Rooms, problem)
		}
	}
}
