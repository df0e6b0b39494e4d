package encoding

//lint:file-ignore SA5008 tags that encoding/json only just accepts are the point here

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"time"
)

// The types below are the shapes of structs and marshalers that encoding/json
// has rules for and that reflect.StructOf cannot make.

type textKey struct{ A, B int }

func (k textKey) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%d-%d", k.A, k.B), nil }

type textInt int

func (k textInt) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "int<%d>", int(k)), nil }

type textString string // as a map key, the string goes before the method

func (s textString) MarshalText() ([]byte, error) { return []byte("text:" + string(s)), nil }

type textPointer string

func (s *textPointer) MarshalText() ([]byte, error) { return []byte("pointer:" + string(*s)), nil }

type jsonValue struct{ V string }

func (v jsonValue) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{"b": v.V, "a": []int{1, 2}, "10": 1, "9": 2})
}

type jsonPointer struct{ N int }

func (v *jsonPointer) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, ` {"n" : %d, "s": "é\u00e9\ud83d\ude00\ud800x<", "n": 2.50e1 } `, v.N), nil
}

type jsonBroken struct{ Text string }

func (v jsonBroken) MarshalJSON() ([]byte, error) {
	if v.Text == "" {
		return nil, errors.New("refused")
	}
	return []byte(v.Text), nil
}

type quotedPointer int

func (q *quotedPointer) MarshalJSON() ([]byte, error) { return []byte(`{"q":1}`), nil }

type (
	named     []byte
	namedByte byte
	bytesOwn  []namedByte
	textBytes []byte
	zeroer    struct{ N int }
	zeroerPtr struct{ N int }
	Base      struct{ ID, Shared int }
	Other     struct{ Shared, Own string }
	Deep      struct{ Base }
	lower     struct{ FromLower int }
	Tagged    struct {
		Renamed int `json:"ID"`
	}
)

// Of the fields of one name the least nested is sent, whatever comes first.
type (
	shadowing struct {
		Base
		ID string
	}
	shadowed struct {
		ID string
		*shadowing
		Tagged
	}
	shadowedDeep struct {
		Deep
		Wide struct{ Deep }
		Base
	}
)

// Bytes that encode themselves are no binary.
type (
	jsonByte    byte
	textByte    byte
	pointerByte byte
	zeroByte    byte // has a method, but none that matters
	bytesOwnAll struct {
		JSON    []jsonByte
		Text    []textByte
		Pointer []pointerByte
		Zero    []zeroByte
		Array   [2]jsonByte
		Keys    map[textByte][]textByte
	}
)

func (b jsonByte) MarshalJSON() ([]byte, error)     { return fmt.Appendf(nil, `{"b":%d}`, b), nil }
func (b textByte) MarshalText() ([]byte, error)     { return fmt.Appendf(nil, "byte %d", b), nil }
func (b *pointerByte) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, `"p%d"`, *b), nil }
func (b zeroByte) IsZero() bool                     { return b == 7 }

type isZeroer interface{ IsZero() bool }

// omitZero is where omitzero meets interfaces and pointers.
type omitZero struct {
	Iface  isZeroer          `json:",omitzero"`
	Ptr    *zeroer           `json:",omitzero"`
	PtrPtr **zeroer          `json:",omitzero"`
	Any    any               `json:",omitzero"`
	Byte   zeroByte          `json:",omitzero"`
	Slice  []zeroByte        `json:",omitzero"`
	Array  [2]int            `json:",omitzero"`
	Struct struct{ A []int } `json:",omitzero"`
	Last   int
}

func (textBytes) MarshalText() ([]byte, error) { return []byte("not binary"), nil }
func (z zeroer) IsZero() bool                  { return z.N == 7 }
func (z *zeroerPtr) IsZero() bool              { return z == nil || z.N == 7 }

type tags struct {
	Plain    string
	Dash     int `json:"-"`
	DashName int `json:"-,"`
	Named    int `json:"named"`
	Index    int `json:"10"`
	IndexToo int `json:"9,omitempty"`
	v1Fields
	Odd        int             `json:"<&> 1"`
	Empty      string          `json:",omitempty"`
	EmptyPtr   *int            `json:",omitempty"`
	EmptyMap   map[string]int  `json:",omitempty"`
	EmptyArray [0]int          `json:",omitempty"`
	EmptyBytes []byte          `json:",omitempty"`
	EmptyAny   any             `json:",omitempty"`
	EmptyTime  time.Time       `json:",omitempty"`
	ZeroTime   time.Time       `json:",omitzero"`
	Zero       zeroer          `json:",omitzero"`
	ZeroPtr    zeroerPtr       `json:",omitzero"`
	ZeroPtrPtr *zeroerPtr      `json:",omitzero"`
	ZeroInt    int             `json:",omitzero"`
	ZeroBoth   []int           `json:",omitzero,omitempty"`
	Str        string          `json:",string"`
	StrInt     int64           `json:",string"`
	StrUint    uint8           `json:",string"`
	StrFloat   float64         `json:",string"`
	StrFloat32 float32         `json:",string"`
	StrBool    bool            `json:",string"`
	StrPtr     *int            `json:",string"`
	StrPtrPtr  **int           `json:",string"`
	StrSlice   []int           `json:",string"`
	StrNumber  json.Number     `json:",string"`
	StrText    textInt         `json:",string"`
	StrOwn     quotedPointer   `json:",string"`
	Raw        json.RawMessage `json:",omitempty"`
	Number     json.Number
	When       time.Time
	WhenPtr    *time.Time
	Bytes      named
	Bytes2     bytesOwn
	Text       textBytes
	ByteArray  [3]byte
	Keys       map[textKey]int
	IntKeys    map[int8]string
	TextKeys   map[textInt]bool
	PtrKeys    map[*textKey]int
	Own        jsonValue
	OwnPtr     *jsonPointer
	OwnAddr    jsonPointer
	TextAddr   textPointer
	Iface      fmt.Stringer
	Marshaler  json.Marshaler
	unexported int //lint:ignore U1000 must not be sent
}

