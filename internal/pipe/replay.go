package pipe

import (
	"errors"
	"time"
)

// replay keeps the pace in which lines were heard.
type replay struct {
	first   time.Time // that a line says
	started time.Time // when that was
}

var errNoTime = errors.New(`there is no "time", which --replay needs: sioemit listen --time writes it`)

// wait waits until as much time has gone by as lies between the first line and this
// one. It reports false when the run is interrupted.
func (r *replay) wait(interrupted <-chan struct{}, at time.Time) bool {
	if r.started.IsZero() {
		r.first, r.started = at, time.Now()
	}
	select {
	case <-time.After(at.Sub(r.first) - time.Since(r.started)):
		return true
	case <-interrupted:
		return false
	}
}
