package examples_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sioemit/sioemit/internal/harness"
)

// TestCookbook runs every block of docs/cookbook.md: each section has a test
// here, which takes the blocks of that section, all of them.
func TestCookbook(t *testing.T) {
	harness.NeedServers(t)
	for _, program := range [][2]string{{"jq", "jq"}, {"flock", "util-linux"}, {"timeout", "coreutils"}, {"psql", "postgresql-client"}} {
		if _, err := harness.FindProgram(program[0], program[1]); err != nil {
			t.Fatal(err)
		}
	}
	sections := readCookbook(t)
	tests := []struct {
		title string
		run   func(*testing.T, *recipe)
	}{
		{"Cron job with a lock and an alert", testCron},
		{"Deploy notice from CI", testDeployNotice},
		{"Events from a database", testDatabase},
		{"Mirror a cluster", testMirror},
		{"Load test of a staging cluster", testLoad},
		{"Kick a user", testKick},
	}
	if len(sections) != len(tests) {
		t.Errorf("the cookbook has %d sections with blocks, and %d tests", len(sections), len(tests))
	}
	c := startCluster(t, harness.RedisConfig{})
	for _, test := range tests {
		t.Run(test.title, func(t *testing.T) {
			all := sections[test.title]
			if len(all) == 0 {
				t.Fatal("the cookbook has no such section, or no block in it")
			}
			r := &recipe{cluster: c, blocks: all, dir: t.TempDir()}
			// alert.sh is needed in two recipes, and all the scripts of a recipe
			// may be called by another of its blocks.
			for _, b := range slices.Concat(all, sections["Cron job with a lock and an alert"]) {
				if b.file != "" {
					r.write(t, b.file, b.text)
				}
			}
			test.run(t, r)
			for _, b := range all {
				if !b.ran {
					t.Errorf("no test ran this block:\n%s", b.text)
				}
			}
		})
	}
}

// codeBlock is one block of the cookbook.
type codeBlock struct {
	language string
	file     string // the name under which the reader saves it
	text     string
	ran      bool
}

// readCookbook returns the blocks, by the title of their section.
func readCookbook(t *testing.T) map[string][]*codeBlock {
	t.Helper()
	data, err := os.ReadFile("../docs/cookbook.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := make(map[string][]*codeBlock)
	fenced := regexp.MustCompile("(?s)(?:<!-- file: (\\S+) -->\n)?```(\\w+)\n(.*?)```\n")
	found := 0
	for section := range strings.SplitSeq(string(data), "\n## ") {
		title, text, _ := strings.Cut(section, "\n")
		for _, match := range fenced.FindAllStringSubmatch(text, -1) {
			sections[title] = append(sections[title], &codeBlock{file: match[1], language: match[2], text: match[3]})
			found++
		}
	}
	if marks := strings.Count(string(data), "```"); marks != 2*found {
		t.Fatalf("%d code blocks understood, but there are %d fences", found, marks)
	}
	return sections
}

// recipe is a section under test. Its folder is the home of whoever runs it, and
// in $PATH.
type recipe struct {
	cluster *cluster
	blocks  []*codeBlock
	dir     string
	env     []string
}

func (r *recipe) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
}

// next returns the next block of the language that is no file.
func (r *recipe) next(t *testing.T, language string) string {
	t.Helper()
	for _, b := range r.blocks {
		if b.language == language && b.file == "" && !b.ran {
			b.ran = true
			return b.text
		}
	}
	t.Fatalf("there is no further %s block", language)
	return ""
}

// uses notes that the test runs these files.
func (r *recipe) uses(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		i := slices.IndexFunc(r.blocks, func(b *codeBlock) bool { return b.file == name })
		if i < 0 {
			t.Fatalf("there is no %s", name)
		}
		r.blocks[i].ran = true
	}
}

