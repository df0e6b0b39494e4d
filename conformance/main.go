// Conformance runs one suite of cases against an emitter in any language,
// through a driver: a program that reads calls as lines of JSON and makes them.
//
//	go run ./conformance -driver conformance/go/run
//	go run ./conformance -driver conformance/go/run -variant go-redis -case 'error/*'
//
// What the driver sends is read off the wire, between its Redis client and a
// real redis-server. A case that fails is printed with what was wanted and what
// was sent. docs/conformance.md says how to write a driver.
package main

import (
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/sioemit/sioemit/internal/driver"
)

//go:embed cases/*.jsonl
var caseFiles embed.FS

//go:embed left-out.jsonl
var leftOutFile []byte

// errFailed says that cases failed, which have been printed.
var errFailed = errors.New("not all cases passed")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := execute(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

func execute(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("conformance", flag.ContinueOnError)
	path := flags.String("driver", "", "the driver's program, such as conformance/go/run")
	variant := flags.String("variant", "", "one of those that the driver lists (default: each of them)")
	pattern := flags.String("case", "*", "run the cases whose id matches; * stands for any text")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *path == "" || flags.NArg() > 0 {
		return errors.New("give it -driver PROGRAM, and no words beside the flags")
	}
	program, err := filepath.Abs(*path)
	if err != nil {
		return err
	}
	suite, err := newSuite(*pattern, out)
	if err != nil {
		return err
	}
	suite.whole = *pattern == "*" && *variant == ""
	names := []string{*variant}
	if *variant == "" {
		if names, err = driver.Variants(ctx, program); err != nil {
			return err
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(variantsAtOnce)
	for _, name := range names {
		group.Go(func() error { return suite.variant(ctx, program, name) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return suite.summary()
}

// variantsAtOnce is how many variants are run at a time. Most of their time they wait, for
// what a case delays.
const variantsAtOnce = 3

// suite is the cases to run, and how many did what.
type suite struct {
	cases   []Case
	whole   bool // all cases and variants were chosen, so that stale entries can be told
	leftOut []*leftOut

	mu                      sync.Mutex // for what follows
	out                     io.Writer
	languages               map[string]bool
	passed, failed, omitted int
}

func newSuite(pattern string, out io.Writer) (*suite, error) {
	folder, err := fs.Sub(caseFiles, "cases")
	if err != nil {
		return nil, err
	}
	all, err := readCases(folder)
	if err != nil {
		return nil, err
	}
	s := &suite{out: out, languages: make(map[string]bool)}
	for _, c := range all {
		if c.matches(pattern) {
			s.cases = append(s.cases, c)
		}
	}
	if len(s.cases) == 0 {
		return nil, fmt.Errorf("no case matches %q", pattern)
	}
	s.leftOut, err = readLeftOut(leftOutFile)
	return s, err
}

// variant runs one variant of a driver: on a single Redis, and on a cluster
// when it can use one.
func (s *suite) variant(ctx context.Context, program, name string) (err error) {
	d, err := driver.Start(ctx, program, name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	s.add(d.Language, 0, 0, 0)
	for _, cluster := range []bool{false, true} {
		if cluster && len(d.Missing([]string{"cluster"})) > 0 {
			l := coversFeature(s.leftOut, &d.Hello, "cluster")
			if l == nil {
				s.add(d.Language, 0, 1, 0)
				s.printf("FAIL %s %s: it has no feature cluster, and left-out.jsonl does not say why\n", d.Language, d.Variant)
				continue
			}
			l.used.Store(true)
			continue
		}
		if err := s.on(ctx, d, cluster); err != nil {
			return fmt.Errorf("%s %s: %w", d.Language, d.Variant, err)
		}
	}
	return nil
}

// on runs all cases on one Redis.
func (s *suite) on(ctx context.Context, d *driver.Driver, cluster bool) (err error) {
	st, err := startStage(ctx, cluster)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.close()) }()
	where := fmt.Sprintf("%s %s", d.Language, d.Variant)
	if cluster {
		where += " on a cluster"
	}
	var passed, failed, omitted int
	for i := range s.cases {
		c := &s.cases[i]
		if cluster && c.Given.Single || !cluster && c.Given.Cluster {
			continue
		}
		if l := covers(s.leftOut, &d.Hello, c); l != nil {
			l.used.Store(true)
			omitted++
			continue
		}
		if missing := d.Missing(c.features()); len(missing) > 0 {
			failed++
			s.printf("FAIL %s: %s: it has no feature %s, and left-out.jsonl does not say why\n", where, c.ID, missing[0])
			continue
		}
		o, err := st.run(ctx, d, c)
		if err == nil && o.failed != "" && c.patient != nil {
			// A machine that stands still for a second is no fault of the driver.
			o, err = st.run(ctx, d, c.patient)
		}
		switch {
		case err != nil:
			return err
		case o.skip != "":
			failed++
			s.printf("FAIL %s: %s: skipped, and not in left-out.jsonl: %s\n", where, o.id, o.skip)
		case o.failed != "":
			failed++
			s.printf("FAIL %s: %s: %s\n", where, o.id, o.failed)
		default:
			passed++
		}
	}
	late, err := st.log.take()
	if err != nil {
		return err
	}
	for _, wrong := range behind(late) {
		failed++
		s.printf("FAIL %s: the end: %s\n", where, wrong)
	}
	s.printf("%s: %d passed, %d failed, %d left out\n", where, passed, failed, omitted)
	s.add(d.Language, passed, failed, omitted)
	return nil
}

// printf prints lines of one of the variants, which take turns.
func (s *suite) printf(format string, words ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, format, words...)
}

// add counts cases of a language.
func (s *suite) add(language string, passed, failed, omitted int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.languages[language] = true
	s.passed, s.failed, s.omitted = s.passed+passed, s.failed+failed, s.omitted+omitted
}

// summary prints the counts, and fails for cases that failed and for entries of
// the list of what is left out that leave nothing out.
func (s *suite) summary() error {
	stale := 0
	for _, l := range s.leftOut {
		if s.whole && s.languages[l.Language] && !l.used.Load() {
			stale++
			fmt.Fprintf(s.out, "FAIL left-out.jsonl: %s leaves out nothing by %q any more\n", l.Language, l.Case+l.Feature)
		}
	}
	fmt.Fprintf(s.out, "%d passed, %d failed, %d left out\n", s.passed, s.failed+stale, s.omitted)
	if s.failed+stale > 0 {
		return errFailed
	}
	return nil
}
