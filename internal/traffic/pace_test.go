package traffic

import (
	"testing"
	"time"
)

// TestPace takes a reader for slow when passing on takes most of the time, and
// not when much comes without a pause.
func TestPace(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		each, held, last time.Duration // of 1,000 messages, and of the last of them
		slow             bool
	}{
		"a busy cluster":         {10 * time.Millisecond, time.Millisecond, time.Millisecond, false},
		"a slow reader":          {10 * time.Millisecond, 9 * time.Millisecond, 9 * time.Millisecond, true},
		"a reader that stopped":  {10 * time.Millisecond, time.Microsecond, 200 * time.Millisecond, true},
		"a short moment of that": {100 * time.Microsecond, 90 * time.Microsecond, 90 * time.Microsecond, false},
	} {
		now := time.Now()
		p := pace{caughtUp: now.Add(-1000 * test.each), held: 999 * test.held}
		p.passedOn(now.Add(-test.last))
		if p.isSlow() != test.slow {
			t.Errorf("%s: slow is %v: %+v", name, p.isSlow(), p)
		}
	}
}
