package commandline

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/sioemit/sioemit/internal/cli"
	"github.com/sioemit/sioemit/internal/version"
)

func (p *Program) manCommand() *Command {
	return &Command{
		Name:        "man",
		Usage:       "print the manual page",
		Description: `   sioemit man | man -l -`,
		Run: func(context.Context, []string) error {
			_, err := io.WriteString(p.Out, p.manPage())
			return err
		},
	}
}

// manPage is the help of the program and of each command, in the language of man.
func (p *Program) manPage() string {
	var b strings.Builder
	// Nothing is hyphenated, and no line is stretched to the right margin.
	fmt.Fprintf(&b, ".TH SIOEMIT 1 \"\" \"sioemit %s\" \"User Commands\"\n.nh\n.ad l\n", roff(version.Number))
	fmt.Fprintf(&b, ".SH NAME\nsioemit \\- %s\n.SH SYNOPSIS\n%s\n", roff(p.Usage), roff(p.usage()))
	b.WriteString(".SH DESCRIPTION\n")
	manText(&b, ".SH", p.Description+statusHelp(allStatuses))
	manFlags(&b, ".SH GLOBAL FLAGS", p.flags())
	for _, c := range p.All() {
		fmt.Fprintf(&b, ".SH sioemit %s\n%s\n.PP\n%s\n.PP\n", roff(c.Name), roff(c.Usage), roff(c.usage()))
		manText(&b, ".SS", c.Description+statusHelp(c.Statuses))
		manFlags(&b, ".SS FLAGS", c.Flags)
	}
	return b.String()
}

// manHeadline is a line of a description that is one.
var manHeadline = regexp.MustCompile(`(?m)\n*^([A-Z][A-Z ]+):\n`)

// manText shows a description line by line as it is, which takes the whole width,
// with its headlines as those of the page.
func manText(b *strings.Builder, macro, text string) {
	text = manHeadline.ReplaceAllString(roff(text), "\n.fi\n"+macro+" $1\n.in 0\n.nf\n")
	fmt.Fprintf(b, ".in 0\n.nf\n%s\n.fi\n", text)
}

// manFlags lists flags, with their names in bold and what they take in italics.
func manFlags(b *strings.Builder, headline string, flags []cli.Flag) {
	if len(flags) > 0 {
		fmt.Fprintln(b, headline)
	}
	for _, f := range flags {
		names, placeholder, usage := flagText(f)
		fmt.Fprintf(b, ".TP\n\\fB%s\\fP", strings.ReplaceAll(roff(names), ", ", `\fP, \fB`))
		if placeholder != "" {
			fmt.Fprintf(b, ` \fI%s\fP`, roff(placeholder))
		}
		fmt.Fprintf(b, "\n%s\n", roff(usage))
	}
}

// roff escapes text for man, so that what is copied from the page into a shell is
// what stands here.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\(rs`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`, "\n.", "\n\\&.").Replace(text)
	if strings.HasPrefix(text, ".") {
		text = `\&` + text
	}
	return text
}
