package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sioemit/sioemit/internal/version"
)

// TestVersions has every manifest have the version of the library.
func TestVersions(t *testing.T) {
	if err := checkVersions("..", version.Number); err != nil {
		t.Error(err)
	}
	if err := checkVersions("..", "99.0.0"); err == nil || !strings.Contains(err.Error(), "not 99.0.0") {
		t.Errorf("another version: %v", err)
	}
}

// TestSetVersion sets another one in a copy, everywhere but where a person has to
// write what is new.
func TestSetVersion(t *testing.T) {
	root := t.TempDir()
	for _, p := range places {
		text, err := os.ReadFile(filepath.Join("..", p.file))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(root, p.file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const other = "98.76.54"
	if err := setVersion(root, other); err != nil {
		t.Fatal(err)
	}
	err := checkVersions(root, "")
	for _, p := range places {
		text, from, to, finding := p.find(root)
		if finding != nil {
			t.Fatal(finding)
		}
		if got := text[from:to]; (got == other) == p.written {
			t.Errorf("%s has version %s", p.file, got)
		}
		if says := err != nil && strings.Contains(err.Error(), p.file+" has version "+other); says == p.written {
			t.Errorf("%s is not complained of as it should be: %v", p.file, err)
		}
	}
	for _, wrong := range []string{"", "v1.2.3", "1.2", "1.2.3-rc.1", "01.2.3", "1.2.3\n"} {
		if err := setVersion(root, wrong); err == nil {
			t.Errorf("%q is taken for a version", wrong)
		}
	}
}
