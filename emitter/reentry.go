package emitter

import (
	"errors"

	"github.com/sioemit/sioemit/internal/reentry"
)

// errReentry is returned instead of waiting for ever.
var errReentry = errors.New("emitter: MarshalJSON, or another method of an argument, cannot emit to the pipeline that the argument is encoded for: emit before, or after")

// lock waits for others who use the pipeline. It returns errReentry where it
// would wait for an event of the same goroutine that is being encoded.
func (p *pipeline) lock() error {
	if p.mu.TryLock() {
		return nil
	}
	if reentry.Within("github.com/sioemit/sioemit/encoding.", "github.com/sioemit/sioemit/emitter.(*pipeline).broadcast") {
		return errReentry
	}
	p.mu.Lock()
	return nil
}
