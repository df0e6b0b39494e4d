package traffic

import "time"

// pace knows whether what comes from Redis is passed on as fast as it comes.
// When it is not, Redis keeps it for us: pub/sub until that is too much, a
// stream until it is trimmed.
type pace struct {
	caughtUp time.Time     // when all there was had been read
	held     time.Duration // since then, by whoever takes what is passed on
	until    time.Time     // when the last message had been passed on

	stuck      time.Time // when one that was held for long had been passed on; zero: none was
	beforehand time.Time // when all there was had been read before
}

// What is long for one message, and for how long the connection may outlive it:
// what was on its way has to be read before the end of it is seen.
const (
	long   = 100 * time.Millisecond
	recent = 30 * time.Second
)

// waited takes note that the next message was waited for since this time.
func (p *pace) waited(since time.Time) {
	const (
		nothingThere = 20 * time.Millisecond
		certainly    = 500 * time.Millisecond // a busy machine may let us wait for the former
	)
	now := time.Now()
	if now.Sub(since) >= nothingThere {
		p.caughtUp, p.held = now, 0
	}
	if now.Sub(since) >= certainly {
		p.stuck = time.Time{}
	}
}

// passedOn takes note that a message was passed on since this time.
func (p *pace) passedOn(since time.Time) {
	p.until = time.Now()
	held := p.until.Sub(since)
	p.held += held
	if held < long {
		return
	}
	if !p.wasStuck() {
		p.beforehand = p.caughtUp
	}
	p.stuck = p.until
}

func (p *pace) wasStuck() bool { return !p.stuck.IsZero() && time.Since(p.stuck) < recent }

// isSlow reports whether Redis had to keep much for us: one message was held for
// long, or passing on took most of the time. Where much comes without a pause,
// what passing on takes adds up by itself.
func (p *pace) isSlow() bool {
	return p.wasStuck() || p.held >= long && p.held > p.until.Sub(p.caughtUp)/2
}

// age is how old what has not been read may be.
func (p *pace) age() time.Duration {
	from := p.caughtUp
	if p.wasStuck() {
		from = p.beforehand
	}
	return time.Since(from).Round(time.Millisecond)
}
