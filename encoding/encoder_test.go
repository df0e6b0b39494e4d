package encoding

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/sioemit/sioemit/internal/harm"
	"github.com/sioemit/sioemit/internal/jsontext"
)

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
	if _, err := e.value(nil, []g20{{}, {S: 1}}); err != nil || len(e.present) > 0 {
		t.Errorf("%v, the stack holds %d fields", err, len(e.present))
	}
	if len(e.entries) > 0 || len(e.keys) > 0 {
		t.Errorf("the stacks hold %d entries, %d keys", len(e.entries), len(e.keys))
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

// TestEncoderPool looks at what an encoder is put back with. It is not parallel:
// nobody else must get that encoder.
func TestEncoderPool(t *testing.T) {
	e := &encoder{message: make([]byte, 0, maxPooled), json: make([]byte, 0, maxPooled)}
	e.free()
	if e.message == nil || e.json == nil {
		t.Error("memory that may be kept was not")
	}
	e = &encoder{message: make([]byte, 0, maxPooled+1), json: make([]byte, 0, maxPooled+1)}
	e.free()
	if e.message != nil || e.json != nil {
		t.Error("it keeps the memory of a giant event")
	}
	for name, e := range map[string]*encoder{
		"keys":    {keys: make([]string, 0, maxPooled)},
		"entries": {entries: make([]entry, 0, maxPooled)},
		"members": {parsing: giantMemory(t)},
	} {
		e.free()
		if other := newEncoder(); other == e {
			t.Errorf("it keeps the %s of a giant event", name)
		}
	}
	for name, v := range map[string]any{"map": map[string]int{"a": 1}, "any map": map[string]any{"a": []any{1}}} {
		e, broken := new(encoder), map[string]any{"a": v, "b": map[string]any{"c": math.NaN()}, "d": map[int]float64{1: math.NaN()}}
		if _, err := e.value(nil, broken); err == nil {
			t.Fatalf("%s: no error", name)
		}
		e.free()
		for _, key := range e.keys[:cap(e.keys)] {
			if key != "" {
				t.Errorf("%s: after an error it keeps the key %q", name, key)
			}
		}
		for _, entry := range e.entries[:cap(e.entries)] {
			if entry.value.IsValid() {
				t.Errorf("%s: after an error it keeps the entry %q", name, entry.key)
			}
		}
	}
}

// TestShared takes no value for a cycle that only stands in many places, deep
// enough for cycles to be looked for.
func TestShared(t *testing.T) {
	t.Parallel()
	n := 1
	list, anyList := []int{1}, []any{1}
	dict, anyDict := map[string]int{"a": 1}, map[string]any{"a": 1}
	overlapping := []any{nil, 1}
	overlapping[0] = overlapping[1:]
	prefix := []any{1, nil}
	prefix[1] = prefix[:1] // starts where prefix does
	type first struct{ N int }
	type whole struct {
		First  first
		Second *first
	}
	field := &whole{First: first{1}}
	field.Second = &field.First // has the address of the whole
	for name, v := range map[string]any{
		"pointer": &n, "slice": list, "any slice": anyList, "map": dict, "any map": anyDict, "overlapping": overlapping, "prefix": prefix, "first field": field,
	} {
		many := make([]any, 2*cycleDepth)
		for i := range many {
			many[i] = v
		}
		deep := behindPointers([]any{v, v}, cycleDepth+1)
		exact := behindPointers([]any{v, v}, cycleDepth-2) // the last that may nest unseen
		for where, v := range map[string]any{"many": many, "deep": deep, "exact": exact} {
			if _, err := Append(nil, v); err != nil {
				t.Errorf("%s, %s: %v", name, where, err)
			}
		}
	}
}

// behindPointers returns v behind so many pointers, which are no levels, but
// are looked at for cycles.
func behindPointers(v any, n int) any {
	for range n {
		pointed := v
		v = &pointed
	}
	return v
}

// TestAfterCycle encodes a value again that was part of a cycle.
func TestAfterCycle(t *testing.T) {
	t.Parallel()
	lists := make([][]any, MaxLevels)
	for i := range lists {
		lists[i] = make([]any, 1)
	}
	for i := range lists[1:] {
		lists[i][0] = lists[i+1]
	}
	last := lists[len(lists)-1]
	for range 3 {
		last[0] = lists[0]
		var unsupported *json.UnsupportedValueError
		if _, err := Append(nil, lists[0]); !errors.As(err, &unsupported) {
			t.Fatalf("a cycle: %v", err)
		}
		last[0] = nil
		if _, err := Append(nil, lists[0]); err != nil {
			t.Fatalf("no cycle any more: %v", err)
		}
	}
}

// giantMemory has read an object of many members.
func giantMemory(t *testing.T) (m jsontext.Memory) {
	t.Helper()
	if _, err := m.Append(nil, []byte(`{"0":0`+strings.Repeat(`,"0":0`, maxPooled)+"}"), false, new(harm.Tally)); err != nil {
		t.Fatal(err)
	}
	return m
}
