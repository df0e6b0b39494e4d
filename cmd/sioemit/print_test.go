package main

import (
	"errors"
	"testing"

	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/connect"
	"github.com/sioemit/sioemit/internal/show/showtest"
)

// TestOneLine shows errors that quote what came in: in one line, and without
// anything that a terminal obeys. Text in other scripts stays.
func TestOneLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"line 2:\n\tit is \"é→日😀\"": `line 2: it is "é→日😀"`,
		"a\x9b31m\u009b31mb\x1b[2J": "a\ufffd31m\ufffd31mb\ufffd[2J",
		"a\u0085b\u2028c":           "a b c",
		"gpj.\u202ecod":             "gpj.\ufffdcod",
		"\xff\x00":                  "\ufffd\ufffd",
	} {
		if line := connect.ErrorText(errors.New(text)); line != want {
			t.Errorf("%+q: %+q, want %+q", text, line, want)
		}
	}
	const input = "{\"event\":\"e\",\"rooms\":\"\u009b31m\u202e\"}\n"
	if r := sioemit(t, nil, input, "pipe", "--dry-run"); r.status != commandline.StatusUsage || showtest.Obeyed(r.stderr) >= 0 {
		t.Errorf("pipe: %+q", r.stderr)
	}
}
