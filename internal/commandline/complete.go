package commandline

import (
	"context"
	"fmt"
	"io"
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

func (p *Program) completionCommand() *Command {
	return &Command{
		Name:  "completion",
		Usage: "print the completion script for a shell",
		Words: "bash|zsh|fish",
		Description: `   sioemit completion bash > /etc/bash_completion.d/sioemit
   sioemit completion zsh > "${fpath[1]}/_sioemit"
   sioemit completion fish > ~/.config/fish/completions/sioemit.fish`,
		Run: func(_ context.Context, words []string) error {
			if len(words) != 1 || scripts[words[0]] == "" {
				return Usagef("completion needs the name of a shell: bash, zsh or fish")
			}
			_, err := io.WriteString(p.Out, scripts[words[0]])
			return err
		},
	}
}

// complete prints what the last of words could be, one a line: commands, flags,
// or the values of a flag that has few. The exit status is 1 where the name of
// a file may stand.
func (p *Program) complete(words []string) (status int) {
	if len(words) == 0 {
		words = []string{""}
	}
	before, last := words[:len(words)-1], words[len(words)-1]
	flags := p.flags()
	var command *Command
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
			if command = p.command(word); command != nil {
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
		for _, value := range p.Choices[flag.Names()[0]] {
			found = append(found, prefix+value)
		}
		if strings.Contains(flag.(cli.DocGenerationFlag).GetUsage(), "`FILE`") {
			status = StatusFailed
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
		for _, c := range p.All() {
			found = append(found, c.Name)
		}
	case strings.Contains(command.Words, "FILE"):
		status = StatusFailed
	case strings.Contains(command.Words, "|"):
		found = strings.Split(command.Words, "|")
	}
	for _, word := range found {
		if strings.HasPrefix(word, last) {
			fmt.Fprintln(p.Out, word)
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
