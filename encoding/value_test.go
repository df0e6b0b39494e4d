package encoding_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/protocol"
)

// values returns the same value as it is received in JSON and in MessagePack.
func received(t *testing.T, text string) map[string]encoding.Value {
	t.Helper()
	values := make(map[string]encoding.Value)
	reply := `{"type":9,"requestId":"x","packet":` + text + `}`
	for form, payload := range map[string][]byte{"JSON": []byte(reply), "MessagePack": messagePack(t, reply)} {
		r, err := protocol.Unmarshal(payload)
		if err != nil {
			t.Fatal(err)
		}
		values[form] = r.Value
	}
	return values
}

// TestValueDecode holds Decode to what json.Unmarshal does with the same text.
func TestValueDecode(t *testing.T) {
	t.Parallel()
	type inner struct {
		When time.Time `json:"when"`
		Rest json.RawMessage
	}
	type target struct {
		ID     int64   `json:"id"`
		Price  float32 `json:"price"`
		Name   *string `json:"name,omitempty"`
		Quoted int     `json:"quoted,string"`
		Tags   []string
		inner
		Any  any
		More map[string]int
	}
	for _, text := range []string{
		`{"id":9007199254740991,"price":19.99,"name":"Ada","quoted":"7","tags":["a","b"],"when":"2026-01-02T03:04:05Z","Rest":{"a":[1,2]},"any":[1,"x",null,true,{"y":1.5}],"More":{"a":1}}`,
		`{"ID":1,"NAME":null,"unknown":1}`,
		`{}`, `null`,
	} {
		for form, v := range received(t, text) {
			var got, want target
			if err := json.Unmarshal([]byte(text), &want); err != nil {
				t.Fatal(err)
			}
			if err := v.Decode(&got); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s from %s: %+v, %v, want %+v", text, form, got, err, want)
			}
		}
	}
	for _, text := range []string{
		`null`, `true`, `"text"`, `1`, `-1`, `1.5`, `1e300`, `18446744073709551616`, `[]`, `{}`, `[1,[2,{"a":null}]]`, `"<&>\u2028é😀"`,
	} {
		var want any
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatal(err)
		}
		for form, v := range received(t, text) {
			var got any
			if err := v.Decode(&got); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s from %s: %#v, %v, want %#v", text, form, got, err, want)
			}
			tagged, err := v.TaggedJSON()
			var again any
			if err == nil {
				err = json.Unmarshal(tagged, &again)
			}
			if err != nil || !reflect.DeepEqual(again, want) {
				t.Errorf("%s from %s as tagged JSON: %s, %v", text, form, tagged, err)
			}
		}
	}
}

func TestValueDecodeErrors(t *testing.T) {
	t.Parallel()
	for form, v := range received(t, `{"id":"seven"}`) {
		var typeError *json.UnmarshalTypeError
		if err := v.Decode(&struct{ ID int }{}); !errors.As(err, &typeError) {
			t.Errorf("%s: a string into an int: %v", form, err)
		}
		var invalid *json.InvalidUnmarshalError
		for _, into := range []any{nil, struct{}{}, (*int)(nil), (*any)(nil)} {
			if err := v.Decode(into); !errors.As(err, &invalid) {
				t.Errorf("%s: into %T: %v", form, into, err)
			}
		}
	}
}

func TestValueBinary(t *testing.T) {
	t.Parallel()
	type file struct {
		Name string
		Data []byte
	}
	want := file{"a", []byte{0, 1, 255}}
	for form, payload := range map[string][]byte{
		"JSON":        []byte(`{"type":9,"requestId":"x","packet":{"Name":"a","Data":{"type":"Buffer","data":[0,1,255]}}}`),
		"MessagePack": messagePack(t, `{"type":9,"requestId":"x","packet":{"Name":"a","Data":{"$binary":"AAH/"}}}`),
	} {
		r, err := protocol.Unmarshal(payload)
		if err != nil {
			t.Fatal(err)
		}
		var got file
		if err := r.Value.Decode(&got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", form, got, err)
		}
		var loose any
		if err := r.Value.Decode(&loose); err != nil || !reflect.DeepEqual(loose, map[string]any{"Name": "a", "Data": want.Data}) {
			t.Errorf("%s: %#v, %v", form, loose, err)
		}
		if text, err := r.Value.TaggedJSON(); err != nil || string(text) != `{"Data":{"$binary":"AAH/"},"Name":"a"}` {
			t.Errorf("%s: %s, %v", form, text, err)
		}
	}
	// The whole value may be binary.
	var b []byte
	if err := encoding.NewValue([]byte{7}).Decode(&b); err != nil || !reflect.DeepEqual(b, []byte{7}) {
		t.Errorf("%v, %v", b, err)
	}
}

// TestValueOfNothing decodes the Value that a client gave no answer with.
func TestValueOfNothing(t *testing.T) {
	t.Parallel()
	var v any = 1
	if err := (encoding.Value{}).Decode(&v); err != nil || v != nil {
		t.Errorf("%v, %v", v, err)
	}
	n := 7
	if err := (encoding.Value{}).Decode(&n); err != nil || n != 7 {
		t.Errorf("null changed an int to %d, %v", n, err)
	}
	if text, err := (encoding.Value{}).TaggedJSON(); err != nil || string(text) != "null" {
		t.Errorf("%s, %v", text, err)
	}
}

// TestValueDecodeBinary looks for binary where encoding/json has none.
func TestValueDecodeBinary(t *testing.T) {
	t.Parallel()
	v := encoding.NewValue(map[string]any{"data": []byte{1, 2}, "list": []any{[]byte{3}, int64(4)}})
	var m map[string]any
	if err := v.Decode(&m); err != nil || !reflect.DeepEqual(m, map[string]any{"data": []byte{1, 2}, "list": []any{[]byte{3}, 4.0}}) {
		t.Errorf("%v, %v", m, err)
	}
	var list []any
	if err := encoding.NewValue([]any{[]byte{3}, int64(4)}).Decode(&list); err != nil || !reflect.DeepEqual(list, []any{[]byte{3}, 4.0}) {
		t.Errorf("%v, %v", list, err)
	}
	// A map that holds something already gets more, as from encoding/json.
	m = map[string]any{"old": true, "data": false}
	if err := v.Decode(&m); err != nil || !reflect.DeepEqual(m, map[string]any{"old": true, "data": []byte{1, 2}, "list": []any{[]byte{3}, 4.0}}) {
		t.Errorf("%v, %v", m, err)
	}
	// What it gives away is not its own.
	m["data"].([]byte)[0], m["list"].([]any)[0].([]byte)[0] = 9, 9
	var again any
	if err := v.Decode(&again); err != nil || !reflect.DeepEqual(again, map[string]any{"data": []byte{1, 2}, "list": []any{[]byte{3}, 4.0}}) {
		t.Errorf("%v, %v", again, err)
	}
	var s struct {
		Data []byte
		Any  any `json:"list"`
	}
	if err := v.Decode(&s); err != nil || string(s.Data) != "\x01\x02" || !reflect.DeepEqual(s.Any, []any{"Aw==", 4.0}) {
		t.Errorf("%+v, %v", s, err)
	}
	for _, into := range []any{(*map[string]any)(nil), (*[]any)(nil), (*any)(nil), nil} {
		if err := v.Decode(into); err == nil {
			t.Errorf("into %T: no error", into)
		}
	}
}

// messagePack is the MessagePack form of JSON text.
func messagePack(t testing.TB, text string) []byte {
	t.Helper()
	b, err := encoding.Append(nil, encoding.TaggedJSON(text))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
