package traffic

import "time"

// pace knows whether what comes from Redis is passed on as fast as it comes.
// When it is not, Redis keeps it for us: pub/sub until that is too much, a
// stream until it is trimmed.
type pace struct {
	caughtUp time.Time     // when all there was had been read
	held     time.Duration // since then, by whoever takes what is passed on
	longest  time.Duration // that a single message was held since then
	until    time.Time     // when the last message had been passed on
}

// waited takes note that the next message was waited for since this time.
func (p *pace) waited(since time.Time) {
	const nothingThere = 20 * time.Millisecond
	if now := time.Now(); now.Sub(since) >= nothingThere {
		p.caughtUp, p.held, p.longest = now, 0, 0
	}
}

// passedOn takes note that a message was passed on since this time.
func (p *pace) passedOn(since time.Time) {
	p.until = time.Now()
	held := p.until.Sub(since)
	p.held += held
	p.longest = max(p.longest, held)
}

// isSlow reports whether Redis had to keep much for us: one message was held for
// long, or passing on took most of the time. Where much comes without a pause,
// what passing on takes adds up by itself.
func (p *pace) isSlow() bool {
	const long = 100 * time.Millisecond
	return p.longest >= long || p.held >= long && p.held > p.until.Sub(p.caughtUp)/2
}

// age is how old what has not been read may be.
func (p *pace) age() time.Duration { return time.Since(p.caughtUp).Round(time.Millisecond) }
