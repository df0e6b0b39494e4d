package commandline

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/sioemit/sioemit/internal/show"
	"github.com/urfave/cli/v2"
)

// Help texts are 80 characters wide: descriptions are written so, and
// flagsHelp wraps what it puts together.
const helpColumn = 30 // where the explanations of flags start

const appHelp = `{{.Name}} - {{.Usage}}

USAGE:
   {{.UsageText}}

COMMANDS:{{range .VisibleCommands}}
   {{printf "%-14s" .Name}}{{.Usage}}{{end}}

{{.Description}}
{{flags .VisibleFlags}}`

const commandHelp = `{{.HelpName}} - {{.Usage}}

USAGE:
   {{.UsageText}}

{{.Description}}
{{flags .VisibleFlags}}`

// globalHelp follows the help of commands that use global flags.
const globalHelp = `
GLOBAL FLAGS, of which sioemit --help lists the others:
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
			app := p.app()
			var text strings.Builder
			switch len(words) {
			case 0:
				printHelp(&text, appHelp, app)
			case 1:
				command := app.Command(words[0])
				if command == nil {
					return Usage(unknownCommand(app, words[0]))
				}
				command.Flags = append(command.Flags, cli.HelpFlag) // package cli adds it to the command that runs
				printHelp(&text, commandHelp, command)
				text.WriteString(p.globalHelp(command.Name))
			default:
				return Usagef("help takes the name of one command, and got %q, too", words[1])
			}
			_, err := io.WriteString(p.Out, text.String())
			return err
		},
	}
}

// globalHelp lists the global flags that matter most to a command.
func (p *Program) globalHelp(command string) string {
	var b strings.Builder
	for _, c := range p.Commands {
		if c.Name != command || c.Global == nil {
			continue
		}
		b.WriteString(globalHelp)
		for _, name := range c.Global {
			flagHelp(&b, findFlag(p.Flags, name))
		}
	}
	return b.String()
}

// printHelp fills in a template from above, with package cli's functions and
// one of our own.
func printHelp(w io.Writer, text string, data any) {
	cli.HelpPrinterCustom(w, text, data, map[string]any{"flags": flagsHelp})
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
	doc, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return
	}
	usage := doc.GetUsage()
	var placeholder string
	if before, rest, ok := strings.Cut(usage, "`"); ok {
		var after string
		placeholder, after, _ = strings.Cut(rest, "`")
		usage = before + placeholder + after
		// A placeholder behind a colon at the end is there for its name only.
		usage = strings.TrimSuffix(usage, ": "+placeholder)
	}
	var names []string
	for _, name := range f.Names() {
		dashes := "--"
		if len(name) == 1 {
			dashes = "-"
		}
		names = append(names, dashes+name)
	}
	head := "   " + strings.Join(names, ", ")
	if placeholder != "" {
		head += " " + placeholder
	}
	if text := doc.GetDefaultText(); text != "" && doc.TakesValue() && text != `""` && text != "0" && text != "0s" {
		usage += " (default: " + strings.Trim(text, `"`) + ")"
	}
	if vars := doc.GetEnvVars(); len(vars) > 0 {
		usage += " [$" + strings.Join(vars, ", $") + "]"
	}
	if len(head) > helpColumn-2 {
		fmt.Fprintln(b, head)
		head = ""
	}
	fmt.Fprintf(b, "%-*s%s\n", helpColumn, head, show.Wrap(usage, strings.Repeat(" ", helpColumn)))
}