// command prepares a shell for a block. Whatever it starts ends with it: timeout
// passes on a signal to all of them.
func (r *recipe) command(block string, env ...string) *exec.Cmd {
	cmd := r.cluster.command(context.Background(), "timeout", "--signal", "INT", "300", "sh", "-eu", "-c", block)
	cmd.Dir = r.dir
	cmd.Env = slices.Concat(cmd.Env, []string{"HOME=" + r.dir, "PATH=" + r.dir + ":" + r.cluster.bin + ":" + os.Getenv("PATH")}, r.env, env)
	return cmd
}

// run runs a block to its end.
func (r *recipe) run(t *testing.T, block string, env ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	cmd := r.command(block, env...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// mustRun runs a block that is to end with 0, and returns its output.
func (r *recipe) mustRun(t *testing.T, block string, env ...string) (stdout string) {
	t.Helper()
	status, stdout, stderr := r.run(t, block, env...)
	if status != 0 {
		t.Fatalf("exit status %d: %s%s\nof\n%s", status, stdout, stderr, block)
	}
	return stdout
}

// unreachable and unheard are settings with which a recipe fails.
const (
	unreachable = "SIOEMIT_REDIS_URL=redis://127.0.0.1:1"
	unheard     = "SIOEMIT_KEY=nobody"
)

// crontab returns the commands of a crontab, with its variables but for those
// that this machine has other values for.
func crontab(t *testing.T, text string) (commands, env []string) {
	t.Helper()
	variable := regexp.MustCompile(`^(\w+)=(.*)$`)
	job := regexp.MustCompile(`^(?:[0-9*/,-]+ +){5}(.*)$`)
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if match := variable.FindStringSubmatch(line); match != nil {
			if strings.Contains(match[2], "$") {
				t.Errorf("cron does not expand %s", line)
			}
			if name := match[1]; name != "PATH" && name != "SIOEMIT_REDIS_URL" && !strings.HasPrefix(name, "PG") {
				env = append(env, line)
			}
			continue
		}
		match := job.FindStringSubmatch(line)
		if match == nil || strings.Contains(line, "%") { // cron takes % for a line break
			t.Fatalf("not a line of a crontab: %s", line)
		}
		commands = append(commands, match[1])
	}
	return commands, env
}

// mailbox puts a command mail into the recipe's folder, which keeps what it gets.
func (r *recipe) mailbox(t *testing.T) (read func() string) {
	t.Helper()
	name := filepath.Join(r.dir, "mails")
	r.write(t, "mail", "#!/bin/sh\n{ printf '<%s>' \"$@\"; echo; cat; } >>'"+name+"'\n")
	return func() string {
		mails, err := os.ReadFile(name)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		_ = os.Remove(name)
		return string(mails)
	}
}

func testCron(t *testing.T, r *recipe) {
	mails := r.mailbox(t)
	ops, others := r.cluster.connect(t, "/", "ops"), r.cluster.connect(t, "/", "others")
	r.uses(t, "disk.sh", "alert.sh")
	jobs, env := crontab(t, r.next(t, "crontab"))
	if len(jobs) != 1 {
		t.Fatalf("jobs: %q", jobs)
	}
	check := func(name, setting string, wantStatus int, wantSubject, wantText string) {
		t.Helper()
		status, stdout, stderr := r.run(t, jobs[0], append(slices.Clone(env), setting)...)
		mail := mails()
		subject, text, _ := strings.Cut(mail, "\n")
		if wantSubject != "" {
			wantSubject = "<-s><" + wantSubject + "><ops@example.com>"
		}
		if status != wantStatus || stdout != "" || stderr != "" || !strings.HasPrefix(subject, wantSubject) || !strings.Contains(text, wantText) {
			t.Errorf("%s: exit status %d, %q, %q, mail %q", name, status, stdout, stderr, mail)
		}
		if wantStatus == 0 && mail != "" {
			t.Errorf("%s: mail %q", name, mail)
		}
	}
	command := strings.ReplaceAll(strings.TrimPrefix(jobs[0], "alert.sh "), `"$HOME/disk.lock"`, r.dir+"/disk.lock")
	check("all is well", "", 0, "", "")
	check("nobody listens", unheard, 3, "too few servers listen (exit 3): "+command, "no server listens on \"nobody#/#ops#\", 2 required")
	check("no Redis", unreachable, 1, "Redis cannot be reached, or refused, or there is no server to ask (exit 1): "+command, "127.0.0.1:1")
	check("bad key", "SIOEMIT_ADAPTER=classical", 2, "bad usage or input (exit 2): "+command, "classical")

	// The last run has not ended.
	holder := r.command(`flock -n "$HOME/disk.lock" sh -c 'echo locked; exec cat'`)
	stdin, err := holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(stdout, make([]byte, len("locked\n"))); err != nil {
		t.Error(err)
	}
	check("locked", "", 75, "the last run has not ended (exit 75): "+command, "")
	stdin.Close()
	if err := holder.Wait(); err != nil {
		t.Error(err)
	}
	check("all is well again", "", 0, "", "")

	if got := r.cluster.same(t, ops); !regexp.MustCompile(`^"disk" \d+\n"disk" \d+$`).MatchString(got) {
		t.Errorf("ops received %s", got)
	}
	r.cluster.expect(t, others, "")
}

// same returns what the clients have received, which has to be the same for all
// of them.
func (c *cluster) same(t *testing.T, clients []*harness.Client) string {
	t.Helper()
	all := c.received(t, clients)
	if len(slices.Compact(slices.Clone(all))) != 1 {
		t.Errorf("the clients received different events: %q", all)
	}
	return all[0]
}

func testDeployNotice(t *testing.T, r *recipe) {
	clients := r.cluster.connect(t, "/")
	r.uses(t, "deploy-notice.sh")
	workflow := r.next(t, "yaml")
	run := regexp.MustCompile(`(?m)^  run: (.*)$`).FindStringSubmatch(workflow)
	servers := regexp.MustCompile(`(?m)^    SERVERS: "(\d+)"$`).FindStringSubmatch(workflow)
	if run == nil || servers == nil || !strings.Contains(workflow, "    VERSION: ${{ github.ref_name }}\n") {
		t.Fatalf("no run, SERVERS or VERSION in\n%s", workflow)
	}
	if out := r.mustRun(t, run[1], "SERVERS="+servers[1], "VERSION=2.0"); out != "" {
		t.Errorf("printed %s", out)
	}
	r.cluster.expect(t, clients, `"deploy" "2.0"`)

	for _, missing := range []string{"SERVERS", "VERSION"} {
		if status, _, stderr := r.run(t, run[1], "SERVERS=2", "VERSION=2.1", missing+"="); status == 0 || !strings.Contains(stderr, missing) {
			t.Errorf("without %s: exit status %d, %s", missing, status, stderr)
		}
	}

	// One server too few, and less patience.
	script, err := os.ReadFile(filepath.Join(r.dir, "deploy-notice.sh"))
	if err != nil {
		t.Fatal(err)
	}
	hasty := strings.Replace(string(script), "timeout 60", "timeout 1", 1)
	if hasty == string(script) {
		t.Fatal("deploy-notice.sh has no timeout 60")
	}
	r.write(t, "deploy-notice.sh", hasty)
	status, stdout, stderr := r.run(t, run[1], "SERVERS=3", "VERSION=2.1")
	if status != 3 || !strings.Contains(stderr, "2 servers listen") || !strings.Contains(stderr, ", 3 required") {
		t.Errorf("one server is missing: exit status %d, %s%s", status, stdout, stderr)
	}
	r.cluster.expect(t, clients, `"deploy" "2.0"`)
}

func testMirror(t *testing.T, r *recipe) {
	other := r.cluster.another(t)
	r.env = []string{"OTHER=" + other.redis.URL()}
	a, b, shadow := other.connect(t, "/", "a"), other.connect(t, "/", "b"), other.connect(t, "/", "shadow")

	everything := r.listen(t, r.next(t, "sh"))
	r.mustRun(t, `sioemit emit one 1 '"ü"'
		sioemit emit --room a --room b two
		printf '\377' | sioemit emit --room a --except b three --binary -
		sioemit emit -n admin not-this-one`)
	other.await(t, a, 3)
	other.expect(t, a, "\"one\" 1 \"ü\"\n\"two\"\n\"three\" {\"$binary\":\"/w==\"}")
	other.expect(t, b, "\"one\" 1 \"ü\"\n\"two\"")
	other.expect(t, shadow, "\"one\" 1 \"ü\"")
	// What was sent above went to the other cluster alone: nothing goes back.
	_ = everything.cmd.Process.Signal(os.Interrupt)
	_ = everything.cmd.Wait() // 130, as after any Ctrl-C
	if !strings.Contains(everything.text(), " 3 lines: 3 sent, 3 confirmed by 1 server, 0 rejected, 0 not sent\n") {
		t.Errorf("after Ctrl-C: %s", everything.text())
	}

	paid := "\"order:paid\" 1\n\"order:paid\" 2"
	some := r.listen(t, r.next(t, "sh"))
	r.mustRun(t, `sioemit emit --room a order:paid 1; sioemit emit order:shipped 1; sioemit emit order:paid 2`)
	some.end(t)
	other.expect(t, shadow, "\"one\" 1 \"ü\"\n"+paid)
	other.expect(t, b, "\"one\" 1 \"ü\"\n\"two\"")

	fresh := other.connect(t, "/", "fresh")
	recording := r.listen(t, r.next(t, "sh"))
	r.mustRun(t, `for i in 1 2 3; do sioemit emit --room fresh n $i; done`)
	recording.end(t)
	other.expect(t, fresh, "\"n\" 1\n\"n\" 2\n\"n\" 3")
}

// another returns a cluster of one node, on a Redis of its own.
func (c *cluster) another(t *testing.T) *cluster {
	t.Helper()
	server := harness.RedisFor(t, harness.RedisConfig{})
	config := c.nodes[0].Config
	config.Redis = server.Conn()
	node := harness.NodeFor(t, config)
	return &cluster{redis: server, nodes: []*harness.Node{node}, clients: c.clients, bin: c.bin}
}

// await waits until the clients have received so many events.
func (c *cluster) await(t *testing.T, clients []*harness.Client, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, client := range clients {
		if err := client.Await(ctx, func(events []harness.Event) bool { return len(events) >= n }); err != nil {
			t.Fatal(err)
		}
	}
}

// listening is a block that runs sioemit listen, and has got as far as that.
type listening struct {
	cmd *exec.Cmd

	mu     sync.Mutex
	stderr strings.Builder
	ready  chan struct{}
}

func (l *listening) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	was := strings.Contains(l.stderr.String(), "listening on")
	l.stderr.Write(b)
	if !was && strings.Contains(l.stderr.String(), "listening on") {
		close(l.ready)
	}
	return len(b), nil
}

