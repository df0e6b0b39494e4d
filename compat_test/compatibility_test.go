package compat_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sioemit/sioemit/internal/harness"
)

// sendersPerRow is how many senders have to keep a promise.
const sendersPerRow = 2

// check compares docs/compatibility.md with what was seen, and writes it when asked to. Without a filter all of it must
// have been seen.
func (r *findings) check(t *testing.T) {
	t.Helper()
	if t.Failed() {
		return
	}
	for _, row := range rows {
		for _, p := range promises {
			if r.kept[row.name+"\n"+p.name] != sendersPerRow {
				if *update || !filtered() {
					t.Errorf("row %q, promise %q: kept through %d senders of %d, so the page is not compared or written",
						row.name, p.name, r.kept[row.name+"\n"+p.name], sendersPerRow)
				}
				return
			}
		}
	}
	text, err := compatibility()
	if err != nil {
		t.Error(err)
		return
	}
	path := filepath.Join("..", "docs", "compatibility.md")
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Error(err)
		}
		return
	}
	if was, err := os.ReadFile(path); err != nil || string(was) != text {
		t.Error("docs/compatibility.md is not what the matrix saw, run: go test ./compat_test -run Matrix -update")
	}
}

// compatibility is the page about what was seen. It holds nothing that differs from run to run.
func compatibility() (string, error) {
	var b strings.Builder
	b.WriteString(`# Compatibility

Say which servers you have. The default is Socket.IO 4 with the classic adapter.

` + "```go" + `
io := emitter.New(rdb, emitter.WithServerVersion(2))
err := io.To("room1").Emit(ctx, "order:paid", order)
` + "```\n\n```sh" + `
sioemit --server-version 2 emit order:paid '{"id":1}' --room room1
` + "```" + `

The table says what to set for other adapters, for servers in Python, and for a Redis Cluster.

A test writes this page (` + "`go test ./compat_test -run Matrix -update`" + `). It starts two official servers for each row, on one
Redis or on a Redis Cluster of three masters, and sends them everything below with the library and with the command.

`)
	b.WriteString("| | Socket.IO server | Adapter | Client | Redis | Set |\n|---|---|---|---|---|---|\n")
	for i, row := range rows {
		_, server, err := harness.PackageVersion(row.generation.Server)
		if err != nil {
			return "", err
		}
		adapter, version, err := harness.PackageVersion(row.adapter.Package)
		if err != nil {
			return "", err
		}
		_, client, err := harness.PackageVersion(row.generation.Client)
		if err != nil {
			return "", err
		}
		options, set := row.describe()
		redis := "one"
		if row.cluster {
			redis = "cluster"
		}
		fmt.Fprintf(&b, "| %c | %s | %s %s%s | %s | %s | %s |\n", letter(i), server, adapter, version, options, client, redis, set)
	}
	fmt.Fprintf(&b, "\n## What works\n\nOn all %d clusters:\n\n", len(rows))
	var exceptions strings.Builder
	for _, p := range promises {
		if lacking := columns(func(r row) bool { return !p.keptBy(r) }); lacking != "" {
			fmt.Fprintf(&exceptions, "| %s | %s | %s: %s |\n", p.says, lacking, p.cell, p.note)
			continue
		}
		fmt.Fprintf(&b, "- %s\n", p.says)
	}
	b.WriteString("\nThe rest works on all but these:\n\n| What | Not on | What happens there |\n|---|---|---|\n")
	b.WriteString(exceptions.String())
	b.WriteString(`
## How it was tested

- On each server there are clients in room a, in room b, in both, in neither, and in another namespace.
- Each of them connects in three ways: websocket only, HTTP long-polling only, and the default, which starts with polling
  and upgrades. On ` + columns(row.brief) + `, the default is left out, and so are clients that stop reading: the other clusters
  have the same adapters.
- Everyone then gets a last event. By then each client must have received exactly what was meant for it, in order.
- On ` + unordered() + `, events to one room stay in order, and so do events to everyone or to several rooms. Between these, the
  order may change: they go through different nodes of the Redis Cluster.
- A volatile event may be lost by a client that does not read, or that is between two polls. No other event may.
`)
	return b.String(), nil
}

func letter(i int) rune { return rune('A' + i) }

// columns lists the clusters that satisfy the condition, three and more in a row by the first and the last.
func columns(ok func(row) bool) string {
	var list []string
	for first := 0; first < len(rows); first++ {
		end := first
		for end < len(rows) && ok(rows[end]) {
			end++
		}
		switch {
		case end-first > 2:
			list = append(list, fmt.Sprintf("%c to %c", letter(first), letter(end-1)))
			first = end
		case end > first:
			list = append(list, string(letter(first)))
		}
	}
	return strings.Join(list, ", ")
}

func unordered() string {
	return columns(func(r row) bool { return r.lane(message{rooms: []string{roomA}}) != "" })
}
