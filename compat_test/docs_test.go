package compat_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The command lines of these pages are accepted as they stand. Redis is not where they say, so they are not sent.
func TestDocumentedCommands(t *testing.T) {
	t.Parallel()
	path, err := command.build()
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```sh\n(.*?)```")
	for _, page := range []string{"compatibility.md", "scaling.md", "python.md"} {
		text, err := os.ReadFile(filepath.Join("..", "docs", page))
		if err != nil {
			t.Fatal(err)
		}
		found := block.FindAllStringSubmatch(string(text), -1)
		if len(found) == 0 {
			t.Errorf("docs/%s has no command any more", page)
		}
		for _, match := range found {
			for line := range strings.Lines(match[1]) {
				line = strings.TrimSpace(line)
				cmd := exec.CommandContext(withDeadline(t), "sh", "-eu", "-c", line+" --dry-run")
				cmd.Env = append(environment(), "PATH="+filepath.Dir(path)+":"+os.Getenv("PATH"))
				if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "order:paid") {
					t.Errorf("docs/%s: %s --dry-run: %v, it printed:\n%s", page, line, err, out)
				}
			}
		}
	}
}
