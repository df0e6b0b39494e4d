package main

import (
	"strings"
	"testing"

	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/harness"
)

// TestListenKeepsOrder mirrors an event whose objects have members in no
// alphabetic order: what pipe sends is what was sent, byte for byte.
func TestListenKeepsOrder(t *testing.T) {
	t.Parallel()
	for _, flags := range []string{"", "--codec json", "--adapter sharded", "--adapter streams"} {
		for name, arg := range map[string]string{
			"text": `{"z":1,"a":{"y":[{"d":null,"c":1.5}],"b":"é"},"m":{}}`, "binary": `{"z":{"$binary":"AQI="},"a":{"y":1,"b":2}}`,
		} {
			if name == "binary" && flags == "--codec json" {
				continue // which cannot carry any
			}
			t.Run(flags+" "+name, func(t *testing.T) {
				t.Parallel()
				server := harness.RedisFor(t, harness.RedisConfig{})
				words := strings.Fields(flags)
				h := startListen(t, server.URL(), words...)
				emit := append(words, "emit", "x", arg, "--redis", server.URL())
				if r := sioemit(t, nil, "", emit...); r.status != commandline.StatusDone {
					t.Fatalf("%+v", r)
				}
				heard := h.next(t)
				if !strings.Contains(heard, `"args":[`+arg+`]`) {
					t.Errorf("listen printed %s, want %s", heard, arg)
				}
				sent := sioemit(t, nil, "", append(emit, "--dry-run")...)
				mirrored := sioemit(t, nil, heard+"\n", append(words, "pipe", "--dry-run", "--quiet", "--redis", server.URL())...)
				if mirrored.status != commandline.StatusDone || mirrored.stdout != sent.stdout {
					t.Errorf("sent %s and mirrored %+v", sent.stdout, mirrored)
				}
			})
		}
	}
}
