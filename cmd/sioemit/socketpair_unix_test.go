//go:build unix

package main

import (
	"os"
	"syscall"
)

func socketPair() (a, b *os.File, err error) {
	syscall.ForkLock.RLock() // or a process that starts now inherits both ends
	defer syscall.ForkLock.RUnlock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return nil, nil, err
	}
	syscall.CloseOnExec(fds[0])
	syscall.CloseOnExec(fds[1])
	return os.NewFile(uintptr(fds[0]), "a"), os.NewFile(uintptr(fds[1]), "b"), nil
}
