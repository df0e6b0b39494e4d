package commandline

import (
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// TestMarkdown keeps what is a mark in Markdown, from which the page is made.
func TestMarkdown(t *testing.T) {
	const text = "*a* _b_ [c](d) <e> &lt; `f` \\* |"
	p := &Program{Usage: text, Flags: []cli.Flag{&cli.BoolFlag{Name: "a", Usage: "`N`: " + text}}, Commands: []*Command{{Name: "b", Usage: text, Description: text}}}
	page, err := p.manPage()
	want := strings.NewReplacer("`", `\(ga`, `\`, `\(rs`).Replace(text)
	if n := strings.Count(page, want); err != nil || n != 4 {
		t.Errorf("%d times, %v: %s", n, err, page)
	}
}

// TestForTerminals keeps what is copied into a shell as it is.
func TestForTerminals(t *testing.T) {
	for page, want := range map[string]string{
		".nh\n.TH A 1\n\n.SH NAME\na \\- b\n":                     ".TH A 1\n.nh\n.ad l\n.SH NAME\na \\- b\n",
		"\n.EX\n  a \\\\ --b 'c'\n\n \"d\" ~^`\n.EE\n\n\n.SH B\n": "\n.EX\n.in 0\n  a \\(rs \\-\\-b \\(aqc\\(aq\n\n \"d\" \\(ti\\(ha\\(ga\n.EE\n.nh\n.SH B\n",
		".EE\n\n.SS C\n\n.TP\n\\fB\\-d\\fP\nx\n\n\n\n.SH D\n":     ".EE\n.SS C\n.TP\n\\fB\\-d\\fP\nx\n.SH D\n",
	} {
		if got := forTerminals(page); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
