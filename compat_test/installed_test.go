package compat_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/driver"
	"github.com/sioemit/sioemit/internal/harness"
)

// fences are the words that start a block of code in the README of each language.
var fences = map[string]string{
	"java": "java", "javascript": "js", "perl": "perl", "php": "php", "python": "python", "rust": `rust\S*`,
}

// firstProgram is the first block of code in an emitter's README, which every language has.
func firstProgram(sdk driver.SDK) (string, error) {
	text, err := os.ReadFile(filepath.Join(sdk.Folder, "README.md"))
	if err != nil {
		return "", err
	}
	fence := fences[sdk.Name]
	if fence == "" {
		return "", fmt.Errorf("%s has no word for its blocks of code", sdk.Name)
	}
	block := regexp.MustCompile("(?ms)^```" + fence + "\n(.*?)^```$").FindSubmatch(text)
	if block == nil {
		return "", fmt.Errorf("the README of %s has no program", sdk.Name)
	}
	return string(block[1]), nil
}

// TestInstalled installs what each language would publish into an empty folder outside of the repository, and has the
// README's first program reach the clients of two servers from there.
func TestInstalled(t *testing.T) {
	found, err := sdks()
	if err != nil {
		t.Error(err)
	}
	for _, sdk := range found {
		t.Run(sdk.Name, func(t *testing.T) {
			program, err := firstProgram(sdk)
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

// run runs a program of a README, which names localhost:6379, in another folder, and looks at what every client got.
func (s *readmeServers) run(t *testing.T, cmd *exec.Cmd, folder, program string) {
	t.Helper()
	ctx := withDeadline(t)
	port := fmt.Sprint(s.redis.Port)
	there := strings.NewReplacer("localhost:6379", "127.0.0.1:"+port, `"localhost", 6379`, `"127.0.0.1", `+port, "'localhost', 6379", "'127.0.0.1', "+port).Replace(program)
	if there == program {
		t.Fatalf("the program does not name localhost:6379:\n%s", program)
	}
	cmd.Dir, cmd.Stdin = folder, strings.NewReader(there)
	if out, err := cmd.CombinedOutput(); err != nil || len(bytes.TrimSpace(out)) > 0 {
		t.Fatalf("%v, the program printed:\n%s", err, out)
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
