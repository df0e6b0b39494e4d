package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/harness"
)

// key is the prefix of all channels, so that nobody's servers get the events
// of a benchmark.
const key = "sioemit-bench"

// channel is where the event of the figures goes.
const channel = key + "#/#room1#"

// bench is what the parts of the benchmark share.
type bench struct {
	ctx      context.Context
	options  options
	progress io.Writer

	url     string         // of Redis
	server  *harness.Redis // nil when it is not ours
	rdb     *redis.Client
	auto    *redis.AutoPipeliner
	message []byte // what every contestant publishes
	dir     string // for files that do not outlive the run
	sioemit string // path of the command
}

func newBench(ctx context.Context, o options, progress io.Writer) (_ *bench, err error) {
	b := &bench{ctx: ctx, options: o, progress: progress, url: os.Getenv("SIOEMIT_REDIS_URL")}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	if _, err := os.Stat("../cmd/sioemit"); err != nil {
		return nil, errors.New("run it in the folder bench of the repository")
	}
	if b.message, err = ourMessage(); err != nil {
		return nil, err
	}
	if b.dir, err = os.MkdirTemp("", "sioemit-bench-"); err != nil {
		return nil, err
	}
	if err := b.prepare(); err != nil {
		return nil, err
	}
	if b.url == "" {
		if b.server, err = harness.StartRedis(ctx, harness.RedisConfig{}); err != nil {
			return nil, err
		}
		b.url = b.server.URL()
	}
	opts, err := redis.ParseURL(b.url)
	if err != nil {
		return nil, fmt.Errorf("$SIOEMIT_REDIS_URL: %w", err)
	}
	b.rdb = redis.NewClient(opts)
	b.auto, err = b.rdb.AutoPipeline()
	return b, err
}

// prepare builds the command and fetches the JavaScript packages.
func (b *bench) prepare() error {
	b.say("building sioemit")
	b.sioemit = filepath.Join(b.dir, "sioemit")
	build := exec.CommandContext(b.ctx, "go", "build", "-o", b.sioemit, "./cmd/sioemit")
	build.Dir = ".."
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, output)
	}
	lock, err := os.Stat("node/package-lock.json")
	if err != nil {
		return err
	}
	if installed, err := os.Stat("node/node_modules/.package-lock.json"); err == nil && !installed.ModTime().Before(lock.ModTime()) {
		return nil
	}
	b.say("fetching the official JavaScript emitter with npm")
	npm := exec.CommandContext(b.ctx, "npm", "ci", "--no-audit", "--no-fund", "--loglevel=error")
	npm.Dir = "node"
	if output, err := npm.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w\n%s", err, output)
	}
	return nil
}

func (b *bench) close() {
	if b.rdb != nil {
		_ = b.rdb.Close()
	}
	if b.server != nil {
		_ = b.server.Close()
	}
	if b.dir != "" {
		_ = os.RemoveAll(b.dir)
	}
}

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.progress, "bench: "+format+"\n", args...)
}

// quickly returns one of two counts.
func quickly[T any](b *bench, quick, full T) T {
	if b.options.quick {
		return quick
	}
	return full
}

// target is how long one run of a contestant is to take.
func (b *bench) target(full time.Duration) time.Duration {
	return quickly(b, 2*time.Millisecond, full)
}

// emitter returns an emitter of ours on any client.
func (b *bench) emitter(client emitter.Client) *emitter.Emitter {
	return emitter.New(client, emitter.WithKey(key))
}
