package encoding

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

type placeholderField struct {
	Value any `json:"_placeholder"`
}

// holding returns values that are an object with such a member, one for each
// way to have one.
func holding(key string, value any) map[string]any {
	text, err := json.Marshal(map[string]any{key: value})
	if err != nil {
		panic(err)
	}
	type name string
	values := map[string]any{
		"map[string]any": map[string]any{"a": 1, key: value},
		"map":            map[name]any{name(key): value},
		"raw":            json.RawMessage(text),
		"raw, escaped":   json.RawMessage(strings.Replace(string(text), "_", `\u005f`, 1)),
		"tagged":         TaggedJSON(text),
		"marshaler":      levelMarshaler{string(text)},
		"value":          NewValue(map[string]any{key: value}),
		"deep":           []any{1, map[string]any{"in": []any{map[string]any{key: value}}}},
	}
	switch key {
	case "_placeholder":
		values["struct"] = placeholderField{value}
		values["optional"] = struct {
			Value any `json:"_placeholder,omitempty"`
			Other int `json:",omitempty"`
		}{Value: value}
		values["quoted"] = struct {
			Value int `json:"_placeholder,string"`
		}{}
		if value != true {
			delete(values, "quoted")
		}
	case "__proto__":
		values["struct"] = struct {
			Value any `json:"__proto__"`
		}{value}
	case "hasOwnProperty":
		values["struct"] = struct {
			Value any `json:"hasOwnProperty"`
		}{value}
	}
	return values
}

// refused checks that an event is refused in every message but those named,
// and which argument is to blame.
func refused(t *testing.T, name string, args []any, index int, but ...string) {
	t.Helper()
	for form, write := range messages(&Broadcast{Namespace: "/", Event: "e", Args: args}) {
		b, err := write()
		if errors.Is(err, ErrBinary) {
			continue // classic JSON
		}
		if slices.ContainsFunc(but, func(s string) bool { return strings.HasSuffix(form, s) }) {
			if err != nil {
				t.Errorf("%s, %s: %v", form, name, err)
			}
			continue
		}
		var argument *ArgumentError
		if b != nil || !errors.Is(err, ErrUnsafe) || !errors.As(err, &argument) || argument.Index != index {
			t.Errorf("%s, %s: %.100q, %v, want argument %d refused", form, name, b, err, index+1)
		}
	}
}

func taken(t *testing.T, name string, args []any) {
	t.Helper()
	for form, write := range messages(&Broadcast{Namespace: "/", Event: "e", Args: args}) {
		if _, err := write(); err != nil && !errors.Is(err, ErrBinary) {
			t.Errorf("%s, %s: %v", form, name, err)
		}
	}
}

// TestSpecialMembers refuses members that servers or clients would not survive,
// and no others. compat_test shows what each of them does.
func TestSpecialMembers(t *testing.T) {
	t.Parallel()
	bin := []byte{1}
	for _, value := range []any{1, true, "x", nil, map[string]any{"a": 1}, []any{}} {
		for name, v := range holding("__proto__", value) {
			refused(t, name, []any{1, v}, 1)
			if b, err := Append(nil, v); b != nil || !errors.Is(err, ErrUnsafe) {
				t.Errorf("Append %s: %q, %v", name, b, err)
			}
			if b, err := AppendJSON(nil, v); b != nil || !errors.Is(err, ErrUnsafe) {
				t.Errorf("AppendJSON %s: %q, %v", name, b, err)
			}
		}
	}
	for key, values := range map[string][]any{
		"_placeholder":   {true, 1, "x", -1, 0.5, []any{}, map[string]any{}},
		"hasOwnProperty": {true, nil, 0, "x", map[string]any{}},
	} {
		for _, value := range values {
			for name, v := range holding(key, value) {
				name := fmt.Sprint(name, " ", key, " ", value)
				taken(t, name, []any{v, "text"})
				refused(t, name, []any{1, v, 2, bin}, 1, "servers")
				refused(t, name, []any{bin, 1, v, v}, 2, "servers")
				refused(t, name, []any{map[string]any{"a": v, "b": bin}}, 0, "servers")
				if _, err := Append(nil, v); err != nil {
					t.Errorf("Append %s: %v", name, err)
				}
				if b, err := Append(nil, []any{bin, v}); b != nil || !errors.Is(err, ErrUnsafe) {
					t.Errorf("Append %s beside binary: %q, %v", name, b, err)
				}
				if _, err := AppendJSON(nil, v); err != nil {
					t.Errorf("AppendJSON %s: %v", name, err)
				}
			}
		}
	}
	for _, value := range []any{false, 0, "", nil, 0.0} {
		for name, v := range holding("_placeholder", value) {
			taken(t, name, []any{v, bin})
		}
	}
	for _, key := range []string{"_placeholders", "placeholder", "__proto", "proto", "_proto_", "constructor", "prototype", "toJSON", "then", "num", "length", "HasOwnProperty", ""} {
		taken(t, key, []any{map[string]any{key: true, "b": bin}, json.RawMessage(fmt.Sprintf(`{%q:true}`, key))})
	}
	// A value is no key, and what a duplicate key takes away does not count.
	taken(t, "value", []any{"__proto__", []any{"_placeholder", true}, bin})
	taken(t, "replaced", []any{json.RawMessage(`{"a":{"_placeholder":true},"a":1}`), bin})
	refused(t, "replacing", []any{json.RawMessage(`{"a":1,"a":{"_placeholder":true}}`), bin}, 0, "servers")
	// Headers of these are written when all of them has been read.
	for _, text := range []string{`{"b":1,"0":2}`, `[` + strings.Repeat(`"0123456789abcdef",`, 40) + `1]`, `{"a":1,"a":2}`} {
		refused(t, "a placeholder of "+text, []any{json.RawMessage(`{"_placeholder":` + text + `,"num":0}`), bin}, 0, "servers")
		refused(t, "tagged, a placeholder of "+text, []any{TaggedJSON(`[{"_placeholder":` + text + `}]`), bin}, 0, "servers")
	}
	refused(t, "replaced prototype", []any{json.RawMessage(`{"__proto__":1,"__proto__":2}`)}, 0)
}

