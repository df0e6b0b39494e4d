// Package walls holds the packages of this module to their layers, their size
// and what they may know.
package walls

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/sioemit/sioemit/"

// one is a package, as go list tells of it.
type one struct {
	Dir, ImportPath  string
	GoFiles, Imports []string
	IgnoredGoFiles   []string // for other systems
	TestGoFiles      []string
}

// files are those that are not tests.
func (p one) files() []string {
	isTest := func(name string) bool { return strings.HasSuffix(name, "_test.go") }
	return slices.DeleteFunc(slices.Concat(p.GoFiles, p.IgnoredGoFiles), isTest)
}

// packages are those of the module that have more than tests, by their path
// within it.
func packages(t *testing.T) map[string]one {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-json", module+"...")
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]one)
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p one
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if len(p.GoFiles) > 0 {
			found[strings.TrimPrefix(p.ImportPath, module)] = p
		}
	}
	if len(found) == 0 {
		t.Fatal("there is no package")
	}
	return found
}

// layers are the lines of layers.txt: how high each package stands.
func layers(t *testing.T) map[string]int {
	t.Helper()
	text, err := os.ReadFile("layers.txt")
	if err != nil {
		t.Fatal(err)
	}
	height := make(map[string]int)
	for i, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		for _, name := range strings.Fields(line) {
			if _, again := height[name]; again {
				t.Errorf("layers.txt names %s twice", name)
			}
			height[name] = i
		}
	}
	return height
}

// TestArrows finds no import that goes up or stays in its layer, and so no
// circle, and no package that has no layer.
func TestArrows(t *testing.T) {
	height, all := layers(t), packages(t)
	for name := range height {
		if _, ok := all[name]; !ok && !strings.Contains(name, ".") {
			t.Errorf("layers.txt names %s, which is no package", name)
		}
	}
	for name, p := range all {
		folder, _, _ := strings.Cut(name, "/")
		own, ok := height[name]
		if !ok {
			own, ok = height[folder+"/..."] // examples, each on its own
		}
		if !ok {
			t.Errorf("layers.txt does not name %s", name)
			continue
		}
		for _, path := range p.Imports {
			other, ours := strings.CutPrefix(path, module)
			place, ok := height[other]
			if ok && place >= own && (ours || strings.Contains(path, ".")) { // encoding is also one of Go's own
				t.Errorf("%s imports %s, which is not below it", name, other)
			}
		}
	}
}

// TestSizes keeps packages small, and of the command no more than what puts the
// others together.
func TestSizes(t *testing.T) {
	const most, mostOfCommand = 2500, 200
	for name, p := range packages(t) {
		lines := 0
		for _, file := range p.files() {
			text, err := os.ReadFile(filepath.Join(p.Dir, file))
			if err != nil {
				t.Fatal(err)
			}
			lines += bytes.Count(text, []byte("\n"))
		}
		if limit := map[bool]int{false: most, true: mostOfCommand}[name == "cmd/sioemit"]; lines > limit {
			t.Errorf("%s has %d lines of Go without tests, more than %d", name, lines, limit)
		}
	}
}

// TestFlags has flags be described by those that read them, and by no other.
func TestFlags(t *testing.T) {
	const cli = "github.com/urfave/cli/v2"
	readers := []string{
		"internal/commandline", "internal/settings", "internal/event", "internal/call", "internal/pipe", "internal/listen", "internal/top", "internal/doctor", "internal/decode",
	}
	for name, p := range packages(t) {
		if slices.Contains(p.Imports, cli) && !slices.Contains(readers, name) {
			t.Errorf("%s imports %s", name, cli)
		}
	}
}

// TestContext finds what a command line is for package cli in one package only:
// the others describe their flags, and get what was given.
func TestContext(t *testing.T) {
	context := regexp.MustCompile(`\bcli\.(Context|ActionFunc|Command|App)\b`)
	knows := false
	for name, p := range packages(t) {
		for _, file := range p.files() {
			text, err := os.ReadFile(filepath.Join(p.Dir, file))
			if err != nil {
				t.Fatal(err)
			}
			found := context.Find(text)
			knows = knows || found != nil
			if found != nil && name != "internal/commandline" {
				t.Errorf("%s/%s knows %s", name, file, found)
			}
		}
	}
	if !knows {
		t.Error("nobody knows it: what is looked for has another name")
	}
}
