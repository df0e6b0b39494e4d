// Command bench measures what sioemit costs beside Redis itself, go-redis and
// the official JavaScript emitter, all in one run, has the other languages
// measure themselves, and writes docs/performance.md and its plots.
//
//	cd bench && go run .            everything, in about ten minutes
//	cd bench && go run . -quick     the same with small counts: a smoke test
//	cd bench && go run . -languages the other languages, and their table alone
//
// It starts a Redis of its own, unless $SIOEMIT_REDIS_URL names one.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	var o options
	flag.BoolVar(&o.quick, "quick", false, "small counts: a smoke test, whose figures mean nothing")
	flag.BoolVar(&o.languages, "languages", false, "only the other languages")
	flag.IntVar(&o.rounds, "rounds", 7, "how often each contestant runs")
	flag.StringVar(&o.docs, "docs", "../docs", "where performance.md and its plots go")
	flag.Parse()
	if flag.NArg() > 0 || o.rounds < 1 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	r, err := run(ctx, o, os.Stderr)
	if err == nil {
		r.print(os.Stdout)
		err = r.write(o.docs)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

type options struct {
	quick     bool
	languages bool
	rounds    int
	docs      string
}

// run measures everything. What it is at goes to progress.
func run(ctx context.Context, o options, progress io.Writer) (*report, error) {
	b, err := newBench(ctx, o, progress)
	if err != nil {
		return nil, err
	}
	defer b.close()
	r := &report{date: time.Now().UTC().Format(time.DateOnly), quick: o.quick, rounds: o.rounds}
	if o.languages {
		return r, b.languages(r)
	}
	if r.machine, err = b.lookAtMachine(); err != nil {
		return nil, err
	}
	for _, part := range []func(*report) error{
		b.encoding, b.pipeline, b.serial, b.parallel, b.once, b.pipe,
		b.growPayload, b.growRooms, b.growGoroutines, b.growServers, b.languages,
	} {
		if err := part(r); err != nil {
			return nil, err
		}
	}
	return r, nil
}
