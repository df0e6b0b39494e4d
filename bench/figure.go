package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/sioemit/sioemit/internal/plot"
)

// figure shows a number with three digits that count.
func figure(v float64) string {
	if v >= 999.5 || v == math.Trunc(v) {
		return plot.Thousands(int(roundTo3(v)))
	}
	decimals := max(0, 2-int(math.Floor(math.Log10(max(math.Abs(v), 0.001)))))
	return strconv.FormatFloat(v, 'f', decimals, 64)
}

// roundTo3 keeps three digits of large numbers.
func roundTo3(v float64) float64 {
	if v < 1000 {
		return math.Round(v)
	}
	power := math.Pow(10, math.Floor(math.Log10(v))-2)
	return math.Round(v/power) * power
}

// duration shows nanoseconds in the unit that suits.
func duration(ns float64) string {
	switch {
	case ns >= 1e9:
		return figure(ns/1e9) + " s"
	case ns >= 1e6:
		return figure(ns/1e6) + " ms"
	case ns >= 10e3:
		return figure(ns/1e3) + " µs"
	}
	return figure(ns) + " ns"
}

// verdict says how we do beside somebody who takes ratio times as long.
func verdict(ratio float64) string {
	switch {
	case ratio >= 1.005:
		return figure(ratio) + " × as fast"
	case ratio <= 0.995:
		return "**" + figure(ratio) + " × as fast**"
	}
	return "as fast"
}

// plain takes the emphasis off, for a terminal.
func plain(text string) string {
	return strings.NewReplacer("*", "", "`", "").Replace(text)
}

// version writes a package and its version.
func version(name, v string) string { return fmt.Sprintf("%s %s", name, strings.TrimPrefix(v, "v")) }
