package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/show"
)

// status is how grave a finding is.
type status string

// Statuses. A failure is something because of which events do not arrive, or
// do harm. Unknown is what has to be known before one can say that they arrive.
// With neither, they arrive, and a warning is about something else.
const (
	fine      status = "ok"
	warning   status = "warning"
	uncertain status = "unknown"
	failure   status = "failure"
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
	given    []string            // names of the flags on the command line
	report   func(finding) error // prints a finding as soon as it is made; nil: nobody reads along
	err      error               // the first of report
	proof    proof
}

// proof is what has to be seen before doctor says that an event arrives.
type proof struct {
	permitted bool // this user may send it
	answered  bool // all the servers that take it have answered
	inRoom    bool // a client is in one of the rooms, or none was named
}

func (d *diagnosis) ok(check, text string) {
	d.add(finding{Status: fine, Check: check, Text: text})
}

func (d *diagnosis) warn(check, text, advice string, flags ...string) {
	d.add(finding{Status: warning, Check: check, Text: text, Advice: advice, Flags: flags})
}

func (d *diagnosis) unsure(check, text, advice string, flags ...string) {
	d.add(finding{Status: uncertain, Check: check, Text: text, Advice: advice, Flags: flags})
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
	if d.report != nil && d.err == nil {
		d.err = d.report(f)
	}
}

func (d *diagnosis) count(s status) (n int) {
	for _, f := range d.findings {
		if f.Status == s {
			n++
		}
	}
	return n
}

// conclude makes sure that nothing is called right only because a check was
// left out.
func (d *diagnosis) conclude() {
	if d.count(failure)+d.count(uncertain) == 0 && d.proof != (proof{true, true, true}) {
		d.unsure("time", "Not everything was checked.", "")
	}
}

// verdict is the error that the findings amount to.
func (d *diagnosis) verdict() error {
	if failed := d.count(failure); failed > 0 {
		return fmt.Errorf("%d of %s failed", failed, show.Plural(len(d.findings), "check"))
	}
	if open := d.count(uncertain); open > 0 {
		return commandline.Repliesf("nothing failed, but %d of %s could not be made", open, show.Plural(len(d.findings), "check"))
	}
	return nil
}

// flags returns those of all findings. Of two that contradict each other, the
// first goes: it belongs to the earlier check, on which the later ones rest.
func (d *diagnosis) flags() []string {
	var all, names []string
	for _, f := range d.findings {
		for _, words := range splitFlags(f.Flags) {
			if name := flagName(words[0]); !slices.Contains(names, name) {
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
		name := flagName(word)
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

// addFlags is the advice to add flags, or to give them other values.
func (d *diagnosis) addFlags(flags []string) string {
	if names := d.replaced(flags); len(names) > 0 {
		return "Use " + shellWords(flags) + " in place of your " + strings.Join(names, ", ") + "."
	}
	return "Add " + shellWords(flags) + "."
}
