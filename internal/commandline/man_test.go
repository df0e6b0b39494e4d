package commandline

import "testing"

// TestForTerminals keeps what is copied into a shell as it is.
func TestForTerminals(t *testing.T) {
	page := ".EX\n  a \\- --b 'c' \"d\" ~^`\n'e\n.EE\n"
	if got, want := forTerminals(page), ".EX\n.in 0\n  a \\- \\-\\-b \\(aqc\\(aq \"d\" \\(ti\\(ha\\(ga\n\\(aqe\n.EE\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