type embedding struct {
	Base
	*Other
	Deep
	lower
	Tagged
	Named `json:"named"`
	time.Duration
	Last int
}

type Named struct{ In int }

type embeddedTwice struct {
	A1
	A2
	Rest int
}

type (
	A1 struct{ Common }
	A2 struct{ Common }
	// Common stands twice at one level of embeddedTwice: none of its fields is
	// sent.
	Common struct{ C int }
)

type recursive struct {
	Name  string
	Next  *recursive           `json:",omitempty"`
	Kids  []recursive          `json:",omitempty"`
	ByKey map[string]recursive `json:",omitempty"`
	Any   any                  `json:",omitempty"`
}

// generator makes values of every shape from a random source.
type generator struct{ *rand.Rand }

func newGenerator(seed uint64) generator { return generator{rand.New(rand.NewPCG(seed, 1))} }

var catalogue = append([]reflect.Type{
	reflect.TypeFor[tags](), reflect.TypeFor[*tags](), reflect.TypeFor[embedding](), reflect.TypeFor[*embedding](),
	reflect.TypeFor[embeddedTwice](), reflect.TypeFor[recursive](), reflect.TypeFor[*recursive](),
	reflect.TypeFor[jsonValue](), reflect.TypeFor[jsonPointer](), reflect.TypeFor[*jsonPointer](), reflect.TypeFor[jsonBroken](),
	reflect.TypeFor[time.Time](), reflect.TypeFor[*time.Time](), reflect.TypeFor[json.RawMessage](), reflect.TypeFor[json.Number](),
	reflect.TypeFor[named](), reflect.TypeFor[textBytes](), reflect.TypeFor[bytesOwn](),
	reflect.TypeFor[[]byte](), reflect.TypeFor[any](), reflect.TypeFor[[]any](), reflect.TypeFor[map[string]any](),
	reflect.TypeFor[map[textKey]any](), reflect.TypeFor[map[textInt]any](), reflect.TypeFor[map[*textKey]int](),
	reflect.TypeFor[quotedPointer](), reflect.TypeFor[*quotedPointer](), reflect.TypeFor[textPointer](), reflect.TypeFor[zeroer](),
	reflect.TypeFor[shadowing](), reflect.TypeFor[shadowed](), reflect.TypeFor[shadowedDeep](), reflect.TypeFor[bytesOwnAll](), reflect.TypeFor[omitZero](),
}, v1Types...)

var scalars = []reflect.Type{
	reflect.TypeFor[bool](), reflect.TypeFor[string](), reflect.TypeFor[int](), reflect.TypeFor[int8](), reflect.TypeFor[int16](), reflect.TypeFor[int32](),
	reflect.TypeFor[int64](), reflect.TypeFor[uint](), reflect.TypeFor[uint8](), reflect.TypeFor[uint16](), reflect.TypeFor[uint32](), reflect.TypeFor[uint64](),
	reflect.TypeFor[uintptr](), reflect.TypeFor[float32](), reflect.TypeFor[float64](), reflect.TypeFor[textInt](), reflect.TypeFor[textString](),
}

func pick[T any](g generator, list []T) T { return list[g.IntN(len(list))] }

func (g generator) typ(depth int) reflect.Type {
	if depth <= 0 {
		return pick(g, scalars)
	}
	switch g.IntN(8) {
	case 0:
		return reflect.PointerTo(g.typ(depth - 1))
	case 1:
		return reflect.SliceOf(g.typ(depth - 1))
	case 2:
		return reflect.ArrayOf(g.IntN(4), g.typ(depth-1))
	case 3:
		return reflect.MapOf(pick(g, scalars[1:13]), g.typ(depth-1))
	case 4, 5:
		fields := make([]reflect.StructField, g.IntN(20))
		for i := range fields {
			fields[i] = reflect.StructField{Name: fmt.Sprintf("F%d", i), Type: g.typ(depth - 1), Tag: g.tag()}
		}
		return reflect.StructOf(fields)
	case 6:
		return pick(g, catalogue)
	}
	return pick(g, scalars)
}

