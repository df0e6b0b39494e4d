package commandline

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sioemit/sioemit/internal/show"
	"github.com/urfave/cli/v2"
)

// Help texts are 80 characters wide: descriptions are written so, and
// flagsHelp wraps what it puts together.
const helpColumn = 30 // where the explanations of flags start

const programHelp = `{{.Name}} - {{.Usage}}

USAGE:
   {{.UsageText}}

COMMANDS:{{range .VisibleCommands}}
   {{printf "%-14s" .Name}}{{.Usage}}{{end}}

{{.Description}}
{{flags .VisibleFlags}}`

const commandHelp = `sioemit {{.Name}} - {{.Usage}}

USAGE:
   {{.UsageText}}

{{.Description}}
{{flags .VisibleFlags}}`

// globalHelp follows the help of commands that use global flags.
const globalHelp = `
GLOBAL FLAGS (sioemit --help lists all of them):
`

// helpCommand stands in for the one of package cli, which would be a command of
// every command, too. Whoever asks with --help gets here through arrange.
func (p *Program) helpCommand() *Command {
	return &Command{
		Name:        "help",
		hidden:      []string{"h"},
		Usage:       "show the help of a command",
		Words:       "[COMMAND]",
		Description: `   sioemit help emit    the same as sioemit emit --help`,
		Run: func(_ context.Context, words []string) error {
			text := ""
			switch len(words) {
			case 0:
				text = p.help()
			case 1:
				command := p.command(words[0])
				if command == nil {
					return Usage(p.unknownCommand(words[0]))
				}
				text = p.commandHelp(command)
			default:
				return Usagef("help takes the name of one command, but also got %q", words[1])
			}
			_, err := io.WriteString(p.Out, text)
			return err
		},
	}
}

// flags are the global flags. The one for help, which every command has as well,
// is read by arrange.
func (p *Program) flags() []cli.Flag { return append(slices.Clone(p.Flags), cli.HelpFlag) }

func (p *Program) help() string { return fillIn(programHelp, p.app()) }

func (p *Program) commandHelp(c *Command) string {
	command := c.cli(nil)
	command.Flags = append(slices.Clone(command.Flags), cli.HelpFlag)
	return fillIn(commandHelp, command) + p.globalHelp(c)
}

// fillIn makes a help text of one of the templates above.
func fillIn(template string, data any) string {
	var b strings.Builder
	cli.HelpPrinterCustom(&b, template, data, map[string]any{"flags": flagsHelp})
	return b.String()
}

// globalHelp lists the global flags that matter most to a command.
func (p *Program) globalHelp(c *Command) string {
	if c.Global == nil {
		return ""
	}
	var b strings.Builder
	b.WriteString(globalHelp)
	for _, name := range c.Global {
		flagHelp(&b, findFlag(p.Flags, name))
	}
	return b.String()
}

// flagsHelp lists flags under their categories, in the order given.
func flagsHelp(flags []cli.Flag) string {
	var order []string
	byCategory := make(map[string][]cli.Flag)
	for _, f := range flags {
		category := "Flags:"
		if c, ok := f.(cli.CategorizableFlag); ok && c.GetCategory() != "" {
			category = c.GetCategory()
		}
		if byCategory[category] == nil {
			order = append(order, category)
		}
		byCategory[category] = append(byCategory[category], f)
	}
	var b strings.Builder
	for _, category := range order {
		fmt.Fprintf(&b, "\n%s\n", strings.ToUpper(category))
		for _, f := range byCategory[category] {
			flagHelp(&b, f)
		}
	}
	return b.String()
}

func flagHelp(b *strings.Builder, f cli.Flag) {
	head, placeholder, usage := flagText(f)
	head = "   " + head
	if placeholder != "" {
		head += " " + placeholder
	}
	if len(head) > helpColumn-2 {
		fmt.Fprintln(b, head)
		head = ""
	}
	fmt.Fprintf(b, "%-*s%s\n", helpColumn, head, show.Wrap(usage, strings.Repeat(" ", helpColumn)))
}

// flagText is what there is to say of a flag: its names, what its value is called,
// if it takes one, and what it does.
func flagText(f cli.Flag) (names, placeholder, usage string) {
	doc := f.(cli.DocGenerationFlag)
	usage = doc.GetUsage()
	if before, rest, ok := strings.Cut(usage, "`"); ok {
		var after string
		placeholder, after, _ = strings.Cut(rest, "`")
		usage = before + placeholder + after
		// A placeholder behind a colon at the end is there for its name only.
		usage = strings.TrimSuffix(usage, ": "+placeholder)
	}
	switch text := strings.Trim(doc.GetDefaultText(), `"`); {
	case !doc.TakesValue(), text == "", text == "0", text == "0s": // which is none that is worth a word
	default:
		usage += " (default: " + text + ")"
	}
	if variables := doc.GetEnvVars(); len(variables) > 0 {
		usage += " [$" + strings.Join(variables, ", $") + "]"
	}
	var dashed []string
	for _, name := range f.Names() {
		dashes := "--"
		if len(name) == 1 {
			dashes = "-"
		}
		dashed = append(dashed, dashes+name)
	}
	return strings.Join(dashed, ", "), placeholder, usage
}