func (l *listening) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stderr.String()
}

func (r *recipe) listen(t *testing.T, block string) *listening {
	t.Helper()
	l := &listening{cmd: r.command(block), ready: make(chan struct{})}
	l.cmd.Stderr = l
	if err := l.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.cmd.Process.Signal(os.Interrupt) }) // it fails when all is over already
	select {
	case <-l.ready:
	case <-time.After(patience):
		t.Fatalf("it does not listen: %s", l.text())
	}
	return l
}

// end waits for the block, which is to end by itself and with 0.
func (l *listening) end(t *testing.T) {
	t.Helper()
	if err := l.cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, l.text())
	}
}

func testLoad(t *testing.T, r *recipe) {
	r.env = []string{"STAGING=" + r.cluster.redis.URL()}
	load, user, bystander := r.cluster.connect(t, "/", "load"), r.cluster.connect(t, "/", "user:7"), r.cluster.connect(t, "/")

	started := time.Now()
	r.mustRun(t, r.next(t, "sh"), unreachable)
	if took := time.Since(started); took < 1900*time.Millisecond {
		t.Errorf("2000 events at 1000/s took %v", took)
	}
	r.mustRun(t, r.next(t, "sh"), unreachable)
	if out := r.mustRun(t, r.next(t, "sh"), unreachable); strings.Count(out, "\"pong\"\n") != len(load) {
		t.Errorf("%d clients were to answer: %s", len(load), out)
	}
	var wantLoad, wantUser []string
	pad, err := json.Marshal(strings.Repeat("0", 1000))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2000 {
		wantLoad = append(wantLoad, fmt.Sprintf(`"load" %d`, i+1))
		if (i+1)%100 == 7 {
			wantUser = append(wantUser, harness.Event{Name: "load", Args: []json.RawMessage{json.RawMessage(strconv.Itoa(i + 1)), pad}}.String())
		}
	}
	r.cluster.expect(t, load, strings.Join(append(wantLoad, `"ping"`), "\n"))
	r.cluster.expect(t, user, strings.Join(wantUser, "\n"))
	r.cluster.expect(t, bystander, "")

	for _, block := range r.blocks {
		if status, _, stderr := r.run(t, block.text, "STAGING="); status == 0 || !strings.Contains(stderr, "STAGING") {
			t.Errorf("without $STAGING: exit status %d, %s", status, stderr)
		}
	}
}

