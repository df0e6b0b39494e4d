package compat_test

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/sioemit/sioemit/internal/harness"
)

// TestMatrix puts every promise to every row, through the library and through the command, and to some through the
// emitters in other languages.
func TestMatrix(t *testing.T) {
	harness.NeedServers(t)
	seen := &findings{}
	t.Cleanup(func() { seen.check(t) })
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			checkVersions(t, r)
			c := start(t, r)
			kept := 0
			for _, via := range senders(t, c) {
				for _, p := range promises {
					t.Run(via.name()+"/"+p.name, func(t *testing.T) {
						if c.broken {
							t.Fatal("an earlier promise lost a client")
						}
						s := &stage{T: t, cluster: c, ctx: withDeadline(t), via: via, want: make(map[*member][]expectation)}
						if c.unsettled {
							s.forget()
						}
						c.unsettled = true
						if p.keptBy(r) {
							p.keep(s)
						} else {
							p.instead(s)
						}
						s.settle()
						c.unsettled = false
						if !t.Failed() {
							kept++
							seen.add(r, p, via)
						}
					})
				}
			}
			_, client, err := harness.PackageVersion(r.generation.Client)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(os.Stdout, "matrix %-66s client %s, %s, %d clients on %d servers: %d promises kept, %d events sent, %d received, %d deliveries checked as withheld\n",
				r.name, client, c.transports(), len(c.members), len(c.nodes), kept, c.sent, c.received, c.withheld)
		})
	}
}

// checkVersions proves that the row runs what its name says.
func checkVersions(t *testing.T, r row) {
	t.Helper()
	_, server, err := harness.PackageVersion(r.generation.Server)
	if err != nil {
		t.Fatal(err)
	}
	adapter, version, err := harness.PackageVersion(r.adapter.Package)
	if err != nil {
		t.Fatal(err)
	}
	name := server + "/" + strings.TrimPrefix(adapter, "@socket.io/") + "-" + version
	switch r.adapter.Kind {
	case "sharded":
		name += " sharded " + r.subscriptionMode()
	case "streams":
		name += fmt.Sprintf(" streamCount %d", r.streamCount())
	}
	if r.cluster {
		name += ", Redis Cluster"
	}
	if name != r.name {
		t.Fatalf("the row %q runs %q", r.name, name)
	}
}

// findings collects which promises were kept by which row.
type findings struct {
	mu   sync.Mutex
	kept map[string]int // by row and promise: through how many senders
}

func (r *findings) add(row row, p promise, via sender) {
	if _, ok := via.(viaDriver); ok {
		return // the page is about the library and the command
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kept == nil {
		r.kept = make(map[string]int)
	}
	r.kept[row.name+"\n"+p.name]++
}
