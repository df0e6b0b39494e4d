package encoding

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"strconv"
	"testing"

	"github.com/sioemit/sioemit/internal/wire"
	"github.com/vmihailenco/msgpack/v5"
)

// readMessagePack reads b with an independent MessagePack reader and brings
// what it gets into the form in which encoding/json reads JSON, where binary
// is base64 text.
func readMessagePack(b []byte) (any, error) {
	d := msgpack.NewDecoder(bytes.NewReader(b))
	d.SetMapDecoder(func(d *msgpack.Decoder) (any, error) { return d.DecodeUntypedMap() })
	v, err := d.DecodeInterface()
	if err != nil {
		return nil, err
	}
	return plain(v), nil
}

func plain(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
		return v
	case map[any]any:
		m := make(map[string]any, len(v))
		for k, e := range v {
			m[k.(string)] = plain(e)
		}
		return m
	case []byte:
		return base64.StdEncoding.EncodeToString(v)
	case nil, bool, string:
		return v
	}
	rv := reflect.ValueOf(v)
	switch {
	case rv.CanInt():
		return float64(rv.Int())
	case rv.CanUint():
		return float64(rv.Uint())
	}
	return rv.Float()
}

// compare holds Append and AppendJSON to encoding/json for v.
func compare(t *testing.T, v any) {
	t.Helper()
	got, err := Append([]byte("prefix"), v)
	text, jsonErr := json.Marshal(v)
	var want any
	if jsonErr == nil {
		// A number beyond float64 is fine for Marshal and for no reader.
		jsonErr = json.Unmarshal(text, &want)
	}
	if (err == nil) != (jsonErr == nil) {
		t.Fatalf("Append: %v\nencoding/json: %v\n%T %+v", err, jsonErr, v, v)
	}
	if err != nil {
		return
	}
	if !bytes.HasPrefix(got, []byte("prefix")) {
		t.Fatalf("Append lost what was there: %q", got)
	}
	read, err := readMessagePack(got[len("prefix"):])
	if err != nil {
		t.Fatalf("a MessagePack reader: %v\n%x", err, got)
	}
	if !reflect.DeepEqual(read, want) {
		t.Fatalf("a MessagePack reader gets\n%#v\na JSON reader gets\n%#v\nfrom %s", read, want, text)
	}
	if _, err := wire.Decode(got[len("prefix"):]); err != nil {
		t.Fatalf("Decode: %v", err)
	}
	ourText, err := AppendJSON(nil, v)
	if err != nil {
		if err != ErrBinary {
			t.Fatalf("AppendJSON: %v", err)
		}
		return
	}
	var ours any
	if err := json.Unmarshal(ourText, &ours); err != nil || !reflect.DeepEqual(ours, want) {
		t.Fatalf("AppendJSON: %v\n%s\nencoding/json:\n%s", err, ourText, text)
	}
}

func TestDifferential(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4000) {
		g := newGenerator(seed)
		v := g.value(g.typ(4), 4).Interface()
		if !t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) { compare(t, v) }) {
			return
		}
	}
}

// TestDifferentialCatalogue meets every hand-written type often, also as a
// pointer, which makes its fields addressable.
func TestDifferentialCatalogue(t *testing.T) {
	t.Parallel()
	for i, typ := range catalogue {
		for seed := range uint64(60) {
			g := newGenerator(uint64(i)<<32 | seed)
			v := g.value(typ, 3)
			t.Run(fmt.Sprint(typ, seed), func(t *testing.T) {
				compare(t, v.Interface())
				compare(t, v.Addr().Interface())
				compare(t, []any{v.Interface(), map[string]any{"k": v.Interface()}})
			})
		}
	}
}

