package sioemit_test

import (
	"bytes"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// room is a folder with a package of Go.
type room struct {
	lines    int
	imports  []string // those of this module by their folders
	contexts bool     // it knows *cli.Context
}

// rooms are the packages of the library and of the command, without their tests.
func rooms(t *testing.T) map[string]*room {
	t.Helper()
	const module = "github.com/sioemit/sioemit/"
	found := make(map[string]*room)
	for _, root := range []string{"cmd", "emitter", "emittertest", "encoding", "internal"} {
		err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
				return err
			}
			text, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly)
			if err != nil {
				return err
			}
			folder := filepath.ToSlash(filepath.Dir(name))
			if found[folder] == nil {
				found[folder] = &room{}
			}
			r := found[folder]
			r.lines += bytes.Count(text, []byte("\n"))
			r.contexts = r.contexts || bytes.Contains(text, []byte("*cli.Context"))
			for _, spec := range file.Imports {
				to, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					return err
				}
				r.imports = append(r.imports, strings.TrimPrefix(to, module))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(found) < 20 {
		t.Fatalf("only %d packages were looked at", len(found))
	}
	return found
}

// TestWalls keeps packages small, and what is below from knowing what is above.
func TestWalls(t *testing.T) {
	const redis, cli = "github.com/redis/go-redis/v9", "github.com/urfave/cli/v2"
	subcommands := []string{"internal/call", "internal/decode", "internal/doctor", "internal/listen", "internal/pipe"}
	command := append(slices.Clone(subcommands), "internal/commandline", "internal/settings", "internal/connect", "internal/show", "internal/traffic", "internal/census", cli)
	above := map[string][]string{ // what a package must not import
		"encoding":             append(slices.Clone(command), redis, "emitter"),
		"emitter":              command,
		"emittertest":          command,
		"internal/protocol":    append(slices.Clone(command), redis, "emitter"),
		"internal/commandline": {redis, "emitter", "internal/settings", "internal/connect"},
		"internal/traffic":     {cli, "internal/census"},
		"internal/census":      {cli, "internal/traffic"},
		"internal/connect":     {cli},
	}
	all := rooms(t)
	for folder := range above {
		if all[folder] == nil {
			t.Errorf("there is no package %s", folder)
		}
	}
	for folder, r := range all {
		if most := map[string]int{"cmd/sioemit": 200}[folder]; most > 0 && r.lines >= most || r.lines > 2500 {
			t.Errorf("%s has %d lines", folder, r.lines)
		}
		if r.contexts && folder != "internal/commandline" {
			t.Errorf("%s knows *cli.Context", folder)
		}
		for _, to := range r.imports {
			if slices.Contains(above[folder], to) {
				t.Errorf("%s imports %s", folder, path.Base(to))
			}
			if slices.Contains(subcommands, to) && folder != "cmd/sioemit" {
				t.Errorf("%s imports the subcommand %s", folder, to)
			}
		}
	}
}
