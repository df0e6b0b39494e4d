//go:build !unix

package harness

import (
	"errors"
	"fmt"
)

// A process cannot be stopped where there is no SIGSTOP.
func (p *process) pause() error  { return fmt.Errorf("%s: pause: %w", p.name, errors.ErrUnsupported) }
func (p *process) resume() error { return fmt.Errorf("%s: resume: %w", p.name, errors.ErrUnsupported) }
