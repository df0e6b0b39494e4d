package main

import "time"

// pace knows whether what comes from Redis is passed on as fast as it comes.
// When it is not, Redis keeps it for us: pub/sub until that is too much, a
// stream until it is trimmed.
type pace struct {
	caughtUp time.Time     // when all there was had been read
	held     time.Duration // since then, by whoever takes what is passed on
}

// waited takes note that the next message was waited for since this time.
func (p *pace) waited(since time.Time) {
	const nothingThere = 20 * time.Millisecond
	if now := time.Now(); now.Sub(since) >= nothingThere {
		p.caughtUp, p.held = now, 0
	}
}

// passedOn takes note that a message was passed on since this time.
func (p *pace) passedOn(since time.Time) { p.held += time.Since(since) }

// isSlow reports whether Redis had to keep much for us.
func (p *pace) isSlow() bool { return p.held >= 100*time.Millisecond }

// age is how old what has not been read may be.
func (p *pace) age() time.Duration { return time.Since(p.caughtUp).Round(time.Millisecond) }
