package encoding

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"reflect"
	"testing"
)

// TestTaggedArgs has the members of arguments stay in the order in which they
// came, in every message that holds an event and in every form.
func TestTaggedArgs(t *testing.T) {
	t.Parallel()
	const arg = `{"z": 1 ,"a":{"y":[{"d":null,"c":"é\u2028\"<"}],"b":-2.5},"m":true,"n":9007199254740993,"":1e21,"f":-1e-7}`
	const want = `{"z":1,"a":{"y":[{"d":null,"c":"é \"<"}],"b":-2.5},"m":true,"n":9007199254740992,"":1e+21,"f":-1e-7}`
	opts := `"opts":{"rooms":[],"except":[],"flags":{}}`
	data := `["e", ` + arg + `,[ ],"x"]`
	for name, text := range map[string]string{
		"classic event":       `["u",{"type":2,"data":` + data + `,"nsp":"/"},{"rooms":[],"flags":{},"except":[]}]`,
		"classic server-emit": `{"uid":"u","type":6,"data":` + data + `}`,
		"classic emit-ack":    `{"uid":"u","requestId":"q","type":7,"packet":{"type":2,"data":` + data + `,"nsp":"/"},` + opts + `}`,
		"cluster event":       `{"type":3,"data":{"packet":{"type":2,"data":` + data + `},` + opts + `},"uid":"u","nsp":"/"}`,
		"cluster server-emit": `{"type":9,"data":{"packet":` + data + `},"uid":"u","nsp":"/"}`,
	} {
		for form, payload := range map[string][]byte{"JSON": []byte(text), "MessagePack": messagePack(t, text)} {
			m, err := UnmarshalMessage(payload)
			if err != nil {
				t.Fatalf("%s, %s: %v", name, form, err)
			}
			if got, err := m.TaggedArgs(); err != nil || fmt.Sprintf("%s", got) != "["+want+` [] "x"]` {
				t.Errorf("%s, %s: %s, %v", name, form, got, err)
			}
		}
	}
	entry := `{"packet":{"type":2,"data":` + data + `},` + opts + `}`
	for form, value := range map[string]string{"JSON": entry, "MessagePack": base64.StdEncoding.EncodeToString(messagePack(t, entry))} {
		m, err := UnmarshalEntry([]string{"uid", "u", "nsp", "/", "type", "3", "data", value})
		if err != nil {
			t.Fatalf("%s: %v", form, err)
		}
		if got, err := m.TaggedArgs(); err != nil || fmt.Sprintf("%s", got) != "["+want+` [] "x"]` {
			t.Errorf("stream, %s: %s, %v", form, got, err)
		}
	}
	if m, err := UnmarshalMessage([]byte(`["u",{"type":2,"data":["e"],"nsp":"/"},{"rooms":[]}]`)); err != nil {
		t.Error(err)
	} else if args, err := m.TaggedArgs(); len(args) != 0 || err != nil {
		t.Errorf("no arguments: %s, %v", args, err)
	}
}

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
	for wire, want := range arrivals {
		in := unhex(t, wire)
		if _, err := Decode(in); err != nil {
			t.Errorf("%s: %v", wire, err)
			continue
		}
		if got, rest := arrivedToJSON([]byte("x"), append(in, 0x2a)); string(got) != "x"+want || !bytes.Equal(rest, []byte{0x2a}) {
			t.Errorf("%s: %s %x, want %s", wire, got, rest, want)
		}
		if rest := skipWire(append(in, 0x2a)); !bytes.Equal(rest, []byte{0x2a}) {
			t.Errorf("%s: skipped to %x", wire, rest)
		}
	}
}

// checkArrived compares the JSON of a value in the order in which it came with
// that of the decoded value, which has the order of keys sorted away.
func checkArrived(t *testing.T, data []byte, v any) {
	t.Helper()
	want, err := Append(nil, ArrivesAs(v))
	if err != nil {
		return // deeper than what may be sent
	}
	got, rest := arrivedToJSON(nil, data)
	if len(rest) > 0 {
		t.Fatalf("%x is left of %x", rest, data)
	}
	a, err := decodeJSON(got)
	if err != nil {
		t.Fatalf("%x became %s: %v", data, got, err)
	}
	b, err := decodeJSON(toJSON(nil, want))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a, b) {
		t.Fatalf("%x became %s, want %s", data, got, toJSON(nil, want))
	}
}

// FuzzTaggedArgs has as many arguments as were decoded, and in JSON the same.
func FuzzTaggedArgs(f *testing.F) {
	for _, text := range []string{
		`["u",{"type":2,"data":["e",{"b":[1,-0,1e30],"a":"\\ud800\\n"}],"nsp":"/"},{"rooms":[]}]`,
		`{"type":9,"data":{"packet":["e",null,"x"],"packet":["e", true ]},"uid":"u","nsp":"/"}`,
		`{"uid":"u","type":6,"d\\u0061ta":["e",{},[[]]]}`,
	} {
		f.Add([]byte(text))
		f.Add(messagePack(f, text))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		m, err := UnmarshalMessage(payload)
		if err != nil {
			return
		}
		args, err := m.TaggedArgs()
		if err != nil || len(args) != len(m.Args) {
			t.Fatalf("%s, %v, want %d arguments", args, err, len(m.Args))
		}
		for i, arg := range args {
			got, err := decodeJSON(arg)
			if err != nil {
				t.Fatalf("%s: %v", arg, err)
			}
			if m.IsJSON && show(got) != show(m.Args[i]) {
				t.Fatalf("%s, want %s", arg, show(m.Args[i]))
			}
		}
	})
}
