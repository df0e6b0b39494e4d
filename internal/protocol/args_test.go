package protocol

import (
	"encoding/base64"
	"fmt"
	"reflect"
	"testing"

	"github.com/sioemit/sioemit/internal/wire"
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
			m, err := Unmarshal(payload)
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
	if m, err := Unmarshal([]byte(`["u",{"type":2,"data":["e"],"nsp":"/"},{"rooms":[]}]`)); err != nil {
		t.Error(err)
	} else if args, err := m.TaggedArgs(); len(args) != 0 || err != nil {
		t.Errorf("no arguments: %s, %v", args, err)
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
		m, err := Unmarshal(payload)
		if err != nil {
			return
		}
		args, err := m.TaggedArgs()
		if err != nil || len(args) != len(m.Args) {
			t.Fatalf("%s, %v, want %d arguments", args, err, len(m.Args))
		}
		for i, arg := range args {
			got, err := wire.DecodeJSON(arg)
			if err != nil {
				t.Fatalf("%s: %v", arg, err)
			}
			if m.IsJSON && !reflect.DeepEqual(got, m.Args[i]) {
				t.Fatalf("%s, want %#v", arg, m.Args[i])
			}
		}
	})
}
