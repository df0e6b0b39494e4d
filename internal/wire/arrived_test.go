package wire_test

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/wire"
)

// arrivals are MessagePack values, in hexadecimal, of every kind.
var arrivals = map[string]string{
	"c0": "null", "c2": "false", "c3": "true", "7f": "127", "ff": "-1", "ccff": "255", "cdffff": "65535", "ceffffffff": "4294967295",
	"cf0020000000000000": "9007199254740992", "cfffffffffffffffff": "18446744073709552000", "d080": "-128", "d18000": "-32768", "d280000000": "-2147483648",
	"d3ffdfffffffffffff": "-9007199254740992", "d38000000000000000": "-9223372036854776000", "ca3f800000": "1", "ca3dcccccd": "0.10000000149011612",
	"cb8000000000000000": "0", "cb7ff8000000000000": "null", "cb7ff0000000000000": "null", "cb3ff8000000000000": "1.5",
	"a3616263": `"abc"`, "d903616263": `"abc"`, "da0003616263": `"abc"`, "db00000003616263": `"abc"`, "a261ff": `"a�"`,
	"c4020102": `{"$binary":"AQI="}`, "c500020102": `{"$binary":"AQI="}`, "c6000000020102": `{"$binary":"AQI="}`,
	"93c001a0": `[null,1,""]`, "dc00020102": "[1,2]", "dd000000020102": "[1,2]",
	"82a162c3a16190": `{"b":true,"a":[]}`, "de0001a16101": `{"a":1}`, "df00000001a16101": `{"a":1}`, "820701d0f902": `{"7":1,"-7":2}`, "81c4016101": `{"a":1}`,
	"d40000": "null", "83a161d40000a16201a163c70000": `{"b":1,"c":{"$binary":""}}`, "d6ff00000001": `"1970-01-01T00:00:01.000Z"`,
	"d70000000000000003e8": `"1970-01-01T00:00:01.000Z"`, "d50701ff": `[7,{"$binary":"Af8="}]`, "c7020001ff": `{"$binary":"Af8="}`, "c800020001ff": `{"$binary":"Af8="}`, "c9000000020001ff": `{"$binary":"Af8="}`,
	"d4ff01": `[-1,{"$binary":"AQ=="}]`, "d80000000000000000000000000000000000": `{"$binary":"AAAAAAAAAAAAAAAAAAAAAA=="}`,
}

func TestArrivedToJSON(t *testing.T) {
	t.Parallel()
	for text, want := range arrivals {
		in := unhex(t, text)
		if _, err := wire.Decode(in); err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, rest := wire.AppendArrived([]byte("x"), append(in, 0x2a)); string(got) != "x"+want || !bytes.Equal(rest, []byte{0x2a}) {
			t.Errorf("%s: %s %x, want %s", text, got, rest, want)
		}
		if rest := wire.Skip(append(in, 0x2a)); !bytes.Equal(rest, []byte{0x2a}) {
			t.Errorf("%s: skipped to %x", text, rest)
		}
	}
}

// checkArrived compares the JSON of a value in the order in which it came with
// that of the decoded value, which has the order of keys sorted away.
func checkArrived(t *testing.T, data []byte, v any) {
	t.Helper()
	want, err := encoding.Append(nil, wire.ArrivesAs(v))
	if err != nil {
		return // deeper than what may be sent
	}
	got, rest := wire.AppendArrived(nil, data)
	if len(rest) > 0 {
		t.Fatalf("%x is left of %x", rest, data)
	}
	a, err := wire.DecodeJSON(got)
	if err != nil {
		t.Fatalf("%x became %s: %v", data, got, err)
	}
	b, err := wire.DecodeJSON(wire.ToJSON(nil, want))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a, b) {
		t.Fatalf("%x became %s, want %s", data, got, wire.ToJSON(nil, want))
	}
}

// TestArrivesAs decodes what a server's encoder makes of what JSON has not.
func TestArrivesAs(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, hex string
		want      any
	}{
		{"NaN", "cb 7ff8000000000000", nil},
		{"Infinity", "cb 7ff0000000000000", nil},
		{"undefined", "d4 00 00", nil},
		{"undefined in an array", "91 d4 00 00", []any{nil}},
		{"undefined in an object", "82 a161 d4 00 00 a162 01", map[string]any{"b": int64(1)}},
		{"Date of notepack.io 3", "d6 ff 00000001", "1970-01-01T00:00:01.000Z"},
		{"Date of notepack.io 2", "d7 00 0000000000000001", "1970-01-01T00:00:00.001Z"},
		{"Date before Christ", "d7 00 ffff000000000000", "-006950-05-31T18:28:09.344Z"},
		{"Date far away", "d7 00 001e000000000000", "+269557-08-10T21:55:19.680Z"},
		{"ArrayBuffer", "c7 03 00 010203", []byte{1, 2, 3}},
		{"ArrayBuffer of 8", "c7 08 00 0102030405060708", []byte{1, 2, 3, 4, 5, 6, 7, 8}},
		{"unknown extension", "d4 05 01", []any{int64(5), []byte{1}}},
	} {
		v, err := wire.Decode(unhex(t, test.hex))
		if err != nil {
			t.Fatal(err)
		}
		if got := wire.ArrivesAs(v); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %#v, want %#v", test.name, got, test.want)
		}
	}
}
