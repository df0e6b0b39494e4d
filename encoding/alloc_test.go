//go:build !race

package encoding

import "testing"

// TestAllocations holds encoding to the number of allocations that it has: the
// message itself.
func TestAllocations(t *testing.T) {
	args := []any{anOrder}
	for name, template := range map[string]*Template{
		"classic": Classic{}.Template(&Broadcast{Namespace: "/"}), "sharded": Sharded{}.Template(&Broadcast{Namespace: "/"}),
	} {
		if n := testing.AllocsPerRun(1000, func() {
			if _, err := template.Append(nil, "order", args); err != nil {
				t.Fatal(err)
			}
		}); n > 1 {
			t.Errorf("%s: %v allocations", name, n)
		}
		buf := make([]byte, 0, 1024)
		if n := testing.AllocsPerRun(1000, func() {
			if _, err := template.Append(buf, "order", args); err != nil {
				t.Fatal(err)
			}
		}); n > 0 {
			t.Errorf("%s, into a buffer: %v allocations", name, n)
		}
		// One too short for what stands around the event is no help.
		short := make([]byte, 0, 8)
		if n := testing.AllocsPerRun(1000, func() {
			if _, err := template.Append(short, "order", args); err != nil {
				t.Fatal(err)
			}
		}); n > 1 {
			t.Errorf("%s, into a short buffer: %v allocations", name, n)
		}
	}
}
