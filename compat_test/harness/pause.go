//go:build unix

package harness

import (
	"fmt"
	"syscall"
)

func (p *process) signal(sig syscall.Signal) error {
	if err := p.cmd.Process.Signal(sig); err != nil {
		return fmt.Errorf("%s: %v: %w", p.name, sig, err)
	}
	return nil
}

// Pause stops the process of the clients (SIGSTOP): they read nothing more, and the servers' buffers fill.
func (cs *Clients) Pause() error { return cs.proc.signal(syscall.SIGSTOP) }

// Resume lets the process of the clients run on after Pause.
func (cs *Clients) Resume() error { return cs.proc.signal(syscall.SIGCONT) }

// Pause stops the server (SIGSTOP): it keeps its connections and subscriptions but does nothing.
func (n *Node) Pause() error { return n.proc.signal(syscall.SIGSTOP) }

// Resume lets the server run on after Pause.
func (n *Node) Resume() error { return n.proc.signal(syscall.SIGCONT) }

// Pause stops redis-server (SIGSTOP): connections stay open and nothing is answered.
func (r *Redis) Pause() error { return r.process().signal(syscall.SIGSTOP) }

// Resume lets redis-server run on after Pause.
func (r *Redis) Resume() error { return r.process().signal(syscall.SIGCONT) }
