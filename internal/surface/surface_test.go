// Package surface holds what is exported to committed lists, so that it changes
// on purpose only.
package surface

import (
	"bytes"
	"flag"
	"go/ast"
	"go/build"
	"go/doc"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the lists")

const module = "github.com/sioemit/sioemit/"

// public are the packages that users import.
var public = []string{"emitter", "emittertest", "encoding"}

// TestSurface compares what is exported with the lists in this folder. After a
// change that is meant: go test ./internal/surface -update
func TestSurface(t *testing.T) {
	t.Parallel()
	for _, name := range public {
		got := surface(t, name)
		file := name + ".txt"
		if *update {
			if err := os.WriteFile(file, got, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		gotLines, wantLines := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
		for _, line := range gotLines {
			if !slices.Contains(wantLines, line) {
				t.Errorf("%s exports what is not on the list: %s", name, line)
			}
		}
		for _, line := range wantLines {
			if !slices.Contains(gotLines, line) {
				t.Errorf("%s does not export any more: %s", name, line)
			}
		}
		if !t.Failed() && !bytes.Equal(got, want) {
			t.Errorf("%s has these lines in another order, or another number of times", name)
		}
	}
	if t.Failed() {
		t.Log("if that is meant: go test ./internal/surface -update")
	}
}

// TestPublic has no other package be importable from outside.
func TestPublic(t *testing.T) {
	t.Parallel()
	list := exec.CommandContext(t.Context(), "go", "list", "-f", "{{if .GoFiles}}{{.Name}} {{.ImportPath}}{{end}}", module+"...")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for line := range strings.Lines(string(out)) {
		name, path, _ := strings.Cut(strings.TrimSpace(line), " ")
		if path = strings.TrimPrefix(path, module); name != "main" && name != "" && !strings.Contains("/"+path, "/internal/") {
			found = append(found, path)
		}
	}
	if slices.Sort(found); !slices.Equal(found, public) {
		t.Errorf("the public packages are %q, want %q", found, public)
	}
}

// surface returns the exported declarations of a package, without comments and
// without the values of variables. Methods of an unexported type that is embedded
// stand with the type that embeds it, as go doc has them.
func surface(t *testing.T, name string) []byte {
	t.Helper()
	dir := filepath.Join("..", "..", name)
	pkg, err := build.ImportDir(dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	var files []*ast.File
	for _, file := range pkg.GoFiles {
		parsed, err := parser.ParseFile(fset, filepath.Join(dir, file), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, parsed)
	}
	d, err := doc.NewFromFiles(fset, files, module+name)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	write := func(decl ast.Decl) {
		strip(decl)
		var text strings.Builder
		if err := printer.Fprint(&text, fset, decl); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(text.String()) {
			words := strings.Join(strings.Fields(line), " ") // the rest is for comments, and changes with them
			switch {
			case words == "":
				continue
			case strings.HasPrefix(line, "\t"):
				words = "\t" + words
			}
			b.WriteString(words + "\n")
		}
	}
	values := func(list []*doc.Value) {
		for _, v := range list {
			write(v.Decl)
		}
	}
	funcs := func(list []*doc.Func) {
		for _, f := range list {
			write(f.Decl)
		}
	}
	values(d.Consts)
	values(d.Vars)
	funcs(d.Funcs)
	for _, typ := range d.Types {
		write(typ.Decl)
		values(typ.Consts)
		values(typ.Vars)
		funcs(typ.Funcs)
		funcs(typ.Methods)
	}
	return b.Bytes()
}

// strip takes comments away, and the values of variables.
func strip(decl ast.Decl) {
	ast.Inspect(decl, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GenDecl:
			n.Doc = nil
			for _, spec := range n.Specs {
				if v, ok := spec.(*ast.ValueSpec); ok && n.Tok == token.VAR {
					v.Values = nil
				}
			}
		case *ast.ValueSpec:
			n.Doc, n.Comment = nil, nil
		case *ast.TypeSpec:
			n.Doc, n.Comment = nil, nil
		case *ast.Field:
			n.Doc, n.Comment = nil, nil
		case *ast.FuncDecl:
			n.Doc, n.Body = nil, nil
		}
		return true
	})
}
