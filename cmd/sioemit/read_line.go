package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
)

// maxLine is how long a line may be, in bytes.
const maxLine = 16 << 20

var errLongLine = fmt.Errorf("the line is longer than %d MiB", maxLine>>20)

// readLine returns the next line, io.EOF with the last one, and errLongLine
// for one that is too long, which it skips.
func readLine(in *bufio.Reader) ([]byte, error) {
	text, err := in.ReadSlice('\n')
	if err != bufio.ErrBufferFull {
		return text, err
	}
	long := bytes.Clone(text)
	for err == bufio.ErrBufferFull {
		text, err = in.ReadSlice('\n')
		if len(long) <= maxLine+len("\r\n") {
			long = append(long, text...)
		}
	}
	if len(bytes.TrimRight(long, "\r\n")) > maxLine && (err == nil || err == io.EOF) {
		return nil, errLongLine
	}
	return long, err
}
