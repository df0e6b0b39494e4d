package compat_test

import (
	"fmt"
	"regexp"
	"slices"
	"testing"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/harness"
)

// TestSocketIDs excludes clients of servers before version 4 that make socket ids of their own.
func TestSocketIDs(t *testing.T) {
	t.Parallel()
	path, err := command.build()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		generation harness.Generation
		adapter    harness.Adapter
	}{{harness.V1, harness.SocketIORedis4}, {harness.V2, harness.SocketIORedis5}} {
		t.Run(test.generation.Server, func(t *testing.T) {
			t.Parallel()
			ctx := withDeadline(t)
			rdb := startRedis(t)
			clients := harness.ClientsFor(t, test.generation)
			var connected []*harness.Client
			for _, prefix := range []string{"user:", "guest:"} {
				node := harness.NodeFor(t, harness.NodeConfig{
					Server: test.generation.Server, Adapter: test.adapter, Redis: harness.RedisConn{URL: rdb.URL()},
					Namespaces: []string{"/admin"}, GenerateID: prefix,
				})
				for _, namespace := range []string{"/", "/admin"} {
					for range 2 {
						c, err := clients.Connect(ctx, harness.ConnectOptions{Node: node, Namespace: namespace, Transports: []string{"websocket"}})
						if err != nil {
							t.Fatal(err)
						}
						connected = append(connected, c)
					}
				}
			}
			version := test.generation.Number
			io := emitter.New(rdb.Client(), emitter.WithServerVersion(version), emitter.WithSocketIDs(regexp.MustCompile(`(user|guest):\d+`)))
			run := commandLine{path: path, flags: []string{"--redis", rdb.URL(), "--server-version", fmt.Sprint(version), "--socket-ids", `(user|guest):\d+`}}
			for _, out := range connected {
				if err := io.Of(out.Namespace).Except(out.ID).Emit(ctx, "by library", out.ID); err != nil {
					t.Fatal(err)
				}
				if err := run.run(ctx, "", "emit", "--namespace", out.Namespace, "--except", out.ID, "by command", out.ID); err != nil {
					t.Fatal(err)
				}
			}
			for _, namespace := range []string{"/", "/admin"} {
				if err := io.Of(namespace).Emit(ctx, "end"); err != nil {
					t.Fatal(err)
				}
			}
			for _, c := range connected {
				var want []string
				for _, out := range connected {
					if out.Namespace == c.Namespace && out != c {
						want = append(want, fmt.Sprintf("by library %q", out.ID), fmt.Sprintf("by command %q", out.ID))
					}
				}
				var got []string
				err := c.Await(ctx, func(events []harness.Event) bool { return len(events) > 0 && events[len(events)-1].Name == "end" })
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range c.Events() {
					if e.Name != "end" {
						got = append(got, fmt.Sprintf("%s %s", e.Name, e.Args[0]))
					}
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s got %q, want %q", c.ID, got, want)
				}
			}
		})
	}
}
