package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestQuickRun runs everything once with small counts. It looks at no time:
// only that every row is there, and the page and its plots.
func TestQuickRun(t *testing.T) {
	docs := t.TempDir()
	r, err := run(t.Context(), options{quick: true, rounds: 1, docs: docs}, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	works := map[string]int{
		"encode": 6, "pipeline": 8, "serial": 4, "parallel": 5, "once": 3, "pipe 2000": 2, "pipe 10000": 2,
	}
	for _, w := range r.works {
		if got, want := len(w.entries), works[w.name]; got != want {
			t.Errorf("%s has %d entries, not %d", w.name, got, want)
		}
		for _, e := range w.entries {
			if len(e.timing) != 1 || !(e.timing[0] > 0) {
				t.Errorf("%s, %s: %v", w.name, e.name, e.timing)
			}
		}
		delete(works, w.name)
	}
	for name := range works {
		t.Errorf("there is no %s", name)
	}
	growths := map[string]string{
		"payload": "64 1 Ki 16 Ki 256 Ki 1 Mi", "rooms": "1 10 100 1,000 10,000", "goroutines": "1 3 10 30 100 300 1,000", "servers": "1 2 4 8 16",
	}
	for _, g := range r.growths {
		if got, want := strings.Join(g.labels, " "), growths[g.slug]; got != want {
			t.Errorf("%s has the points %s, not %s", g.slug, got, want)
		}
		for _, l := range g.lines {
			if len(l.timings) != len(g.labels) {
				t.Errorf("%s, %s: %d timings", g.slug, l.name, len(l.timings))
			}
		}
		delete(growths, g.slug)
	}
	for name := range growths {
		t.Errorf("there is no %s", name)
	}
	if len(r.bars) != 8 {
		t.Errorf("%d bars", len(r.bars))
	}

	seen := make(map[string]bool)
	for _, l := range r.languages {
		seen[l.Language+" "+l.Client] = true
	}
	for _, client := range []string{"javascript ", "javascript node-redis-6", "javascript ioredis-5"} {
		if !seen[client] {
			t.Errorf("there are no figures of %s", client)
		}
	}

	// The second time, what people wrote into the page stays.
	name := filepath.Join(docs, "performance.md")
	if err := r.write(docs); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, append(page, "Words of people.\n"...), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := r.write(docs); err != nil {
		t.Fatal(err)
	}
	again, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if want := string(page) + "Words of people.\n"; string(again) != want {
		t.Errorf("the page changed:\n%s", again)
	}
	for _, row := range slices.Concat(r.barTable().rows, r.losses().rows, r.languageTable().rows) {
		if !strings.Contains(string(page), strings.Join(row, " | ")) {
			t.Errorf("the page lacks %q", row)
		}
	}
	for _, slug := range []string{"pipeline", "payload", "rooms", "goroutines", "servers"} {
		svg, err := os.ReadFile(filepath.Join(docs, plotName(slug)))
		if err != nil {
			t.Error(err)
		}
		if strings.Contains(string(svg), "NaN") || strings.Contains(string(svg), "Inf") {
			t.Errorf("%s: %s", plotName(slug), svg)
		}
	}
}

// TestRoundTrip compares nothing where the round trip decides.
func TestRoundTrip(t *testing.T) {
	entries := []entry{{name: "ours", ours: true, timing: timing{2}}, {name: "faster", timing: timing{1}}}
	for roundTrip, want := range map[bool]string{false: "ours is", true: "allocations"} {
		r := report{works: []work{{one: "emit", roundTrip: roundTrip, entries: entries}}}
		table := r.works[0].table()
		if last := table.head[len(table.head)-1]; last != want || len(table.rows[1]) != len(table.head) {
			t.Errorf("round trip %v: %q, %q", roundTrip, table.head, table.rows)
		}
		if losses := r.losses().rows; (len(losses) == 0) != roundTrip {
			t.Errorf("round trip %v: others are faster in %q", roundTrip, losses)
		}
	}
}

// TestReadLanguage refuses lines that are no figures.
func TestReadLanguage(t *testing.T) {
	const good = `{"language":"python","client":"redis-py","what":"pipeline","nanoseconds":1500,"against":"ready bytes","ratio":"rate","rounds":[0.7,0.8,0.9],"atLeast":0.85}` + "\n"
	file := filepath.Join(t.TempDir(), "figures.jsonl")
	for _, test := range []struct {
		text string
		ok   bool
	}{
		{good, true}, {good + good, true}, {"", false}, {"{}\n", false}, {strings.ReplaceAll(good, "rounds", "round"), false},
		{strings.ReplaceAll(good, `"rate"`, `"speed"`), false}, {strings.ReplaceAll(good, "0.7,0.8,0.9", ""), false},
	} {
		if err := os.WriteFile(file, []byte(test.text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := readLanguage(file); (err == nil) != test.ok {
			t.Errorf("%s: %v", test.text, err)
		}
	}
	if err := os.WriteFile(file, []byte(good), 0o644); err != nil {
		t.Fatal(err)
	}
	lines, err := readLanguage(file)
	if err != nil {
		t.Fatal(err)
	}
	r := report{languages: lines}
	want := []string{"python", "redis-py", "pipeline", "1,500 ns", "ready bytes", "rate 0.800 (0.700 to 0.900)", "at least 0.850", "**no**"}
	if got := r.languageTable().rows[0]; !slices.Equal(got, want) {
		t.Errorf("the row is %q, not %q", got, want)
	}
}

func TestFigure(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 1: "1", 0.9: "0.900", 0.0265: "0.0265", 1.5: "1.50", 12.34: "12.3", 123.4: "123", 999.6: "1,000", 1234: "1,230", 1_234_567: "1,230,000",
	} {
		if got := figure(v); got != want {
			t.Errorf("figure(%v) = %s, not %s", v, got, want)
		}
	}
}
