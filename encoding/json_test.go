package encoding

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/sioemit/sioemit/internal/wire"
)

// TestJSONSizes writes values on both sides of each size at which MessagePack,
// from which the JSON is made, takes another form.
func TestJSONSizes(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 15, 16, 31, 32, 255, 256, 1<<16 - 1, 1 << 16} {
		members := make(map[string]any, n)
		for i := range n {
			members["k"+strconv.Itoa(i)] = nil
		}
		for _, v := range []any{strings.Repeat("a", n), make([]any, n), members} {
			want, err := json.Marshal([]any{v, "behind"})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := AppendJSON(nil, []any{v, "behind"}); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%T of %d: %.100q, %v, want %.100q", v, n, got, err, want)
			}
		}
		bin := bytes.Repeat([]byte{0xff}, n)
		want := `[{"$binary":"` + base64.StdEncoding.EncodeToString(bin) + `"},"behind"]`
		if got, err := NewValue([]any{bin, "behind"}).TaggedJSON(); err != nil || string(got) != want {
			t.Errorf("binary of %d: %.100q, %v, want %.100q", n, got, err, want)
		}
	}
}

func TestJSONNumbers(t *testing.T) {
	t.Parallel()
	for text, v := range map[string]any{
		"[127,128,255,256,65535,65536]":                                 []int{127, 128, 255, 256, 65535, 65536},
		"[4294967295,4294967296,9007199254740992]":                      []int64{1<<32 - 1, 1 << 32, wire.MaxExact},
		"[-1,-32,-33,-128,-129,-32768,-32769]":                          []int{-1, -32, -33, -128, -129, -32768, -32769},
		"[-2147483648,-2147483649,-9007199254740992]":                   []int64{-1 << 31, -1<<31 - 1, -wire.MaxExact},
		"[0.000001,9.999999999999997e-7,1e-7,1.5e-10]":                  []float64{1e-6, math.Nextafter(1e-6, 0), 1e-7, 1.5e-10},
		"[1e+21,999999999999999900000,100000000000000000000]":           []float64{1e21, math.Nextafter(1e21, 0), 1e20},
		"[-0.000001,-1e-7,-1e+21,1.7976931348623157e+308,5e-324,0,0.5]": []float64{-1e-6, -1e-7, -1e21, math.MaxFloat64, math.SmallestNonzeroFloat64, math.Copysign(0, -1), 0.5},
		// Between two float32 there are integers; the shortest text counts.
		"[16777216,123456790]":                     []float32{1 << 24, 123456792},
		"[999999999999999,10000000000000000000,1]": json.RawMessage("[999999999999999,9999999999999999999,1.0]"),
	} {
		got, err := AppendJSON(nil, v)
		if err != nil || string(got) != text {
			t.Errorf("%s, %v, want %s", got, err, text)
		}
	}
}

// TestJSONBinary has binary refused wherever only JSON can go.
func TestJSONBinary(t *testing.T) {
	t.Parallel()
	b := &Broadcast{Namespace: "/", Event: "e", Args: []any{map[string]any{"deep": []byte{1}}}}
	c := Classic{Codec: JSON}
	for name, write := range map[string]func() ([]byte, error){
		"value":    func() ([]byte, error) { return AppendJSON(nil, b.Args) },
		"message":  func() ([]byte, error) { return c.Marshal(b) },
		"template": func() ([]byte, error) { return c.Template(b).Append(make([]byte, 0, 1000), b.Event, b.Args) },
		"request":  func() ([]byte, error) { return c.MarshalRequest(&Request{Kind: ServerSideEmit, Broadcast: *b}) },
	} {
		if got, err := write(); got != nil || !errors.Is(err, ErrBinary) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	// The next value is not taken for binary.
	if got, err := AppendJSON([]byte("before "), []byte(nil)); err != nil || !reflect.DeepEqual(got, []byte("before null")) {
		t.Errorf("%q, %v", got, err)
	}
}

// TestJSONSyntax has the error say where the text is wrong.
func TestJSONSyntax(t *testing.T) {
	t.Parallel()
	for _, v := range []any{json.RawMessage("[1,"), TaggedJSON("[1,")} {
		var syntax *json.SyntaxError
		if got, err := Append(nil, v); got != nil || !errors.As(err, &syntax) || syntax.Offset != 3 {
			t.Errorf("%T: %q, %v", v, got, err)
		}
	}
	// What looks deep in a string is not.
	for _, text := range []string{`["` + strings.Repeat("[", 20000) + `"`, `["\"` + strings.Repeat("[", 20000) + `"`} {
		if _, err := Append(nil, TaggedJSON(text)); err == nil || errors.Is(err, ErrTooDeep) {
			t.Errorf("%.20s: %v", text, err)
		}
	}
}
