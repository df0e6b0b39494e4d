package compat_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// once is a hook of go-redis: a command that was sent is never sent again, whatever becomes of its connection. A
// cluster's MOVED and ASK are still followed, since a node that answers so has not carried out the command.
// docs/scaling.md shows the same code.
type once struct{}

func (once) DialHook(next redis.DialHook) redis.DialHook { return next }

func (once) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { return next(ctx, onceOnly{cmd}) }
}

func (once) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		list := make([]redis.Cmder, len(cmds))
		for i, cmd := range cmds {
			list[i] = onceOnly{cmd}
		}
		return next(ctx, list)
	}
}

type onceOnly struct{ redis.Cmder }

func (onceOnly) NoRetry() bool { return true }

// silence keeps go-redis from logging each connection that it cannot make, of which there are thousands while a node
// is dead. The errors themselves are in the figures.
type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}

func init() { redis.SetLogger(silence{}) }

// The code in docs/scaling.md is the code of this file.
func TestOnceAsDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "docs", "scaling.md"))
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("once_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, code, _ := strings.Cut(string(page), "type once struct{}")
	code, _, ok := strings.Cut("type once struct{}"+code, "```")
	if !ok || !strings.Contains(string(source), code) {
		t.Errorf("docs/scaling.md has other code:\n%s", code)
	}
}
