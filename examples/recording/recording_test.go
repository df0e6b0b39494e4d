package main

import (
	"html"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/sioemit/sioemit/internal/harness"
)

// TestRecording records again: the picture of the README shows what sioemit prints today, but for ports and milliseconds.
func TestRecording(t *testing.T) {
	harness.NeedServers(t)
	screens, err := record(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	committed, err := os.ReadFile("../../docs/recording.svg")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := comparable(draw(screens)), comparable(string(committed)); got != want {
		t.Errorf("make recording would draw\n%s\nand docs/recording.svg has\n%s", got, want)
	}
	for _, s := range screens {
		if s.printed == "" {
			t.Errorf("%s printed nothing", s.command)
		}
	}
}

var changing = regexp.MustCompile(`127\.0\.0\.1:\d+|[\d.]+ m?s\b|Redis \d+\.\d+\.\d+`)

// comparable is what was printed, without what is different each time; the lines of the phone and the laptop come in
// any order.
func comparable(picture string) string {
	_, text, _ := strings.Cut(picture, "<desc>")
	text, _, _ = strings.Cut(text, "</desc>")
	text = strings.Replace(html.UnescapeString(text), "\"pong from the laptop\"\n\"pong from the phone\"\n", "\"pong from the phone\"\n\"pong from the laptop\"\n", 1)
	return changing.ReplaceAllString(text, "...")
}
