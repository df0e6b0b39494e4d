package compat_test

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// silence keeps go-redis from logging each connection that it cannot make, of which there are thousands while a node
// is dead. The errors themselves are in the figures.
type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}

func init() { redis.SetLogger(silence{}) }
