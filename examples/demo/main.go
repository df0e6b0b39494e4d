// Command demo shows the main job: two official Socket.IO nodes joined by Redis,
// a client on each, and an event from outside that reaches both.
//
//	go run ./examples/demo          keeps the cluster up until Ctrl-C
//	go run ./examples/demo -once    ends after the delivery
//
// Redis is the one that SIOEMIT_REDIS_URL names, in which the demo keeps to a
// key of its own; without it, an embedded one runs in the demo's own process.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/harness"
)

func main() {
	once := flag.Bool("once", false, "end after the delivery")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := demo(ctx, *once); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func demo(ctx context.Context, once bool) error {
	redisURL, key := os.Getenv("SIOEMIT_REDIS_URL"), "sioemit-demo"
	export := "SIOEMIT_KEY=" + key // for those who try more
	if redisURL == "" {
		key = encoding.DefaultKey
		embedded := miniredis.NewMiniRedis()
		if err := embedded.StartAddr("127.0.0.1:0"); err != nil {
			return err
		}
		defer embedded.Close()
		redisURL = "redis://" + embedded.Addr()
		export = "SIOEMIT_REDIS_URL=" + redisURL
		fmt.Println("Redis      embedded, at", redisURL)
	} else {
		fmt.Println("Redis      the one of $SIOEMIT_REDIS_URL, with key", key)
	}

	command, remove, err := build(ctx)
	if err != nil {
		return err
	}
	defer remove()
	clients, err := harness.StartClients(ctx, harness.V4)
	if err != nil {
		return err
	}
	defer clients.Close()
	var audience []*harness.Client
	for i, room := range []string{"blue", "red"} {
		node, err := harness.StartNode(ctx, harness.NodeConfig{
			Server: harness.V4.Server, Adapter: harness.RedisAdapter8.With("key", key), Redis: harness.RedisConn{URL: redisURL},
		})
		if err != nil {
			return err
		}
		defer node.Close()
		name := fmt.Sprintf("client %d", i+1)
		client, err := clients.Connect(ctx, harness.ConnectOptions{
			Name: name, Node: node, Rooms: []string{room}, Acks: map[string][]any{"ping": {"pong from " + name}},
		})
		if err != nil {
			return err
		}
		audience = append(audience, client)
		_, version, err := harness.PackageVersion(harness.V4.Server)
		if err != nil {
			return err
		}
		fmt.Printf("node %d     socket.io %s at %s, with %s in room %s\n", i+1, version, node.URL, client.Name, room)
	}

	if err := deliver(ctx, command, redisURL, key, audience); err != nil || once {
		return err
	}
	fmt.Printf(`
The cluster stays up until Ctrl-C. In another terminal, in this folder:

   go build -o bin/sioemit ./cmd/sioemit
   export %s
   bin/sioemit emit hello you
   bin/sioemit emit --room blue news '{"colour":"blue"}' 42
   bin/sioemit emit --except blue --volatile news again
   bin/sioemit emit --ack ping
   bin/sioemit sockets
   bin/sioemit emit --dry-run --room red hello
   bin/sioemit emit --help

`, export)
	watch(ctx, audience)
	return ctx.Err()
}

// build compiles the command into a folder of its own.
func build(ctx context.Context) (path string, remove func(), err error) {
	dir, err := os.MkdirTemp("", "sioemit-demo-")
	if err != nil {
		return "", nil, err
	}
	remove = func() { os.RemoveAll(dir) }
	path = filepath.Join(dir, "sioemit")
	out, err := exec.CommandContext(ctx, "go", "build", "-o", path, "github.com/sioemit/sioemit/cmd/sioemit").CombinedOutput()
	if err != nil {
		remove()
		return "", nil, fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, remove, nil
}

// deliver emits one event with sioemit and waits until both clients have it.
func deliver(ctx context.Context, command, redisURL, key string, audience []*harness.Client) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	fmt.Println("\n$ sioemit emit --require 2 hello world '{\"from\":\"outside\"}'")
	emit := exec.CommandContext(ctx, command, "emit", "--require", "2", "hello", "world", `{"from":"outside"}`)
	// What else is set for sioemit is meant for another cluster.
	emit.Env = slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "SIOEMIT_") })
	emit.Env = append(emit.Env, "SIOEMIT_REDIS_URL="+redisURL, "SIOEMIT_KEY="+key)
	emit.Stdout, emit.Stderr = os.Stdout, os.Stderr
	if err := emit.Run(); err != nil {
		return fmt.Errorf("sioemit: %w", err)
	}
	for _, client := range audience {
		if err := client.Await(ctx, func(events []harness.Event) bool { return len(events) == 1 && events[0].Name == "hello" }); err != nil {
			return fmt.Errorf("%s received nothing: %w", client.Name, err)
		}
		fmt.Printf("%s on %s received %v\n", client.Name, client.Node.URL, client.Events()[0])
	}
	return nil
}

// watch prints what the clients receive until the context ends. A client may be
// disconnected from outside, which is for the others to see.
func watch(ctx context.Context, audience []*harness.Client) {
	for _, client := range audience {
		go func() {
			for seen := len(client.Events()); ; {
				if err := client.Await(ctx, func(events []harness.Event) bool { return len(events) > seen }); err != nil {
					select {
					case <-ctx.Done():
					case <-time.After(time.Second): // Ctrl-C ends the clients and servers, too, and may get to them first
						fmt.Println(err)
					}
					return
				}
				for _, event := range client.Events()[seen:] {
					fmt.Printf("%s received %v\n", client.Name, event)
					seen++
				}
			}
		}()
	}
	<-ctx.Done()
}