func testKick(t *testing.T, r *recipe) {
	user, other := r.cluster.connect(t, "/", "user:7", "lobby"), r.cluster.connect(t, "/", "user:77", "lobby")
	r.uses(t, "kick.sh")
	if out := r.mustRun(t, "kick.sh 7 5"); out != "" {
		t.Errorf("kick.sh printed %s", out)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, client := range user {
		reason, err := client.AwaitDisconnect(ctx)
		if err != nil || reason != "io server disconnect" {
			t.Errorf("disconnected: %q, %v", reason, err)
		}
		if events := client.Events(); len(events) != 1 || events[0].String() != `"kicked" "5"` {
			t.Errorf("the user received %v", events)
		}
	}
	for _, usage := range []string{"kick.sh", "kick.sh ''", "kick.sh 7", "kick.sh '' spam"} {
		if status, _, stderr := r.run(t, usage); status == 0 || !strings.Contains(stderr, "usage: kick.sh USER REASON") {
			t.Errorf("%s: exit status %d, %s", usage, status, stderr)
		}
	}
	// One whom the servers do not disconnect.
	r.write(t, "kick-nobody.sh", "sioemit() { case $1 in disconnect) ;; *) command sioemit \"$@\" ;; esac; }\n. ./kick.sh\n")
	if status, _, stderr := r.run(t, "sh kick-nobody.sh 77 why"); status != 1 || !strings.Contains(stderr, "still connected: {") {
		t.Errorf("not disconnected: exit status %d, %s", status, stderr)
	}

	look := r.next(t, "sh")
	two := r.cluster.connect(t, "/", "user:7")
	out := r.mustRun(t, look)
	if !strings.Contains(out, two[0].ID) || !strings.Contains(out, two[1].ID) || strings.Contains(out, other[0].ID) {
		t.Errorf("sockets of the user: %s", out)
	}
	slices.SortFunc(two, func(a, b *harness.Client) int { return strings.Compare(a.ID, b.ID) })
	if _, err := two[0].AwaitDisconnect(ctx); err != nil {
		t.Error(err)
	}
	r.cluster.expect(t, two[1:], "")
	r.mustRun(t, "sioemit disconnect --room user:7")
	if status, _, stderr := r.run(t, look); status == 0 || !strings.Contains(stderr, "nobody is there") {
		t.Errorf("nobody there: exit status %d, %s", status, stderr)
	}

	muted := r.cluster.connect(t, "/", "user:7", "lobby")
	r.mustRun(t, r.next(t, "sh"))
	r.mustRun(t, "sioemit emit --room lobby lobby 2; sioemit emit --except muted news 3")
	r.cluster.expect(t, muted, `"news" 3`)
	r.cluster.expect(t, other, "\"kicked\" \"why\"\n\"news\" 1\n\"lobby\" 2\n\"news\" 3")
}

func testDatabase(t *testing.T, r *recipe) {
	mails := r.mailbox(t)
	r.env = startPostgres(t)
	r.uses(t, "send-outbox.sh")
	jobs, env := crontab(t, r.next(t, "crontab"))
	if len(jobs) != 2 {
		t.Fatalf("jobs: %q", jobs)
	}
	send, clear := jobs[0], jobs[1]
	r.env = append(r.env, env...)
	sql := func(text string) string {
		t.Helper()
		return strings.TrimSpace(r.mustRun(t, `printf '%s\n' "$SQL" | psql -qAtX -v ON_ERROR_STOP=1`, "SQL="+text))
	}
	waiting := func() string {
		t.Helper()
		return sql(`SELECT string_agg(id::text, ' ' ORDER BY id) FROM outbox WHERE sent_at IS NULL`)
	}
	sql(r.next(t, "sql"))
	sql(r.next(t, "sql"))
	customer, other := r.cluster.connect(t, "/", "customer:7"), r.cluster.connect(t, "/", "customer:8")

	check := func(name string, wantStatus int, wantMail, wantWaiting string, env ...string) {
		t.Helper()
		status, stdout, stderr := r.run(t, send, env...)
		mail := mails()
		if status != wantStatus || stdout != "" || stderr != "" || !strings.Contains(mail, wantMail) || (wantMail == "") != (mail == "") {
			t.Errorf("%s: exit status %d, %q, %q, mail %q", name, status, stdout, stderr, mail)
		}
		if got := waiting(); got != wantWaiting {
			t.Errorf("%s: rows %q wait, not %q", name, got, wantWaiting)
		}
	}
	check("nothing to do", 0, "", "")
	sql(`INSERT INTO orders VALUES (1, 7, 'A "quoted" \back\slash ü ' || chr(10), false), (2, 7, 'two', false), (3, 8, 'three', false);
		UPDATE orders SET paid = true WHERE id <= 2;
		UPDATE orders SET paid = true WHERE id = 1;
		BEGIN; UPDATE orders SET paid = true WHERE id = 3; ROLLBACK`)
	check("nobody listens", 3, "too few servers listen (exit 3)", "1 2", unheard)
	check("no Redis", 1, "Redis cannot be reached", "1 2", unreachable)
	check("no database", 10, "failed (exit 10)", "1 2", "PGDATABASE=none")
	want := `"order:paid" {"id":1,"title":"A \"quoted\" \\back\\slash ü \n"} 1` + "\n" + `"order:paid" {"id":2,"title":"two"} 2`
	check("all is well", 0, "", "")
	check("again", 0, "", "")
	r.cluster.expect(t, customer, want)
	r.cluster.expect(t, other, "")

	insert := func(rooms ...string) {
		t.Helper()
		for _, room := range rooms {
			sql(`INSERT INTO outbox (event, args, rooms) VALUES ('n', '[]', ARRAY['` + room + `'])`)
		}
	}

	// Redis takes the first and the third, and refuses the second.
	if err := r.cluster.redis.Client().Do(t.Context(), "ACL", "SETUSER", "few", "on", ">few", "+@all", "&socket.io#/#customer:7#").Err(); err != nil {
		t.Fatal(err)
	}
	insert("customer:7", "customer:8", "customer:7") // 4, 5 and 6, since the row that was rolled back took 3
	few := "SIOEMIT_REDIS_URL=" + strings.Replace(r.cluster.redis.URL(), "//", "//few:few@", 1)
	check("half of it", 1, "NOPERM", "5 6", few)
	check("the other half", 0, "", "")
	want += "\n\"n\" 4\n\"n\" 6\n\"n\" 6"
	r.cluster.expect(t, customer, want)
	r.cluster.expect(t, other, `"n" 5`)

	// The machine crashes between sending and marking.
	insert("customer:7")
	real, err := exec.LookPath("psql")
	if err != nil {
		t.Fatal(err)
	}
	r.write(t, "psql", "#!/bin/sh\ncase $* in *SELECT*) exec '"+real+"' \"$@\" ;; esac\ncat >/dev/null\nkill -KILL $PPID\n")
	status, _, _ := r.run(t, "send-outbox.sh")
	if err := os.Remove(filepath.Join(r.dir, "psql")); err != nil {
		t.Fatal(err)
	}
	if got := waiting(); status == 0 || got != "7" {
		t.Errorf("after a crash: exit status %d, rows %q wait", status, got)
	}
	check("after a crash", 0, "", "")
	want += "\n\"n\" 7\n\"n\" 7"
	r.cluster.expect(t, customer, want)

	// A row that sioemit rejects is in nobody's way.
	sql(`INSERT INTO outbox (event, rooms) VALUES ('disconnect', '{customer:7}')`)
	insert("customer:7")
	check("rejected", 2, "line 1: ", "")
	want += "\n\"n\" 9"
	r.cluster.expect(t, customer, want)

	// A row that nobody could want: the transaction fails.
	for _, values := range []string{`('n', '[]', '{}')`, `('', '[]', '{a}')`, `('n', '{}', '{a}')`} {
		if status, _, _ := r.run(t, `psql -qX -c "$SQL"`, "SQL=INSERT INTO outbox (event, args, rooms) VALUES "+values); status == 0 {
			t.Errorf("the outbox takes %s", values)
		}
	}

	insert("customer:7")
	sql(`UPDATE outbox SET sent_at = now() - interval '8 days' WHERE id = 1`)
	r.mustRun(t, clear)
	if got := sql(`SELECT string_agg(id::text, ' ' ORDER BY id) FROM outbox`); !strings.HasPrefix(got, "2 4 5 6 7 8 9 ") {
		t.Errorf("after the clearing: %s", got)
	}
}

// startPostgres starts a server for this test alone, which others on this
// machine cannot log in to, and returns the variables that psql finds it by.
func startPostgres(t *testing.T) (env []string) {
	t.Helper()
	const pkg = "postgresql"
	bin := ""
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres"); len(found) > 0 {
		bin = filepath.Dir(found[len(found)-1]) + "/"
	}
	dir, err := os.MkdirTemp("", "sioemit-postgres-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	// postgres refuses to be run by root.
	var as []string
	if os.Geteuid() == 0 {
		as = []string{"setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups", "--pdeathsig", "INT"}
		if _, err := harness.FindProgram(bin+"postgres", pkg); err != nil {
			t.Fatal(err)
		}
		if out, err := harness.Output(t.Context(), "coreutils", "chown", "postgres:postgres", dir); err != nil {
			t.Fatal(out, err)
		}
	}
	initdb := append(slices.Clone(as), bin+"initdb", "--pgdata", dir+"/data", "--username", "shop", "--auth-local", "trust",
		"--auth-host", "scram-sha-256", "--no-locale", "--encoding", "UTF8", "--no-sync")
	if _, err := harness.Output(t.Context(), pkg, initdb...); err != nil {
		t.Fatal(err)
	}
	server := harness.ProgramFor(t, harness.ProgramConfig{Name: "postgres", Package: pkg, Command: func(port int, _ string) ([]string, error) {
		return append(slices.Clone(as), bin+"postgres", "-D", dir+"/data", "-k", dir, "-h", "127.0.0.1", "-p", strconv.Itoa(port), "-F"), nil
	}})
	env = []string{"PGHOST=" + dir, "PGPORT=" + strconv.Itoa(server.Port), "PGUSER=shop", "PGDATABASE=postgres"}
	for until := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		psql := exec.CommandContext(t.Context(), "psql", "-qAtXc", "SELECT 1")
		psql.Env = append(os.Environ(), env...)
		out, err := psql.CombinedOutput()
		if err == nil {
			return env
		}
		if time.Now().After(until) {
			t.Fatalf("postgres does not answer: %s", out)
		}
	}
}
