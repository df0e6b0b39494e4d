package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/harness"
)

// TestDelivery says who gets an event where servers listen on the namespace and
// not on what the event goes to.
func TestDelivery(t *testing.T) {
	t.Parallel()
	type run struct {
		words          string
		status         int
		stdout, stderr string // the latter: what it must say, "" for nothing at all
	}
	const static = "--subscription-mode static reaches them in any mode"
	for name, test := range map[string]struct {
		adapter harness.Adapter
		flags   string
		runs    []run
	}{
		"servers static, flags dynamic": {harness.ShardedAdapter8.With("subscriptionMode", "static"), "--adapter sharded", []run{
			{"emit --room r --require 2 x", 0, `sent x on "socket.io#/#r#", to which no server subscribes; on namespace /, 2 servers listen`, static},
			{"emit --room r --require 2 --json x", 0, `{"channel":"socket.io#/#r#","servers":2,"subscribers":0}`, "no client is in that room, or the servers' subscriptionMode is not dynamic"},
			{"emit --room r --require 2 --quiet x", 0, "", ""},
			{"emit --room r --require 3 x", 3, `sent x on "socket.io#/#r#", to which no server subscribes; on namespace /, 2 servers listen`, "2 servers listen on /, 3 required"},
			{"emit x", 0, `sent x on "socket.io#/#", where 2 servers listen`, ""},
			{"emit --room r --subscription-mode static --require 2 x", 0, `sent x on "socket.io#/#", where 2 servers listen`, ""},
			{"join r --room q --json", 0, `{"channel":"socket.io#/#","servers":2,"subscribers":2}`, ""},
		}},
		"servers dynamic, flags dynamic": {harness.ShardedAdapter8, "--adapter sharded", []run{
			{"emit --room r --require 2 x", 0, `sent x on "socket.io#/#r#", to which 1 server subscribes; on namespace /, 2 servers listen`, ""},
			{"emit --room r --json x", 0, `{"channel":"socket.io#/#r#","servers":2,"subscribers":1}`, ""},
			{"emit --room nobody x", 0, `sent x on "socket.io#/#nobody#", to which no server subscribes; on namespace /, 2 servers listen`, "no client is in that room, or"},
		}},
		"another stream": {harness.StreamsAdapter, "--adapter streams --stream-name other", []run{
			{"emit x", 0, "sent x on other, a stream of 1 entry; on namespace /, 2 servers listen", "the stream is new: no server has written to it, and it is not known whether one reads it; check --stream-name"},
			{"emit --json x", 0, `{"channel":"other","servers":2,"entries":2}`, ""},
			{"emit --require 3 x", 3, "sent x on other, a stream of 3 entries; on namespace /, 2 servers listen", "2 servers listen on /, 3 required"},
			{"server-emit x", 0, `sent x on "socket.io#/#", where 2 servers listen`, ""},
		}},
		"classic": {harness.RedisAdapter8, "", []run{
			{"emit --room nobody --json x", 0, `{"channel":"socket.io#/#nobody#","servers":2}`, ""},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := harness.RedisFor(t, harness.RedisConfig{})
			config := harness.NodeConfig{Server: harness.V4.Server, Adapter: test.adapter, Redis: server.Conn()}
			admitTo(t, harness.V4, config, harness.ConnectOptions{Rooms: []string{"r"}})
			admitTo(t, harness.V4, config, harness.ConnectOptions{})
			for _, run := range test.runs {
				words := strings.Fields(run.words + " " + test.flags)
				r := sioemit(t, []string{"SIOEMIT_REDIS_URL=" + server.URL()}, "", words...)
				if r.status != run.status || strings.TrimSpace(r.stdout) != run.stdout {
					t.Errorf("%s: %+v, want %+v", run.words, r, run)
				}
				if run.stderr == "" && r.stderr != "" {
					t.Errorf("%s: stderr %q", run.words, r.stderr)
				} else if run.stderr != "" {
					r.oneLine(t, run.stderr)
				}
			}
		})
	}
}

// TestPipeDelivery is the same at the end of pipe: it warns where nothing to a
// single room was received, and not where some rooms are just empty.
func TestPipeDelivery(t *testing.T) {
	t.Parallel()
	lines := func(rooms ...string) string {
		var b strings.Builder
		for _, room := range rooms {
			fmt.Fprintf(&b, "{\"event\":\"x\",\"rooms\":[%q]}\n", room)
		}
		return b.String() + "{\"event\":\"x\"}\n"
	}
	for name, test := range map[string]struct {
		adapter harness.Adapter
		flags   string
		input   string
		summary string
		warning string
	}{
		"servers static": {harness.ShardedAdapter8.With("subscriptionMode", "static"), "--adapter sharded", lines("r", "nobody"),
			`"unsubscribed":2}`, "nobody received 2 events to a single room: no client is in these rooms, or the servers' subscriptionMode is not dynamic"},
		"servers dynamic":     {harness.ShardedAdapter8, "--adapter sharded", lines("r", "nobody"), `"unsubscribed":1}`, ""},
		"nobody in the rooms": {harness.ShardedAdapter8, "--adapter sharded", lines("nobody"), `"unsubscribed":1}`, "nobody received 1 event to a single room"},
		"static at both ends": {harness.ShardedAdapter8.With("subscriptionMode", "static"), "--adapter sharded --subscription-mode static", lines("r", "nobody"), `"unsubscribed":0}`, ""},
		"another stream":      {harness.StreamsAdapter, "--adapter streams --stream-name other --no-pace", lines("r"), `"firstNotConfirmed":null}`, "other: the stream is new"},
		"classic":             {harness.RedisAdapter8, "", lines("nobody"), `"firstNotConfirmed":null}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := harness.RedisFor(t, harness.RedisConfig{})
			admitTo(t, harness.V4, harness.NodeConfig{Server: harness.V4.Server, Adapter: test.adapter, Redis: server.Conn()}, harness.ConnectOptions{Rooms: []string{"r"}})
			words := append([]string{"pipe", "--redis", server.URL()}, strings.Fields(test.flags)...)
			r := sioemit(t, nil, test.input, append(words, "--json")...)
			if r.status != commandline.StatusDone || !strings.HasSuffix(r.stdout, test.summary+"\n") {
				t.Errorf("%+v", r)
			}
			if test.warning == "" && r.stderr != "" {
				t.Errorf("%+v", r)
			} else if test.warning != "" {
				r.oneLine(t, "warning: "+test.warning)
			}
			if r := sioemit(t, nil, test.input, append(words, "--quiet")...); r != (result{}) {
				t.Errorf("--quiet: %+v", r)
			}
		})
	}
}
