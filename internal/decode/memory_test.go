//go:build !race

package decode

import (
	"errors"
	"runtime"
	"strings"
	"testing"
)

// TestDecodeMemory bounds what decode allocates until it hands on the first
// message, or finds that there is none: it is not all that the input holds, taken
// apart. It is not parallel, so that nothing else allocates meanwhile; under -race,
// package regexp does not use its memory again.
func TestDecodeMemory(t *testing.T) {
	const size = 4 << 20
	errEnough := errors.New("enough")
	for name, piece := range map[string]string{
		"line breaks": "\n", "JSON": "{} ", "hex": "9 3 ", "words": "z ", "commands": "PUBLISH a b\n", "payloads": `"\x93"` + "\n", "MONITOR": `1.0 [0 lua] "GET" "a"` + "\n",
	} {
		input := strings.Repeat(piece, size/len(piece))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := readCaptures(strings.NewReader(input), func(capture) error { return errEnough })
		runtime.ReadMemStats(&after)
		if allocated := (after.TotalAlloc - before.TotalAlloc) / size; allocated > 14 {
			t.Errorf("%s: %d times the input, %v", name, allocated, err)
		}
	}
}
