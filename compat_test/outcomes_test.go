package compat_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/sioemit/sioemit/internal/driver"
	"github.com/sioemit/sioemit/internal/harness"
)

// candidate is an emitter that may break promises: a variant of a driver, before the servers of a row.
type candidate struct{ Program, Variant, Row string }

// candidateVariable holds the candidate of a child, a process in which TestLanguages puts every promise to it.
const candidateVariable = "SIOEMIT_TEST_CANDIDATE"

// everyPromise is the child: it puts each promise to a candidate, with new clients after those that it lost.
func everyPromise(t *testing.T, text string) {
	var who candidate
	if err := json.Unmarshal([]byte(text), &who); err != nil {
		t.Fatal(err)
	}
	r := rowNamed(who.Row)
	d, err := driver.Start(context.Background(), who.Program, who.Variant)
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, d)
	c := start(t, r)
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) {
			s := &stage{T: t, cluster: c, ctx: withDeadline(t), via: newViaDriver(t, d, c), want: make(map[*member][]expectation)}
			if c.unsettled {
				s.forget()
			}
			c.unsettled = true
			if p.keptBy(r) {
				p.keep(s)
			} else {
				p.instead(s)
			}
			s.settle()
			c.unsettled = false
		})
		if c.broken {
			c = start(t, r)
		}
	}
}

// outcomes runs a child and returns what came of each promise.
func outcomes(t *testing.T, who candidate) map[string]string {
	t.Helper()
	harness.NeedServers(t)
	text, err := json.Marshal(who)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(withDeadline(t), os.Args[0], "-test.run", "^TestLanguages$", "-test.v")
	cmd.Env = append(os.Environ(), candidateVariable+"="+string(text))
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	found := make(map[string]string)
	parts := regexp.MustCompile(`(?m)^=== RUN +TestLanguages/(\S+)$`).Split(string(out), -1)
	names := regexp.MustCompile(`(?m)^=== RUN +TestLanguages/(\S+)$`).FindAllStringSubmatch(string(out), -1)
	results := regexp.MustCompile(`(?m)^ +--- (PASS|FAIL): TestLanguages/(\S+) `).FindAllStringSubmatch(string(out), -1)
	passed := make(map[string]bool)
	for _, r := range results {
		passed[r[2]] = r[1] == "PASS"
	}
	for i, name := range names {
		if passed[name[1]] {
			found[name[1]] = "yes"
		} else {
			found[name[1]] = diagnose(parts[i+1])
		}
	}
	status := 0 // of a child that kept everything, and had nothing to complain of at its end
	for _, p := range promises {
		if found[p.name] == "" {
			t.Fatalf("%s: the promise %s was not tried\n%s", who.Variant, p.name, out)
		}
		if found[p.name] != "yes" {
			status = 1
		}
	}
	if got := cmd.ProcessState.ExitCode(); got != status {
		t.Errorf("%s: the child ended with status %d, want %d\n%s", who.Variant, got, status, out)
	}
	return found
}

// diagnose says in a word or two what a failed promise showed.
func diagnose(log string) string {
	for _, sign := range []struct{ text, means string }{
		{"skipped: ", "no such call"},
		{"parse error", "disconnects clients"},
		{"was disconnected", "disconnects clients"},
		{" again, want ", "twice"},
		{"too many", "twice, or to others"},
		{"and then nothing", "lost"},
		{", want ", "garbled"},
		{"which is not the next one", "garbled"},
	} {
		if strings.Contains(log, sign.text) {
			return sign.means
		}
	}
	return "error"
}

// TestDiagnose reads what tests print.
func TestDiagnose(t *testing.T) {
	for log, want := range map[string]string{
		"skipped: no except": "no such call",
		`client "x": got 2 events instead of 1, the first too many is ev`: "twice, or to others",
		`client "x": got 0 events and then nothing, want ev`:              "lost",
		`client "x": event 1 of 1 is ev("?"), want ev("a")`:               "garbled",
		`client "x": event 2 of 3 is ev again, want other`:                "twice",
		"unknown: TypeError": "error",
	} {
		if got := diagnose(log); got != want {
			t.Errorf("%q is diagnosed as %q, want %q", log, got, want)
		}
	}
}
