package encoding

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sioemit/sioemit/internal/wire"
)

type (
	levelStruct   struct{ In any }
	levelOptional struct {
		In any `json:",omitempty"`
	}
	levelMarshaler struct{ text string }
)

func (m levelMarshaler) MarshalJSON() ([]byte, error) { return []byte(m.text), nil }

// levels makes values of n levels, one for each way to nest.
func levels(n int) map[string]any {
	nest := func(leaf any, n int, wrap func(any) any) any {
		for range n {
			leaf = wrap(leaf)
		}
		return leaf
	}
	arrays := strings.Repeat("[", n) + strings.Repeat("]", n)
	objects := strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n)
	many := `{"n":2,"1":3` // which is out of order, and has a long header
	for i := range 15 {
		many += fmt.Sprintf(`,"k%d":0`, i)
	}
	moved := strings.Repeat(many+`,"in":`, n) + "1" + strings.Repeat("}", n)
	return map[string]any{
		"[]any":          nest([]any{}, n-1, func(v any) any { return []any{v} }),
		"map[string]any": nest(1, n, func(v any) any { return map[string]any{"a": v} }),
		"slice":          nest(1, n, func(v any) any { return []*any{&v} }),
		"array":          nest(1, n, func(v any) any { return [2]any{1, v} }),
		"map":            nest(1, n, func(v any) any { return map[int]any{1: v} }),
		"struct":         nest(1, n, func(v any) any { return levelStruct{v} }),
		"optional":       nest(1, n, func(v any) any { return &levelOptional{v} }),
		"many fields": nest(1, n, func(v any) any {
			return struct {
				g20
				In any
			}{In: v}
		}),
		"behind pointers": nest(1, n, func(v any) any { return []any{behindPointers(v, 2)} }),
		"arrays":          json.RawMessage(arrays), "objects": json.RawMessage(objects), "moved": json.RawMessage(moved),
		"tagged":         TaggedJSON(arrays),
		"tagged deep":    TaggedJSON(strings.Repeat("[", n) + `{"$binary":"AQID"}` + strings.Repeat("]", n)), // binary is no level
		"marshaler":      levelMarshaler{objects},
		"after pointers": []any{behindPointers(1, 50), nest(1, n-1, func(v any) any { return []any{v} })},
		"half and raw":   nest(json.RawMessage(strings.Repeat("[", n-n/2)+strings.Repeat("]", n-n/2)), n/2, func(v any) any { return levelStruct{v} }),
		"value":          NewValue(nest(map[string]any{}, n-1, func(v any) any { return []any{v} })),
	}
}

// TestLevels has what nests in MaxLevels levels sent, and one more refused, in
// whatever they consist of and whatever they travel in.
func TestLevels(t *testing.T) {
	t.Parallel()
	for name, v := range levels(MaxLevels) {
		b, err := Append(nil, v)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if read, err := wire.Decode(b); err != nil || depth(read) != MaxLevels {
			t.Errorf("%s: %d levels arrive, %v", name, depth(read), err)
		}
		if _, err := AppendJSON(nil, v); err != nil && !errors.Is(err, ErrBinary) {
			t.Errorf("AppendJSON, %s: %v", name, err)
		}
		// The second argument has levels of its own.
		if _, err := (Classic{}).Marshal(&Broadcast{Namespace: "/", Event: "e", Args: []any{v, v}}); err != nil {
			t.Errorf("as an argument, %s: %v", name, err)
		}
	}
	for _, n := range []int{MaxLevels + 1, MaxLevels + 2, 10001, 20000} {
		for name, v := range levels(n) {
			if b, err := Append(nil, v); b != nil || !errors.Is(err, ErrTooDeep) {
				t.Errorf("%d levels, %s: %.100q, %.100v", n, name, b, err)
			}
			if b, err := AppendJSON(nil, v); b != nil || !errors.Is(err, ErrTooDeep) && !errors.Is(err, ErrBinary) {
				t.Errorf("AppendJSON of %d levels, %s: %.100q, %.100v", n, name, b, err)
			}
			if n > MaxLevels+1 {
				continue
			}
			b := &Broadcast{Namespace: "/", Event: "e", Args: []any{1, v}}
			for form, write := range messages(b) {
				message, err := write()
				var argument *ArgumentError
				if message != nil || !errors.Is(err, ErrTooDeep) && !errors.Is(err, ErrBinary) || !errors.As(err, &argument) || argument.Index != 1 || argument.Event != "e" {
					t.Errorf("%s, %s: %.100q, %.100v", form, name, message, err)
				}
			}
		}
	}
}

