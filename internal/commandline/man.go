package commandline

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/urfave/cli/v2"
)

// ToMan of package cli makes a page of this Markdown. Its own has no version in
// the heading, sorts flags, and names no variables.
const manTemplate = `% SIOEMIT {{.SectionNum}} "" "sioemit {{.App.Version}}" "User Commands"

# NAME

sioemit - {{.App.Usage}}

# SYNOPSIS

{{.App.UsageText}}

# DESCRIPTION

{{.App.Description}}
{{range .App.Commands}}
# sioemit {{.Name}}

{{.Usage}}

{{.UsageText}}

{{.Description}}
{{end}}`

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

// manPage is the help of the program and of each command, in the language of man.
func (p *Program) manPage() (string, error) {
	app := p.app()
	app.Usage, app.UsageText = markdown(app.Usage), markdown(app.UsageText)
	app.Description = manText("#", app.Description) + manFlags("# GLOBAL FLAGS", app.Flags)
	for _, c := range app.Commands {
		c.Usage, c.UsageText = markdown(c.Usage), markdown(c.UsageText)
		c.Description = manText("###", c.Description) + manFlags("### FLAGS", c.Flags)
	}
	cli.MarkdownDocTemplate = manTemplate // the only way to give it one
	page, err := app.ToManWithSection(1)
	return forTerminals(page), err
}

// manHeadline is a line of a description that is one.
var manHeadline = regexp.MustCompile(`(?m)\n*^    ([A-Z][A-Z ]+):\n`)

// manText has a description stay as it is, line by line, as Markdown does with
// what is indented, and its headlines be those of the page.
func manText(level, text string) string {
	text = "    " + strings.ReplaceAll(text, "\n", "\n    ") + "\n"
	return manHeadline.ReplaceAllString(text, "\n\n"+level+" $1\n\n")
}

// manFlags lists flags, with their names in bold and what they take in italics.
func manFlags(headline string, flags []cli.Flag) string {
	if len(flags) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s\n", headline)
	for _, f := range flags {
		names, placeholder, usage := flagText(f)
		fmt.Fprintf(&b, "\n**%s**", strings.ReplaceAll(markdown(names), ", ", "**, **"))
		if placeholder != "" {
			fmt.Fprintf(&b, " *%s*", markdown(placeholder))
		}
		fmt.Fprintf(&b, "\n: %s\n", markdown(usage))
	}
	return b.String()
}

var markdownMarks = regexp.MustCompile("[\\\\`*_\\[\\]<>&|~]")

// markdown has text mean for Markdown what stands there.
func markdown(text string) string { return markdownMarks.ReplaceAllString(text, `\$0`) }

// forTerminals hyphenates nothing, stretches no line to the right margin, gives
// text that stays as it is the whole width, and has what is copied from the page
// into a shell be what stands here.
func forTerminals(page string) string {
	return plain.Replace(emptyLines.ReplaceAllString(page, "\n$1"))
}

// emptyLines are those for which man would show one more than it does for a
// headline, a flag or a paragraph anyway.
var emptyLines = regexp.MustCompile(`\n+(\.(SH|SS|TP|PP)\b)`)

var plain = strings.NewReplacer(
	".nh\n.TH", ".TH", "\n.SH NAME\n", "\n.nh\n.ad l\n.SH NAME\n", // .TH undoes .nh, and so does .EE
	"\n.EX\n", "\n.EX\n.in 0\n", "\n.EE", "\n.EE\n.nh",
	`\-`, `\-`, `\\`, `\(rs`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`,
)
