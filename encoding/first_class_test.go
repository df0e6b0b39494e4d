package encoding

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"
)

// TestValueFirstClass puts what was received wherever Go values go.
func TestValueFirstClass(t *testing.T) {
	t.Parallel()
	type holder struct {
		V     Value
		P     *Value
		Nil   *Value `json:",omitempty"`
		Any   any
		Iface json.Marshaler
		Text  fmt.Stringer
		T     TaggedJSON
		TP    *TaggedJSON
		TI    json.Marshaler
		None  TaggedJSON
	}
	v := NewValue(map[string]any{"data": []byte{0, 1, 255}, "n": int64(9007199254740991), "list": []any{nil, true, 1.5, "<é>"}})
	tagged := TaggedJSON(`{ "data":{"$binary":"AAH/"} }`)
	h := holder{V: v, P: &v, Any: v, Iface: v, Text: &v, T: tagged, TP: &tagged, TI: &tagged}

	const asJSON = `{"data":"AAH/","list":[null,true,1.5,"\u003cé\u003e"],"n":9007199254740991}`
	const asText = `{"data":{"$binary":"AAH/"},"list":[null,true,1.5,"<é>"],"n":9007199254740991}`
	if text, err := json.Marshal([]Value{v, {}}); err != nil || string(text) != "["+asJSON+",null]" {
		t.Errorf("json.Marshal: %s, %v", text, err)
	}
	const compact = `{"data":{"$binary":"AAH/"}}`
	want := `{"V":` + asJSON + `,"P":` + asJSON + `,"Any":` + asJSON + `,"Iface":` + asJSON + `,"Text":` + asJSON +
		`,"T":` + compact + `,"TP":` + compact + `,"TI":` + compact + `,"None":null}`
	if text, err := json.Marshal(h); err != nil || string(text) != want {
		t.Errorf("json.Marshal: %s, %v, want %s", text, err, want)
	}
	if text := fmt.Sprintf("%v %s", v, []Value{v, {}}); text != asText+" ["+asText+" null]" {
		t.Errorf("fmt: %s", text)
	}
	if text := fmt.Sprint(tagged); text != string(tagged) {
		t.Errorf("fmt: %s", text)
	}

	// As an argument, at any depth, its binary is binary.
	plain := map[string]any{"data": []byte{0, 1, 255}, "n": int64(9007199254740991), "list": []any{nil, true, 1.5, "<é>"}}
	bin := map[string]any{"data": []byte{0, 1, 255}}
	for name, c := range map[string]struct{ got, want any }{
		"value":   {v, plain},
		"pointer": {&v, plain},
		"list":    {[]Value{v, v}, []any{plain, plain}},
		"map":     {map[string]Value{"k": v}, map[string]any{"k": plain}},
		"array":   {[1]*Value{&v}, []any{plain}},
		"tagged":  {[]TaggedJSON{tagged, nil}, []any{bin, nil}},
		"nothing": {[]any{Value{}, (*Value)(nil), TaggedJSON(nil), (*TaggedJSON)(nil)}, []any{nil, nil, nil, nil}},
		"fields": {h, struct{ V, P, Any, Iface, Text, T, TP, TI, None any }{
			plain, plain, plain, plain, plain, bin, bin, bin, nil,
		}},
		"addressable": {&h, struct{ V, P, Any, Iface, Text, T, TP, TI, None any }{
			plain, plain, plain, plain, plain, bin, bin, bin, nil,
		}},
	} {
		got, err := Append(nil, c.got)
		wanted, wantErr := Append(nil, c.want)
		if err != nil || wantErr != nil || !bytes.Equal(got, wanted) {
			t.Errorf("%s: %q, %v, want %q, %v", name, got, err, wanted, wantErr)
		}
	}
	if _, err := AppendJSON(nil, []any{v}); !errors.Is(err, ErrBinary) {
		t.Errorf("binary as JSON: %v", err)
	}
	if _, err := Append(nil, TaggedJSON{}); err == nil {
		t.Error("no text was taken for JSON")
	}

	// And back.
	var back struct {
		V Value
		T TaggedJSON
	}
	if err := json.Unmarshal([]byte(`{"V":`+asJSON+`,"T":`+string(tagged)+`}`), &back); err != nil || string(back.T) != string(tagged) {
		t.Errorf("%v, %s", err, back.T)
	}
	var into, again struct {
		Data []byte
		N    int64
		List []any
	}
	if err := errors.Join(v.Decode(&into), back.V.Decode(&again)); err != nil || !reflect.DeepEqual(into, again) || into.N != 9007199254740991 {
		t.Errorf("%+v, %+v, %v", into, again, err)
	}
	if err := json.Unmarshal([]byte("1e400"), &back.V); err == nil {
		t.Error("a number that no client can have was taken")
	}
}
