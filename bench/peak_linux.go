package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// watchPeak looks at the peak memory of a process until it is asked for it, in
// KiB. What the kernel reports at the end of a process would not do: it counts
// the memory of this program too, of which the process was a copy before exec.
func watchPeak(pid int) func() int {
	stop, result := make(chan struct{}), make(chan int)
	go func() {
		peak := 0
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			peak = max(peak, highWater(pid))
			select {
			case <-tick.C:
			case <-stop:
				result <- peak
				return
			}
		}
	}()
	return func() int {
		close(stop)
		return <-result
	}
}

// highWater reads VmHWM, and returns 0 where there is none any more.
func highWater(pid int) int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	text, _, _ := strings.Cut(rest, "kB")
	peak, _ := strconv.Atoi(strings.TrimSpace(text))
	return peak
}
