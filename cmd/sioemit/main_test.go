package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/internal/protocol"
	"github.com/sioemit/sioemit/internal/wire"
	"go.uber.org/goleak"
)

// runMain makes the test binary behave as the command.
const runMain = "SIOEMIT_TEST_RUN_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(runMain) != "" {
		main()
	}
	code := m.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// result is what one run of the command left behind.
type result struct {
	status         int
	stdout, stderr string
}

// sioemit runs the command as a process of its own, with these words and
// nothing of the surrounding environment that it reads.
func sioemit(t *testing.T, env []string, stdin string, words ...string) result {
	t.Helper()
	var stdout bytes.Buffer
	r := sioemitTo(t, &stdout, env, stdin, words...)
	r.stdout = stdout.String()
	return r
}

// sioemitFull is sioemit with a stdout that takes nothing.
func sioemitFull(t *testing.T, env []string, stdin string, words ...string) result {
	t.Helper()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	return sioemitTo(t, full, env, stdin, words...)
}

func sioemitTo(t *testing.T, stdout io.Writer, env []string, stdin string, words ...string) result {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], inTime(env, words)...)
	// A binary built with -race would sleep for a second at its end.
	cmd.Env = append([]string{runMain + "=1", "GORACE=atexit_sleep_ms=0", "PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, env...)
	cmd.Stdin = strings.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), "", stderr.String()}
}

// inTime adds a --timeout to words that have none: the one that people get is
// too short for a machine that is busy with other tests, too.
func inTime(env, words []string) []string {
	if slices.ContainsFunc(env, func(variable string) bool { return strings.HasPrefix(variable, "SIOEMIT_TIMEOUT=") }) || slices.Contains(words, "--timeout") || len(words) > 0 && words[0] == "__complete" { // which stands first
		return words
	}
	return append([]string{"--timeout", "1m"}, words...)
}

// oneLine checks that stderr is a single line that holds all of texts.
func (r result) oneLine(t *testing.T, texts ...string) {
	t.Helper()
	if strings.Count(r.stderr, "\n") != 1 || !strings.HasPrefix(r.stderr, "sioemit: ") {
		t.Errorf("stderr is not one line of sioemit: %q", r.stderr)
	}
	for _, text := range texts {
		if !strings.Contains(r.stderr, text) {
			t.Errorf("stderr %q does not say %q", r.stderr, text)
		}
	}
}

// listener stands where a server without clients stands: it has the pattern of a
// namespace subscribed, and answers what servers are asked.
type listener struct{ *redis.PubSub }

func listenOn(t *testing.T, rdb *redis.Client, namespace string) listener {
	t.Helper()
	answerOn(t, rdb, namespace)
	pubsub := rdb.PSubscribe(t.Context(), "socket.io#"+namespace+"#*")
	t.Cleanup(func() { pubsub.Close() })
	if _, err := pubsub.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	return listener{pubsub}
}

// answerOn answers on the request channels of namespaces who is in a room: nobody.
func answerOn(t *testing.T, rdb *redis.Client, namespaces ...string) {
	t.Helper()
	var channels []string
	for _, namespace := range namespaces {
		channels = append(channels, "socket.io-request#"+namespace+"#")
	}
	pubsub := rdb.Subscribe(t.Context(), channels...)
	for range channels {
		if _, err := pubsub.Receive(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	var answering sync.WaitGroup
	answering.Go(func() {
		for {
			m, err := pubsub.Receive(context.Background())
			if err != nil {
				return
			}
			question, ok := m.(*redis.Message)
			var request struct {
				RequestID string
				Type      int
			}
			if !ok || json.Unmarshal([]byte(question.Payload), &request) != nil || request.Type != wire.ClassicSocketIDs {
				continue
			}
			response := strings.Replace(question.Channel, "-request#", "-response#", 1)
			rdb.Publish(context.Background(), response, fmt.Sprintf(`{"requestId":%q,"sockets":[]}`, request.RequestID))
		}
	})
	t.Cleanup(func() {
		pubsub.Close()
		answering.Wait()
	})
}

// next returns the next event published.
func (l listener) next(t *testing.T) (channel string, event *protocol.Message) {
	t.Helper()
	for {
		m, err := l.ReceiveTimeout(t.Context(), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if m, ok := m.(*redis.Message); ok {
			decoded, err := protocol.Unmarshal([]byte(m.Payload))
			if err != nil {
				t.Fatal(err)
			}
			return m.Channel, decoded
		}
	}
}