func TestDifferentialSingle(t *testing.T) {
	t.Parallel()
	type list []list
	type chain map[string]chain
	cyclicSlice := list{nil}
	cyclicSlice[0] = cyclicSlice
	cyclicMap := chain{}
	cyclicMap["x"] = cyclicMap
	cyclicStruct := &recursive{}
	cyclicStruct.Next = cyclicStruct
	cyclicAny := []any{nil}
	cyclicAny[0] = cyclicAny
	cyclicAnyMap := map[string]any{}
	cyclicAnyMap["x"] = []any{cyclicAnyMap}
	// Pointers are no levels, wherever they are.
	pointers, nested := behindPointers("core", 5000), any("core")
	for i := range MaxLevels {
		switch i % 4 {
		case 0:
			nested = []any{nested, i}
		case 1:
			nested = map[string]any{"k": nested}
		case 2:
			nested = &recursive{Any: nested}
		case 3:
			nested = [1]any{behindPointers(nested, 3)}
		}
	}
	var nilPointer *int
	var nilMarshaler *jsonPointer
	values := map[string]any{
		"nil": nil, "nil pointer": nilPointer, "nil marshaler": nilMarshaler, "nil slice": []int(nil), "nil any slice": []any(nil),
		"nil map": map[string]any(nil), "nil int map": map[int]int(nil), "nil bytes": []byte(nil), "nil raw": json.RawMessage(nil),
		"channel": make(chan int), "function": func() {}, "complex": 1i, "unsafe in struct": struct{ C chan int }{}, "channel in any": []any{make(chan int)},
		"struct key": map[struct{}]int{{}: 1},
		"NaN":        math.NaN(), "Inf": []any{math.Inf(-1)}, "NaN32": float32(math.NaN()),
		"cyclic slice": cyclicSlice, "cyclic map": cyclicMap, "cyclic struct": cyclicStruct, "cyclic any": cyclicAny, "cyclic any map": cyclicAnyMap,
		"pointers": pointers, "nested": nested, "float32": float32(0.1), "float32 large": float32(1e20), "float32 odd": float32(16777217),
		"shadowing": shadowing{Base{1, 2}, "x"}, "shadowed": shadowed{"x", &shadowing{Base{1, 2}, "y"}, Tagged{3}}, "shadowed deep": shadowedDeep{},
		"zero nil pointer": omitZero{Iface: (*zeroerPtr)(nil)}, "zero nil pointer, value method": omitZero{Iface: (*zeroer)(nil)},
		"zero pointer": omitZero{Iface: &zeroer{7}, Ptr: &zeroer{7}}, "no zero": omitZero{Iface: zeroer{}, Ptr: &zeroer{}, Any: zeroer{7}, Byte: 1},
		"zero nothing": omitZero{}, "zero empty": omitZero{Slice: []zeroByte{}, Struct: struct{ A []int }{[]int{}}},
		"byte methods": bytesOwnAll{[]jsonByte{1}, []textByte{2}, []pointerByte{3}, []zeroByte{4}, [2]jsonByte{5}, map[textByte][]textByte{6: {7}}},
		"15 optional":  optional(15), "16 optional": optional(16), "17 optional": optional(17),
		"many fields": g20{}, "unexported": struct{ a, b int }{1, 2}, "empty struct": struct{}{},
	}
	maps.Copy(values, v1Values)
	for name, v := range values {
		t.Run(name, func(t *testing.T) { compare(t, v) })
	}
}

// optional has so many fields that may be left out, and are not.
func optional(n int) any {
	fields := make([]reflect.StructField, n)
	for i := range fields {
		fields[i] = reflect.StructField{Name: fmt.Sprintf("F%d", i), Type: reflect.TypeFor[int](), Tag: `json:",omitempty"`}
	}
	v := reflect.New(reflect.StructOf(fields)).Elem()
	for i := range n {
		v.Field(i).SetInt(int64(i + 1))
	}
	return v.Interface()
}

// g20 has more fields than the smallest MessagePack map header holds.
type g20 struct {
	A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P, Q, R int
	S                                                    int `json:",omitempty"`
	T                                                    *int
}

func FuzzDifferential(f *testing.F) {
	for seed := range uint64(16) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		g := newGenerator(seed)
		compare(t, g.value(g.typ(4), 4).Interface())
	})
}

func FuzzJSONText(f *testing.F) {
	for _, text := range []string{
		"null", "true", "[]", "{}", `{"a":1,"a":2}`, `{"b":1,"10":2,"9":3,"b":4}`, `[1,-1,1.5,1e3,9007199254740993,1e-7]`,
		`"\ud83d\ude00\ud83d \ude00\u0000\/\b\f\n\r\t\"\\"`, "\"\xff\"", ` { "a" : [ { } , [ ] ] } `, "1e400", `{"$binary":"AQID"}`,
		`{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8,"i":9,"j":10,"k":11,"l":12,"m":13,"n":14,"o":15,"p":16,"a":17}`, "{", "",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if text == nil {
			text = []byte{}
		}
		compare(t, json.RawMessage(text))
		if _, err := Append(nil, TaggedJSON(text)); err == nil && !json.Valid(text) {
			t.Errorf("TaggedJSON took %q", text)
		}
	})
}
