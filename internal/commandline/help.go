package commandline

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sioemit/sioemit/internal/cli"
	"github.com/sioemit/sioemit/internal/show"
)

// Help texts are 80 characters wide: descriptions are written so, and
// flagsHelp wraps what it puts together.
const helpColumn = 30 // where the explanations of flags start

// globalHelp follows the help of commands that use global flags.
const globalHelp = `
GLOBAL FLAGS, of which sioemit --help lists the others:
`

// helpCommand is where whoever asks with --help gets to, through arrange.
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
				text = command.help() + p.globalHelp(command)
			default:
				return Usagef("help takes the name of one command, and got %q, too", words[1])
			}
			_, err := io.WriteString(p.Out, text)
			return err
		},
	}
}

// helpFlag is that of every command line and every command; arrange reads it.
var helpFlag = &cli.BoolFlag{Name: "help", Aliases: []string{"h"}, Destination: new(bool), Usage: "show help"}

// flags are the global flags.
func (p *Program) flags() []cli.Flag { return append(slices.Clone(p.Flags), helpFlag) }

// usage is how the program is called.
func (p *Program) usage() string { return "sioemit [FLAGS] COMMAND [ARG...]" }

func (p *Program) help() string {
	var b strings.Builder
	fmt.Fprintf(&b, "sioemit - %s\n\nUSAGE:\n   %s\n\nCOMMANDS:", p.Usage, p.usage())
	for _, c := range p.All() {
		fmt.Fprintf(&b, "\n   %-14s%s", c.Name, c.Usage)
	}
	fmt.Fprintf(&b, "\n\n%s%s\n%s", p.Description, statusHelp(allStatuses), flagsHelp(p.flags()))
	return b.String()
}

// usage is how the command is called.
func (c *Command) usage() string {
	return strings.TrimRight("sioemit "+c.Name+" [FLAGS] "+c.Words, " ")
}

func (c *Command) help() string {
	return fmt.Sprintf("sioemit %s - %s\n\nUSAGE:\n   %s\n\n%s%s\n%s", c.Name, c.Usage, c.usage(), c.Description, statusHelp(c.Statuses),
		flagsHelp(append(slices.Clone(c.Flags), helpFlag)))
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
		if own := f.About().Category; own != "" {
			category = own
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
	about := f.About()
	usage = about.Usage
	if before, rest, ok := strings.Cut(usage, "`"); ok {
		var after string
		placeholder, after, _ = strings.Cut(rest, "`")
		usage = before + placeholder + after
		// A placeholder behind a colon at the end is there for its name only.
		usage = strings.TrimSuffix(usage, ": "+placeholder)
	}
	if about.Default != "" {
		usage += " (default: " + about.Default + ")"
	}
	if len(about.EnvVars) > 0 {
		usage += " [$" + strings.Join(about.EnvVars, ", $") + "]"
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
