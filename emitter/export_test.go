package emitter

import "time"

// SetPatience changes how long a connection for replies may keep silent before
// it is pinged, and before it is given up. Nothing may wait yet.
func (e *Emitter) SetPatience(silence, patience time.Duration) {
	e.sender.replies.Silence, e.sender.replies.Patience = silence, patience
}
