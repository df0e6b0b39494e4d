package harness

// Pause stops the process of the clients (SIGSTOP): they read nothing more, and the servers' buffers fill.
func (cs *Clients) Pause() error { return cs.proc.pause() }

// Resume lets the process of the clients run on after Pause.
func (cs *Clients) Resume() error { return cs.proc.resume() }

// Pause stops the server (SIGSTOP): it keeps its connections and subscriptions but does nothing.
func (n *Node) Pause() error { return n.proc.pause() }

// Resume lets the server run on after Pause.
func (n *Node) Resume() error { return n.proc.resume() }

// Pause stops redis-server (SIGSTOP): connections stay open and nothing is answered.
func (r *Redis) Pause() error { return r.process().pause() }

// Resume lets redis-server run on after Pause.
func (r *Redis) Resume() error { return r.process().resume() }
