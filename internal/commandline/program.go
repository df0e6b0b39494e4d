// Package commandline makes words into flags and arguments, and the end of a
// command into an exit status. With it come the help, the manual page and the
// completion of shells. It is the only package that knows what a command line is
// for package cli: subcommands describe themselves as a Command.
package commandline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sioemit/sioemit/internal/version"
	"github.com/urfave/cli/v2"
)

// IO is where a command reads, prints, and says what is no result.
type IO struct {
	In       io.Reader
	Out, Err io.Writer
}

// Warn prints a warning in one line.
func (s IO) Warn(format string, args ...any) { s.Say("warning: "+format, args...) }

// Say prints a line that is no result.
func (s IO) Say(format string, args ...any) { fmt.Fprintf(s.Err, "sioemit: "+format+"\n", args...) }

// Program is the whole command line. It reads nothing global but the variables
// that stand for flags, so that a test can make as many as it likes.
type Program struct {
	IO
	Usage       string
	Description string
	Flags       []cli.Flag // that may stand before or after the command's name
	Commands    []*Command
	// Choices are the values of flags that have few.
	Choices map[string][]string
	// ErrorText says in one line what an error is, without what it must not repeat.
	ErrorText func(error) string

	given []Given
}

// Command is a subcommand: what it is called with, and what it does.
type Command struct {
	Name        string
	Usage       string
	Words       string // what may stand behind the name; empty: nothing
	NoWords     string // what is said to who puts something there all the same
	Description string
	Flags       []cli.Flag
	Global      []string       // names of the global flags that its help lists
	Statuses    map[int]string // the exit statuses that its help explains
	Run         func(ctx context.Context, words []string) error

	hidden []string // other names
}

// Given is a flag on the command line, with its value.
type Given struct {
	Name  string   // with its dashes
	Words []string // as they could stand there
}

// Given returns the flags on the command line that runs, in the order in which
// the help lists them. What comes from the environment is not among them.
func (p *Program) Given() []Given { return p.given }

// IsGiven reports whether a flag, named with its dashes, is on the command line.
func (p *Program) IsGiven(name string) bool {
	return slices.ContainsFunc(p.given, func(g Given) bool { return g.Name == name })
}

// Run does what the words say, of which the first is the name of the program,
// and returns the exit status.
func (p *Program) Run(ctx context.Context, words []string) int {
	if len(words) > 1 && words[1] == completeWord {
		return p.complete(words[2:])
	}
	words, err := p.Arrange(words)
	if err == nil {
		err = p.useVariables()
	}
	if err == nil {
		err = p.app().RunContext(ctx, words)
	}
	status := Status(err)
	if err != nil && ctx.Err() != nil {
		status, err = StatusInterrupt, errors.New("interrupted")
	}
	if err != nil {
		p.Say("%s", p.ErrorText(err))
	}
	return status
}

// Arrange returns the words of a command line as package cli reads them: in one
// order, flags by their first names. See arrange.
func (p *Program) Arrange(words []string) ([]string, error) {
	line, err := p.arrange(words)
	if err != nil {
		return nil, err
	}
	return line.inOneOrder(words[0]), nil
}

// All returns the commands with those that every command line has.
func (p *Program) All() []*Command {
	return append(slices.Clone(p.Commands), p.completionCommand(), p.manCommand(), p.versionCommand(), p.helpCommand())
}

// command returns the command of that name, and nil if there is none.
func (p *Program) command(name string) *Command {
	for _, c := range p.All() {
		if c.Name == name || slices.Contains(c.hidden, name) {
			return c
		}
	}
	return nil
}

// app is the program in the words of package cli.
func (p *Program) app() *cli.App {
	app := &cli.App{
		Name:        "sioemit",
		Version:     version.Number,
		Usage:       p.Usage,
		UsageText:   "sioemit [FLAGS] COMMAND [ARG...]",
		Description: p.Description + statusHelp(allStatuses),
		Flags:       p.flags(),
		Reader:      p.In,
		Writer:      p.Out,
		ErrWriter:   p.Err,

		DisableSliceFlagSeparator: true, // a room may hold a comma
		HideVersion:               true, // arrange reads --version
		ExitErrHandler:            func(*cli.Context, error) {},
		OnUsageError:              func(_ *cli.Context, err error, _ bool) error { return Usage(err) },
		Action: func(*cli.Context) error {
			if _, err := io.WriteString(p.Err, p.help()); err != nil {
				return err
			}
			return Usagef("no command given; start with emit")
		},
	}
	keepSpace(app.Flags)
	for _, c := range p.All() {
		app.Commands = append(app.Commands, c.cli(app.OnUsageError))
	}
	return app
}

// cli is the command in the words of package cli.
func (c *Command) cli(onUsageError cli.OnUsageErrorFunc) *cli.Command {
	keepSpace(c.Flags)
	return &cli.Command{
		Name: c.Name, Aliases: c.hidden, Usage: c.Usage,
		UsageText:       strings.TrimRight("sioemit "+c.Name+" [FLAGS] "+c.Words, " "),
		Description:     c.Description + statusHelp(c.Statuses),
		Flags:           c.Flags,
		Action:          func(context *cli.Context) error { return c.run(context.Context, context.Args().Slice()) },
		OnUsageError:    onUsageError,
		HideHelpCommand: true, // or an event named help would be a question
	}
}

// keepSpace has package cli leave values as they are: the room " a" is not "a".
func keepSpace(flags []cli.Flag) {
	for _, f := range flags {
		if f, ok := f.(*cli.StringSliceFlag); ok {
			f.KeepSpace = true
		}
	}
}

func (c *Command) run(ctx context.Context, words []string) error {
	if c.Words == "" && len(words) > 0 {
		hint := ""
		if c.NoWords != "" {
			hint = "; " + c.NoWords
		}
		return Usagef("%s takes no arguments, but got %q%s", c.Name, words[0], hint)
	}
	return c.Run(ctx, words)
}
