package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// completeWord is the first word of the call by which a shell asks what could
// stand in the place of the last one.
const completeWord = "__complete"

// scripts are what shells source. Each asks the command itself, so that they
// never go stale.
var scripts = map[string]string{
	"bash": `# sioemit completion bash > /etc/bash_completion.d/sioemit
_sioemit() {
	local IFS=$'\n'
	COMPREPLY=($(compgen -W "$("$1" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _sioemit sioemit
`,
	"zsh": `#compdef sioemit
# sioemit completion zsh > "${fpath[1]}/_sioemit"
_sioemit() {
	local -a found
	found=("${(@f)$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
	if [[ -n "${found[1]}" ]]; then
		compadd -a found
	else
		_files
	fi
}
compdef _sioemit sioemit
`,
	"fish": `# sioemit completion fish > ~/.config/fish/completions/sioemit.fish
complete -c sioemit -a '(sioemit __complete (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
`,
}

func completionCommand() *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print the completion script of a shell",
		ArgsUsage: "bash|zsh|fish",
		Description: `   sioemit completion bash > /etc/bash_completion.d/sioemit
   sioemit completion zsh > "${fpath[1]}/_sioemit"
   sioemit completion fish > ~/.config/fish/completions/sioemit.fish`,
		Action: func(c *cli.Context) error {
			script, ok := scripts[c.Args().First()]
			if !ok || c.Args().Len() != 1 {
				return usageError{fmt.Errorf("completion needs the name of a shell: bash, zsh or fish")}
			}
			_, err := io.WriteString(c.App.Writer, script)
			return err
		},
	}
}

// complete prints what the last of words could be, one a line: commands, flags,
// or the values of a flag that has few.
func complete(w io.Writer, app *cli.App, words []string) {
	if len(words) == 0 {
		words = []string{""}
	}
	before, last := words[:len(words)-1], words[len(words)-1]
	var command *cli.Command
	for _, word := range before {
		if command == nil {
			command = app.Command(word)
		}
	}
	flags := slices.Clone(app.Flags)
	if command != nil {
		flags = append(flags, command.Flags...)
	}
	values := map[string][]string{
		"adapter": {"classic", "sharded", "streams"}, "codec": {"msgpack", "json"}, "subscription-mode": {"static", "dynamic", "dynamic-private"}, "server-version": {"1", "2", "3", "4"},
	}
	var found []string
	switch {
	case len(before) > 0 && values[strings.TrimLeft(before[len(before)-1], "-")] != nil:
		found = values[strings.TrimLeft(before[len(before)-1], "-")]
	case strings.HasPrefix(last, "-"):
		for _, f := range flags {
			for _, name := range f.Names() {
				if len(name) > 1 {
					found = append(found, "--"+name)
				}
			}
		}
	case command == nil:
		for _, c := range app.Commands {
			found = append(found, c.Name)
		}
	case command.Name == "completion":
		found = []string{"bash", "zsh", "fish"}
	}
	for _, word := range found {
		if strings.HasPrefix(word, last) {
			fmt.Fprintln(w, word)
		}
	}
}

func manCommand() *cli.Command {
	return &cli.Command{
		Name:        "man",
		Usage:       "print the manual page",
		Description: `   sioemit man | man -l -`,
		Action: func(c *cli.Context) error {
			page, err := c.App.ToManWithSection(1)
			if err != nil {
				return err
			}
			_, err = io.WriteString(c.App.Writer, page)
			return err
		},
	}
}

func versionCommand() *cli.Command {
	return &cli.Command{
		Name:        "version",
		Usage:       "print the version",
		Description: `   sioemit version --json | jq -r .commit`,
		Flags:       []cli.Flag{jsonFlag()},
		Action: func(c *cli.Context) error {
			v := buildVersion()
			if c.Bool("json") {
				return printJSON(c.App.Writer, v)
			}
			_, err := fmt.Fprintf(c.App.Writer, "sioemit %s (commit %s, %s)\n", v.Version, v.Commit, v.Go)
			return err
		},
	}
}

// version is what this binary was built from, as the Go toolchain recorded it.
type version struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
}

func buildVersion() version {
	v := version{Version: "devel", Commit: "unknown", Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			v.Commit = setting.Value
		}
	}
	return v
}