// TestMaxAttachments counts what clients have to put together, whatever it is
// in.
func TestMaxAttachments(t *testing.T) {
	t.Parallel()
	type bytes []byte
	tagged := func(n int) TaggedJSON {
		return TaggedJSON("[" + strings.Join(slices.Repeat([]string{`{"$binary":"AQ=="}`}, n), ",") + "]")
	}
	few := []any{[]byte{1}, bytes{2}, map[string]any{"a": [][]byte{{3}, {4}}}, tagged(3), NewValue([]any{[]byte{5}, []byte{}}), []byte{6}}
	taken(t, "ten", few)
	taken(t, "nil", append(few, []byte(nil), [][]byte{nil}))
	refused(t, "eleven", append(slices.Clone(few), 1, []byte{7}, 2), 7, "servers")
	refused(t, "tagged", []any{1, tagged(11)}, 1, "servers")
	// What is replaced does not arrive.
	taken(t, "replaced", []any{TaggedJSON(`{"a":` + string(tagged(10)) + `,"b":1,"a":` + string(tagged(9)) + `}`), []byte{1}})
	refused(t, "replacing", []any{TaggedJSON(`{"a":1,"a":` + string(tagged(11)) + `}`)}, 0, "servers")

	for limit, n := range map[int]int{1: 1, 10: 10, 11: 11, 1000: 1000, 0: 10} {
		for form, write := range messages(&Broadcast{Namespace: "/", Event: "e", Args: []any{tagged(n)}, MaxAttachments: limit}) {
			if _, err := write(); err != nil && !errors.Is(err, ErrBinary) {
				t.Errorf("%s: %d of %d: %v", form, n, limit, err)
			}
		}
		for form, write := range messages(&Broadcast{Namespace: "/", Event: "e", Args: []any{tagged(n), []byte{}}, MaxAttachments: limit}) {
			_, err := write()
			var argument *ArgumentError
			switch toServers := strings.HasSuffix(form, "servers"); {
			case errors.Is(err, ErrBinary), toServers && err == nil:
			case toServers, !errors.Is(err, ErrUnsafe), !errors.As(err, &argument), argument.Index != 1:
				t.Errorf("%s: %d of %d: %v", form, n+1, limit, err)
			}
		}
	}
}

// TestReplacedBinary has an event without binary where a duplicate key takes
// its binary away: Socket.IO 2 throws "Illegal attachments" at a binary event
// with none.
func TestReplacedBinary(t *testing.T) {
	t.Parallel()
	args := []any{TaggedJSON(`{"a":{"$binary":"AQ=="},"a":1}`)}
	want := Broadcast{Namespace: "/", Event: "e", Args: []any{map[string]any{"a": 1}}}
	b := want
	b.Args = args
	for name, marshal := range map[string]func(*Broadcast) ([]byte, error){
		"legacy": Classic{LegacyBinary: true}.Marshal, "sharded": Sharded{}.Marshal,
	} {
		got, err := marshal(&b)
		wanted, wantErr := marshal(&want)
		if err != nil || wantErr != nil || string(got) != string(wanted) {
			t.Errorf("%s: %q, %v, want %q, %v", name, got, err, wanted, wantErr)
		}
	}
}
