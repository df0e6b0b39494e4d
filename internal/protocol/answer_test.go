package protocol

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/wire"
)

// reply is what the emitter makes of a reply.
type reply struct {
	Kind        Kind
	RequestID   string
	UID         string
	Sockets     []Socket
	Rooms       []string
	NumberRooms []float64
	Clients     int
	Value       encoding.Value
}

// readReply reads a reply as the emitter does, which asks for whole sockets. Of a
// message that answers nothing it says so.
func readReply(payload []byte) (*reply, error) {
	head, err := ReadHead(string(payload))
	if err != nil {
		return nil, err
	}
	if !head.IsReply || head.Kind == KindUnknown {
		return nil, malformed(errors.New("it is no reply"))
	}
	m, err := head.Decode()
	if err != nil {
		return nil, err
	}
	r := &reply{Kind: m.Kind, RequestID: m.RequestID, UID: m.UID}
	switch m.Kind {
	case KindSockets:
		r.Sockets, err = m.Sockets()
	case KindRooms:
		r.Rooms, r.NumberRooms = m.RoomNames()
	case KindAckCount:
		r.Clients = m.Clients()
	default:
		r.Value = m.Value
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

func TestReplies(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, text string
		want       reply
	}{
		{"classic sockets", `{"requestId":"x","sockets":[{"id":"s","rooms":["s","r"],"data":{},"handshake":{}}]}`,
			reply{Kind: KindSockets, Sockets: []Socket{{ID: "s", Rooms: []string{"s", "r"}, Data: encoding.NewValue(map[string]any{}), Handshake: encoding.NewValue(map[string]any{})}}}},
		{"classic no sockets", `{"requestId":"x","sockets":[]}`, reply{Kind: KindSockets, Sockets: []Socket{}}},
		{"classic rooms", `{"requestId":"x","rooms":["a","b",7]}`, reply{Kind: KindRooms, Rooms: []string{"a", "b"}, NumberRooms: []float64{7}}},
		{"classic rooms of any kind", `{"requestId":"x","rooms":["a",null,{"b":1},true,["c"],-0.5,"7",18446744073709551615]}`,
			reply{Kind: KindRooms, Rooms: []string{"a", "7"}, NumberRooms: []float64{-0.5, 18446744073709551615}}},
		{"classic no rooms", `{"requestId":"x","rooms":[]}`, reply{Kind: KindRooms}},
		{"classic server side", `{"type":6,"requestId":"x","data":{"ok":true}}`, reply{Kind: KindServerEmit, Value: encoding.NewValue(map[string]any{"ok": true})}},
		{"classic server side, undefined", `{"type":6,"requestId":"x"}`, reply{Kind: KindServerEmit}},
		{"classic client count", `{"type":8,"requestId":"x","clientCount":3}`, reply{Kind: KindAckCount, Clients: 3}},
		{"classic ack", `{"type":9,"requestId":"x","packet":"yes"}`, reply{Kind: KindEmitAck, Value: encoding.NewValue("yes")}},
		{"cluster sockets", `{"type":8,"data":{"requestId":"x","sockets":[{"id":"s"}]},"uid":"u","nsp":"/"}`,
			reply{Kind: KindSockets, UID: "u", Sockets: []Socket{{ID: "s"}}}},
		{"cluster server side", `{"type":10,"data":{"requestId":"x","packet":[1]},"uid":"u","nsp":"/"}`, reply{Kind: KindServerEmit, UID: "u", Value: encoding.NewValue([]any{int64(1)})}},
		{"cluster client count", `{"type":11,"data":{"requestId":"x","clientCount":0},"uid":"u","nsp":"/"}`, reply{Kind: KindAckCount, UID: "u"}},
		{"cluster ack", `{"type":12,"data":{"requestId":"x","packet":null},"uid":"u","nsp":"/"}`, reply{Kind: KindEmitAck, UID: "u"}},
		// An answer that is itself an object with a requestId must not be taken
		// for the envelope.
		{"classic answer that looks like a reply", `{"type":6,"requestId":"x","data":{"requestId":"y","packet":1}}`,
			reply{Kind: KindServerEmit, Value: encoding.NewValue(map[string]any{"requestId": "y", "packet": int64(1)})}},
	} {
		test.want.RequestID = "x"
		for form, payload := range map[string][]byte{"JSON": []byte(test.text), "MessagePack": messagePack(t, test.text)} {
			got, err := readReply(payload)
			if err != nil || !reflect.DeepEqual(*got, test.want) {
				t.Errorf("%s, %s: %+v, %v, want %+v", test.name, form, got, err, test.want)
			}
		}
	}
}

// TestOddMessages has messages that no server sends taken as the official servers
// take them: the emitter, which waits for replies, and those who look at traffic
// are told the same.
func TestOddMessages(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text string
		kind Kind // empty: it is malformed
		is   string
		why  string
	}{
		{`{"type":12,"data":{"requestId":"q","packet":1},"uid":"u"}`, KindEmitAck, "cluster reply", "servers take a reply by its channel, without a look at nsp"},
		{`{"type":3,"data":{"requestId":"q","packet":{"type":2,"data":["e"]},"opts":{}},"uid":"u"}`, "", "", "servers ignore a request of another namespace than theirs"},
		{`{"type":9,"requestId":"q","packet":1,"nsp":"/"}`, KindEmitAck, "classic reply", "servers of the classic adapter do not look at nsp"},
		{`{"type":9,"packet":1}`, "", "", "servers ignore a reply without an id"},
		{`{"type":9,"requestId":1,"packet":1}`, "", "", "no request has an id that is a number"},
		{`{"type":8,"clientCount":1}`, "", "", "likewise"},
		{`{"type":12,"data":{"packet":1},"uid":"u","nsp":"/"}`, "", "", "likewise"},
		{`{"type":"9","requestId":"q","packet":1}`, KindUnknown, "classic reply", "JavaScript's switch compares strictly"},
		{`{"requestId":"q"}`, KindUnknown, "classic reply", "it answers what changed a single socket"},
		{`{"requestId":"q","sockets":{}}`, "", "", "servers ignore what is no array"},
		{`{"requestId":"q","rooms":"abc"}`, "", "", "likewise"},
		{`{"type":8,"data":{"requestId":"q","sockets":{}},"uid":"u","nsp":"/"}`, "", "", "servers throw"},
		{`{"requestId":"q","sockets":["s"]}`, KindSockets, "classic reply", "it answers the request for ids"},
		{`{"requestId":"q","sockets":[],"rooms":[]}`, KindSockets, "classic reply", "servers take of it what they asked for"},
		{`{"requestId":"q","sockets":null,"rooms":["r"]}`, KindRooms, "classic reply", "likewise"},
		{`{"type":8,"requestId":"q","clientCount":9007199254740991}`, "", "", "no server has so many clients"},
		{`{"type":6,"requestId":"q","uid":"u","data":["e"]}`, KindServerEmit, "classic request", "only requests say a uid"},
		{`{"type":6,"requestId":"q","data":["e"]}`, KindServerEmit, "classic reply", "replies say none"},
		{`{"type":5,"requestId":"q","opts":{"rooms":[]}}`, KindSockets, "classic request", "replies with sockets have no type"},
		{`{"type":9,"requestId":"q","packet":1,"other":tru}`, "", "", "JSON.parse throws"},
		{`{"type":9,"requestId":"q","requestId":"","packet":1}`, "", "", "of two members the last one counts"},
	} {
		for form, payload := range map[string][]byte{"JSON": []byte(test.text), "MessagePack": messagePackUnlessMalformed(test.text)} {
			if payload == nil {
				continue
			}
			head, err := ReadHead(string(payload))
			var m *Message
			if err == nil {
				m, err = head.Decode()
			}
			same, sameErr := Unmarshal(payload)
			if (err == nil) != (test.kind != "") || (sameErr == nil) != (err == nil) || err != nil && !errors.Is(err, wire.ErrMalformed) {
				t.Errorf("%s, %s: %v and %v, but %s", form, test.text, err, sameErr, test.why)
				continue
			}
			if err != nil {
				continue
			}
			is := "classic "
			if m.IsCluster {
				is = "cluster "
			}
			if m.IsReply {
				is += "reply"
			} else {
				is += "request"
			}
			if m.Kind != test.kind || is != test.is || !reflect.DeepEqual(m, same) {
				t.Errorf("%s, %s: %s, %s, and %+v, but %s", form, test.text, m.Kind, is, same, test.why)
			}
			if head.Kind != m.Kind || head.IsReply != m.IsReply || head.RequestID != m.RequestID {
				t.Errorf("%s, %s: the head is %+v, the message %+v", form, test.text, head, m)
			}
		}
	}
}

