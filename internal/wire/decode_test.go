package wire_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/wire"
	"github.com/vmihailenco/msgpack/v5"
)

func unhex(t testing.TB, s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		hex  string
		want any
	}{
		{"c0", nil}, {"c2", false}, {"c3", true}, {"7f", int64(127)}, {"ff", int64(-1)},
		{"cc ff", int64(255)}, {"cd ffff", int64(65535)}, {"ce ffffffff", int64(1<<32 - 1)}, {"cf 7fffffffffffffff", int64(1<<63 - 1)},
		{"cf ffffffffffffffff", uint64(1<<64 - 1)}, {"d0 80", int64(-128)}, {"d1 8000", int64(-32768)}, {"d2 80000000", int64(-1 << 31)}, {"d3 8000000000000000", int64(-1 << 63)},
		{"ca 3fc00000", 1.5}, {"cb 3ff8000000000000", 1.5}, {"a161", "a"}, {"d9 01 61", "a"}, {"da 0001 61", "a"}, {"db 00000001 61", "a"},
		{"c4 01 00", []byte{0}}, {"c5 0001 00", []byte{0}}, {"c6 00000001 00", []byte{0}}, {"c400", []byte{}},
		{"90", []any{}}, {"92 01 c0", []any{int64(1), nil}}, {"dc 0001 01", []any{int64(1)}}, {"dd 00000001 01", []any{int64(1)}},
		{"80", map[string]any{}}, {"82 a161 01 a161 02", map[string]any{"a": int64(2)}}, {"de 0001 a161 01", map[string]any{"a": int64(1)}}, {"df 00000001 a161 01", map[string]any{"a": int64(1)}},
		{"82 01 01 c40161 02", map[string]any{"1": int64(1), "a": int64(2)}},
		{"d6 ff 00000001", time.Unix(1, 0).UTC()}, {"d7 ff 00000004 00000001", time.Unix(1, 1).UTC()}, {"c7 0c ff 00000001 ffffffffffffffff", time.Unix(-1, 1).UTC()},
		{"d4 00 00", wire.Extension{0, []byte{0}}}, {"d5 ff 0000", wire.Extension{-1, []byte{0, 0}}}, {"c7 00 05", wire.Extension{5, []byte{}}},
	} {
		got, err := wire.Decode(unhex(t, test.hex))
		if err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %#v, %v, want %#v", test.hex, got, err, test.want)
		}
	}
}

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestDecodeHostile is not parallel: it counts what the process allocates.
func TestDecodeHostile(t *testing.T) {
	nestedClaims := bytes.Repeat([]byte{0xdd, 0, 0, 0x10, 0}, 8000)
	for name, payload := range map[string][]byte{
		"empty":                       nil,
		"array of 4 G elements":       unhex(t, "dd ffffffff"),
		"map of 4 G entries":          unhex(t, "df ffffffff"),
		"map of 2 G entries":          unhex(t, "df 7fffffff"),
		"string of 4 GiB":             unhex(t, "db ffffffff 61"),
		"binary of 4 GiB":             unhex(t, "c6 ffffffff 61"),
		"extension of 4 GiB":          unhex(t, "c9 ffffffff 05 61"),
		"arrays that all claim much":  nestedClaims,
		"arrays without an end":       bytes.Repeat([]byte{0x91}, 1<<20),
		"maps without an end":         bytes.Repeat([]byte{0x81, 0xa0}, 1<<19),
		"maps as keys":                unhex(t, "81 80 01"),
		"null as a key":               unhex(t, "81 c0 01"),
		"the byte that means nothing": unhex(t, "c1"),
		"a value too many":            unhex(t, "01 02"),
		"a number cut off":            unhex(t, "cf 0000"),
		"maps in maps":                append(bytes.Repeat([]byte{0x81, 0xa0}, wire.MaxDepth-10), 0xc1),
		"many tiny maps":              append(unhex(t, "dd 00100001"), bytes.Repeat([]byte{0x81, 0xa0, 0xc0}, 1<<20)...),
	} {
		var err error
		size := allocated(func() { _, err = wire.Decode(payload) })
		if !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("%s: error %v", name, err)
		}
		if limit := uint64(64<<10 + 200*len(payload)); size > limit {
			t.Errorf("%s: %d bytes allocated for an input of %d", name, size, len(payload))
		}
	}
}

