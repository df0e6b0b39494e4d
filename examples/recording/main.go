// Command recording runs sioemit in front of a real cluster, and draws what a terminal shows: docs/recording.svg of the
// README.
//
//	make recording
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sioemit/sioemit/internal/harness"
)

// commands are typed one after the other, as in a shell.
var commands = []string{
	`sioemit servers`,
	`sioemit emit --room user:7 order:paid '{"id":12345}'`,
	`sioemit emit --room user:7 --ack ping`,
	`echo '{"id":12345}' | sioemit emit --confirm order:paid -`,
	`sioemit rooms`,
	`sioemit --key app emit hello world`,
	`sioemit --key app doctor`,
}

func main() {
	to := flag.String("o", "docs/recording.svg", "the picture to write")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	screens, err := record(ctx)
	if err == nil {
		err = os.WriteFile(*to, []byte(draw(screens)), 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "recording:", err)
		os.Exit(1)
	}
}

// screen is one command, and what it printed.
type screen struct{ command, printed string }

// record runs the commands beside two official servers with two clients each.
func record(ctx context.Context) ([]screen, error) {
	redis, err := harness.StartRedis(ctx, harness.RedisConfig{})
	if err != nil {
		return nil, err
	}
	defer redis.Close()
	clients, err := harness.StartClients(ctx, harness.V4)
	if err != nil {
		return nil, err
	}
	defer clients.Close()
	for i := range 2 {
		node, err := harness.StartNode(ctx, harness.NodeConfig{Server: harness.V4.Server, Adapter: harness.RedisAdapter8, Redis: redis.Conn()})
		if err != nil {
			return nil, err
		}
		defer node.Close()
		for _, device := range []string{"phone", "laptop"} {
			_, err := clients.Connect(ctx, harness.ConnectOptions{
				Node: node, Rooms: []string{fmt.Sprint("user:", 7+i)}, Acks: map[string][]any{"ping": {"pong from the " + device}},
			})
			if err != nil {
				return nil, err
			}
		}
	}
	dir, err := os.MkdirTemp("", "sioemit-recording-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", dir, "github.com/sioemit/sioemit/cmd/sioemit").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, out)
	}
	var screens []screen
	for _, command := range commands {
		shell := exec.CommandContext(ctx, "sh", "-c", command)
		shell.Env = slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "SIOEMIT_") })
		shell.Env = append(shell.Env, "PATH="+dir+string(filepath.ListSeparator)+os.Getenv("PATH"), "SIOEMIT_REDIS_URL="+redis.URL())
		out, err := shell.CombinedOutput()
		if shell.ProcessState == nil { // an exit status is part of what is shown
			return nil, err
		}
		screens = append(screens, screen{command, string(out)})
	}
	return screens, nil
}
