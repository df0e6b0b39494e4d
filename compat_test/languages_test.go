package compat_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/sioemit/sioemit/internal/driver"
	"github.com/sioemit/sioemit/internal/harness"
	"github.com/sioemit/sioemit/internal/version"
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
	goDriver, foreign := absolute(t, "../conformance/go/run"), absolute(t, "foreign/run")
	for _, program := range append(append([]string{goDriver}, drivers(t)...), foreign) {
		variants, err := driver.Variants(withDeadline(t), program)
		if err != nil {
			t.Fatal(err)
		}
		for _, variant := range variants {
			ours := program != foreign
			column := languageColumn{hello: hello(t, program, variant), ours: ours, outcomes: outcomes(t, candidate{program, variant, languageRow})}
			if ours && column.hello.Version != version.Number {
				t.Errorf("%s says that it is version %s, and this is %s", variant, column.hello.Version, version.Number)
			}
			for _, p := range promises {
				if got := column.outcomes[p.name]; ours && got != "yes" && p.keptBy(rowNamed(languageRow)) {
					t.Errorf("%s: %s: %s", variant, p.says, got)
				}
			}
			columns = append(columns, column)
		}
	}
	if found, _ := sdks(); len(found) < len(folders(t)) {
		return // The page is about all of them. Which are left out has been said, or is an error.
	}
	path := filepath.Join("..", "docs", "languages.md")
	text := languagesPage(t, columns)
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

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// folders are those of the emitters in other languages.
func folders(t *testing.T) []string {
	t.Helper()
	makefiles, err := filepath.Glob("../sdk/*/Makefile")
	if err != nil {
		t.Fatal(err)
	}
	return makefiles
}

// hello is what a driver says of itself.
func hello(t *testing.T, program, variant string) driver.Hello {
	t.Helper()
	d, err := driver.Start(withDeadline(t), program, variant)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	return d.Hello
}
