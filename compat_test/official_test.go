package compat_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sioemit/sioemit/internal/harness"
)

// official is the variant of the official JavaScript emitter.
const official = "@socket.io/redis-emitter-5.1.0"

// knownFailures are the promises that an emitter is known not to keep on a row.
type knownFailures struct {
	promises []string
	// byChance says that others may fail, too, or not.
	byChance bool
}

var (
	textNumbers = knownFailures{promises: []string{"room-numbers"}}
	version2    = knownFailures{promises: []string{"except-room", "room-numbers", "binary", "large", "batch"}}
)

// officialFails are those of the official emitter. It has no other adapter than the classic one, sends what servers
// before Socket.IO 4 cannot read, and gives a room that is a number the channel of its text.
var officialFails = map[string]knownFailures{
	"1.7.4/socket.io-redis-4.0.1": version2,
	"2.5.1/socket.io-redis-5.4.0": version2,
	"3.1.2/socket.io-redis-6.0.1": {promises: []string{"except-room", "room-numbers"}},
	"4.8.4/socket.io-redis-6.1.1": textNumbers,
	"4.8.4/redis-adapter-7.0.1":   textNumbers,
	"4.8.4/redis-adapter-7.1.0":   textNumbers,
	"4.8.4/redis-adapter-7.2.0":   textNumbers,
	"4.8.4/redis-adapter-8.3.0":   textNumbers,
	// node-redis publishes each event through a random node, and one overtakes the other.
	"4.8.4/redis-adapter-8.3.0, Redis Cluster": {promises: []string{"room-numbers", "order"}, byChance: true},
}

// TestOfficialEmitter puts every promise to the official JavaScript emitter on every row with the classic adapter. A
// promise that it breaks has to be listed, and a listed one that it keeps is stale.
func TestOfficialEmitter(t *testing.T) {
	harness.NeedServers(t)
	program, err := filepath.Abs("foreign/run")
	if err != nil {
		t.Fatal(err)
	}
	tried := make(map[string]bool)
	for _, r := range rows {
		if r.adapter.Kind != "classic" {
			continue
		}
		tried[r.name] = true
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			known := officialFails[r.name]
			for _, p := range known.promises {
				if !slices.ContainsFunc(promises, func(other promise) bool { return other.name == p }) {
					t.Errorf("officialFails: there is no promise %s", p)
				}
			}
			found := outcomes(t, candidate{program, official, r.name})
			kept := 0
			for _, p := range promises {
				listed := slices.Contains(known.promises, p.name)
				switch outcome := found[p.name]; {
				case outcome == "yes" && listed:
					t.Errorf("officialFails is stale: %s is kept", p.name)
				case outcome == "yes":
					kept++
				case !listed && !known.byChance:
					t.Errorf("%s: %s", p.name, outcome)
				}
			}
			fmt.Fprintf(os.Stdout, "official emitter %-56s %d promises kept, %d broken\n", r.name, kept, len(promises)-kept)
		})
	}
	for name := range officialFails {
		if !tried[name] {
			t.Errorf("officialFails: there is no row %s", name)
		}
	}
}
