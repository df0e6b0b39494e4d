package plot

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

// TestXML draws what could go wrong: names of markup, a single mark, values of one or of many sizes, and names that
// would stand upon each other.
func TestXML(t *testing.T) {
	few := Diagram{Title: "a < b", Axis: "nodes", Marks: []Mark{{1, "1"}}, Lines: []Line{{"a&b", []float64{40}, false}, {"c", []float64{40}, true}}}
	many := Diagram{Title: "t", Axis: "x", Marks: []Mark{{1, "1"}, {10, "10"}, {1000, "1,000"}}, Lines: []Line{{"a", []float64{0.02, 5, 70000}, false}}}
	logarithmic := many
	logarithmic.Log = true
	for name, svg := range map[string]string{
		"few": Diagrams(few), "many": Diagrams(few, many), "logarithmic": Diagrams(logarithmic),
		"bars": Bars("a < b", []Bar{{"a&b", 3, "3", true}, {"c", 2, "2", false}}),
	} {
		d := xml.NewDecoder(strings.NewReader(svg))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v in\n%s", name, err, svg)
			}
		}
		if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
			t.Errorf("%s: %s", name, svg)
		}
	}
}

func TestTicks(t *testing.T) {
	for highest, want := range map[float64][]float64{
		0.5: {0, 0.2, 0.4, 0.6}, 7: {0, 1, 2, 3, 4, 5, 6, 7}, 65: {0, 10, 20, 30, 40, 50, 60, 70}, 19664: {0, 5000, 10000, 15000, 20000},
	} {
		if got := steps(highest); !slices.EqualFunc(got, want, func(a, b float64) bool { return a-b < 1e-9 && b-a < 1e-9 }) {
			t.Errorf("to %v: %v, not %v", highest, got, want)
		}
	}
	if got, want := decades(0.3, 40), []float64{0.2, 0.5, 1, 2, 5, 10, 20, 50}; !slices.Equal(got, want) {
		t.Errorf("%v, not %v", got, want)
	}
	if got, want := decades(2, 3000), []float64{1, 10, 100, 1000, 10000}; !slices.Equal(got, want) {
		t.Errorf("%v, not %v", got, want)
	}
	for v, want := range map[float64]string{0: "0", 0.25: "0.25", 500: "500", 20000: "20,000", 1234567: "1,234,567"} {
		if got := tick(v); got != want {
			t.Errorf("%v is written %s, not %s", v, got, want)
		}
	}
}
