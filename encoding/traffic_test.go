package encoding

import (
	"bytes"
	"encoding/base64"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// message decodes the last word of a command, or the fields of an XADD.
func (v *clusterVector) message(t *testing.T) *Message {
	t.Helper()
	var m *Message
	var err error
	if v.Command[0].Text == "XADD" {
		var fields []string
		for _, word := range v.Command[6:] {
			fields = append(fields, word.Text)
		}
		m, err = UnmarshalEntry(fields)
	} else {
		word := v.Command[len(v.Command)-1]
		m, err = UnmarshalMessage(append([]byte(word.Text), word.Binary...))
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestMessageVectors reads what official emitters and servers sent, of every
// adapter and generation, and finds the call again.
func TestMessageVectors(t *testing.T) {
	t.Parallel()
	kinds := map[string]Kind{
		"": KindEvent, "socketsJoin": KindJoin, "socketsLeave": KindLeave, "disconnectSockets": KindDisconnect, "serverSideEmit": KindServerEmit,
		"serverSideEmitWithAck": KindServerEmit, "fetchSockets": KindSockets, "emitWithAck": KindEmitAck, "allRooms": KindRooms,
	}
	files := readClusterVectors(t)
	for name, file := range readVectors(t, "*emitter-*.json") {
		for _, v := range file.Vectors {
			command := []commandWord{{Text: "PUBLISH"}, {Text: v.Channel}, {Text: string(v.Payload), digest: v.PayloadLength > 0}}
			files[name] = append(files[name], clusterVector{v, command})
		}
	}
	read := make(map[Kind]int)
	for name, file := range files {
		for _, v := range file {
			if slices.ContainsFunc(v.Command, func(w commandWord) bool { return w.digest }) {
				continue // too long to be kept
			}
			t.Run(name+"/"+v.Name, func(t *testing.T) {
				got := v.message(t)
				want := &Request{Broadcast: *v.broadcast(v.values(t))}
				if v.Call.Method != "" {
					want = v.request(t)
				}
				read[got.Kind]++
				if got.Kind != kinds[v.Call.Method] || got.IsReply || got.UID != UID && got.UID != "" || got.RequestID != want.ID || got.Close != want.Close {
					t.Errorf("%+v, want %+v", got, want)
				}
				if got.Namespace != want.Namespace && got.Namespace != "" || got.Event != want.Event || got.Flags.Volatile != want.Flags.Volatile ||
					got.Flags.Timeout != want.Flags.Timeout || !reflect.DeepEqual(got.Flags.Compress, want.Flags.Compress) ||
					!slices.Equal(got.Rooms, want.Rooms) || !slices.Equal(got.Except, want.Except) || !slices.Equal(got.Change, want.Change) {
					t.Errorf("%+v, want %+v", got, want)
				}
				if noExcept := strings.HasPrefix(name, "socket.io-emitter"); got.NoExcept != noExcept && len(want.Rooms) > 0 {
					t.Errorf("NoExcept is %v", got.NoExcept)
				}
				gotArgs, err := Append(nil, got.Args)
				if err != nil {
					t.Fatal(err)
				}
				wantArgs, err := Append(nil, append([]any{}, want.Args...))
				if err != nil {
					t.Fatal(err)
				}
				if len(got.Args)+len(want.Args) > 0 && !bytes.Equal(sortedKeys(t, gotArgs), sortedKeys(t, wantArgs)) {
					t.Errorf("arguments %v, want %v", got.Args, want.Args)
				}
			})
		}
	}
	for _, kind := range kinds {
		if read[kind] == 0 {
			t.Errorf("no vectors of %s", kind)
		}
	}
}

func TestUnmarshalMessage(t *testing.T) {
	t.Parallel()
	opts := `"opts":{"rooms":["r"],"except":["x"],"flags":{"timeout":1500}}`
	target := Broadcast{Rooms: []Room{"r"}, Except: []Room{"x"}, Flags: Flags{Timeout: 1500 * time.Millisecond}}
	withNamespace := target
	withNamespace.Namespace = "/n"
	event := withNamespace
	event.Type, event.Event, event.Args = Event, "e", []any{int64(1)}
	root := Broadcast{Namespace: "/n"}
	unknown := func(number int) Message {
		return Message{Kind: KindUnknown, Number: number, UID: "u", Broadcast: root,
			Value: Value{map[string]any{"uid": "u", "nsp": "/n", "type": int64(number), "data": map[string]any{}}}}
	}
	for _, test := range []struct {
		name, text string
		want       Message
	}{
		{"old broadcast", `["u",{"type":5,"data":["e",1],"nsp":"/n"},{"rooms":["r"],"flags":{}}]`,
			Message{Kind: KindEvent, Number: -1, UID: "u", NoExcept: true, Broadcast: Broadcast{Type: BinaryEvent, Namespace: "/n", Event: "e", Args: []any{int64(1)}, Rooms: []Room{"r"}}}},
		{"rooms and flags that are text", `["u",{"type":2,"data":["e",1],"nsp":"/n"},{"rooms":"","flags":"","except":""}]`,
			Message{Kind: KindEvent, Number: -1, UID: "u", Broadcast: Broadcast{Type: Event, Namespace: "/n", Event: "e", Args: []any{int64(1)}}}},
		{"rooms that are a word", `["u",{"type":2,"data":["e",1],"nsp":"/n"},{"rooms":"aé","flags":[]}]`,
			Message{Kind: KindEvent, Number: -1, UID: "u", NoExcept: true, Broadcast: Broadcast{Type: Event, Namespace: "/n", Event: "e", Args: []any{int64(1)}, Rooms: []Room{"a", "é"}}}},
		{"one socket joins", `{"type":2,"requestId":"q","sid":"s","room":7}`,
			Message{Kind: KindJoin, Number: 2, RequestID: "q", Broadcast: Broadcast{Rooms: []Room{"s"}}, Change: []Room{NumberRoom(7)}}},
		{"rooms that are numbers", `{"type":3,"opts":{"rooms":["r",5,"5",-2.5],"except":[1e21,0]},"rooms":[6,"6"]}`,
			Message{Kind: KindLeave, Number: 3, Broadcast: Broadcast{Rooms: []Room{"r", NumberRoom(5), "5", NumberRoom(-2.5)}, Except: []Room{NumberRoom(1e21), NumberRoom(0)}},
				Change: []Room{NumberRoom(6), "6"}}},
		{"a request without except", `{"type":5,"requestId":"q","uid":"u","opts":{"rooms":["r"]}}`,
			Message{Kind: KindSockets, Number: 5, UID: "u", RequestID: "q", NoExcept: true, Broadcast: Broadcast{Rooms: []Room{"r"}}}},
		{"one socket is disconnected", `{"type":4,"requestId":"q","sid":"s","close":true}`,
			Message{Kind: KindDisconnect, Number: 4, RequestID: "q", Broadcast: Broadcast{Rooms: []Room{"s"}}, Close: true}},
		{"socket ids", `{"uid":"u","requestId":"q","type":0,"rooms":["r"]}`, Message{Kind: KindSockets, Number: 0, UID: "u", RequestID: "q", Broadcast: Broadcast{Rooms: []Room{"r"}}}},
		{"reply with ids", `{"requestId":"q","sockets":["s"]}`, Message{Kind: KindSockets, IsReply: true, Number: -1, RequestID: "q", Value: Value{[]any{"s"}}}},
		{"reply with rooms", `{"requestId":"q","rooms":[]}`, Message{Kind: KindRooms, IsReply: true, Number: -1, RequestID: "q", Value: Value{[]any{}}}},
		{"reply that is done", `{"requestId":"q"}`, Message{Kind: KindUnknown, IsReply: true, Number: -1, RequestID: "q", Value: Value{map[string]any{"requestId": "q"}}}},
		{"answer of a server", `{"type":6,"requestId":"q","data":null}`, Message{Kind: KindServerEmit, IsReply: true, Number: 6, RequestID: "q"}},
		{"client count", `{"type":8,"requestId":"q","clientCount":2}`, Message{Kind: KindAckCount, IsReply: true, Number: 8, RequestID: "q", Value: Value{int64(2)}}},
		{"acknowledgement", `{"type":9,"requestId":"q","packet":["a"]}`, Message{Kind: KindEmitAck, IsReply: true, Number: 9, RequestID: "q", Value: Value{[]any{"a"}}}},
		{"a number of no meaning", `{"uid":"u","type":77}`, Message{Kind: KindUnknown, Number: 77, UID: "u", Value: Value{map[string]any{"uid": "u", "type": int64(77)}}}},
		{"a number beyond all", `{"uid":"u","type":4294967298}`, Message{Kind: KindUnknown, Number: -1, UID: "u", Value: Value{map[string]any{"uid": "u", "type": int64(1<<32 + 2)}}}},
		{"cluster event", `{"uid":"u","nsp":"/n","type":3,"data":{"packet":{"type":2,"data":["e",1],"nsp":"/other"},` + opts + `}}`,
			Message{Kind: KindEvent, Number: 3, UID: "u", Broadcast: event}},
		{"cluster emit-ack", `{"uid":"u","nsp":"/n","type":3,"data":{"requestId":"q","packet":{"type":2,"data":["e",1]},` + opts + `}}`,
			Message{Kind: KindEmitAck, Number: 3, UID: "u", RequestID: "q", Broadcast: event}},
		{"cluster leave", `{"uid":"u","nsp":"/n","type":5,"data":{` + opts + `,"rooms":["a"]}}`, Message{Kind: KindLeave, Number: 5, UID: "u", Broadcast: withNamespace, Change: []Room{"a"}}},
		{"cluster heartbeat", `{"uid":"u","nsp":"/n","type":2}`, Message{Kind: KindHeartbeat, Number: 2, UID: "u", Broadcast: root}},
		{"cluster goodbye", `{"uid":"u","nsp":"/n","type":13}`, Message{Kind: KindGoodbye, Number: 13, UID: "u", Broadcast: root}},
		// Their lowest byte is that of a heartbeat, a goodbye, an event.
		{"a cluster number of no meaning", `{"uid":"u","nsp":"/n","type":258,"data":{}}`, unknown(258)},
		{"a cluster number near goodbye", `{"uid":"u","nsp":"/n","type":269,"data":{}}`, unknown(269)},
		{"a cluster number near an event", `{"uid":"u","nsp":"/n","type":259,"data":{}}`, unknown(259)},
		{"a cluster number below zero", `{"uid":"u","nsp":"/n","type":-254,"data":{}}`, unknown(-254)},
		{"cluster sockets", `{"uid":"u","nsp":"/n","type":8,"data":{"requestId":"q","sockets":[{"id":"s"}]}}`,
			Message{Kind: KindSockets, IsReply: true, Number: 8, UID: "u", RequestID: "q", Broadcast: root, Value: Value{[]any{map[string]any{"id": "s"}}}}},
		{"cluster server answer", `{"uid":"u","nsp":"/n","type":10,"data":{"requestId":"q","packet":1}}`,
			Message{Kind: KindServerEmit, IsReply: true, Number: 10, UID: "u", RequestID: "q", Broadcast: root, Value: Value{int64(1)}}},
		{"cluster count", `{"uid":"u","nsp":"/n","type":11,"data":{"requestId":"q","clientCount":0}}`,
			Message{Kind: KindAckCount, IsReply: true, Number: 11, UID: "u", RequestID: "q", Broadcast: root, Value: Value{int64(0)}}},
		{"cluster ack", `{"uid":"u","nsp":"/n","type":12,"data":{"requestId":"q","packet":"yes"}}`,
			Message{Kind: KindEmitAck, IsReply: true, Number: 12, UID: "u", RequestID: "q", Broadcast: root, Value: Value{"yes"}}},
	} {
		for form, payload := range map[string][]byte{"JSON": []byte(test.text), "MessagePack": messagePack(t, test.text)} {
			got, err := UnmarshalMessage(payload)
			if err != nil {
				t.Errorf("%s, %s: %v", test.name, form, err)
				continue
			}
			want := test.want
			want.IsJSON = form == "JSON"
			got.Rooms, got.Except = slices.Clip(got.Rooms), slices.Clip(got.Except)
			if !reflect.DeepEqual(normalMessage(*got), normalMessage(want)) {
				t.Errorf("%s, %s:\n%+v, want\n%+v", test.name, form, *got, want)
			}
		}
	}
}

// normalMessage makes nil and empty lists equal, and forgets what the message was
// decoded from.
func normalMessage(m Message) Message {
	m.source, m.path = nil, nil
	m.Args, m.Rooms, m.Except = append([]any{}, m.Args...), append([]Room{}, m.Rooms...), append([]Room{}, m.Except...)
	return m
}

func TestUnmarshalMessageMalformed(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing":              ``,
		"a number":             `7`,
		"cut off":              `{"type":`,
		"no member that tells": `{"a":1}`,
		"broadcast of two":     `["emitter",{}]`,
		"join without rooms":   `{"type":2,"opts":{"rooms":[],"except":[]}}`,
		"join without target":  `{"type":2,"rooms":["a"]}`,
		"count of text":        `{"type":8,"requestId":"q","clientCount":"2"}`,
		"server-emit, no name": `{"uid":"u","type":6,"data":[1]}`,
		"server-emit, no data": `{"uid":"u","type":6}`,
		"ack without packet":   `{"uid":"u","type":7,"opts":{}}`,
		"ack without options":  `{"uid":"u","type":7,"packet":{"type":2,"data":["e"]}}`,
		"nsp is a number":      `{"nsp":1,"type":3,"data":{}}`,
		"no type":              `{"nsp":"/","data":{}}`,
		"no data":              `{"nsp":"/","type":3}`,
		"data is an array":     `{"nsp":"/","type":3,"data":[]}`,
		"no options":           `{"nsp":"/","type":3,"data":{"packet":{"type":2,"data":["e"]}}}`,
		"no packet":            `{"nsp":"/","type":3,"data":{"opts":{}}}`,
		"count missing":        `{"nsp":"/","type":11,"data":{"requestId":"q"}}`,
	} {
		for _, payload := range [][]byte{[]byte(text), messagePack(t, text)} {
			if m, err := UnmarshalMessage(payload); !errors.Is(err, ErrMalformed) || m != nil {
				t.Errorf("%s: %+v, %v", name, m, err)
			}
		}
	}
	for name, fields := range map[string][]string{
		"no fields":          nil,
		"no nsp":             {"uid", "emitter", "type", "3", "data", `{}`},
		"no type":            {"uid", "emitter", "nsp", "/", "data", `{}`},
		"type of letters":    {"nsp", "/", "type", "three", "data", `{}`},
		"no data":            {"nsp", "/", "type", "3"},
		"data of neither":    {"nsp", "/", "type", "3", "data", "?"},
		"data of JSON array": {"nsp", "/", "type", "3", "data", "[]"},
		"data cut off":       {"nsp", "/", "type", "3", "data", `{"packet"`},
		"base64 of nothing":  {"nsp", "/", "type", "3", "data", base64.StdEncoding.EncodeToString([]byte{0xc1})},
		"a field too few":    {"nsp", "/", "type", "3", "data"},
	} {
		if m, err := UnmarshalEntry(fields); !errors.Is(err, ErrMalformed) || m != nil {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
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
		v, err := Decode(unhex(t, test.hex))
		if err != nil {
			t.Fatal(err)
		}
		if got := ArrivesAs(v); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %#v, want %#v", test.name, got, test.want)
		}
	}
}

// TestUnmarshalMessageHostile is not parallel: it counts what the process
// allocates.
func TestUnmarshalMessageHostile(t *testing.T) {
	for name, payload := range map[string][]byte{
		"map of 4 G entries":    unhex(t, "df ffffffff"),
		"array of 4 G elements": unhex(t, "93 a161 dd ffffffff"),
		"objects without end":   bytes.Repeat([]byte(`{"nsp":`), 1<<16),
		"arrays without end":    bytes.Repeat([]byte(`[`), 1<<18),
	} {
		var err error
		size := allocated(func() { _, err = UnmarshalMessage(payload) })
		if !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: error %v", name, err)
		}
		if limit := uint64(64<<10 + 512*len(payload)); size > limit {
			t.Errorf("%s: %d bytes allocated for an input of %d", name, size, len(payload))
		}
	}
}

func FuzzUnmarshalMessage(f *testing.F) {
	for _, seed := range []string{
		`["emitter",{"type":2,"data":["e",1],"nsp":"/"},{"rooms":["a"],"flags":{"compress":true},"except":[]}]`,
		`{"uid":"emitter","requestId":"q","type":7,"packet":{"type":2,"data":["e"],"nsp":"/"},"opts":{"rooms":[],"except":[],"flags":{"timeout":1000}}}`,
		`{"type":2,"opts":{"rooms":[],"except":[]},"rooms":["a"]}`,
		`{"type":9,"requestId":"q","packet":{"type":"Buffer","data":[1]}}`,
		`{"uid":"u","nsp":"/","type":3,"data":{"packet":{"type":2,"data":["e"]},"opts":{"rooms":[],"except":[],"flags":{}}}}`,
		`{"uid":"u","nsp":"/","type":8,"data":{"requestId":"q","sockets":[]}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Add(unhex(f, "93a7656d697474657283a47479706502a46461746192a568656c6c6fa5776f726c64a36e7370a12f83a5726f6f6d7390a5666c61677380a665786365707490"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		m, err := UnmarshalMessage(payload)
		checkFuzzed(t, m, err)
		// The same bytes as the data of a stream entry.
		text := base64.StdEncoding.EncodeToString(payload)
		if len(payload) > 0 && payload[0] == '{' {
			text = string(payload)
		}
		m, err = UnmarshalEntry([]string{"nsp", "/", "uid", "u", "type", "3", "data", text})
		checkFuzzed(t, m, err)
	})
}

// checkFuzzed checks that a message is there or else ErrMalformed, and that all
// it holds can be shown.
func checkFuzzed(t *testing.T, m *Message, err error) {
	t.Helper()
	if (m == nil) != (err != nil) || err != nil && !errors.Is(err, ErrMalformed) {
		t.Fatalf("%+v, %v", m, err)
	}
	if m == nil {
		return
	}
	for _, v := range append(slices.Clone(m.Args), m.Value.decoded) {
		if _, err := NewValue(v).TaggedJSON(); err != nil {
			t.Fatalf("%v of %#v", err, v)
		}
	}
	if m.Kind == "" || m.Event == "" && len(m.Args) > 0 && m.IsReply {
		t.Fatalf("%+v", m)
	}
}
