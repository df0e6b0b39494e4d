package sioemit_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestContributing holds CONTRIBUTING.md to what there is: each path that it names, each target of make, and each test
// that a command line selects.
func TestContributing(t *testing.T) {
	page, err := os.ReadFile("CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	paths, targets, tests := 0, 0, 0
	quoted := regexp.MustCompile("`([^`\n]+)`").FindAllStringSubmatch(text, -1)
	for _, link := range regexp.MustCompile(`\]\(([^)#]+)\)`).FindAllStringSubmatch(text, -1) {
		quoted = append(quoted, []string{"", link[1] + "/"})
	}
	for _, match := range quoted {
		words := strings.Fields(match[1])
		if len(words) == 1 && strings.Contains(words[0], "/") && !strings.Contains(words[0], "NAME") {
			paths++
			if _, err := os.Stat(path.Clean(words[0])); err != nil {
				t.Error(err)
			}
		}
	}
	for _, match := range regexp.MustCompile(`(?m)(?:^|\x60)make (\S+?)(?:\x60|\s)`).FindAllStringSubmatch(text, -1) {
		targets++
		if !regexp.MustCompile(`(?m)^` + match[1] + `:`).Match(makefile) {
			t.Errorf("the Makefile has no target %s", match[1])
		}
	}
	for _, match := range regexp.MustCompile(`go test (\./\S+) -run (\w+) -update`).FindAllStringSubmatch(text, -1) {
		tests++
		if names := testsIn(t, match[1]); !slices.ContainsFunc(names, regexp.MustCompile(match[2]).MatchString) {
			t.Errorf("%s: no test in %s has such a name", match[0], match[1])
		}
	}
	if paths < 30 || targets < 3 || tests < 3 {
		t.Errorf("only %d paths, %d targets and %d tests were looked at", paths, targets, tests)
	}
}

// testsIn returns the names of the tests in a folder.
func testsIn(t *testing.T, folder string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && strings.HasPrefix(f.Name.Name, "Test") {
				names = append(names, f.Name.Name)
			}
		}
	}
	return names
}

// TestShort has nothing but make check leave tests out.
func TestShort(t *testing.T) {
	files := []string{"Makefile"}
	more, err := filepath.Glob("sdk/*/Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(files, more...) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		target := ""
		for line := range strings.Lines(string(text)) {
			if match := regexp.MustCompile(`^([\w-]+):`).FindStringSubmatch(line); match != nil {
				target = match[1]
			}
			if strings.Contains(line, "-short") && strings.HasPrefix(line, "\t") && (name != "Makefile" || target != "check") {
				t.Errorf("%s: %s gives -short: %s", name, target, line)
			}
		}
	}
}
