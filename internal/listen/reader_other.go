//go:build !unix

package listen

import (
	"context"
	"io"
)

// readerGone returns a channel that is never closed: the next line finds out.
func readerGone(context.Context, io.Writer) <-chan struct{} { return nil }
