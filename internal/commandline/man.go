package commandline

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"
)

func (p *Program) manCommand() *Command {
	return &Command{
		Name:        "man",
		Usage:       "print the manual page",
		Description: `   sioemit man | man -l -`,
		Run: func(context.Context, []string) error {
			page, err := p.manPage()
			if err != nil {
				return err
			}
			_, err = io.WriteString(p.Out, page)
			return err
		},
	}
}

// manPage is what package cli makes of the program. It takes descriptions for
// Markdown, in which text that is indented stays as it is.
func (p *Program) manPage() (string, error) {
	app := p.app()
	app.Description = "    " + strings.ReplaceAll(app.Description+environment(app.Flags), "\n", "\n    ")
	for _, command := range app.Commands {
		command.UsageText = command.UsageText + "\n\n" + command.Description
	}
	page, err := app.ToManWithSection(1)
	return forTerminals(page), err
}

// forTerminals gives text that stays as it is the whole width, and has a man
// that prints for a typesetter leave alone what is copied into a shell.
func forTerminals(page string) string {
	plain := strings.NewReplacer(`\-`, `\-`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`)
	var b strings.Builder
	for line := range strings.Lines(page) {
		if !strings.HasPrefix(line, ".") {
			line = plain.Replace(line)
		}
		b.WriteString(line)
		if line == ".EX\n" {
			b.WriteString(".in 0\n")
		}
	}
	return b.String()
}

// environment names the variables that stand for flags.
func environment(flags []cli.Flag) string {
	text := "\n\nENVIRONMENT:"
	for _, f := range flags {
		if doc, ok := f.(cli.DocGenerationFlag); ok && len(doc.GetEnvVars()) > 0 {
			text += fmt.Sprintf("\n   $%s stands for --%s", strings.Join(doc.GetEnvVars(), ", $"), f.Names()[0])
		}
	}
	return text
}
