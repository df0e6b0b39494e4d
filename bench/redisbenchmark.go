package main

import (
	"encoding/csv"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// redisBenchmark is a contestant's run: redis-benchmark with as many bytes as
// the message has. Its own clock counts, not its start.
func (b *bench) redisBenchmark(clients, pipeline int) func(n int) (time.Duration, error) {
	return func(n int) (time.Duration, error) {
		payload := strings.Repeat("x", len(b.message))
		output, err := exec.CommandContext(b.ctx, "redis-benchmark", "-u", b.url, "--csv",
			"-c", strconv.Itoa(clients), "-P", strconv.Itoa(pipeline), "-n", strconv.Itoa(n), "PUBLISH", channel, payload).Output()
		if err != nil {
			return 0, fmt.Errorf("redis-benchmark: %w", err)
		}
		rows, err := csv.NewReader(strings.NewReader(string(output))).ReadAll()
		if err != nil || len(rows) != 2 || len(rows[1]) < 2 {
			return 0, fmt.Errorf("redis-benchmark: unexpected output %q", output)
		}
		rate, err := strconv.ParseFloat(rows[1][1], 64)
		if err != nil || !(rate > 0 && rate < 1e9) {
			return 0, fmt.Errorf("redis-benchmark: unexpected rate %q", rows[1][1])
		}
		return time.Duration(float64(n) / rate * float64(time.Second)), nil
	}
}
