package commandline

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/urfave/cli/v2"
)

func (p *Program) manCommand() *Command {
	return &Command{
		Name:        "man",
		Usage:       "print the manual page",
		Description: `   sioemit man | man -l -`,
		Run: func(context.Context, []string) error {
			_, err := io.WriteString(p.Out, manPage(p.app()))
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
		command.Flags = append(command.Flags, cli.HelpFlag) // package cli adds it to the command that runs
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
