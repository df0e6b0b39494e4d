package main

import (
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sioemit/sioemit/internal/version"
)

// TestReleasing holds RELEASING.md to what make dist makes: each file that it
// publishes is made, and what is made for the registry of a language is
// published. Its commands are such as a shell can read.
func TestReleasing(t *testing.T) {
	page, err := os.ReadFile("../RELEASING.md")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("${VERSION}", version.Number, "$VERSION", version.Number).Replace(string(page))
	made := map[string]bool{"SHA256SUMS": true, "sioemit.rb": true, "sioemit.json": true, name("_image.tar.gz"): true, name(".cdx.json"): true}
	for _, to := range targets {
		made[archiveName(to)+".tar.gz"] = to.os != "windows"
		made[name("_"+to.deb+".deb")], made[name("_"+to.rpm+".rpm")] = true, true
	}
	for _, a := range artefacts {
		made[withVersion(a.name)] = true
	}
	named := make(map[string]bool)
	for _, match := range regexp.MustCompile(`\bdist/([\w.-]+[\w])`).FindAllStringSubmatch(text, -1) {
		named[match[1]] = true
		if !made[match[1]] {
			t.Errorf("RELEASING.md names dist/%s, which is not made", match[1])
		}
	}
	for _, a := range artefacts {
		if !named[withVersion(a.name)] {
			t.Errorf("RELEASING.md does not publish dist/%s", withVersion(a.name))
		}
	}
	if len(named) < len(artefacts)+5 {
		t.Errorf("only %q", slices.Sorted(maps.Keys(named)))
	}
	blocks := regexp.MustCompile("(?ms)^```sh\n(.*?)^```$").FindAllStringSubmatch(text, -1)
	for _, block := range blocks {
		shell := exec.Command("sh", "-n")
		shell.Stdin = strings.NewReader(block[1])
		if _, err := output(shell); err != nil {
			t.Errorf("%s%v", block[1], err)
		}
	}
	if len(blocks) < 10 {
		t.Errorf("only %d blocks of commands", len(blocks))
	}
}

// TestChangelog has CHANGELOG.md name every subcommand that the help does.
func TestChangelog(t *testing.T) {
	page, err := os.ReadFile("../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	run := exec.Command("go", "run", "./cmd/sioemit", "--help")
	run.Dir = ".."
	help, err := output(run)
	if err != nil {
		t.Fatal(err)
	}
	_, help, _ = strings.Cut(help, "COMMANDS:\n")
	commands, _, _ := strings.Cut(help, "\n\n")
	count := 0
	for line := range strings.Lines(commands) {
		switch command := strings.Fields(line)[0]; command {
		case "completion", "man", "version", "help":
		default:
			if count++; !strings.Contains(string(page), "`"+command+"`") {
				t.Errorf("CHANGELOG.md does not name %s", command)
			}
		}
	}
	if count < 10 {
		t.Errorf("only %d subcommands", count)
	}
}
