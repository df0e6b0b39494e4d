package main

import (
	"bufio"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/harness"
)

// TestDecodeDryRun explains what emit --dry-run prints, in both forms.
func TestDecodeDryRun(t *testing.T) {
	t.Parallel()
	for _, words := range []string{
		"emit hello 1 {\"$binary\":\"AP8=\"} --room it's -x b --volatile", "join a b --room c", "disconnect --all --close", "server-emit note 1",
	} {
		for _, adapter := range []string{"classic", "sharded", "streams"} {
			dry := append(strings.Fields(words), "--dry-run", "--adapter", adapter)
			var explained [2]string
			for i, more := range [][]string{nil, {"--json"}} {
				printed := sioemit(t, nil, "", append(dry, more...)...)
				r := sioemit(t, nil, printed.stdout, "decode")
				if printed.status != 0 || r.status != 0 || r.stderr != "" || !strings.HasPrefix(r.stdout, "adapter     ") {
					t.Errorf("%s, %s: %+v\n%+v", words, adapter, printed, r)
				}
				explained[i] = r.stdout
			}
			if explained[0] != explained[1] || !strings.HasPrefix(explained[0], "adapter     "+adapter) && !strings.HasPrefix(words, "server-emit") {
				t.Errorf("%s, %s:\n%s\n%s", words, adapter, explained[0], explained[1])
			}
		}
	}
}

// TestDecodeRedisCLI explains what a real redis-cli shows of real traffic.
func TestDecodeRedisCLI(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	port := fmt.Sprint(server.Port)
	monitor := exec.CommandContext(t.Context(), "redis-cli", "-p", port, "monitor")
	stdout, err := monitor.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := monitor.Start(); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(stdout)
	if line, err := in.ReadString('\n'); err != nil || line != "OK\n" {
		t.Fatalf("%q, %v", line, err)
	}
	speak(t, harness.V4.Server, harness.RedisAdapter8, server.Conn(), "events")
	speak(t, harness.V4.Server, harness.StreamsAdapter, server.Conn(), "events")
	var seen strings.Builder
	for settled := 0; settled < 2; {
		line, err := in.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(line, `"settled"`) { // of the test, no adapter's
			settled++
		}
		seen.WriteString(line)
	}
	_ = monitor.Process.Kill() // it runs until then
	_ = monitor.Wait()         // killed
	r := sioemit(t, nil, seen.String(), "decode", "--json")
	r.oneLine(t, "skipped")
	if r.status != 0 || strings.Count(r.stdout, "\n") != 14 || strings.Count(r.stdout, `"event":"one","args":[{"$binary":"Af8="}`) != 2 {
		t.Errorf("MONITOR: %+v", r)
	}
	// Its other screens are refused, and the error says what is read.
	for _, words := range []string{"xrange socket.io - +", "--no-raw xrange socket.io - +", "--no-raw xread streams socket.io 0"} {
		out, err := exec.CommandContext(t.Context(), "redis-cli", append([]string{"-p", port}, strings.Fields(words)...)...).Output()
		if err != nil {
			t.Fatal(err)
		}
		r := sioemit(t, nil, string(out), "decode")
		if r.status != commandline.StatusUsage || r.stdout != "" {
			t.Errorf("%s: %+v", words, r)
		}
		r.oneLine(t, "line 1, ", "or the output of MONITOR")
	}
}
