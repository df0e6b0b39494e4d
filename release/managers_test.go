package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sioemit/sioemit/internal/harness"
	"github.com/sioemit/sioemit/internal/version"
)

// base is a URL for tests: nothing is there.
const base = "http://127.0.0.1:1/releases"

// TestManagers reads the formula as Ruby does, and the manifest, and has each file
// that they name be there, with the sum that they have of it.
func TestManagers(t *testing.T) {
	harness.NeedServers(t)
	r := &release{root: "..", out: t.TempDir(), baseURL: base + "/"}
	if err := r.readCommit(); err != nil {
		t.Fatal(err)
	}
	// What the archives hold but binaries, as these take long to make.
	var files []file
	for _, name := range []string{"man/sioemit.1", "completions/sioemit.bash", "completions/_sioemit", "completions/sioemit.fish"} {
		files = append(files, file{name, []byte(name), 0o644})
	}
	for _, to := range targets {
		binary := file{"sioemit", []byte(to.os + to.arch), 0o755}
		if to.os == "windows" {
			binary.name = "sioemit.exe"
		}
		if err := r.archive(to, append([]file{binary}, files...)); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.managers(targets); err != nil {
		t.Fatal(err)
	}
	is := func(url, sum string) {
		t.Helper()
		name, ok := strings.CutPrefix(url, base+"/")
		if got, err := r.sum(name); !ok || err != nil || got != sum {
			t.Errorf("%s has sum %s, %v, not %s", url, got, err, sum)
		}
	}

	text, err := os.ReadFile(filepath.Join(r.out, "sioemit.json"))
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct {
		Version, Description, Homepage, License, Bin string
		Architecture                                 map[string]struct {
			URL, Hash  string
			ExtractDir string `json:"extract_dir"`
		}
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&manifest); err != nil {
		t.Fatal(err)
	}
	if manifest.Version != version.Number || manifest.Bin != "sioemit.exe" || len(manifest.Architecture) != 2 {
		t.Errorf("%+v", manifest)
	}
	for kind, a := range manifest.Architecture {
		is(a.URL, a.Hash)
		if goName := map[string]string{"64bit": "amd64", "arm64": "arm64"}[kind]; !strings.HasSuffix(a.URL, "/"+a.ExtractDir+".zip") || !strings.HasSuffix(a.ExtractDir, "_windows_"+goName) {
			t.Errorf("%s is %+v", kind, a)
		}
	}

	unpacked := t.TempDir()
	if _, err := output(exec.Command("tar", "-xzf", filepath.Join(r.out, archiveName(targets[0])+".tar.gz"), "--strip-components=1", "-C", unpacked)); err != nil {
		t.Fatal(err)
	}
	formula, err := filepath.Abs(filepath.Join("testdata", "formula.rb"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("ruby", "-W2", formula, filepath.Join(r.out, "sioemit.rb"))
	cmd.Dir = unpacked
	out, err := output(cmd)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for line := range strings.Lines(out) {
		words := strings.Fields(line)
		if words[0] == "installs" {
			continue
		}
		seen++
		is(words[1], words[2])
		if !strings.HasSuffix(words[1], "_"+words[0]+".tar.gz") {
			t.Errorf("%s", line)
		}
	}
	if installs := strings.Count(out, "installs "); seen != 4 || installs != 5 {
		t.Errorf("%d archives, %d files are installed:\n%s", seen, installs, out)
	}
}
