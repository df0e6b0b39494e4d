package encoding_test

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/protocol"
)

func TestNumberRoom(t *testing.T) {
	t.Parallel()
	negativeZero := math.Copysign(0, -1)
	for n, text := range map[float64]string{
		5: "5", 0: "0", negativeZero: "0", -7: "-7", 1.5: "1.5", 1e21: "1e+21", 1e-7: "1e-7", 9007199254740991: "9007199254740991", 1 << 60: "1152921504606847000",
	} {
		room := encoding.NumberRoom(n)
		if got, ok := room.Number(); !ok || got != n || math.Signbit(got) != (n < 0) {
			t.Errorf("%v: the number is %v, %v", n, got, ok)
		}
		if room.String() != text {
			t.Errorf("%v: %s, want %s", n, room, text)
		}
		if printed, err := json.Marshal([]encoding.Room{room, encoding.Room(text)}); string(printed) != "["+text+`,"`+text+`"]` || err != nil {
			t.Errorf("%v: %s, %v", n, printed, err)
		}
		if room == encoding.Room(text) {
			t.Errorf("%v is the room %q", n, text)
		}
	}
	for _, text := range []encoding.Room{"", "5", "\xff", "\xffa", "�5"} {
		if n, ok := text.Number(); ok || text.String() != string(text) {
			t.Errorf("%q is the number %v", string(text), n)
		}
	}
}

// TestRoomsOnTheWire has rooms of both kinds keep their kind and their place,
// there and back, in every form. Alone, a number goes where all servers listen.
func TestRoomsOnTheWire(t *testing.T) {
	t.Parallel()
	b := &encoding.Broadcast{Namespace: "/", Event: "e", Rooms: []encoding.Room{"5", encoding.NumberRoom(5), "a", encoding.NumberRoom(-0.5)}, Except: []encoding.Room{encoding.NumberRoom(300), "300"}}
	const target = `"rooms":["5",5,"a",-0.5]`
	for name, codec := range map[string]encoding.Codec{"MessagePack": encoding.MessagePack, "JSON": encoding.JSON} {
		payload, err := encoding.Classic{Codec: codec}.Marshal(b)
		if err != nil || codec == encoding.JSON && !bytes.Contains(payload, []byte(target+`,"flags":{},"except":[300,"300"]`)) {
			t.Errorf("%s: %s, %v", name, payload, err)
		}
		if got, err := protocol.Unmarshal(payload); err != nil || !reflect.DeepEqual(got.Rooms, b.Rooms) || !reflect.DeepEqual(got.Except, b.Except) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if message, err := (encoding.Sharded{}).Marshal(b); err != nil || !bytes.Contains(message, []byte(`"opts":{`+target+`,"except":[300,"300"],`)) {
		t.Errorf("sharded: %s, %v", message, err)
	}
	if fields, err := (encoding.Streams{}).Marshal(b); err != nil || !strings.Contains(fields[7], target) {
		t.Errorf("streams: %s, %v", fields, err)
	}
	for _, kind := range []encoding.RequestKind{encoding.Join, encoding.Leave} {
		message, err := encoding.Classic{}.MarshalRequest(&encoding.Request{Kind: kind, Broadcast: *b, Change: []encoding.Room{encoding.NumberRoom(7), "7"}})
		if err != nil || !bytes.HasSuffix(message, []byte(`"opts":{`+target+`,"except":[300,"300"]},"rooms":[7,"7"]}`)) {
			t.Errorf("request %d: %s, %v", kind, message, err)
		}
	}
	for _, mode := range []encoding.SubscriptionMode{encoding.Dynamic, encoding.DynamicPrivate, encoding.Static} {
		if got := (encoding.Sharded{SubscriptionMode: mode}).Channel("/", []encoding.Room{encoding.NumberRoom(5)}); got != "socket.io#/#" {
			t.Errorf("sharded %s: %s", mode, got)
		}
	}
	if got := (encoding.Classic{}).Channel("/", []encoding.Room{encoding.NumberRoom(5)}); got != "socket.io#/#" {
		t.Errorf("classic: %s", got)
	}
}

// TestNoTextIsNumber has a room in a message that is no UTF-8 stay text.
func TestNoTextIsNumber(t *testing.T) {
	t.Parallel()
	payload := []byte("\x93\xa1u\x83\xa4type\x02\xa4data\x91\xa1e\xa3nsp\xa1/\x81\xa5rooms\x91\xa2\xff5")
	if b, err := protocol.Unmarshal(payload); err != nil || !reflect.DeepEqual(b.Rooms, []encoding.Room{"�5"}) {
		t.Errorf("%+v, %v", b, err)
	}
	payload = []byte("\x93\xa1u\x83\xa4type\x02\xa4data\x91\xa1e\xa3nsp\xa1/\x81\xa5rooms\x91\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00") // NaN
	if b, err := protocol.Unmarshal(payload); err == nil {
		t.Errorf("NaN: %+v", b)
	}
}
