package pace

import (
	"context"
	"slices"

	"github.com/redis/go-redis/v9"
)

// maxPiece is how many commands go out together at most: enough to make round trips
// cheap, little enough to keep memory flat.
const maxPiece = 1000

// Sender sends commands in pieces, in order, as the window lets them. It is for one
// goroutine at a time.
type Sender struct {
	window *Window
	send   func(ctx context.Context, cmds []redis.Cmder) error

	cmds       []redis.Cmder // that wait
	namespaces []string      // of each
	sizes      []int         // of each, in bytes
	bytes      int           // of all
	sent       int
	err        error // after which nothing is sent
}

// NewSender returns a Sender that has send send each piece.
func NewSender(window *Window, send func(ctx context.Context, cmds []redis.Cmder) error) *Sender {
	return &Sender{window: window, send: send}
}

// Add adds a command to the piece that is filled. Where the window has no room for
// it, Add sends that piece first, and waits until there is room. The error is one of
// send, or of the window, after which nothing is sent any more.
func (s *Sender) Add(ctx context.Context, namespace string, cmd redis.Cmder) error {
	size := sizeOf(cmd)
	if n := len(s.cmds); n >= maxPiece || n > 0 && !s.window.Fits(n+1, s.bytes+size) {
		s.flush(ctx)
	}
	if s.err == nil && len(s.cmds) == 0 {
		s.err = s.window.Wait(ctx, size)
	}
	if s.err != nil {
		return s.err
	}
	s.cmds, s.namespaces, s.sizes = append(s.cmds, cmd), append(s.namespaces, namespace), append(s.sizes, size)
	s.bytes += size
	return nil
}

// Flush sends what waits.
func (s *Sender) Flush(ctx context.Context) error {
	s.flush(ctx)
	return s.err
}

func (s *Sender) flush(ctx context.Context) {
	if s.err != nil || len(s.cmds) == 0 {
		return
	}
	if s.err = s.send(ctx, slices.Clone(s.cmds)); s.err != nil {
		return // how much of it was sent is not certain, and nothing is behind it
	}
	s.sent += len(s.cmds)
	for i, namespace := range s.namespaces {
		s.window.Sent(namespace, 1, s.sizes[i])
	}
	clear(s.cmds)
	s.cmds, s.namespaces, s.sizes, s.bytes = s.cmds[:0], s.namespaces[:0], s.sizes[:0], 0
}

// Sent is how many commands Redis has taken for certain.
func (s *Sender) Sent() int { return s.sent }

// sizeOf is how many bytes Redis keeps of a command for each who gets it.
func sizeOf(cmd redis.Cmder) (size int) {
	for _, word := range cmd.Args()[1:] {
		switch word := word.(type) {
		case string:
			size += len(word)
		case []byte:
			size += len(word)
		}
	}
	return size
}