func (g generator) tag() reflect.StructTag {
	name := pick(g, append([]string{"", "", "", "a", "b", "name", "10", "2", "0", "01", "é", "sp ace", "-"}, v1Tags...))
	var options strings.Builder
	for _, option := range []string{",omitempty", ",omitzero", ",string", ",other"} {
		if g.IntN(4) == 0 {
			options.WriteString(option)
		}
	}
	return reflect.StructTag(fmt.Sprintf(`json:"%s%s"`, name, options.String()))
}

func (g generator) value(t reflect.Type, depth int) reflect.Value {
	v := reflect.New(t).Elem()
	g.fill(v, depth)
	return v
}

var texts = []string{"", "a", "plain", "né", "日本語", "😀 astral", "quote\" back\\slash", "<b>&amp;</b>", "\u2028", "\x00\x1f\x7f", "bad \xff\xfe utf8 \xe2\x82", "\ufffd", strings.Repeat("x", 31), strings.Repeat("y", 32), strings.Repeat("é", 128)}

func (g generator) fill(v reflect.Value, depth int) {
	switch v.Type() {
	case reflect.TypeFor[json.RawMessage]():
		v.SetBytes([]byte(pick(g, []string{"null", "1", ` [1, 2.5e3,"x"] `, `{"b":1,"a":{"10":1,"9":[]},"b":2}`, `"\u00e9\ud83d\ude00\ud800"`, "{", "", "1e400", "-0", "1e-400", `[[[[{}]]]]`, "\"\xff\""})))
		return
	case reflect.TypeFor[json.Number]():
		v.SetString(pick(g, []string{"", "0", "-0", "1", "1.50", "1e3", "9007199254740993", "1e21", "x", " 1", "1 ", "0x1", "null", "-"}))
		return
	case reflect.TypeFor[jsonBroken]():
		v.Field(0).SetString(pick(g, []string{"", "{", "null", "[1,]", "3"}))
		return
	case reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Unix(g.Int64N(1<<33), g.Int64N(1e9)).In(time.FixedZone("x", g.IntN(86400)-43200))))
		switch g.IntN(8) {
		case 0:
			v.SetZero()
		case 1:
			v.Set(reflect.ValueOf(time.Date(10000+g.IntN(2), 1, 1, 0, 0, 0, 0, time.UTC)))
		}
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(g.IntN(2) == 0)
	case reflect.String:
		v.SetString(pick(g, texts))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(g.float())
	case reflect.Pointer:
		if depth > 0 && g.IntN(4) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			g.fill(v.Elem(), depth-1)
		}
	case reflect.Slice:
		if g.IntN(5) > 0 {
			v.Set(reflect.MakeSlice(v.Type(), g.size(depth), 40))
		}
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			g.fill(v.Index(i), depth-1)
		}
	case reflect.Map:
		if g.IntN(5) == 0 {
			return
		}
		v.Set(reflect.MakeMap(v.Type()))
		names := make(map[string]bool)
		for range g.size(depth) {
			// Of two keys with one text encoding/json sends either first.
			key := g.value(v.Type().Key(), 1)
			if name, err := mapKeyName(key.Type())(key); err == nil && !names[name] {
				names[name] = true
				v.SetMapIndex(key, g.value(v.Type().Elem(), depth-1))
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() && g.IntN(4) > 0 {
				g.fill(f, depth-1)
			}
		}
	case reflect.Interface:
		if depth > 0 && v.NumMethod() == 0 && g.IntN(5) > 0 {
			v.Set(g.value(g.typ(depth-1), depth-1))
		}
	default:
		if v.CanInt() {
			v.SetInt(int64(g.bits()))
		} else if v.CanUint() {
			v.SetUint(g.bits())
		}
	}
}

func (g generator) size(depth int) int {
	if depth <= 0 {
		return 0
	}
	return pick(g, []int{0, 1, 2, 3, 16, 17})
}

// bits returns a number near one of the boundaries of MessagePack's integers.
func (g generator) bits() uint64 {
	n := uint64(1)<<g.IntN(64) + g.Uint64N(5) - 2
	if g.IntN(2) == 0 {
		return -n
	}
	return n
}

func (g generator) float() float64 {
	switch g.IntN(12) {
	case 0:
		return float64(int64(g.bits()))
	case 1:
		return pick(g, []float64{0, math.Copysign(0, -1), math.MaxFloat64, math.SmallestNonzeroFloat64, 1e21, 1e-7, 1 << 53, -1 << 53, 1<<53 + 2, math.MaxFloat32, 0.1, 16777217})
	case 2:
		if g.IntN(8) == 0 {
			return pick(g, []float64{math.NaN(), math.Inf(1), math.Inf(-1)})
		}
	}
	return (g.Float64() - 0.5) * math.Pow(10, float64(g.IntN(40)-20))
}
