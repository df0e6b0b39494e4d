package emitter

import (
	"errors"
	"runtime"
	"strings"
)

// errReentry is returned instead of waiting for ever.
var errReentry = errors.New("emitter: MarshalJSON, or another method of an argument, cannot emit to the pipeline that the argument is encoded for: emit before, or after")

// lock waits for others who use the pipeline. It returns errReentry where it
// would wait for an event of the same goroutine that is being encoded.
func (p *pipeline) lock() error {
	if p.mu.TryLock() {
		return nil
	}
	if isEncoding() {
		return errReentry
	}
	p.mu.Lock()
	return nil
}

// isEncoding reports whether the caller was called, by way of package encoding,
// by a pipeline. Go has no other way to tell; the walk through the stack is for
// those only who would have to wait anyway.
func isEncoding() bool {
	pcs := make([]uintptr, 256)
	encoder := false
	for skip := 0; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs)
		for frames := runtime.CallersFrames(pcs[:n]); ; {
			frame, more := frames.Next()
			switch {
			case strings.HasPrefix(frame.Function, "github.com/sioemit/sioemit/encoding."):
				encoder = true
			case encoder && frame.Function == "github.com/sioemit/sioemit/emitter.(*pipeline).broadcast":
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
