package main

import (
	"encoding/json"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/harness"
	"github.com/sioemit/sioemit/internal/show"
)

var update = flag.Bool("update", false, "write the help texts of testdata/help")

// TestHelp holds the help texts to testdata/help, so that a change of one is
// seen, and to 80 characters a line.
func TestHelp(t *testing.T) {
	t.Parallel()
	texts := map[string]string{"sioemit": sioemit(t, nil, "", "--help").stdout}
	for _, command := range newProgram(nil, io.Discard, io.Discard).All() {
		texts[command.Name] = sioemit(t, nil, "", command.Name, "--help").stdout
		if again := sioemit(t, nil, "", "help", command.Name).stdout; again != texts[command.Name] {
			t.Errorf("help %s differs from %[1]s --help", command.Name)
		}
		if !strings.Contains(texts["sioemit"], "   "+command.Name+" ") {
			t.Errorf("sioemit --help does not list %s", command.Name)
		}
	}
	for name, text := range texts {
		if !strings.Contains(text, "   sioemit ") {
			t.Errorf("the help of %s has no example", name)
		}
		for line := range strings.Lines(text) {
			if len([]rune(line)) > show.LineWidth+1 {
				t.Errorf("%s: a line of %d characters: %s", name, len([]rune(line))-1, line)
			}
		}
		path := filepath.Join("testdata", "help", name+".txt")
		if *update {
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil || string(want) != text {
			t.Errorf("the help of %s is not that of %s (%v); go test ./cmd/sioemit -run Help -update writes it", name, path, err)
		}
	}
	if files, err := filepath.Glob("testdata/help/*"); err != nil || len(files) != len(texts) {
		t.Errorf("%d help texts for %d files, %v", len(texts), len(files), err)
	}
}

// TestHelpStatuses has each command list the exit statuses that it can end with.
func TestHelpStatuses(t *testing.T) {
	t.Parallel()
	statuses := regexp.MustCompile(`(?m)^ {1,3}(\d+)  (.*)$`)
	for command, want := range map[string]string{
		"": "0 1 2 3 4 130", "emit": "0 1 2 3 4 130", "server-emit": "0 1 2 3 4 130", "pipe": "0 1 2 3 4 130",
		"join": "0 1 2 3 4 130", "leave": "0 1 2 3 4 130", "disconnect": "0 1 2 3 4 130", "servers": "0 1 2 3 4 130",
		"sockets": "0 1 2 4 130", "rooms": "0 1 2 4 130", "namespaces": "0 1 2 130", "top": "0 1 2 130", "listen": "0 1 2 4 130", "doctor": "0 1 2 4 130", "decode": "0 1 2 130",
		"completion": "", "man": "", "version": "", "help": "",
	} {
		var got []string
		for _, match := range statuses.FindAllStringSubmatch(sioemit(t, nil, "", strings.Fields("help "+command)...).stdout, -1) {
			got = append(got, match[1])
			// Only a line of pipe may be rejected after others were sent.
			sends := strings.Contains("emit server-emit join leave disconnect pipe", command)
			if match[1] == "2" && sends != strings.Contains(match[2], "nothing was sent") || match[1] == "2" && strings.Contains(match[2], "line") != (command == "pipe" || command == "") {
				t.Errorf("help %s: %s", command, match[0])
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("help %s: %q, want %s", command, got, want)
		}
	}
}

// TestHelpAsked asks for help in every way.
func TestHelpAsked(t *testing.T) {
	t.Parallel()
	app, emit := sioemit(t, nil, "", "help"), sioemit(t, nil, "", "help", "emit")
	if app.status != 0 || app.stderr != "" || !strings.Contains(app.stdout, "COMMANDS:") || emit.status != 0 || emit.stderr != "" || !strings.Contains(emit.stdout, "sioemit emit [FLAGS]") {
		t.Fatalf("%+v\n%+v", app, emit)
	}
	for words, want := range map[string]result{
		"--help": app, "-h": app, "h": app, "--key k --help": app,
		"emit --help": emit, "emit hello --help": emit, "emit help -h": emit, "--help emit": emit, "emit --room a hello x --help --json": emit, "help emit --help": emit,
		"emit hello --timeout 1s --help": emit,
	} {
		if r := sioemit(t, nil, "", strings.Fields(words)...); r != want {
			t.Errorf("%s: %+v", words, r)
		}
	}
	unknown := sioemit(t, nil, "", "emti")
	for _, words := range []string{"help emti", "emti --help", "h emti"} {
		r := sioemit(t, nil, "", strings.Fields(words)...)
		if r != unknown || r.status != commandline.StatusUsage {
			t.Errorf("%s: %+v", words, r)
		}
		r.oneLine(t, `"emti"`, "emit")
	}
	r := sioemit(t, nil, "", "help", "emit", "join")
	if r.status != commandline.StatusUsage {
		t.Errorf("%+v", r)
	}
	r.oneLine(t, "one command")
}

// TestMan finds in the manual page, as man shows it, every line of every
// description, and every flag with what its help says.
func TestMan(t *testing.T) {
	harness.NeedServers(t)
	t.Parallel()
	r := sioemit(t, nil, "", "man")
	var v struct{ Version string }
	if err := json.Unmarshal([]byte(sioemit(t, nil, "", "version", "--json").stdout), &v); err != nil {
		t.Fatal(err)
	}
	if r.status != 0 || !strings.HasPrefix(r.stdout, `.TH SIOEMIT 1 "" "sioemit `+v.Version+`" `) {
		t.Errorf("%d: %.80s", r.status, r.stdout)
	}
	groff := exec.CommandContext(t.Context(), "groff", "-man", "-ww", "-Tascii", "-P-cbou")
	groff.Stdin = strings.NewReader(r.stdout)
	var complaints strings.Builder
	groff.Stderr = &complaints
	page, err := groff.Output()
	if err != nil || complaints.Len() > 0 {
		t.Fatalf("%v: %s", err, complaints.String())
	}
	shown := make(map[string]bool)
	for line := range strings.Lines(string(page)) {
		shown[strings.TrimRight(line, " \n")] = true
		if len(line) > show.LineWidth+1 {
			t.Errorf("a line of %d characters: %s", len(line)-1, line)
		}
	}
	program := newProgram(nil, io.Discard, io.Discard)
	descriptions := map[string]string{"": program.Description}
	for _, command := range program.All() {
		descriptions[command.Name] = command.Description
		if !shown["sioemit "+command.Name] {
			t.Errorf("%s has no section", command.Name)
		}
	}
	headline := regexp.MustCompile(`^([A-Z ]+):$`)
	// Lines of what flags are for break elsewhere than in the help.
	words := func(text string) string { return strings.Join(strings.Fields(text), " ") }
	entry, flags, pageWords := regexp.MustCompile(`(?m)^   --.*\n(?: {20,}.*\n)*`), 0, words(string(page))
	for name, description := range descriptions {
		for line := range strings.Lines(description) {
			line = strings.TrimRight(line, " \n")
			if match := headline.FindStringSubmatch(line); match != nil { // of a section, or a part of one
				line = map[bool]string{true: "", false: "   "}[name == ""] + match[1]
			}
			if !shown[line] {
				t.Errorf("%s: the manual page lacks %q", name, line)
			}
		}
		help := sioemit(t, nil, "", strings.Fields("help "+name)...).stdout
		_, help, _ = strings.Cut(help, description)
		status, help, ok := strings.Cut(help, "130  interrupted (Ctrl-C)\n")
		if !ok { // it can only succeed
			status, help = "", status
		}
		if !strings.Contains(string(page), strings.TrimPrefix(strings.TrimSpace(status), "EXIT STATUS:")) {
			t.Errorf("%s: the manual page lacks %s", name, status)
		}
		for _, text := range entry.FindAllString(help, -1) {
			if flags++; !strings.Contains(pageWords, words(text)) {
				t.Errorf("%s: the manual page lacks %s", name, text)
			}
		}
	}
	if flags < 50 {
		t.Errorf("only %d flags were looked for", flags)
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	var v struct{ Version, Commit, Go string }
	r := sioemit(t, nil, "", "version", "--json")
	if err := json.Unmarshal([]byte(r.stdout), &v); err != nil || v.Go == "" || v.Version == "" || v.Commit == "" {
		t.Errorf("%+v, %v", r, err)
	}
	if r := sioemit(t, nil, "", "--version"); r != sioemit(t, nil, "", "version") {
		t.Errorf("--version: %+v", r)
	}
	for _, words := range [][]string{{"version", "extra"}, {"man", "extra"}, {"--version", "extra"}} {
		r := sioemit(t, nil, "", words...)
		if r.status != commandline.StatusUsage || r.stdout != "" {
			t.Errorf("%q: %+v", words, r)
		}
		r.oneLine(t, `takes no arguments, but got "extra"`)
	}
	if r := sioemit(t, nil, "", "version"); r.status != 0 || !strings.HasPrefix(r.stdout, "sioemit ") || !strings.Contains(r.stdout, v.Go) {
		t.Errorf("%+v", r)
	}
}

func TestComplete(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]string{
		"em":                          "emit",
		"emit hello --ro":             "--room --room-number",
		"emit --adapter s":            "sharded streams",
		"--key k pi":                  "pipe",
		"emit hello --subscription-":  "--subscription-mode",
		"completion ":                 "bash zsh fish",
		"emit hello wor":              "",
		"--redis redis://x emit -- x": "",
		"emit --adapter=s":            "--adapter=sharded --adapter=streams",
		"emit --codec=":               "--codec=msgpack --codec=json",
		"emit --server-version ":      "1 2 3 4",
		"--redis ":                    "",
		"emit --room ":                "",
		"emit hello --room=":          "",
		"emit --quiet=t":              "",
		"--key emit pi":               "pipe",
		"--key emit --adapter s":      "sharded streams",
		"emit -- --ro":                "",
		"emit --room --key --ad":      "--adapter",
		"emit -nadmin --ad":           "--adapter",
	} {
		r := sioemit(t, nil, "", append([]string{"__complete"}, strings.Split(words, " ")...)...)
		if got := strings.Join(strings.Fields(r.stdout), " "); r.status != 0 || got != want {
			t.Errorf("%q: %q, want %q", words, got, want)
		}
	}
	for _, words := range []string{"pipe ", "decode x", "--tls-ca ", "emit --args ", "emit --args=x", "emit hello --binary x"} {
		if r := sioemit(t, nil, "", append([]string{"__complete"}, strings.Split(words, " ")...)...); r != (result{status: 1}) {
			t.Errorf("%q: %+v, want 1, for a file", words, r)
		}
	}
	// What stands where a flag has its value is no command.
	if r := sioemit(t, nil, "", "__complete", "--key", "emit", ""); !strings.HasPrefix(r.stdout, "emit\npipe\n") || r.status != 0 {
		t.Errorf("%+v", r)
	}
	if r := sioemit(t, nil, "", "completion", "tcsh"); r.status != commandline.StatusUsage {
		t.Errorf("%+v", r)
	}
}

// TestCompletion presses Tab in real shells.
func TestCompletion(t *testing.T) {
	t.Parallel()
	self, err := filepath.Abs(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ typed, want string }{
		{"dis", "disconnect"}, // first: a shell that has just started
		{"e", "emit"},         // and not emitted.txt
		{"emit hello --vol", "emit hello --volatile"},
		{"emit --adapter sh", "emit --adapter sharded"},
		{"emit --adapter=sh", "emit --adapter=sharded"},
		{"emit x --server-version=4 --codec=m", "emit x --server-version=4 --codec=msgpack"},
		{"pipe ev", "pipe events.json"},
		{"emit --args ev", "emit --args events.json"},
		{"emit --args=ev", "emit --args=events.json"},
	}
	for shell, prepare := range map[string]string{
		"bash": "source <(sioemit completion bash)",
		"zsh":  `sioemit completion zsh > ../zsh/_sioemit; fpath=(../zsh $fpath); autoload -U compinit; compinit -u -D`,
		"fish": "sioemit completion fish | source",
	} {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			work := filepath.Join(dir, "work")
			for _, name := range []string{"work", "zsh", "bin"} {
				if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			// Completes as the command does, and otherwise writes down what it was called with.
			command := "#!/bin/sh\ncase $1 in\n__complete|completion) " + runMain + "=1 exec " + self + " \"$@\" ;;\n*) echo \"$*\" >> " + dir + "/called ;;\nesac\n"
			for name, text := range map[string]string{"bin/sioemit": command, "work/events.json": "", "work/emitted.txt": ""} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			run := func(stdin string, words ...string) string {
				cmd := exec.CommandContext(t.Context(), words[0], words[1:]...)
				cmd.Env = []string{"GORACE=atexit_sleep_ms=0", "PATH=" + dir + "/bin:" + os.Getenv("PATH"), "HOME=" + dir, "TERM=dumb", "SHELL=/bin/sh"}
				cmd.Dir, cmd.Stdin = work, strings.NewReader(stdin)
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Fatalf("%q: %v: %s", words, err, out)
				}
				return string(out)
			}
			if shell == "fish" { // which says what Tab would offer
				for _, test := range tests {
					got := strings.TrimSpace(run("", "fish", "--no-config", "-c", prepare+"; complete -C 'sioemit "+test.typed+"'"))
					if words := strings.Fields(test.want); got != words[len(words)-1] {
						t.Errorf("%s: %q", test.typed, got)
					}
				}
				return
			}
			keys, want := prepare+"\n", ""
			for _, test := range tests {
				keys += "sioemit " + test.typed + "\t\n"
				want += test.want + "\n"
			}
			interactive := map[string]string{"bash": "bash --norc -i", "zsh": "zsh -f -i"}[shell]
			out := run(keys+"exit\n", "script", "-qec", interactive, "/dev/null") // on a terminal
			if called, err := os.ReadFile(filepath.Join(dir, "called")); err != nil || string(called) != want {
				t.Errorf("%s, %v\n%s", called, err, out)
			}
		})
	}
}
