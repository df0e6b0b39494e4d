package harness

import (
	"fmt"
	"net"
)

// freePorts asks the kernel for n ports of 127.0.0.1 that nobody listens on. Another process may take one before
// it is used, so whoever uses them has to be ready to ask again.
func freePorts(n int) ([]int, error) {
	ports := make([]int, 0, n)
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("no free port: %w", err)
		}
		// Listening until all are found keeps them different.
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
