package harness

import (
	"fmt"
	"syscall"
)

// reservePort asks the kernel for a port of 127.0.0.1 that nobody listens on, and keeps others from being given it until
// release. Who names it can listen on it all the same, as every server does that wants to be started again at once
// (SO_REUSEADDR), and as long as nobody does, connections to it are refused.
func reservePort() (port int, release func(), err error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, nil, fmt.Errorf("no free port: %w", err)
	}
	release = func() { _ = syscall.Close(fd) } // nothing was written
	if err = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err == nil {
		err = syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	}
	var name syscall.Sockaddr
	if err == nil {
		name, err = syscall.Getsockname(fd)
	}
	address, ok := name.(*syscall.SockaddrInet4)
	if err != nil || !ok {
		release()
		return 0, nil, fmt.Errorf("no free port: %v, %w", name, err)
	}
	return address.Port, release, nil
}