// messages returns what writes each kind of message that holds the event of b.
func messages(b *Broadcast) map[string]func() ([]byte, error) {
	request := func(kind RequestKind) *Request { return &Request{Kind: kind, ID: "id", Broadcast: *b} }
	streams := func(fields []string, message []byte, err error) ([]byte, error) {
		if fields != nil {
			message = []byte(fields[len(fields)-1])
		}
		return message, err
	}
	return map[string]func() ([]byte, error){
		"classic":         func() ([]byte, error) { return Classic{}.Marshal(b) },
		"classic JSON":    func() ([]byte, error) { return Classic{Codec: JSON}.Marshal(b) },
		"classic direct":  func() ([]byte, error) { return Classic{}.Template(b).Append(make([]byte, 0, 1000), b.Event, b.Args) },
		"sharded":         func() ([]byte, error) { return Sharded{}.Marshal(b) },
		"streams":         func() ([]byte, error) { f, err := Streams{}.Marshal(b); return streams(f, nil, err) },
		"classic ack":     func() ([]byte, error) { return Classic{}.MarshalRequest(request(EmitWithAck)) },
		"classic servers": func() ([]byte, error) { return Classic{}.MarshalRequest(request(ServerSideEmit)) },
		"sharded ack":     func() ([]byte, error) { return Sharded{}.MarshalRequest(request(EmitWithAck)) },
		"sharded servers": func() ([]byte, error) { return Sharded{}.MarshalRequest(request(ServerSideEmit)) },
		"streams ack":     func() ([]byte, error) { return streams(Streams{}.MarshalRequest(request(EmitWithAck))) },
		"streams servers": func() ([]byte, error) { return streams(Streams{}.MarshalRequest(request(ServerSideEmit))) },
	}
}

func depth(v any) int {
	deepest := 0
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			deepest = max(deepest, depth(e))
		}
	case map[string]any:
		for _, e := range v {
			deepest = max(deepest, depth(e))
		}
	default:
		return 0
	}
	return 1 + deepest
}

// TestCycles has cycles called cycles and not too deep, also those that are
// longer than MaxLevels.
func TestCycles(t *testing.T) {
	t.Parallel()
	type list []any
	long := make([]any, 3*MaxLevels)
	for i := range long {
		long[i] = list{[]any{}, 1, map[string]int{"a": 1}, nil}
	}
	for i := range long {
		long[i].(list)[3] = long[(i+1)%len(long)]
	}
	type node struct {
		Raw  json.RawMessage
		Kids []*node
		Next *node `json:",omitempty"`
	}
	ring := &node{Raw: json.RawMessage("[[{}]]"), Kids: []*node{{}, {}}}
	ring.Next = &node{Next: &node{Next: ring}}
	type self *self
	var pointer self
	pointer = &pointer
	inArray := [1]map[string]any{{}}
	inArray[0]["in"] = []any{inArray}
	for name, v := range map[string]any{"long": long[0], "ring": ring, "pointer": pointer, "array": inArray} {
		var cycle *json.UnsupportedValueError
		if _, err := Append(nil, v); !errors.As(err, &cycle) || errors.Is(err, ErrTooDeep) || !strings.Contains(err.Error(), "cycle") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestBranching refuses at once what has more branches than anyone could
// write, where each is too deep.
func TestBranching(t *testing.T) {
	t.Parallel()
	v := any([]any{})
	for range 2 * MaxLevels {
		v = []any{v, v}
	}
	if _, err := Append(nil, v); !errors.Is(err, ErrTooDeep) {
		t.Errorf("%v", err)
	}
	// A list that ends somewhere is no reason to end the program.
	type list struct{ Next *list }
	var endless *list
	for range 5_000_000 {
		endless = &list{endless}
	}
	if _, err := Append(nil, endless); !errors.Is(err, ErrTooDeep) {
		t.Errorf("%v", err)
	}
}

// TestReceivedLevels shows what others sent, as deep as it was.
func TestReceivedLevels(t *testing.T) {
	t.Parallel()
	b := append(bytes.Repeat([]byte{0x91}, 5000), 0x81, 0xa9)
	b = append(append(b, "__proto__"...), 1)
	v, err := wire.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	text, err := NewValue(v).TaggedJSON()
	if want := strings.Repeat("[", 5000) + `{"__proto__":1}` + strings.Repeat("]", 5000); err != nil || string(text) != want {
		t.Errorf("%.100q, %v", text, err)
	}
	if _, err := Append(nil, NewValue(v)); !errors.Is(err, ErrUnsafe) && !errors.Is(err, ErrTooDeep) {
		t.Errorf("sent on: %v", err)
	}
}
