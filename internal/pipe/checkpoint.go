package pipe

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/sioemit/sioemit/internal/commandline"
)

// checkpoint keeps in a file how far a run has come, so that the same command goes
// on there, however it ended. What a line says is done may be sent again, and what
// it does not say is: nothing is lost. A nil one keeps nothing.
type checkpoint struct {
	path string

	mu   sync.Mutex
	read []mark // lines that were read and are not known to be done
	done mark   // the last line of which it is known that it and all before it are
	kept mark   // what is in the file
	at   time.Time
	err  error // the first, of keeping
}

// mark is a line, and what it was: another input must not be taken for the one that
// a run before has read.
type mark struct {
	Line int64  `json:"line"`
	Sum  string `json:"sum,omitempty"`
}

// keepEvery is how often it is kept: what came since then is sent again after a
// sudden end.
const keepEvery = 100 * time.Millisecond

// openCheckpoint reads the file, and writes it, to see that it can be written before
// anything is sent. There need not be one.
func openCheckpoint(path string) (*checkpoint, error) {
	c := &checkpoint{path: path}
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, commandline.Usagef("--checkpoint: %w", err)
	default:
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.DisallowUnknownFields()
		if decoder.Decode(&c.done) != nil || c.done.Line < 0 {
			return nil, commandline.Usagef("--checkpoint: %s was not written by pipe, so it is not overwritten", path)
		}
	}
	if err := c.write(); err != nil {
		return nil, commandline.Usagef("--checkpoint: %w", err)
	}
	return c, nil
}

func sumOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// line takes note of a line that was read. It refuses the last one that is done when
// it is another than it was.
func (c *checkpoint) line(number int64, text []byte) error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case number > c.done.Line && len(text) > 0:
		c.read = append(c.read, mark{number, sumOf(text)})
	case number == c.done.Line && sumOf(text) != c.done.Sum:
		return commandline.Usagef("line %d of the input is not the line that %s says was done last: for another input, name another --checkpoint, or remove this one", number, c.path)
	}
	return nil
}

// upTo says that all lines before a number are done.
func (c *checkpoint) upTo(number int64) {
	c.mu.Lock()
	for len(c.read) > 0 && c.read[0].Line < number {
		c.done, c.read = c.read[0], c.read[1:]
	}
	c.mu.Unlock()
	if c.done != c.kept && time.Since(c.at) >= keepEvery {
		c.keep()
	}
}

func (c *checkpoint) keep() {
	if err := c.write(); err != nil && c.err == nil {
		c.err = fmt.Errorf("the checkpoint cannot be written: %w", err)
	}
}

// write replaces the file, such that there is always a whole one.
func (c *checkpoint) write() error {
	text, err := json.Marshal(c.done)
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(c.path), filepath.Base(c.path)+".")
	if err != nil {
		return err
	}
	_, err = file.Write(append(text, '\n'))
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), c.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	c.kept, c.at = c.done, time.Now()
	return nil
}

// note says after a batch how far the run has come: the servers have what stands
// before, as far as they are asked.
func (p *piper) note(b *batch) {
	if p.checkpoint == nil {
		return
	}
	done := b.lines[len(b.lines)-1].number + 1
	if p.keepUp != nil {
		if open := (&standing{open: p.keepUp.open}).firstOpen(); open > 0 {
			done = min(done, open)
		}
	}
	p.checkpoint.upTo(done)
}

// closeCheckpoint keeps how far the whole run has come.
func (p *piper) closeCheckpoint(known *standing, readErr error) error {
	c := p.checkpoint
	if c == nil {
		return nil
	}
	done := p.next.Load()
	if readErr != nil || p.failFast && p.rejected.Load() > 0 { // the bad lines are to be put right
		done = p.behind.Load()
	}
	for _, first := range []int64{p.firstNotSent, known.firstOpen()} {
		if first > 0 {
			done = min(done, first)
		}
	}
	c.at = time.Time{}
	c.upTo(done)
	return c.err
}
