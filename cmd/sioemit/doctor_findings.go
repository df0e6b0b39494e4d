package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// status is how grave a finding is.
type status string

// Statuses. Only a failure changes the exit status: with it, events cannot
// arrive or would do harm.
const (
	fine    status = "ok"
	warning status = "warning"
	failure status = "failure"
)

// finding is what one check found out.
type finding struct {
	Status status `json:"status"`
	Check  string `json:"check"`
	Text   string `json:"text"`
	Advice string `json:"advice"`
	// Flags are the ones that would fix it, each a word of its own. A flag
	// that was given already, --redis too, is to be replaced.
	Flags []string `json:"flags"`
}

// diagnosis is what all checks found out.
type diagnosis struct{ findings []finding }

func (d *diagnosis) ok(check, text string) {
	d.add(finding{fine, check, text, "", nil})
}

func (d *diagnosis) warn(check, text, advice string, flags ...string) {
	d.add(finding{warning, check, text, advice, flags})
}

func (d *diagnosis) fail(check, text, advice string, flags ...string) {
	d.add(finding{failure, check, text, advice, flags})
}

func (d *diagnosis) add(f finding) {
	if f.Flags == nil {
		f.Flags = []string{} // [] in JSON
	}
	d.findings = append(d.findings, f)
}

func (d *diagnosis) count(s status) (n int) {
	for _, f := range d.findings {
		if f.Status == s {
			n++
		}
	}
	return n
}

// flags returns those of all findings. Of two that contradict each other, the
// first goes: it belongs to the earlier check, on which the later ones rest.
func (d *diagnosis) flags() []string {
	var all, names []string
	for _, f := range d.findings {
		for i := 0; i < len(f.Flags); i++ {
			words := f.Flags[i : i+1]
			if i+1 < len(f.Flags) && !strings.HasPrefix(f.Flags[i+1], "--") {
				words = f.Flags[i : i+2]
				i++
			}
			if name, _, _ := strings.Cut(words[0], "="); !slices.Contains(names, name) {
				names = append(names, name)
				all = append(all, words...)
			}
		}
	}
	return all
}

// print prints the findings for people or, with --json, for programs.
func (d *diagnosis) print(c *cli.Context) error {
	if c.Bool("json") {
		return printJSON(c.App.Writer, struct {
			Findings []finding `json:"findings"`
			OK       bool      `json:"ok"`
		}{d.findings, d.count(failure) == 0})
	}
	return d.render(c.App.Writer, coloured(c.App.Writer))
}

// addFlags is the advice to add flags.
func addFlags(flags []string) string { return "Add " + shellWords(flags) + "." }

// shellWords writes words so that a shell reads them back.
func shellWords(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = word
		if !isBare(word) || strings.HasPrefix(word, "~") || strings.Contains(word, "*") {
			quoted[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}
