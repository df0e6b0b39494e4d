package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/sioemit/sioemit/internal/plot"
)

// pipe measures sioemit pipe: its rate, and its memory with a short and a long
// input.
func (b *bench) pipe(r *report) error {
	short, long := quickly(b, 2000, 100_000), quickly(b, 10_000, 1_000_000)
	jsonLine := fmt.Sprintf(`{"event":"order","args":[%s],"rooms":["room1"]}`+"\n", orderJSON())
	var publish bytes.Buffer
	if err := command(&publish, []string{"PUBLISH", channel}, string(b.message)); err != nil {
		return err
	}
	names := [2]string{"sioemit pipe", "redis-cli --pipe of ready commands"}
	runs := [2]func(n int) (time.Duration, int, error){b.sioemitPipe(jsonLine), b.redisPipe(publish.String())}

	var works []work
	peaks := [2][2][]int{}
	for size, lines := range []int{short, long} {
		b.say("%d lines through a pipe", lines)
		w := work{
			name: fmt.Sprintf("pipe %d", lines), heading: fmt.Sprintf("%s lines through a pipe", plot.Thousands(lines)), one: "line",
			note: "From a file on stdin, including the start of the process. `redis-cli --pipe` reads commands that are ready to send.",
		}
		var contestants []contestant
		for i, name := range names {
			contestants = append(contestants, contestant{name: name, fixed: lines, run: func(n int) (time.Duration, error) {
				took, peak, err := runs[i](n)
				if n == lines {
					peaks[i][size] = append(peaks[i][size], peak)
				}
				return took, err
			}})
			w.entries = append(w.entries, entry{name: name, ours: i == 0, ceiling: i == 1, allocs: -1})
		}
		if size == 1 && b.options.rounds > 3 {
			w.rounds = 3 // of very many lines
			w.note += " Three rounds."
		}
		if err := b.fill(&w, 0, contestants); err != nil {
			return err
		}
		works = append(works, w)
	}
	for i := range names {
		for size := range works {
			works[size].entries[i].memory = slices.Max(peaks[i][size])
		}
	}
	r.works = append(r.works, works...)
	var rates timing
	for _, ns := range works[1].entries[0].timing {
		rates = append(rates, 1e9/ns)
	}
	r.bars = append(r.bars,
		atLeast("`sioemit pipe`: lines a second", rates, 300_000),
		flat(fmt.Sprintf("`sioemit pipe`: peak memory with %s lines, as a multiple of that with %s", plot.Thousands(long), plot.Thousands(short)), works),
	)
	return nil
}

// flat is the bar of memory that does not grow with the input. The garbage
// collector is free to let it vary a little.
func flat(what string, works []work) bar {
	const limit = 1.2
	short, long := works[0].best().memory, works[1].best().memory
	if short == 0 || long == 0 {
		return bar{what, "at most " + figure(limit), "not known on this system", false}
	}
	return atMost(what, timing{float64(long) / float64(short)}, limit)
}

// sioemitPipe returns what pipes so many lines, and says how long it took and
// how much memory.
func (b *bench) sioemitPipe(jsonLine string) func(lines int) (time.Duration, int, error) {
	return func(lines int) (time.Duration, int, error) {
		cmd := exec.CommandContext(b.ctx, b.sioemit, "--redis", b.url, "--key", key, "pipe", "--json")
		output, took, peak, err := b.feed(cmd, jsonLine, lines)
		if err != nil {
			return 0, 0, err
		}
		var summary struct{ Sent int }
		if err := json.Unmarshal(output, &summary); err != nil || summary.Sent != lines {
			return 0, 0, fmt.Errorf("sioemit pipe: unexpected summary %q", output)
		}
		return took, peak, nil
	}
}

func (b *bench) redisPipe(publish string) func(lines int) (time.Duration, int, error) {
	return func(lines int) (time.Duration, int, error) {
		output, took, peak, err := b.feed(exec.CommandContext(b.ctx, "redis-cli", "-u", b.url, "--pipe"), publish, lines)
		if err == nil && !strings.Contains(string(output), fmt.Sprintf("errors: 0, replies: %d", lines)) {
			err = fmt.Errorf("redis-cli --pipe: unexpected output %q", output)
		}
		return took, peak, err
	}
}

// feed runs a command with a line so many times on stdin.
func (b *bench) feed(cmd *exec.Cmd, line string, lines int) (output []byte, took time.Duration, peak int, err error) {
	input, err := b.repeated(line, lines)
	if err != nil {
		return nil, 0, 0, err
	}
	defer input.Close()
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = input, &stdout, &stderr
	started := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, 0, 0, err
	}
	memory := watchPeak(cmd.Process.Pid)
	err = cmd.Wait()
	took = time.Since(started)
	peak = memory()
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, stderr.Bytes())
	}
	return stdout.Bytes(), took, peak, err
}

// repeated opens a file with a line so many times. Files stay for the next
// round.
func (b *bench) repeated(line string, lines int) (*os.File, error) {
	name := fmt.Sprintf("%s/%c-%d", b.dir, line[0], lines)
	if file, err := os.Open(name); err == nil {
		return file, nil
	}
	file, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	const block = 1000
	for left := lines; left > 0 && err == nil; left -= block {
		_, err = file.WriteString(strings.Repeat(line, min(left, block)))
	}
	if err == nil {
		_, err = file.Seek(0, 0)
	}
	if err != nil {
		file.Close()
	}
	return file, err
}
