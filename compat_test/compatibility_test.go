package compat_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
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

Say which servers you have. Socket.IO 4 is the default.

` + "```go" + `
io := emitter.New(rdb, emitter.WithServerVersion(2))
err := io.To("room1").Emit(ctx, "order:paid", order)
` + "```\n\n```sh" + `
sioemit --server-version 2 emit order:paid '{"id":1}' --room room1
` + "```" + `

This page is written by the tests (` + "`go test ./compat_test -run Matrix -update`" + `).
Each column is a cluster of two official servers, and one Redis or a Redis Cluster of three masters.
Each line was tried with the library and with the command.

`)
	// A table of versions to set, then one of promises.
	b.WriteString("| Column | Socket.IO server | Adapter | Client | Redis | Set |\n|---|---|---|---|---|---|\n")
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
		fmt.Fprintf(&b, "| %c | %s | %s %s%s | %s | %s | %s |\n", 'A'+i, server, adapter, version, options, client, redis, set)
	}
	b.WriteString("\n| What |")
	for i := range rows {
		fmt.Fprintf(&b, " %c |", 'A'+i)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(rows)) + "\n")
	var notes []string
	for _, p := range promises {
		fmt.Fprintf(&b, "| %s |", p.says)
		for _, row := range rows {
			if p.keptBy(row) {
				b.WriteString(" yes |")
				continue
			}
			fmt.Fprintf(&b, " %s |", p.cell)
			if note := fmt.Sprintf("- \"%s\", %s: %s\n", p.cell, p.says, p.note); !slices.Contains(notes, note) {
				notes = append(notes, note)
			}
		}
		b.WriteString("\n")
	}
	b.WriteString("\n" + strings.Join(notes, ""))
	b.WriteString(`
How "yes" was found:

- On each server there are clients in room a, in room b, in both, in none, and in another namespace.
- Each of them is there three times: websocket only, HTTP long-polling only, and the default, which starts with polling and upgrades.
  The last is left out in columns ` + leftOut() + `, and so are clients that do not read: other columns have the same adapter.
- After each line, everyone gets a last event. Then each client must have got exactly what was meant for it, in order.
- In columns ` + unordered() + `, order holds among the events to one room, and among those to everyone or to several rooms:
  they go through different nodes of the Redis Cluster.
- Volatile events may be lost by a client that does not read, or that is between two polls. Other events may not.
`)
	return b.String(), nil
}

// columns lists the columns of the rows that satisfy the condition.
func columns(ok func(row) bool) string {
	var list []string
	for i, r := range rows {
		if ok(r) {
			list = append(list, string(rune('A'+i)))
		}
	}
	return strings.Join(list, ", ")
}

func leftOut() string { return columns(row.brief) }

func unordered() string {
	return columns(func(r row) bool { return r.lane(message{rooms: []string{roomA}}) != "" })
}
