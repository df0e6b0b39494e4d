package compat_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sioemit/sioemit/conformance/driver"
)

// languageVariable names, for a child of TestLanguages, the driver and the variant that it puts to every promise.
const languageVariable = "SIOEMIT_TEST_LANGUAGE"

// languageRow is the cluster of docs/languages.md.
const languageRow = "4.8.4/redis-adapter-8.3.0"

// TestLanguages puts every promise to the emitters in other languages and to those of others, and compares
// docs/languages.md with what was seen. Each runs in a process of its own, where it may fail.
func TestLanguages(t *testing.T) {
	if via := os.Getenv(languageVariable); via != "" {
		program, variant, _ := strings.Cut(via, "\n")
		everyPromise(t, program, variant)
		return
	}
	var columns []languageColumn
	foreign, err := filepath.Abs("foreign/run")
	if err != nil {
		t.Fatal(err)
	}
	for _, program := range append(drivers(t), foreign) {
		variants, err := driver.Variants(withDeadline(t), program)
		if err != nil {
			t.Fatal(err)
		}
		for _, variant := range variants {
			ours := program != foreign
			column := languageColumn{name: variant, ours: ours, outcomes: outcomes(t, program, variant)}
			for _, p := range promises {
				if got := column.outcomes[p.name]; ours && got != "yes" && p.keptBy(languagesRow(t)) {
					t.Errorf("%s: %s: %s", variant, p.says, got)
				}
			}
			columns = append(columns, column)
		}
	}
	path := filepath.Join("..", "docs", "languages.md")
	text := languagesPage(columns)
	if *update {
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if was, err := os.ReadFile(path); err != nil || !bytes.Equal(was, text) {
		t.Errorf("docs/languages.md is not what was seen, which is\n%s\nrun: go test ./compat_test -run Languages -update", text)
	}
}

func languagesRow(t *testing.T) row {
	t.Helper()
	for _, r := range rows {
		if r.name == languageRow {
			return r
		}
	}
	t.Fatalf("there is no row %s", languageRow)
	return row{}
}

// everyPromise is the child: it puts each promise to one emitter, with new clients after those that it lost.
func everyPromise(t *testing.T, program, variant string) {
	r := languagesRow(t)
	d, err := driver.Start(context.Background(), program, variant)
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, d)
	c := start(t, r)
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) {
			s := &stage{T: t, cluster: c, ctx: withDeadline(t), via: newViaDriver(t, d, c), want: make(map[*member][]expectation)}
			if c.unsettled {
				s.forget()
			}
			c.unsettled = true
			if p.keptBy(r) {
				p.keep(s)
			} else {
				p.instead(s)
			}
			s.settle()
			c.unsettled = false
		})
		if c.broken {
			c = start(t, r)
		}
	}
}

// outcomes runs a child and returns what came of each promise.
func outcomes(t *testing.T, program, variant string) map[string]string {
	t.Helper()
	cmd := exec.CommandContext(withDeadline(t), os.Args[0], "-test.run", "^TestLanguages$", "-test.v")
	cmd.Env = append(os.Environ(), languageVariable+"="+program+"\n"+variant)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	found := make(map[string]string)
	parts := regexp.MustCompile(`(?m)^=== RUN +TestLanguages/(\S+)$`).Split(string(out), -1)
	names := regexp.MustCompile(`(?m)^=== RUN +TestLanguages/(\S+)$`).FindAllStringSubmatch(string(out), -1)
	results := regexp.MustCompile(`(?m)^ +--- (PASS|FAIL): TestLanguages/(\S+) `).FindAllStringSubmatch(string(out), -1)
	passed := make(map[string]bool)
	for _, r := range results {
		passed[r[2]] = r[1] == "PASS"
	}
	for i, name := range names {
		if passed[name[1]] {
			found[name[1]] = "yes"
		} else {
			found[name[1]] = diagnose(parts[i+1])
		}
	}
	for _, p := range promises {
		if found[p.name] == "" {
			t.Fatalf("%s: the promise %s was not tried\n%s", variant, p.name, out)
		}
	}
	return found
}

// diagnose says in a word or two what a failed promise showed.
func diagnose(log string) string {
	for _, sign := range []struct{ text, means string }{
		{"skipped: ", "no such call"},
		{"parse error", "disconnects clients"},
		{"was disconnected", "disconnects clients"},
		{" again, want ", "twice"},
		{"too many", "twice, or to others"},
		{"and then nothing", "lost"},
		{", want ", "garbled"},
		{"which is not the next one", "garbled"},
	} {
		if strings.Contains(log, sign.text) {
			return sign.means
		}
	}
	return "error"
}

// TestDiagnose reads what tests print.
func TestDiagnose(t *testing.T) {
	for log, want := range map[string]string{
		"skipped: no except": "no such call",
		`client "x": got 2 events instead of 1, the first too many is ev`: "twice, or to others",
		`client "x": got 0 events and then nothing, want ev`:              "lost",
		`client "x": event 1 of 1 is ev("?"), want ev("a")`:               "garbled",
		`client "x": event 2 of 3 is ev again, want other`:                "twice",
		"unknown: TypeError": "error",
	} {
		if got := diagnose(log); got != want {
			t.Errorf("%q is diagnosed as %q, want %q", log, got, want)
		}
	}
}

type languageColumn struct {
	name     string
	ours     bool
	outcomes map[string]string
}

// languagesPage is the page about languages. It holds nothing that differs from run to run.
func languagesPage(columns []languageColumn) []byte {
	var b bytes.Buffer
	b.WriteString(`# Languages

` + "```js\nio.to(\"user:7\").emit(\"order:paid\", { id: 12345 });          // JavaScript\n```\n\n" +
		"```python\nio.to(\"user:7\").emit(\"order:paid\", {\"id\": 12345})          # Python\n```\n\n" +
		"```go\nerr := io.To(\"user:7\").Emit(ctx, \"order:paid\", order)       // Go\n```\n" + `
The same calls, in each language's own spelling:

| language | package | Redis clients |
|---|---|---|
| Go | [emitter](../emitter) | go-redis |
| JavaScript, TypeScript | [sdk/javascript](../sdk/javascript) | node-redis, ioredis |
| Python | [sdk/python](../sdk/python) | redis-py, redis.asyncio |

All of them pass [one suite](conformance.md), byte for byte.

## Seen on real servers

This table is written by a test (` + "`go test ./compat_test -run Languages -update`" + `). Each emitter was put to each line on two
servers with Socket.IO 4.8.4 and @socket.io/redis-adapter 8.3.0, as in [compatibility](compatibility.md), where the Go
library and the command are. The first columns are ours.

| what |`)
	for _, c := range columns {
		fmt.Fprintf(&b, " %s |", c.name)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(columns)) + "\n")
	for _, p := range promises {
		fmt.Fprintf(&b, "| %s |", p.says)
		for _, c := range columns {
			outcome := c.outcomes[p.name]
			if outcome == "yes" && p.name == "compress-websocket" {
				outcome = p.cell
			}
			fmt.Fprintf(&b, " %s |", outcome)
		}
		b.WriteString("\n")
	}
	return b.Bytes()
}
