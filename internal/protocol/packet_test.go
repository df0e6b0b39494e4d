package protocol

import (
	"encoding/hex"
	"errors"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/wire"
)

func TestMalformedBroadcasts(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"no JSON":            `["emitter"`,
		"an object":          `{"uid":"emitter"}`,
		"two parts":          `["emitter",{}]`,
		"uid is a number":    `[1,{"type":2,"data":["e"],"nsp":"/"},{}]`,
		"packet is an array": `["emitter",[],{}]`,
		"no type":            `["emitter",{"data":["e"]},{}]`,
		"type is a string":   `["emitter",{"type":"2","data":["e"]},{}]`,
		"type 3":             `["emitter",{"type":3,"data":["e"]},{}]`,
		"no data":            `["emitter",{"type":2},{}]`,
		"empty data":         `["emitter",{"type":2,"data":[]},{}]`,
		"event is a number":  `["emitter",{"type":2,"data":[7]},{}]`,
		"nsp is a number":    `["emitter",{"type":2,"data":["e"],"nsp":1},{}]`,
		"options are null":   `["emitter",{"type":2,"data":["e"]},null]`,
		"rooms are a number": `["emitter",{"type":2,"data":["e"]},{"rooms":1}]`,
		"a room is an array": `["emitter",{"type":2,"data":["e"]},{"rooms":[[]]}]`,
		"except is a number": `["emitter",{"type":2,"data":["e"]},{"except":1}]`,
	} {
		for _, payload := range [][]byte{[]byte(text), messagePack(t, text)} {
			if payload == nil {
				continue
			}
			if m, err := Unmarshal(payload); !errors.Is(err, wire.ErrMalformed) || m != nil {
				t.Errorf("%s: %+v, %v", name, m, err)
			}
		}
	}
	m, err := Unmarshal([]byte(`["x",{"type":5,"data":["e",1]},{"rooms":["a",7,1.5]}]`))
	want := encoding.Broadcast{Namespace: "/", Event: "e", Args: []any{int64(1)}, Rooms: []encoding.Room{"a", encoding.NumberRoom(7), encoding.NumberRoom(1.5)}}
	if err != nil || m.UID != "x" || m.PacketType != wire.PacketBinaryEvent || !reflect.DeepEqual(m.Broadcast, want) {
		t.Errorf("%+v %v", m, err)
	}
}

// FuzzBroadcast has an event of the classic adapter that was decoded stay what it
// is when it is sent on.
func FuzzBroadcast(f *testing.F) {
	f.Add([]byte(`["emitter",{"type":2,"data":["e",1],"nsp":"/"},{"rooms":["a"],"flags":{"compress":true},"except":[]}]`))
	f.Add(unhex(f, "93a7656d697474657283a47479706502a46461746192a568656c6c6fa5776f726c64a36e7370a12f83a5726f6f6d7390a5666c61677380a665786365707490"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		m, err := Unmarshal(payload)
		if err != nil || m.Kind != KindEvent || m.Number >= 0 {
			return
		}
		again, err := encoding.Classic{}.Marshal(&m.Broadcast)
		if err != nil {
			return
		}
		same, err := Unmarshal(again)
		if err != nil {
			t.Fatal(err)
		}
		if len(same.Args) != len(m.Args) || !slices.Equal(same.Rooms, m.Rooms) || !slices.Equal(same.Except, m.Except) || !reflect.DeepEqual(same.Flags, m.Flags) {
			t.Fatalf("%+v became %+v", m, same)
		}
	})
}

func unhex(t testing.TB, s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// messagePack is the MessagePack form of JSON text, nil when it is none.
func messagePack(t testing.TB, text string) []byte {
	b, err := encoding.Append(nil, encoding.TaggedJSON(text))
	if err != nil {
		if !strings.Contains(err.Error(), "not JSON") {
			t.Fatal(err)
		}
		return nil
	}
	return b
}
