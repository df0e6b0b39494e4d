package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"time"
)

// contestant does some work n times and says how long it took.
type contestant struct {
	name string
	run  func(n int) (time.Duration, error)
	unit int // n is a multiple of it; 0 means 1
	// fixed is n where it is given; otherwise n is chosen so that a run takes
	// the time aimed at.
	fixed int
	// unchecked is set where run does not publish the message of the figures.
	unchecked bool
}

// timing is the nanoseconds that one piece of work took, a number per round.
type timing []float64

func (t timing) median() float64 {
	sorted := slices.Sorted(slices.Values(t))
	if len(sorted)%2 == 1 {
		return sorted[len(sorted)/2]
	}
	return (sorted[len(sorted)/2-1] + sorted[len(sorted)/2]) / 2
}

// over returns t/other of every round. Both ran within a moment of each other
// there, so what else the machine did hits both alike.
func (t timing) over(other timing) timing {
	ratios := make(timing, len(t))
	for i := range t {
		ratios[i] = t[i] / other[i]
	}
	return ratios
}

// contest has the contestants take turns, each time another one first.
func (b *bench) contest(target time.Duration, rounds int, contestants []contestant) ([]timing, error) {
	counts := make([]int, len(contestants))
	for i, c := range contestants {
		if !c.unchecked {
			if err := b.check(c); err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
		}
		var err error
		if counts[i], err = c.calibrate(b.ctx, target); err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
	}
	timings := make([]timing, len(contestants))
	for round := range rounds {
		for turn := range contestants {
			i := (turn + round) % len(contestants)
			if err := b.ctx.Err(); err != nil {
				return nil, err
			}
			runtime.GC()
			took, err := contestants[i].run(counts[i])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", contestants[i].name, err)
			}
			timings[i] = append(timings[i], float64(took)/float64(counts[i]))
		}
	}
	return timings, nil
}

// calibrate returns how often the work is to be done for a run of the time
// aimed at. It warms up what needs it.
func (c *contestant) calibrate(ctx context.Context, target time.Duration) (int, error) {
	if c.fixed > 0 {
		return c.fixed, nil
	}
	unit := max(c.unit, 1)
	for n := unit; ; {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		took, err := c.run(n)
		if err != nil {
			return 0, err
		}
		took = max(took, time.Microsecond)
		wanted := float64(n) * float64(target) / float64(took)
		rounded := unit * int(max(1, math.Ceil(wanted/float64(unit))))
		if took >= target/5 || rounded <= n {
			return rounded, nil
		}
		n = min(rounded, 10*n)
	}
}

// check runs a contestant once and looks at what it publishes.
func (b *bench) check(c contestant) error {
	ctx, cancel := context.WithTimeout(b.ctx, 10*time.Second)
	defer cancel()
	sub := b.rdb.Subscribe(ctx, channel)
	defer sub.Close()
	if _, err := sub.Receive(ctx); err != nil {
		return err
	}
	if _, err := c.run(1); err != nil {
		return err
	}
	got, err := sub.ReceiveMessage(ctx)
	if err != nil {
		return fmt.Errorf("nothing was published: %w", err)
	}
	return compare([]byte(got.Payload), b.message)
}

func compare(got, want []byte) error {
	if !bytes.Equal(got, want) {
		return fmt.Errorf("it published another message: % x, not % x", got, want)
	}
	return nil
}

// timed is a contestant's run for work that is a plain loop.
func timed(once func() error) func(n int) (time.Duration, error) {
	return func(n int) (time.Duration, error) {
		started := time.Now()
		for range n {
			if err := once(); err != nil {
				return 0, err
			}
		}
		return time.Since(started), nil
	}
}

// batched is a contestant's run for work in batches.
func batched(size int, batch func(n int) error) func(n int) (time.Duration, error) {
	return func(n int) (time.Duration, error) {
		started := time.Now()
		for left := n; left > 0; left -= size {
			if err := batch(min(left, size)); err != nil {
				return 0, err
			}
		}
		return time.Since(started), nil
	}
}

// together is a contestant's run for work that so many goroutines share.
func together(goroutines int, once func() error) func(n int) (time.Duration, error) {
	return func(n int) (time.Duration, error) {
		start, done := make(chan struct{}), make(chan error, goroutines)
		for g := range goroutines {
			share := n / goroutines
			if g < n%goroutines {
				share++
			}
			go func() {
				<-start
				var err error
				for range share {
					err = cmp.Or(err, once())
				}
				done <- err
			}()
		}
		started := time.Now()
		close(start)
		var errs []error
		for range goroutines {
			errs = append(errs, <-done)
		}
		return time.Since(started), errors.Join(errs...)
	}
}
