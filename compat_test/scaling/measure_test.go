package main

import (
	"context"
	"testing"
	"time"

	"github.com/sioemit/sioemit/internal/harness"
)

// With the classic adapter a node tells the other of every event; the others keep it where it is.
func TestMeasure(t *testing.T) {
	harness.NeedServers(t)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	results, err := measure(ctx, size{2, 0})
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != len(adapters) {
		t.Fatalf("%d results, want one for each of %d adapters", len(results), len(adapters))
	}
	for _, r := range results {
		want := 0.0
		if r.adapter == "classic" {
			want = 1
		}
		if r.messages < want-0.1 || r.messages > want+0.1 {
			t.Errorf("%s: %.2f messages between nodes for each emit, want %.0f", r.adapter, r.messages, want)
		}
		if r.latency <= 0 || r.cpu <= 0 || r.written <= 0 {
			t.Errorf("%s: nothing was measured: %+v", r.adapter, r)
		}
	}
}
