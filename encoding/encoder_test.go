package encoding

import "testing"

// TestEncoderForgets looks for values that a pooled encoder would keep alive.
func TestEncoderForgets(t *testing.T) {
	t.Parallel()
	type named map[string]string
	inner := make(named)
	for _, key := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i"} {
		inner[key] = key
	}
	e := new(encoder)
	for _, v := range []any{
		map[string]named{"x": inner, "y": inner, "z": inner},
		map[string]any{"x": map[string]any{"a": 1, "b": 2, "c": 3, "d": map[string]any{"e": 1, "f": 2}}, "y": 1},
	} {
		if _, err := e.value(nil, v); err != nil {
			t.Fatal(err)
		}
	}
	entries, keys := e.entries[:cap(e.entries)], e.keys[:cap(e.keys)]
	if len(entries) == 0 || len(keys) == 0 {
		t.Fatal("the stacks were not used")
	}
	for _, entry := range entries {
		if entry.key != "" || entry.value.IsValid() {
			t.Errorf("it keeps %q", entry.key)
		}
	}
	for _, key := range keys {
		if key != "" {
			t.Errorf("it keeps the key %q", key)
		}
	}
}
