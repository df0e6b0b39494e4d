package main

import (
	"fmt"
	"io"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/sioemit/sioemit/internal/show"
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
	local IFS=$'\n' i last="${COMP_WORDS[COMP_CWORD]}" words=() found
	for ((i = 1; i <= COMP_CWORD; i++)); do
		# Bash takes --adapter=s for three words.
		if ((i > 1)) && [[ ${COMP_WORDS[i]} == = || ${COMP_WORDS[i - 1]} == = ]]; then
			words[${#words[@]} - 1]+=${COMP_WORDS[i]}
		else
			words+=("${COMP_WORDS[i]}")
		fi
	done
	[[ $last == = ]] && last=
	local whole="${words[${#words[@]} - 1]}"
	found=($("$1" __complete "${words[@]}" 2>/dev/null))
	COMPREPLY=("${found[@]#"${whole%"$last"}"}")
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
		compset -P '--*='
		_files
	fi
}
# The first time, this file itself is what completes.
if [ "$funcstack[1]" = "_sioemit" ]; then
	_sioemit "$@"
else
	compdef _sioemit sioemit
fi
`,
	"fish": `# sioemit completion fish > ~/.config/fish/completions/sioemit.fish
function __sioemit_complete
	sioemit __complete (commandline -opc)[2..] (commandline -ct) 2>/dev/null
end
complete -c sioemit -f -a '(__sioemit_complete)'
# It fails where a file may stand.
complete -c sioemit -n 'not __sioemit_complete >/dev/null' -F
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
// or the values of a flag that has few. The exit status is 1 where the name of
// a file may stand.
func complete(w io.Writer, app *cli.App, words []string) (status int) {
	if len(words) == 0 {
		words = []string{""}
	}
	before, last := words[:len(words)-1], words[len(words)-1]
	flags := slices.Clone(app.Flags)
	var command *cli.Command
	var flag cli.Flag // whose value the next word is
	onlyArguments := false
	for _, word := range before {
		switch {
		case flag != nil:
			flag = nil
		case onlyArguments:
		case word == "--":
			onlyArguments = true
		case looksLikeFlag(word):
			flag = needsValue(flags, word)
		case command == nil:
			if command = app.Command(word); command != nil {
				flags = append(flags, command.Flags...)
			}
		}
	}
	prefix := ""
	// The value may stand in the same word as its flag.
	if name, _, inWord := strings.Cut(last, "="); flag == nil && inWord && looksLikeFlag(name) && !onlyArguments {
		flag, prefix = findFlag(flags, strings.TrimLeft(name, "-")), name+"="
	}
	var found []string
	switch {
	case flag != nil:
		for _, value := range valuesOf[flag.Names()[0]] {
			found = append(found, prefix+value)
		}
		if doc, ok := flag.(cli.DocGenerationFlag); ok && strings.Contains(doc.GetUsage(), "`FILE`") {
			status = statusFailed
		}
	case strings.HasPrefix(last, "-") && !onlyArguments:
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
	case strings.Contains(command.ArgsUsage, "FILE"):
		status = statusFailed
	}
	for _, word := range found {
		if strings.HasPrefix(word, last) {
			fmt.Fprintln(w, word)
		}
	}
	return status
}

// needsValue returns the flag of a word that leaves its value to the next one.
func needsValue(flags []cli.Flag, word string) cli.Flag {
	name, _, inWord := strings.Cut(strings.TrimLeft(word, "-"), "=")
	flag := findFlag(flags, name)
	if _, isBool := flag.(*cli.BoolFlag); isBool || inWord {
		return nil
	}
	return flag
}

// valuesOf are the values of flags that have few.
var valuesOf = map[string][]string{
	"adapter": {"classic", "sharded", "streams"}, "codec": {"msgpack", "json"},
	"subscription-mode": {"static", "dynamic", "dynamic-private"}, "server-version": {"1", "2", "3", "4"},
}

func manCommand() *cli.Command {
	return &cli.Command{
		Name:        "man",
		Usage:       "print the manual page",
		Description: `   sioemit man | man -l -`,
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			_, err := io.WriteString(c.App.Writer, manPage(c.App))
			return err
		},
	}
}

// manPage is the help texts as a manual page.
func manPage(app *cli.App) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH sioemit 1 \"\" \"sioemit %s\"\n", buildVersion().Version)
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", app.Name, roff(app.Usage))
	usage, text := helpText(appHelp, app)
	manSection(&b, "SYNOPSIS", usage)
	headline := "DESCRIPTION"
	var section strings.Builder
	for line := range strings.Lines(text) {
		if manHeadline.MatchString(line) {
			manSection(&b, headline, section.String())
			headline = strings.TrimSuffix(line, ":\n")
			section.Reset()
			continue
		}
		section.WriteString(line)
	}
	manSection(&b, headline, section.String())
	for _, command := range app.VisibleCommands() {
		if findFlag(command.Flags, "help") == nil { // package cli adds it to the command that runs
			command.Flags = append(command.Flags, cli.HelpFlag)
		}
		usage, text := helpText(commandHelp, command)
		// What all commands have in common stands above.
		text = strings.Replace(text, footer+"\n\n", "", 1)
		manSection(&b, command.HelpName, command.Usage+"\n\nUSAGE:\n"+usage+"\n\n"+text)
	}
	return b.String()
}

// helpText is what printHelp prints without the name: the usage, and the rest.
func helpText(template string, data any) (usage, text string) {
	var b strings.Builder
	printHelp(&b, template, data)
	_, text, _ = strings.Cut(b.String(), "USAGE:\n")
	usage, text, _ = strings.Cut(text, "\n\n")
	return usage, text
}

// manHeadline is a line of the help that is one.
var manHeadline = regexp.MustCompile(`^[A-Z][A-Z ,]+:\n$`)

// manSection shows the lines of text as they are, with the whole width for
// them.
func manSection(b *strings.Builder, headline, text string) {
	fmt.Fprintf(b, ".SH %s\n.in 0\n.nf\n", roff(headline))
	for line := range strings.Lines(strings.TrimRight(text, "\n")) {
		b.WriteString(roff(line))
	}
	b.WriteString("\n.fi\n")
}

// roff escapes a line of text for man.
func roff(line string) string {
	line = strings.NewReplacer(`\`, `\(rs`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`).Replace(line)
	if strings.HasPrefix(line, ".") {
		line = `\&` + line
	}
	return line
}

func versionCommand() *cli.Command {
	return &cli.Command{
		Name:        "version",
		Usage:       "print the version",
		Description: `   sioemit version --json | jq -r .commit`,
		Flags:       []cli.Flag{jsonFlag()},
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			v := buildVersion()
			if c.Bool("json") {
				return show.JSON(c.App.Writer, v)
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
