package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/sioemit/sioemit/internal/driver"
)

// language is a line of what make bench writes in a folder of sdk/: how
// something there compares with something else.
type language struct {
	Language    string
	Client      string // of Redis; empty where none takes part
	What        string
	Nanoseconds float64 // of CPU time, for one event
	Against     string
	Ratio       string // rate: how many times as fast, time: how many times as long
	Rounds      timing // of the ratio
	AtLeast     *float64
	AtMost      *float64
}

// languages has each of the other languages measure itself.
func (b *bench) languages(r *report) error {
	sdks, err := driver.SDKs(b.ctx, "../sdk")
	if err != nil {
		return err
	}
	for _, sdk := range sdks {
		b.say("%s beside its Redis clients", sdk.Name)
		file := filepath.Join(b.dir, sdk.Name+".jsonl")
		cmd := exec.CommandContext(b.ctx, "make", "-s", "-C", sdk.Folder, "bench")
		cmd.Env = append(os.Environ(), "BENCH_JSON="+file)
		if b.options.quick {
			cmd.Env = append(cmd.Env, "BENCH_QUICK=1")
		}
		if output, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("make bench of %s: %w\n%s", sdk.Name, err, output)
		}
		lines, err := readLanguage(file)
		if err != nil {
			return fmt.Errorf("make bench of %s: %w", sdk.Name, err)
		}
		r.languages = append(r.languages, lines...)
	}
	return nil
}

func readLanguage(file string) ([]language, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var all []language
	for line := range bytes.Lines(text) {
		var l language
		d := json.NewDecoder(bytes.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&l); err != nil {
			return nil, err
		}
		if l.Language == "" || l.What == "" || l.Against == "" || l.Ratio != "rate" && l.Ratio != "time" || len(l.Rounds) == 0 {
			return nil, fmt.Errorf("it is not a whole figure: %s", line)
		}
		all = append(all, l)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("it wrote no figures")
	}
	return all, nil
}

// bar is the bar of the line, if it has one.
func (l *language) bar() (bar, bool) {
	switch {
	case l.AtLeast != nil:
		return atLeast(l.What, l.Rounds, *l.AtLeast), true
	case l.AtMost != nil:
		return atMost(l.What, l.Rounds, *l.AtMost), true
	}
	return bar{}, false
}

func (r *report) languageTable() table {
	t := table{head: []string{"language", "client", "what", "one", "compared with", "ratio (lowest to highest)", "bar", "met"}}
	for _, l := range r.languages {
		row := []string{l.Language, l.Client, l.What, duration(l.Nanoseconds), l.Against, l.Ratio + " " + spread(l.Rounds), "", ""}
		if b, ok := l.bar(); ok {
			row[6], row[7] = b.limit, b.verdict()
		}
		t.rows = append(t.rows, row)
	}
	return t
}
