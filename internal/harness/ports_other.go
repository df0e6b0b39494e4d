//go:build !linux

package harness

// reservePort asks the kernel for a port of 127.0.0.1 that nobody listens on. Here others may be given it, too.
func reservePort() (port int, release func(), err error) {
	ports, err := freePorts(1)
	if err != nil {
		return 0, nil, err
	}
	return ports[0], func() {}, nil
}