// messagePackUnlessMalformed is messagePack of text that may be no JSON.
func messagePackUnlessMalformed(text string) []byte {
	b, err := encoding.Append(nil, encoding.TaggedJSON(text))
	if err != nil {
		return nil
	}
	return b
}

// TestReplyValues decodes what has no form of its own in what Node sends.
func TestReplyValues(t *testing.T) {
	t.Parallel()
	buffer := `{"type":"Buffer","data":[1,2,255]}`
	ack := func(packet string) string {
		return "83 a474797065 09 a9726571756573744964 a178 a67061636b6574 " + packet
	}
	for _, test := range []struct {
		name    string
		payload []byte
		want    any
	}{
		{"binary in JSON", []byte(`{"type":9,"requestId":"x","packet":` + buffer + `}`), []byte{1, 2, 255}},
		{"empty binary in JSON", []byte(`{"type":9,"requestId":"x","packet":{"type":"Buffer","data":[]}}`), []byte{}},
		{"binary deep in JSON", []byte(`{"type":6,"requestId":"x","data":{"a":[` + buffer + `]}}`), map[string]any{"a": []any{[]byte{1, 2, 255}}}},
		{"nearly binary", []byte(`{"type":9,"requestId":"x","packet":[{"type":"Buffer","data":[256]},{"type":"Buffer","data":[1],"x":1},{"type":"buffer","data":[]}]}`),
			[]any{map[string]any{"type": "Buffer", "data": []any{int64(256)}}, map[string]any{"type": "Buffer", "data": []any{int64(1)}, "x": int64(1)}, map[string]any{"type": "buffer", "data": []any{}}}},
		{"binary in MessagePack", unhex(t, ack("c4 02 01ff")), []byte{1, 255}},
		// In MessagePack it is an object of the application's.
		{"an object of that form in MessagePack", messagePack(t, `{"type":9,"requestId":"x","packet":`+buffer+`}`),
			map[string]any{"type": "Buffer", "data": []any{int64(1), int64(2), int64(255)}}},
		{"undefined of notepack.io 2", unhex(t, ack("d4 00 00")), nil},
		{"ArrayBuffer of notepack.io 2", unhex(t, ack("c7 02 00 0102")), []byte{1, 2}},
		{"undefined in an object", unhex(t, ack("81 a161 d4 00 00")), map[string]any{}},
		{"a Date of notepack.io 2", unhex(t, ack("c7 08 00 0000019b80d5aa60")), "2026-01-02T22:30:45.088Z"},
		{"a Date of notepack.io 3", unhex(t, ack("d6 ff 00000001")), "1970-01-01T00:00:01.000Z"},
		{"a Date that no Date can hold", unhex(t, ack("c7 0c ff 00000000 7fffffffffffffff")), nil},
		{"an unknown extension", unhex(t, ack("d4 05 01")), []any{int64(5), []byte{1}}},
		{"NaN", unhex(t, ack("92 cb 7ff8000000000001 ca 7f800000")), []any{nil, nil}},
	} {
		r, err := readReply(test.payload)
		if err != nil || !reflect.DeepEqual(r.Value, encoding.NewValue(test.want)) {
			t.Errorf("%s: %#v, %v, want %#v", test.name, r, err, test.want)
		}
	}
	r, err := readReply([]byte(`{"requestId":"x","sockets":[{"id":"s","data":{"avatar":` + buffer + `}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Sockets[0].Data; !reflect.DeepEqual(got, encoding.NewValue(map[string]any{"avatar": []byte{1, 2, 255}})) {
		t.Errorf("data of a socket: %#v", got)
	}
}

// malformedReplies are what somebody who can publish might send.
var malformedReplies = map[string]string{
	"nothing":                       ``,
	"no JSON":                       `{"requestId":`,
	"text":                          `hello`,
	"an array":                      `["emitter",{},{}]`,
	"no requestId":                  `{"type":9,"packet":1}`,
	"requestId is a number":         `{"type":9,"requestId":1}`,
	"requestId is null":             `{"requestId":null,"sockets":[]}`,
	"unknown type":                  `{"type":5,"requestId":"x"}`,
	"request of a server":           `{"type":7,"requestId":"x","packet":{}}`,
	"type is a string":              `{"type":"9","requestId":"x","packet":1}`,
	"nothing known":                 `{"requestId":"x"}`,
	"rooms are a string":            `{"requestId":"x","rooms":"a"}`,
	"sockets are an object":         `{"requestId":"x","sockets":{}}`,
	"sockets are strings":           `{"requestId":"x","sockets":["a"]}`,
	"a socket without id":           `{"requestId":"x","sockets":[{"rooms":[]}]}`,
	"a socket with an empty id":     `{"requestId":"x","sockets":[{"id":""}]}`,
	"a socket with a number for id": `{"requestId":"x","sockets":[{"id":1}]}`,
	"negative count":                `{"type":8,"requestId":"x","clientCount":-1}`,
	"count and a half":              `{"type":8,"requestId":"x","clientCount":1.5}`,
	"count beyond reason":           `{"type":8,"requestId":"x","clientCount":9007199254740991}`,
	"count that no int32 holds":     `{"type":8,"requestId":"x","clientCount":2147483648}`,
	"a key without value":           `{"type":9,"requestId":"x","packet":}`,
	"a comma at the end":            `{"type":9,"requestId":"x","packet":1,}`,
	"text after the reply":          `{"type":9,"requestId":"x","packet":1}}`,
	"a key that is no string":       `{"type":9,"requestId":"x",packet:1}`,
	"a string without end":          `{"type":9,"requestId":"x","packet":"\\\"}`,
	"requestId beyond reason":       `{"type":9,"requestId":"` + strings.Repeat("x", 2000) + `"}`,
	"count is text":                 `{"type":8,"requestId":"x","clientCount":"1"}`,
	"no count":                      `{"type":8,"requestId":"x"}`,
	"cluster, unknown type":         `{"type":3,"data":{"requestId":"x","packet":{}},"uid":"u"}`,
	"cluster, no type":              `{"data":{"requestId":"x"},"uid":"u"}`,
	"cluster, no requestId":         `{"type":12,"data":{"packet":1},"uid":"u"}`,
	"cluster, data is an array":     `{"type":12,"data":[],"uid":"u"}`,
	"too deep":                      `{"type":9,"requestId":"x","packet":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`,
}

func TestRepliesMalformed(t *testing.T) {
	t.Parallel()
	for name, text := range malformedReplies {
		payloads := [][]byte{[]byte(text)}
		if b, err := encoding.Append(nil, encoding.TaggedJSON(text)); err == nil && text != "" {
			payloads = append(payloads, b)
		}
		for _, payload := range payloads {
			if r, err := readReply(payload); !errors.Is(err, wire.ErrMalformed) || r != nil {
				t.Errorf("%s: %+v, %v", name, r, err)
			}
		}
	}
}

func FuzzReply(f *testing.F) {
	for _, text := range malformedReplies {
		f.Add([]byte(text))
	}
	for _, text := range []string{
		`{"requestId":"x","sockets":[{"id":"s","data":{"b":{"type":"Buffer","data":[1]}}}]}`,
		`{"type":12,"data":{"requestId":"x","packet":{"a":[1,null,"é"]}},"uid":"u","nsp":"/"}`,
		`{"type":8,"requestId":"x","clientCount":3}`,
	} {
		f.Add([]byte(text))
		b, err := encoding.Append(nil, encoding.TaggedJSON(text))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		before := bytes.Clone(payload)
		r, err := readReply(payload)
		if !bytes.Equal(payload, before) {
			t.Fatal("the payload was changed")
		}
		sameAsDecoded(t, payload)
		if err != nil {
			if !errors.Is(err, wire.ErrMalformed) || r != nil {
				t.Fatalf("%+v, %v", r, err)
			}
			return
		}
		if r.RequestID == "" && !bytes.Contains(payload, []byte("requestId")) || r.Clients < 0 || int64(r.Clients) > math.MaxInt32+1 {
			t.Fatalf("%+v", r)
		}
		// Whatever came, it can be looked at.
		var v any
		if err := r.Value.Decode(&v); err != nil {
			t.Fatal(err)
		}
		for _, s := range r.Sockets {
			if s.ID == "" {
				t.Fatalf("%+v", s)
			}
		}
	})
}

// sameAsDecoded compares what is read without decoding with what the decoder
// makes of the whole.
func sameAsDecoded(t *testing.T, payload []byte) {
	t.Helper()
	head, err := ReadHead(string(payload))
	v, decodeErr := wire.DecodeMessage(payload)
	message, ok := v.(map[string]any)
	if decodeErr != nil || !ok {
		if _, isArray := v.([]any); err == nil && decodeErr == nil && !isArray {
			t.Fatalf("%+v was read of %#v", head, v)
		}
		return
	}
	uid, _ := message["uid"].(string)
	inner := message
	if _, flat := message["requestId"]; !flat {
		data, isObject := message["data"].(map[string]any)
		if _, hasNamespace := message["nsp"]; isObject {
			inner = data
		} else if hasNamespace {
			inner = nil
		}
	}
	id, ok := inner["requestId"].(string)
	const long = 100 // escapes make it longer
	if len(id) > long || len(uid) > long {
		return
	}
	if err == nil && (head.IsReply && !ok || head.Kind != KindHeartbeat && head.Kind != KindGoodbye && head.RequestID != id || head.UID != uid) {
		t.Fatalf("%+v was read of %#v", head, v)
	}
	// Only a reply cannot do without an id.
	if err != nil && ok && id != "" && strings.Contains(err.Error(), "requestId") {
		t.Fatalf("%v of %#v", err, v)
	}
}

// hostileReplies are replies of about a size to the question "hi" whose values
// would take as much memory as they can.
func hostileReplies(size int) map[string]string {
	const pack = "\x83\xa4type\x09\xa9requestId\xa2hi\xa6packet"
	packed := func(head, unit, tail string) string {
		n := size / len(unit)
		return head + string([]byte{0xdd, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}) + strings.Repeat(unit, n) + tail
	}
	filled := func(head, unit, tail string) string { return head + strings.Repeat(unit, size/len(unit)) + tail }
	return map[string]string{
		"JSON, objects":        filled(`{"type":9,"requestId":"hi","packet":[0`, `,{"":0}`, `]}`),
		"JSON, arrays":         filled(`{"type":9,"requestId":"hi","packet":[0`, `,[]`, `]}`),
		"JSON, before the id":  filled(`{"type":9,"packet":[0`, `,{"":0}`, `],"requestId":"hi"}`),
		"JSON, sockets":        filled(`{"requestId":"hi","sockets":[{"id":"s"}`, `,{"id":"s"}`, `]}`),
		"JSON, rooms":          filled(`{"requestId":"hi","rooms":[""`, `,""`, `]}`),
		"JSON, deep":           filled(`{"type":9,"requestId":"hi","packet":`, `[`, ``),
		"JSON, a count":        filled(`{"type":8,"requestId":"hi","clientCount":[0`, `,{"":0}`, `]}`),
		"JSON, cluster":        filled(`{"type":12,"data":{"requestId":"hi","packet":[0`, `,{"":0}`, `]},"uid":"u","nsp":"/"}`),
		"JSON, quotes":         filled(`{"type":9,"requestId":"hi","packet":"`, `\"`, `"}`),
		"JSON, keys":           filled(`{"type":9,"requestId":"hi"`, `,"":0`, `}`),
		"MessagePack, objects": packed(pack, "\x81\xa0\x00", ""),
		"MessagePack, arrays":  packed(pack, "\x90", ""),
		"MessagePack, deep":    filled(pack, "\x91", "\x00"),
		"MessagePack, claims":  filled(pack, "\xdd\x00\x10\x00\x00", ""),
		"MessagePack, cluster": packed("\x84\xa4type\x0c\xa4data\x82\xa9requestId\xa2hi\xa6packet", "\x80", "\xa3uid\xa1u\xa3nsp\xa1/"),
	}
}

// TestHostileReplies read and decode what would become 56 times as large. Not in
// parallel, because it counts what is allocated.
func TestHostileReplies(t *testing.T) {
	const size = 12 << 20
	for name, payload := range hostileReplies(size) {
		var head Head
		var err error
		if n := allocated(func() { head, err = ReadHead(payload) }); n > 10<<10 {
			t.Errorf("%s: %d bytes were allocated to read the id", name, n)
		}
		if wantErr := strings.HasSuffix(name, "deep") && name[0] == 'J' || strings.HasSuffix(name, "claims"); wantErr != (err != nil) {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil && head.RequestID != "hi" {
			t.Errorf("%s: the id is %q", name, head.RequestID)
		}
		if err != nil {
			continue
		}
		if n := allocated(func() { _, err = head.Decode() }); n > 64<<20+20*size {
			t.Errorf("%s: %d bytes were allocated to decode it, %v", name, n, err)
		}
		if err != nil && !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestJustifiedReplies decodes large and strange answers that servers may give.
func TestJustifiedReplies(t *testing.T) {
	t.Parallel()
	socket := `{"id":"s","handshake":{"headers":{"host":"127.0.0.1:3000","connection":"Upgrade","sec-websocket-version":"13","sec-websocket-key":"bm90IGEgc2VjcmV0ISEhIQ==","upgrade":"websocket"},` +
		`"time":"Fri Nov 27 2026 12:00:00 GMT+0000","address":"::ffff:127.0.0.1","xdomain":false,"secure":false,"issued":1795780800000,"url":"/socket.io/?EIO=4&transport=websocket","query":{"EIO":"4","transport":"websocket"},"auth":{}},"rooms":["s","r"],"data":{}}`
	for _, message := range []string{`{"data":` + socket + `}`, "\x81\xa4data" + string(messagePack(t, socket))} {
		whole := wire.NewRaw(message)
		var m members
		if err := m.read(&whole); err != nil || m.data.Cost > 16*int64(len(m.data.Text)) {
			t.Errorf("a socket of %d bytes costs %d, %v", len(m.data.Text), m.data.Cost, err)
		}
	}
	for name, text := range map[string]string{
		"20,000 sockets":        `{"requestId":"x","sockets":[` + socket + strings.Repeat(","+socket, 19999) + `]}`,
		"10,000 small objects":  `{"type":9,"requestId":"x","packet":[0` + strings.Repeat(`,{"a":1}`, 10000) + `]}`,
		"100,000 empty sockets": `{"requestId":"x","sockets":[{"id":"s"}` + strings.Repeat(`,{"id":"s"}`, 99999) + `]}`,
		"a string of 30 MB":     `{"type":9,"requestId":"x","packet":"` + strings.Repeat("x", 30<<20) + `"}`,
	} {
		for form, payload := range map[string][]byte{"JSON": []byte(text), "MessagePack": messagePack(t, text)} {
			if _, err := readReply(payload); err != nil {
				t.Errorf("%s, %s: %v", name, form, err)
			}
		}
	}
}
