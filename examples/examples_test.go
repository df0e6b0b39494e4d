// Package examples_test runs every example, and every command of the README,
// against a real cluster.
package examples_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sioemit/sioemit/internal/harness"
)

// patience ends what a healthy run never comes near to, on a busy machine either.
const patience = 2 * time.Minute

// cluster is two official nodes on one Redis, and a client on each of them for
// every namespace and set of rooms asked for.
type cluster struct {
	redis   *harness.Redis
	nodes   []*harness.Node
	clients *harness.Clients
	bin     string // a folder with sioemit in it
	ends    int    // sent so far
}

func startCluster(t *testing.T, config harness.RedisConfig) *cluster {
	t.Helper()
	c := new(cluster)
	c.redis, c.clients = harness.RedisFor(t, config), harness.ClientsFor(t, harness.V4)
	for range 2 {
		c.nodes = append(c.nodes, harness.NodeFor(t, harness.NodeConfig{
			Server: harness.V4.Server, Adapter: harness.RedisAdapter8, Redis: c.redis.Conn(), Namespaces: []string{"/admin", "/staff"}, ServerSideAck: "up",
		}))
	}
	c.bin = t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", c.bin, "../cmd/sioemit", "./orders").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return c
}

// connect returns one client on each node.
func (c *cluster) connect(t *testing.T, namespace string, rooms ...string) []*harness.Client {
	t.Helper()
	var clients []*harness.Client
	for _, node := range c.nodes {
		client, err := c.clients.Connect(t.Context(), harness.ConnectOptions{
			Node: node, Namespace: namespace, Rooms: rooms, Acks: map[string][]any{"ping": {"pong"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		clients = append(clients, client)
	}
	return clients
}

// command prepares a command that finds sioemit and Redis, and nothing that is
// set for others.
func (c *cluster) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	if name == "sioemit" {
		name = filepath.Join(c.bin, name)
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(variable string) bool {
		return strings.HasPrefix(variable, "SIOEMIT_") || strings.HasPrefix(variable, "PG")
	})
	cmd.Env = append(cmd.Env, "PATH="+c.bin+":"+os.Getenv("PATH"), "SIOEMIT_REDIS_URL="+c.redis.URL(), "REDIS_URL="+c.redis.URL())
	return cmd
}

// expect compares all that each client has received.
func (c *cluster) expect(t *testing.T, clients []*harness.Client, want string) {
	t.Helper()
	for i, got := range c.received(t, clients) {
		if client := clients[i]; got != want {
			t.Errorf("%s in %s %q received\n%s\nwant\n%s", client.Name, client.Namespace, client.Rooms, got, want)
		}
	}
}

// received returns what each client has received, up to an end event that is
// sent to everyone now.
func (c *cluster) received(t *testing.T, clients []*harness.Client) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c.ends++
	number := strconv.Itoa(c.ends) // an earlier end must not be taken for this one
	for _, namespace := range []string{"/", "/admin", "/staff"} {
		if out, err := c.command(ctx, "sioemit", "emit", "-n", namespace, "end", number, "--quiet").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	var all []string
	for _, client := range clients {
		if err := client.Await(ctx, func(events []harness.Event) bool {
			last := len(events) - 1
			return last >= 0 && events[last].Name == "end" && string(events[last].Args[0]) == number
		}); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, event := range client.Events() {
			if event.Name != "end" {
				got = append(got, event.String())
			}
		}
		all = append(all, strings.Join(got, "\n"))
	}
	return all
}

func TestOrders(t *testing.T) {
	c := startCluster(t, harness.RedisConfig{})
	ada, bob, staff := c.connect(t, "/", "customer:7"), c.connect(t, "/", "customer:8"), c.connect(t, "/staff")
	service := c.command(context.Background(), filepath.Join(c.bin, "orders"))
	service.Env = append(service.Env, "LISTEN=127.0.0.1:0")
	stdout, err := service.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := service.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = service.Process.Signal(os.Interrupt)
		if err := service.Wait(); err != nil {
			t.Errorf("after Ctrl-C: %v", err)
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	url := strings.TrimSpace(strings.TrimPrefix(line, "listening on "))
	if err != nil || !strings.HasPrefix(url, "http://") {
		t.Fatalf("%q, %v", line, err)
	}
	for body, want := range map[string]int{
		`{"customer":"7","total":19.99}`: http.StatusNoContent,
		`{"total":19.99}`:                http.StatusBadRequest, // the room of no customer
		`19.99`:                          http.StatusBadRequest,
	} {
		response, err := http.Post(url+"/orders/12345/pay", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Fatalf("%s: %s, want %d", body, response.Status, want)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, client := range ada {
		if err := client.Await(ctx, func(events []harness.Event) bool { return len(events) > 0 }); err != nil {
			t.Fatal(err)
		}
	}
	paid := regexp.MustCompile(`^"order:paid" \{"order":"12345","total":19.99,"paidAt":"20\d\d-\d\d-\d\dT[0-9:.]+Z"\}$`)
	first := ada[0].Events()[0].String()
	if !paid.MatchString(first) {
		t.Errorf("the customer received %s", first)
	}
	c.expect(t, ada, first)
	c.expect(t, bob, "")
	c.expect(t, staff, `"sale" 19.99`)
}

// TestOrdersEnds ends the service as Docker and Kubernetes do, while a request is
// on its way: that is answered, and its event sent, before the service ends.
func TestOrdersEnds(t *testing.T) {
	c := startCluster(t, harness.RedisConfig{})
	ada := c.connect(t, "/", "customer:7")
	service := c.command(context.Background(), filepath.Join(c.bin, "orders"))
	service.Env = append(service.Env, "LISTEN=127.0.0.1:0")
	stdout, err := service.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := service.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	addr := strings.TrimSpace(strings.TrimPrefix(line, "listening on http://"))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	body := `{"customer":"7","total":19.99}`
	fmt.Fprintf(conn, "POST /orders/12345/pay HTTP/1.1\r\nHost: %s\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", addr, len(body))
	answers := bufio.NewReader(conn)
	// The service asks for the body, so that the request is in its hands.
	if line, err := answers.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("%q, %v", line, err)
	}
	if _, err := answers.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if err := service.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(patience); ; {
		other, err := net.Dial("tcp", addr)
		if err != nil {
			break // it takes no new ones
		}
		other.Close()
		if time.Now().After(end) {
			t.Fatal("it takes new connections after SIGTERM")
		}
	}
	if _, err := conn.Write([]byte(body)); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(answers, nil)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusNoContent {
		t.Error(response.Status)
	}
	if err := service.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
	for _, got := range c.received(t, ada) {
		if !strings.HasPrefix(got, `"order:paid" {"order":"12345"`) || strings.Contains(got, "\n") {
			t.Errorf("the customer received %q", got)
		}
	}
}

func TestDeployScript(t *testing.T) {
	c := startCluster(t, harness.RedisConfig{})
	everyone, staff := c.connect(t, "/", "any"), c.connect(t, "/staff")
	notes := filepath.Join(t.TempDir(), "notes")
	if err := os.WriteFile(notes, []byte("faster"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := c.command(t.Context(), "./deploy.sh", "2.0", notes).CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("%v: %s", err, out)
	}
	c.expect(t, everyone, `"deploy" "2.0"`)
	c.expect(t, staff, `"deploy:notes" "2.0" {"$binary":"ZmFzdGVy"}`)
	var exit *exec.ExitError
	if err := c.command(t.Context(), "./deploy.sh").Run(); !errors.As(err, &exit) || exit.ExitCode() == 0 {
		t.Errorf("without a version: %v", err)
	}
}

// TestHeartbeatCron holds the cron job to its promise: silent when all is well,
// one line and a status when it is not.
func TestHeartbeatCron(t *testing.T) {
	c := startCluster(t, harness.RedisConfig{})
	clients := c.connect(t, "/")
	run := func(env string) (status int, out string) {
		cmd := c.command(t.Context(), "./heartbeat.cron.sh")
		cmd.Env = append(cmd.Env, env)
		combined, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return cmd.ProcessState.ExitCode(), string(combined)
	}
	if status, out := run("SERVERS=2"); status != 0 || out != "" {
		t.Errorf("all is well: %d, %q", status, out)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, client := range clients {
		if err := client.Await(ctx, func(events []harness.Event) bool { return len(events) == 1 && events[0].Name == "heartbeat" }); err != nil {
			t.Error(err)
		}
	}
	for _, node := range c.nodes {
		if err := node.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if status, out := run("SERVERS=1"); status != 3 || strings.Count(out, "\n") != 1 || !strings.Contains(out, "no server listens") {
		t.Errorf("nobody listens: %d, %q", status, out)
	}
	if err := c.redis.Stop(); err != nil {
		t.Fatal(err)
	}
	if status, out := run("SERVERS=1"); status != 1 || strings.Count(out, "\n") != 1 {
		t.Errorf("Redis is down: %d, %q", status, out)
	}
}

// TestDemo runs the demo in a Redis that has servers of its own: their clients
// must not see it, nor must what is set for them mislead it.
func TestDemo(t *testing.T) {
	c := startCluster(t, harness.RedisConfig{})
	clients := c.connect(t, "/")
	demo := c.command(t.Context(), "go", "run", "./demo", "-once")
	demo.Env = append(demo.Env, "SIOEMIT_NAMESPACE=admin", "SIOEMIT_ADAPTER=sharded")
	out, err := demo.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "where 2 servers listen") || strings.Count(string(out), ` received "hello" `) != 2 {
		t.Errorf("%v: %s", err, out)
	}
	c.expect(t, clients, "")
}

// TestDemoCommands runs make demo on a terminal, and while it is up the commands
// that it proposes, and one that sends a client away. Ctrl-C is no error.
func TestDemoCommands(t *testing.T) {
	harness.NeedServers(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience) // its end ends the reading
	defer cancel()
	demo := exec.CommandContext(ctx, "script", "-qec", "make demo", "/dev/null")
	demo.Dir = ".."
	keys, err := demo.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	demo.Env = slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "SIOEMIT_") })
	stdout, err := demo.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	demo.Stderr = os.Stderr
	if err := demo.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewScanner(stdout)
	await := func(want ...string) (lines []string) {
		t.Helper()
		for said.Scan() {
			lines = append(lines, said.Text())
			want = slices.DeleteFunc(want, func(text string) bool { return strings.Contains(said.Text(), text) })
			if len(want) == 0 {
				return lines
			}
		}
		t.Fatalf("no %q in %q", want, lines)
		return nil
	}
	await("The cluster stays up")
	var script strings.Builder
	for _, line := range await("--help") {
		script.WriteString(strings.TrimSpace(line) + "\n")
	}
	script.WriteString("bin/sioemit disconnect --room blue\nbin/sioemit emit last\n")
	shell := exec.CommandContext(t.Context(), "sh", "-eu", "-c", script.String())
	shell.Dir = ".."
	shell.Env = demo.Env
	out, err := shell.CombinedOutput()
	if err != nil || strings.Count(string(out), "pong from client") != 2 || !strings.Contains(string(out), "blue") {
		t.Errorf("%v: %s", err, out)
	}
	heard := strings.Join(await(`client 2 received "last"`, "client 1 was disconnected"), "\n")
	for _, want := range []string{`client 1 received "news" {"colour":"blue"} 42`, `client 2 received "news" "again"`, `client 1 received "ping"`} {
		if !strings.Contains(heard, want) {
			t.Errorf("no %q in %s", want, heard)
		}
	}
	if _, err := keys.Write([]byte{3}); err != nil { // Ctrl-C
		t.Fatal(err)
	}
	var rest strings.Builder
	for said.Scan() {
		rest.WriteString(strings.TrimSpace(said.Text()))
	}
	if _, after, ok := strings.Cut(rest.String(), "^C"); !ok || after != "" { // which the terminal shows
		t.Errorf("after Ctrl-C: %s", rest.String())
	}
	if err := demo.Wait(); demo.ProcessState.ExitCode() != 130 {
		t.Errorf("after Ctrl-C: %v", err)
	}
}

// blocks returns the code blocks of one language on a page.
func blocks(t *testing.T, page, language string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", page))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, match := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllSubmatch(text, -1) {
		found = append(found, string(match[1]))
	}
	return found
}

// TestShell runs every command of the README, of the page for the shell, and of that for operators.
func TestShell(t *testing.T) {
	c := startCluster(t, harness.RedisConfig{})
	user, admin, night := c.connect(t, "/", "user:7"), c.connect(t, "/admin"), c.connect(t, "/admin", "night-shift")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "cat.jpg"), []byte("\xff\xd8"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "events.jsonl"), []byte(`{"event":"piped","args":[1],"rooms":["user:7"]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	ran := 0
	var shown []string
	for _, page := range []string{"README.md", "docs/shell.md", "docs/operators.md"} {
		shown = append(shown, blocks(t, page, "sh")...)
	}
	for _, block := range shown {
		if !strings.HasPrefix(block, "sioemit") {
			continue
		}
		shell := c.command(t.Context(), "sh", "-eu", "-c", block)
		shell.Dir = dir
		out, err := shell.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if strings.Contains(block, "--ack") && strings.Count(string(out), "\"pong\"\n") != 2 {
			t.Errorf("two clients were to answer: %s", out)
		}
		ran++
	}
	if ran != 5 {
		t.Fatalf("%d blocks of shell examples", ran)
	}
	c.expect(t, user, `"order:paid" {"id":12345,"total":19.99}
"hello" "world"
"order:paid" {"id":12345}
"photo" {"$binary":"/9g="}
"order:paid" {"id":12345}
"heartbeat"
"ping"
"piped" 1`)
	c.expect(t, admin, `"alert" 5`)
	c.expect(t, night, "")
}

// TestOperatorsUser emits as the user whom the page for operators makes.
func TestOperatorsUser(t *testing.T) {
	c := startCluster(t, harness.RedisConfig{})
	everyone := c.connect(t, "/")
	page, err := os.ReadFile("../docs/operators.md")
	if err != nil {
		t.Fatal(err)
	}
	setUser := regexp.MustCompile(`(?m)^    (ACL SETUSER emitter .*>PASSWORD .*)$`).FindSubmatch(page)
	if setUser == nil {
		t.Fatal("the page makes no user")
	}
	var words []any
	for _, word := range strings.Fields(string(setUser[1])) {
		words = append(words, word)
	}
	if err := c.redis.Client().Do(t.Context(), words...).Err(); err != nil {
		t.Fatal(err)
	}
	url := "redis://emitter:PASSWORD@" + c.redis.Addr
	if out, err := c.command(t.Context(), "sioemit", "emit", "--redis", url, "--require", "2", "hello").CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	c.expect(t, everyone, `"hello"`)
}

// TestReadmeGo builds the README's program outside of this module, as a user
// would, and runs it.
func TestReadmeGo(t *testing.T) {
	c := startCluster(t, harness.RedisConfig{})
	user, muted := c.connect(t, "/", "user:7"), c.connect(t, "/", "user:7", "muted")
	programs := blocks(t, "README.md", "go")
	if len(programs) != 1 {
		t.Fatalf("%d Go programs", len(programs))
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	program := strings.Replace(programs[0], "localhost:6379", c.redis.Addr, 1)
	sum, err := os.ReadFile("../go.sum")
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"main.go": program,
		"go.sum":  string(sum),
		"go.mod":  "module outside\n\ngo 1.26.0\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, replace, ok := strings.Cut(strings.Join(blocks(t, "README.md", "sh"), ""), "in this folder\n")
	replace, _, _ = strings.Cut(replace, "\n")
	if !ok {
		t.Fatal("the README says no more how to use the library in another module")
	}
	edit := exec.CommandContext(t.Context(), "sh", "-c", strings.Replace(replace, "=../sioemit", "="+root, 1))
	edit.Dir = dir
	if out, err := edit.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var out bytes.Buffer
	run := exec.CommandContext(t.Context(), "go", "run", "-mod=mod", ".")
	run.Dir, run.Stdout, run.Stderr = dir, &out, &out
	if err := run.Run(); err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	c.expect(t, user, `"order:paid" {"id":12345,"total":19.99}`)
	c.expect(t, muted, "")
}
