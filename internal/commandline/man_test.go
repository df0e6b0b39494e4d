package commandline

import "testing"

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
