package commandline

import "testing"

// TestRoff keeps what is copied into a shell as it is.
func TestRoff(t *testing.T) {
	for text, want := range map[string]string{
		"  a \\ --b 'c' \"d\" ~^`": `  a \(rs \-\-b \(aqc\(aq "d" \(ti\(ha\(ga`,
		".a\n.b\n'c":               "\\&.a\n\\&.b\n\\(aqc",
	} {
		if got := roff(text); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
