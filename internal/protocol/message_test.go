package protocol

import (
	"bytes"
	"encoding/base64"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/vectors"
	"github.com/sioemit/sioemit/internal/wire"
)

// message decodes the last word of a command, or the fields of an XADD.
func message(t *testing.T, v *vectors.Command) *Message {
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
		m, err = Unmarshal(append([]byte(word.Text), word.Binary...))
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
	files := vectors.ReadCommands(t)
	for name, file := range vectors.Read(t, "*emitter-*.json") {
		for _, v := range file.Vectors {
			command := []vectors.Word{{Text: "PUBLISH"}, {Text: v.Channel}, {Text: string(v.Payload), Digest: v.PayloadLength > 0}}
			files[name] = append(files[name], vectors.Command{Vector: v, Command: command})
		}
	}
	read := make(map[Kind]int)
	for name, file := range files {
		for _, v := range file {
			if slices.ContainsFunc(v.Command, func(w vectors.Word) bool { return w.Digest }) {
				continue // too long to be kept
			}
			t.Run(name+"/"+v.Name, func(t *testing.T) {
				got := message(t, &v)
				want := &encoding.Request{Broadcast: *v.Broadcast(v.Values(t))}
				if v.Call.Method != "" {
					want = v.Request(t)
				}
				read[got.Kind]++
				if got.Kind != kinds[v.Call.Method] || got.IsReply || got.UID != encoding.UID && got.UID != "" || got.RequestID != want.ID || got.Close != want.Close {
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
				gotArgs, err := encoding.Append(nil, got.Args)
				if err != nil {
					t.Fatal(err)
				}
				wantArgs, err := encoding.Append(nil, append([]any{}, want.Args...))
				if err != nil {
					t.Fatal(err)
				}
				if len(got.Args)+len(want.Args) > 0 && !bytes.Equal(vectors.SortedKeys(t, gotArgs), vectors.SortedKeys(t, wantArgs)) {
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

func TestUnmarshal(t *testing.T) {
	t.Parallel()
	opts := `"opts":{"rooms":["r"],"except":["x"],"flags":{"timeout":1500}}`
	target := encoding.Broadcast{Rooms: []encoding.Room{"r"}, Except: []encoding.Room{"x"}, Flags: encoding.Flags{Timeout: 1500 * time.Millisecond}}
	withNamespace := target
	withNamespace.Namespace = "/n"
	event := withNamespace
	event.Event, event.Args = "e", []any{int64(1)}
	root := encoding.Broadcast{Namespace: "/n"}
	unknown := func(number int) Message {
		return Message{Head: Head{Kind: KindUnknown, Number: number, UID: "u"}, Broadcast: root,
			Value: encoding.NewValue(map[string]any{"uid": "u", "nsp": "/n", "type": int64(number), "data": map[string]any{}})}
	}
	for _, test := range []struct {
		name, text string
		want       Message
	}{
		{"old broadcast", `["u",{"type":5,"data":["e",1],"nsp":"/n"},{"rooms":["r"],"flags":{}}]`,
			Message{Head: Head{Kind: KindEvent, Number: -1, UID: "u"}, NoExcept: true, PacketType: wire.PacketBinaryEvent, Broadcast: encoding.Broadcast{Namespace: "/n", Event: "e", Args: []any{int64(1)}, Rooms: []encoding.Room{"r"}}}},
		{"rooms and flags that are text", `["u",{"type":2,"data":["e",1],"nsp":"/n"},{"rooms":"","flags":"","except":""}]`,
			Message{Head: Head{Kind: KindEvent, Number: -1, UID: "u"}, PacketType: wire.PacketEvent, Broadcast: encoding.Broadcast{Namespace: "/n", Event: "e", Args: []any{int64(1)}}}},
		{"rooms that are a word", `["u",{"type":2,"data":["e",1],"nsp":"/n"},{"rooms":"aé","flags":[]}]`,
			Message{Head: Head{Kind: KindEvent, Number: -1, UID: "u"}, NoExcept: true, PacketType: wire.PacketEvent, Broadcast: encoding.Broadcast{Namespace: "/n", Event: "e", Args: []any{int64(1)}, Rooms: []encoding.Room{"a", "é"}}}},
		{"one socket joins", `{"type":2,"requestId":"q","sid":"s","room":7}`,
			Message{Head: Head{Kind: KindJoin, Number: 2, RequestID: "q"}, Broadcast: encoding.Broadcast{Rooms: []encoding.Room{"s"}}, Change: []encoding.Room{encoding.NumberRoom(7)}}},
		{"rooms that are numbers", `{"type":3,"opts":{"rooms":["r",5,"5",-2.5],"except":[1e21,0]},"rooms":[6,"6"]}`,
			Message{Head: Head{Kind: KindLeave, Number: 3}, Broadcast: encoding.Broadcast{Rooms: []encoding.Room{"r", encoding.NumberRoom(5), "5", encoding.NumberRoom(-2.5)}, Except: []encoding.Room{encoding.NumberRoom(1e21), encoding.NumberRoom(0)}},
				Change: []encoding.Room{encoding.NumberRoom(6), "6"}}},
		{"a request without except", `{"type":5,"requestId":"q","uid":"u","opts":{"rooms":["r"]}}`,
			Message{Head: Head{Kind: KindSockets, Number: 5, UID: "u", RequestID: "q"}, NoExcept: true, Broadcast: encoding.Broadcast{Rooms: []encoding.Room{"r"}}}},
		{"one socket is disconnected", `{"type":4,"requestId":"q","sid":"s","close":true}`,
			Message{Head: Head{Kind: KindDisconnect, Number: 4, RequestID: "q"}, Broadcast: encoding.Broadcast{Rooms: []encoding.Room{"s"}}, Close: true}},
		{"socket ids", `{"uid":"u","requestId":"q","type":0,"rooms":["r"]}`, Message{Head: Head{Kind: KindSockets, Number: 0, UID: "u", RequestID: "q"}, Broadcast: encoding.Broadcast{Rooms: []encoding.Room{"r"}}}},
		{"reply with ids", `{"requestId":"q","sockets":["s"]}`, Message{Head: Head{Kind: KindSockets, IsReply: true, Number: -1, RequestID: "q"}, Value: encoding.NewValue([]any{"s"})}},
		{"reply with rooms", `{"requestId":"q","rooms":[]}`, Message{Head: Head{Kind: KindRooms, IsReply: true, Number: -1, RequestID: "q"}, Value: encoding.NewValue([]any{})}},
		{"reply that is done", `{"requestId":"q"}`, Message{Head: Head{Kind: KindUnknown, IsReply: true, Number: -1, RequestID: "q"}, Value: encoding.NewValue(map[string]any{"requestId": "q"})}},
		{"answer of a server", `{"type":6,"requestId":"q","data":null}`, Message{Head: Head{Kind: KindServerEmit, IsReply: true, Number: 6, RequestID: "q"}}},
		{"client count", `{"type":8,"requestId":"q","clientCount":2}`, Message{Head: Head{Kind: KindAckCount, IsReply: true, Number: 8, RequestID: "q"}, Value: encoding.NewValue(int64(2))}},
		{"acknowledgement", `{"type":9,"requestId":"q","packet":["a"]}`, Message{Head: Head{Kind: KindEmitAck, IsReply: true, Number: 9, RequestID: "q"}, Value: encoding.NewValue([]any{"a"})}},
		{"a number of no meaning", `{"uid":"u","type":77}`, Message{Head: Head{Kind: KindUnknown, Number: 77, UID: "u"}, Value: encoding.NewValue(map[string]any{"uid": "u", "type": int64(77)})}},
		{"a number beyond all", `{"uid":"u","type":4294967298}`, Message{Head: Head{Kind: KindUnknown, Number: -1, UID: "u"}, Value: encoding.NewValue(map[string]any{"uid": "u", "type": int64(1<<32 + 2)})}},
		{"cluster event", `{"uid":"u","nsp":"/n","type":3,"data":{"packet":{"type":2,"data":["e",1],"nsp":"/other"},` + opts + `}}`,
			Message{Head: Head{Kind: KindEvent, Number: 3, UID: "u"}, PacketType: wire.PacketEvent, Broadcast: event}},
		{"cluster emit-ack", `{"uid":"u","nsp":"/n","type":3,"data":{"requestId":"q","packet":{"type":2,"data":["e",1]},` + opts + `}}`,
			Message{Head: Head{Kind: KindEmitAck, Number: 3, UID: "u", RequestID: "q"}, PacketType: wire.PacketEvent, Broadcast: event}},
		{"cluster leave", `{"uid":"u","nsp":"/n","type":5,"data":{` + opts + `,"rooms":["a"]}}`, Message{Head: Head{Kind: KindLeave, Number: 5, UID: "u"}, Broadcast: withNamespace, Change: []encoding.Room{"a"}}},
		{"cluster heartbeat", `{"uid":"u","nsp":"/n","type":2}`, Message{Head: Head{Kind: KindHeartbeat, Number: 2, UID: "u"}, Broadcast: root}},
		{"cluster goodbye", `{"uid":"u","nsp":"/n","type":13}`, Message{Head: Head{Kind: KindGoodbye, Number: 13, UID: "u"}, Broadcast: root}},
		// Their lowest byte is that of a heartbeat, a goodbye, an event.
		{"a cluster number of no meaning", `{"uid":"u","nsp":"/n","type":258,"data":{}}`, unknown(258)},
		{"a cluster number near goodbye", `{"uid":"u","nsp":"/n","type":269,"data":{}}`, unknown(269)},
		{"a cluster number near an event", `{"uid":"u","nsp":"/n","type":259,"data":{}}`, unknown(259)},
		{"a cluster number below zero", `{"uid":"u","nsp":"/n","type":-254,"data":{}}`, unknown(-254)},
		{"cluster sockets", `{"uid":"u","nsp":"/n","type":8,"data":{"requestId":"q","sockets":[{"id":"s"}]}}`,
			Message{Head: Head{Kind: KindSockets, IsReply: true, Number: 8, UID: "u", RequestID: "q"}, Broadcast: root, Value: encoding.NewValue([]any{map[string]any{"id": "s"}})}},
		{"cluster server answer", `{"uid":"u","nsp":"/n","type":10,"data":{"requestId":"q","packet":1}}`,
			Message{Head: Head{Kind: KindServerEmit, IsReply: true, Number: 10, UID: "u", RequestID: "q"}, Broadcast: root, Value: encoding.NewValue(int64(1))}},
		{"cluster count", `{"uid":"u","nsp":"/n","type":11,"data":{"requestId":"q","clientCount":0}}`,
			Message{Head: Head{Kind: KindAckCount, IsReply: true, Number: 11, UID: "u", RequestID: "q"}, Broadcast: root, Value: encoding.NewValue(int64(0))}},
		{"cluster ack", `{"uid":"u","nsp":"/n","type":12,"data":{"requestId":"q","packet":"yes"}}`,
			Message{Head: Head{Kind: KindEmitAck, IsReply: true, Number: 12, UID: "u", RequestID: "q"}, Broadcast: root, Value: encoding.NewValue("yes")}},
	} {
		for form, payload := range map[string][]byte{"JSON": []byte(test.text), "MessagePack": messagePack(t, test.text)} {
			got, err := Unmarshal(payload)
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
	m.source, m.path, m.answer, m.IsCluster, m.namespace, m.isEntry = nil, nil, nil, false, "", false
	m.Args, m.Rooms, m.Except = append([]any{}, m.Args...), append([]encoding.Room{}, m.Rooms...), append([]encoding.Room{}, m.Except...)
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
			if m, err := Unmarshal(payload); !errors.Is(err, wire.ErrMalformed) || m != nil {
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
		if m, err := UnmarshalEntry(fields); !errors.Is(err, wire.ErrMalformed) || m != nil {
			t.Errorf("%s: %+v, %v", name, m, err)
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
		size := allocated(func() { _, err = Unmarshal(payload) })
		if !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("%s: error %v", name, err)
		}
		if limit := uint64(64<<10 + 512*len(payload)); size > limit {
			t.Errorf("%s: %d bytes allocated for an input of %d", name, size, len(payload))
		}
	}
}

func FuzzUnmarshal(f *testing.F) {
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
		m, err := Unmarshal(payload)
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

// checkFuzzed checks that a message is there or else wire.ErrMalformed, and that all
// it holds can be shown.
func checkFuzzed(t *testing.T, m *Message, err error) {
	t.Helper()
	if (m == nil) != (err != nil) || err != nil && !errors.Is(err, wire.ErrMalformed) {
		t.Fatalf("%+v, %v", m, err)
	}
	if m == nil {
		return
	}
	for _, v := range append(slices.Clone(m.Args), any(m.Value)) {
		if _, err := encoding.NewValue(v).TaggedJSON(); err != nil {
			t.Fatalf("%v of %#v", err, v)
		}
	}
	if m.Kind == "" || m.Event == "" && len(m.Args) > 0 && m.IsReply {
		t.Fatalf("%+v", m)
	}
}
