// Package slab has memory that comes in pieces, for many small things that live
// equally long.
package slab

import (
	"context"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Commands is memory for Redis commands. A nil Commands makes each by itself.
type Commands struct {
	piece []redis.IntCmd
	max   int // of a piece
}

// NewCommands returns memory whose pieces have so many commands at most.
func NewCommands(max int) Commands { return Commands{max: max} }

// Publish returns a command of these words, which Redis answers with a number.
func (c *Commands) Publish(ctx context.Context, words []any) *redis.IntCmd {
	if c == nil {
		return redis.NewIntCmd(ctx, words...)
	}
	n := len(c.piece)
	if n == cap(c.piece) {
		n = 0
		c.piece = make([]redis.IntCmd, 0, min(max(2*cap(c.piece), 8), c.max))
	}
	c.piece = c.piece[:n+1]
	c.piece[n] = *redis.NewIntCmd(ctx, words...) // new, so that it may be copied
	return &c.piece[n]
}

// Forget lets go of commands that others still hold.
func (c *Commands) Forget() {
	if len(c.piece) > 0 {
		c.piece = nil
	}
}

// Clear makes the last piece ready to be used again: nobody holds its commands.
func (c *Commands) Clear() {
	clear(c.piece) // they hold other memory alive
	c.piece = c.piece[:0]
}

// Texts is memory for short texts, of which nothing is ever written twice. A nil
// Texts makes each by itself.
type Texts struct{ piece strings.Builder }

// Text returns the text of bytes.
func (t *Texts) Text(b []byte) string {
	if t == nil {
		return string(b)
	}
	used := t.piece.Len()
	if t.piece.Cap()-used < len(b) {
		t.piece.Reset()
		t.piece.Grow(max(1<<10, len(b)))
		used = 0
	}
	t.piece.Write(b)
	return t.piece.String()[used:]
}
