package main

import (
	"bytes"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write cases/vectors.jsonl anew from the vectors of the official packages")

// TestVectorCases holds the committed cases to the vectors that they come from.
func TestVectorCases(t *testing.T) {
	want, err := vectorCases("../compat_test/vectors")
	if err != nil {
		t.Fatal(err)
	}
	const path = "cases/vectors.jsonl"
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the vectors say; go test ./conformance -update writes it", path)
	}
}
