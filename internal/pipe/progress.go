package pipe

import (
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/sioemit/sioemit/internal/show"
	"golang.org/x/term"
)

// progress is the bar that pipe draws on stderr. It is nil where stderr is no
// terminal, with --quiet, and with --dry-run, whose commands are seen
// themselves.
type progress struct {
	mu      sync.Mutex // a message must not come between the drawing of the bar and its removal
	bar     *progressbar.ProgressBar
	size    int64
	started time.Time // with the first line to be sent; zero: it has not come
}

// newProgress expects an input of so many bytes, -1 if that is not known.
func (p *piper) newProgress(size int64) *progress {
	stderr, ok := p.Err.(*os.File)
	if !ok || p.quiet || p.dryRun || !term.IsTerminal(int(stderr.Fd())) {
		return nil
	}
	return &progress{size: size, bar: progressbar.NewOptions64(size,
		progressbar.OptionSetWriter(stderr),
		progressbar.OptionShowBytes(true),
		progressbar.OptionSetWidth(20),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionSetSpinnerChangeInterval(0), // else it draws by itself whenever it likes
		progressbar.OptionClearOnFinish(),
	)}
}

// show draws the bar again and again. It returns what ends it.
func (g *progress) show(p *piper) (stop func()) {
	if g == nil {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				g.mu.Lock()
				g.draw(p)
				g.mu.Unlock()
			case <-done:
				g.message(nil)
				return
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

// draw draws the bar. What is skipped in front of the first line is no work, and no
// rate is made of it.
func (g *progress) draw(p *piper) {
	skipped := p.skipped.Load()
	switch {
	case skipped < 0 && p.fromLine > 1:
		g.bar.Describe(fmt.Sprintf("skipping to line %d", p.fromLine))
		_ = g.bar.Set64(p.bytes.Load())
		return
	case skipped < 0:
		skipped = 0
	}
	if g.started.IsZero() {
		g.started = time.Now()
		g.bar.Reset()
		if g.size > 0 {
			g.bar.ChangeMax64(g.size - skipped)
		}
	}
	sent := p.sent.Load()
	g.bar.Describe(fmt.Sprintf("%s, %.0f/s", show.Plural(int(sent), "line"), float64(sent)/time.Since(g.started).Seconds()))
	_ = g.bar.Set64(p.bytes.Load() - skipped)
}

// message prints where the bar was, which comes back with the next tick; nil
// prints nothing.
func (g *progress) message(print func()) {
	if g != nil {
		g.mu.Lock()
		defer g.mu.Unlock()
		_ = g.bar.Clear()
	}
	if print != nil {
		print()
	}
}
