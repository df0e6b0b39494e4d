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

// TestPaceStuck remembers that a message was held for long when the machine lets
// the next one wait a moment, and forgets it when nothing comes for longer.
func TestPaceStuck(t *testing.T) {
	t.Parallel()
	now := time.Now()
	p := pace{caughtUp: now.Add(-5 * time.Second)}
	p.passedOn(now.Add(-4 * time.Second))
	p.waited(time.Now().Add(-30 * time.Millisecond))
	p.passedOn(time.Now())
	if !p.isSlow() || p.age() < 5*time.Second {
		t.Errorf("slow is %v, what is missed may be %v old: %+v", p.isSlow(), p.age(), p)
	}
	p.waited(time.Now().Add(-time.Second))
	if p.isSlow() || p.age() > time.Second {
		t.Errorf("after a pause, slow is %v, and what is missed may be %v old: %+v", p.isSlow(), p.age(), p)
	}
}
