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
	// Flags are the ones that would fix it, each a word of its own, once those
	// of Remove are left out.
	Flags  []string `json:"flags"`
	Remove []string `json:"remove"` // names of flags that were given
}

// diagnosis is what all checks found out.
type diagnosis struct {
	findings []finding
	given    []string // names of the flags on the command line
}

func (d *diagnosis) ok(check, text string) {
	d.add(finding{Status: fine, Check: check, Text: text})
}

func (d *diagnosis) warn(check, text, advice string, flags ...string) {
	d.add(finding{Status: warning, Check: check, Text: text, Advice: advice, Flags: flags})
}

func (d *diagnosis) fail(check, text, advice string, flags ...string) {
	d.add(finding{Status: failure, Check: check, Text: text, Advice: advice, Flags: flags})
}

func (d *diagnosis) add(f finding) {
	// A flag takes one value, and a second --redis would mean a Redis Cluster.
	f.Remove = append(f.Remove, d.replaced(f.Flags)...)
	if f.Flags == nil {
		f.Flags = []string{} // [] in JSON
	}
	if f.Remove == nil {
		f.Remove = []string{}
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

// remove returns the names of the flags that all findings want to be left out.
func (d *diagnosis) remove() []string {
	var all []string
	for _, f := range d.findings {
		for _, name := range f.Remove {
			if !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	return all
}

// replaced returns the names of given flags in whose place words come.
func (d *diagnosis) replaced(words []string) (names []string) {
	for i, word := range words {
		name, _, _ := strings.Cut(word, "=")
		candidates := []string{name}
		if name == "--redis" && strings.HasPrefix(words[i+1], "redis://") {
			candidates = append(candidates, "--tls-ca", "--tls-cert", "--tls-key") // they need rediss://
		}
		for _, name := range candidates {
			if slices.Contains(d.given, name) {
				names = append(names, name)
			}
		}
	}
	return names
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

// addFlags is the advice to add flags, or to give them other values.
func (d *diagnosis) addFlags(flags []string) string {
	if names := d.replaced(flags); len(names) > 0 {
		return "Use " + shellWords(flags) + " in place of your " + strings.Join(names, ", ") + "."
	}
	return "Add " + shellWords(flags) + "."
}

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
