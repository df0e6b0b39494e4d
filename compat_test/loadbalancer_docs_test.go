package compat_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What the rows of docs/load-balancers.md say.
const (
	lbWorks = "each event once, nobody else gets it"
	lbFails = "HTTP 400 `Session ID unknown`"
)

func docRow(title, file, sticky, result, without string) string {
	if file != "" {
		file = "`" + file + "`"
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s |", title, file, sticky, result, without)
}

// checkBalancersPage compares the table in docs/load-balancers.md with what this run has seen; with -update it
// writes it.
func checkBalancersPage(t *testing.T, rows []string) {
	t.Helper()
	const (
		begin = "<!-- go test ./compat_test -run LoadBalancers -update writes this table -->\n"
		end   = "<!-- end of the table -->\n"
	)
	path := filepath.Join("..", "docs", "load-balancers.md")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(data), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has lost the marks around its table", path)
	}
	table := "\n| load balancer | example | sticky by | polling, WebSocket and default clients | polling without stickiness |\n" +
		"|---|---|---|---|---|\n" + strings.Join(rows, "\n") + "\n\n"
	page := before + begin + table + end + after
	if page == string(data) {
		return
	}
	if !*update {
		t.Errorf("%s is stale: go test ./compat_test -run LoadBalancers -update writes\n%s", path, table)
		return
	}
	if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
}

// examplesDir is examples/cluster.
func examplesDir(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", "examples", "cluster"))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func readExample(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(examplesDir(t), name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func exampleDependencies(t *testing.T) map[string]string {
	t.Helper()
	var manifest struct{ Dependencies map[string]string }
	if err := json.Unmarshal([]byte(readExample(t, "package.json")), &manifest); err != nil {
		t.Fatal(err)
	}
	return manifest.Dependencies
}
