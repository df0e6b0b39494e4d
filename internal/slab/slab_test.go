package slab

import (
	"bytes"
	"slices"
	"testing"
)

// TestTexts has texts of all sizes stay what they were, and be apart from each
// other.
func TestTexts(t *testing.T) {
	t.Parallel()
	for _, memory := range []*Texts{nil, new(Texts)} {
		var got, want []string
		for i := range 500 {
			b := bytes.Repeat([]byte{byte(i)}, i*i%3000)
			got, want = append(got, memory.Text(b)), append(want, string(b))
			clear(b)
		}
		if !slices.Equal(got, want) {
			t.Error("a text has changed")
		}
	}
}
