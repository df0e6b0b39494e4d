package event

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
)

// MaxLine is how long a line may be, in bytes.
const MaxLine = 16 << 20

// ErrLongLine says that a line is longer than MaxLine.
var ErrLongLine = fmt.Errorf("the line is longer than %d MiB", MaxLine>>20)

// ReadLine returns the next line, io.EOF with the last one, and ErrLongLine
// for one that is too long, which it skips.
func ReadLine(in *bufio.Reader) ([]byte, error) {
	text, err := in.ReadSlice('\n')
	if err != bufio.ErrBufferFull {
		return text, err
	}
	long := bytes.Clone(text)
	for err == bufio.ErrBufferFull {
		text, err = in.ReadSlice('\n')
		if len(long) <= MaxLine+len("\r\n") {
			long = append(long, text...)
		}
	}
	if len(bytes.TrimRight(long, "\r\n")) > MaxLine && (err == nil || err == io.EOF) {
		return nil, ErrLongLine
	}
	return long, err
}
