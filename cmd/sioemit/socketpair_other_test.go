//go:build !unix

package main

import (
	"errors"
	"os"
)

func socketPair() (a, b *os.File, err error) { return nil, nil, errors.ErrUnsupported }
