// Package reentry looks who has called.
package reentry

import (
	"runtime"
	"strings"
)

// Within reports whether the caller was called, by way of functions whose names have
// a prefix, by another function. Go has no other way to tell; the walk through the
// stack is for those only who would have to wait anyway.
func Within(prefix, function string) bool {
	pcs := make([]uintptr, 256)
	way := false
	for skip := 0; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs)
		for frames := runtime.CallersFrames(pcs[:n]); ; {
			frame, more := frames.Next()
			switch {
			case strings.HasPrefix(frame.Function, prefix):
				way = true
			case way && frame.Function == function:
				return true
			}
			if !more {
				break
			}
		}
		if n < len(pcs) {
			return false
		}
	}
}
