package main

import (
	"fmt"
	"slices"
)

// atLeast is a bar that a value must reach.
func atLeast(what string, values timing, limit float64) bar {
	return bar{what, "at least " + figure(limit), spread(values), values.median() >= limit}
}

// atMost is a bar that a value must not exceed.
func atMost(what string, values timing, limit float64) bar {
	return bar{what, "at most " + figure(limit), spread(values), values.median() <= limit}
}

// verdict says whether the bar is met.
func (b bar) verdict() string {
	if b.met {
		return "yes"
	}
	return "**no**"
}

// spread shows the median of the rounds, and the lowest and the highest.
func spread(values timing) string {
	median := figure(values.median())
	low, high := figure(slices.Min(values)), figure(slices.Max(values))
	if low == high {
		return median
	}
	return fmt.Sprintf("%s (%s to %s)", median, low, high)
}
