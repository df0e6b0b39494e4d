// Package showtest is for tests of what is printed: names and values come from
// clients, which may have chosen what a terminal obeys.
package showtest

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
)

// Hidden are characters that JSON may hold as they are, and that a terminal
// obeys or does not show: of the C1 set, of bidirectional text, invisible ones.
const Hidden = "\u007f\u009b31m\u0085\u202e\u2066\u200b\u2028\U000e0041"

// Shown is text that is shown as it is.
const Shown = "é→日😀"

// Obeyed returns a character of output that a terminal might obey, or -1.
func Obeyed(output string) rune {
	for _, r := range output {
		if r != '\n' && !unicode.IsPrint(r) {
			return r
		}
	}
	return -1
}

// Check finds both texts in output, and nothing that a terminal obeys.
func Check(t *testing.T, output string) {
	t.Helper()
	if r := Obeyed(output); r >= 0 {
		t.Errorf("%U in %+q", r, output)
	}
	if !strings.Contains(output, `\u007f\u009b31m\u0085\u202e\u2066\u200b\u2028\udb40\udc41`) || !strings.Contains(output, Shown) {
		t.Errorf("%+q", output)
	}
}

// CheckJSON is Check for a line of JSON.
func CheckJSON(t *testing.T, output string) {
	t.Helper()
	Check(t, output)
	if !json.Valid([]byte(output)) {
		t.Errorf("not JSON: %q", output)
	}
}
