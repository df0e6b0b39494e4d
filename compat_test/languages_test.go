package compat_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sioemit/sioemit/internal/driver"
	"github.com/sioemit/sioemit/internal/harness"
)

// languageRow is the cluster of docs/languages.md.
const languageRow = "4.8.4/redis-adapter-8.3.0"

// TestLanguages puts every promise to the emitters in other languages and to those of others, and compares
// docs/languages.md with what was seen. Each runs in a process of its own, where it may fail.
func TestLanguages(t *testing.T) {
	harness.NeedServers(t)
	if text := os.Getenv(candidateVariable); text != "" {
		everyPromise(t, text)
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
			column := languageColumn{name: variant, ours: ours, outcomes: outcomes(t, candidate{program, variant, languageRow})}
			for _, p := range promises {
				if got := column.outcomes[p.name]; ours && got != "yes" && p.keptBy(rowNamed(languageRow)) {
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
		"```php\n$io->to('user:7')->emit('order:paid', ['id' => 12345]); // PHP\n```\n\n" +
		"```java\nio.to(\"user:7\").emit(\"order:paid\", Map.of(\"id\", 12345)); // Java\n```\n\n" +
		"```go\nerr := io.To(\"user:7\").Emit(ctx, \"order:paid\", order)       // Go\n```\n" + `
The same calls, in each language's own spelling:

| language | package | Redis clients |
|---|---|---|
| Go | [emitter](../emitter) | go-redis |
| JavaScript, TypeScript | [sdk/javascript](../sdk/javascript) | node-redis, ioredis |
| Python | [sdk/python](../sdk/python) | redis-py, redis.asyncio |
| PHP | [sdk/php](../sdk/php) | phpredis, Predis |
| Java, Kotlin | [sdk/java](../sdk/java) | Jedis, Lettuce |

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