// FuzzDecode holds what is decoded to what package msgpack decodes by itself, to
// what is decoded after encoding it again, and to the JSON that is made of the
// bytes without decoding them.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{"c0", "dd ffffffff", "df 00000001 a161 01", "c7 0c ff 00000001 ffffffffffffffff", "82 01 01 c40161 02", "92 91 90 80"} {
		f.Add(unhex(f, seed))
	}
	for text := range arrivals {
		f.Add(unhex(f, text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := wire.Decode(data)
		if err != nil {
			if !errors.Is(err, wire.ErrMalformed) {
				t.Fatalf("%v is no ErrMalformed", err)
			}
			return
		}
		d := msgpack.NewDecoder(bytes.NewReader(data))
		// It knows neither numbers as keys nor extensions.
		if theirs, err := d.DecodeInterface(); err == nil && show(theirs) != show(v) {
			t.Fatalf("%s, and package msgpack decodes %s", show(v), show(theirs))
		}
		if !isOrdinary(v) {
			return
		}
		checkArrived(t, data, v)
		arrived := wire.ArrivesAs(v)
		again, err := encoding.Append(nil, arrived)
		if err != nil {
			return // deeper than what may be sent
		}
		if same, err := wire.Decode(again); err != nil || show(same) != show(sendable(arrived)) {
			t.Fatalf("%s became %s, %v", show(arrived), show(same), err)
		}
	})
}

// show writes a decoded value with its types, but for those of whole numbers and
// the zone of a time.
func show(v any) string { return fmt.Sprintf("%#v", shown(v)) }

func shown(v any) any {
	switch v := v.(type) {
	case uint64:
		if v <= math.MaxInt64 {
			return int64(v)
		}
	case int8, int16, int32, uint8, uint16, uint32:
		n, _ := strconv.ParseInt(fmt.Sprint(v), 10, 64)
		return n
	case float32:
		return float64(v)
	case []byte:
		return append([]byte{}, v...)
	case time.Time:
		return v.UTC()
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = shown(v[i])
		}
		return list
	case map[string]any:
		object := make(map[string]any)
		for k := range v {
			object[k] = shown(v[k])
		}
		return object
	}
	return v
}

// sendable returns what is left of a value that has been sent: exact numbers are
// those of JavaScript, text is valid.
func sendable(v any) any {
	switch v := v.(type) {
	case int64:
		if v < -wire.MaxExact || v > wire.MaxExact {
			return float64(v)
		}
	case uint64:
		return float64(v)
	case float64:
		if n := int64(v); v >= -wire.MaxExact && v <= wire.MaxExact && float64(n) == v {
			return n
		}
	case string:
		return string(wire.StringBody(wire.AppendString(nil, v)))
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = sendable(v[i])
		}
		return list
	case map[string]any:
		object := make(map[string]any)
		for k := range v {
			object[k] = sendable(v[k])
		}
		return object
	}
	return v
}

// isOrdinary reports whether no member is undefined, which may stand behind one
// of the same key, and all keys are text, which others may become.
func isOrdinary(v any) bool {
	switch v := v.(type) {
	case wire.Extension:
		return v.Type != 0 || len(v.Data) != 1 || v.Data[0] != 0 // undefined
	case []any:
		return !slices.ContainsFunc(v, func(v any) bool { return !isOrdinary(v) })
	case map[string]any:
		for k, member := range v {
			if !utf8.ValidString(k) || !isOrdinary(member) {
				return false
			}
		}
	}
	return true
}
