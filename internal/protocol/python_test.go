package protocol

import (
	"reflect"
	"strings"
	"testing"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/vectors"
)

// TestPythonVectors reads what python-socketio's own manager publishes.
func TestPythonVectors(t *testing.T) {
	t.Parallel()
	for name, file := range vectors.Read(t, "python-socketio-*.json") {
		for _, v := range file.Vectors {
			t.Run(name+"/"+v.Name, func(t *testing.T) {
				got, err := Unmarshal(v.Payload)
				if err != nil {
					t.Fatal(err)
				}
				if !got.IsPython || got.UID != encoding.UID || got.Namespace != v.Call.Namespace {
					t.Errorf("%+v", got.Head)
				}
				if v.Call.Method != "" {
					checkPythonRequest(t, got, &v)
					return
				}
				args := v.Values(t)
				want := v.Broadcast(args)
				if got.Kind != KindEvent || got.Event != want.Event || !reflect.DeepEqual(append([]encoding.Room{}, got.Rooms...), want.Rooms) ||
					!reflect.DeepEqual(append([]encoding.Room{}, got.Except...), want.Except) {
					t.Errorf("%+v, want %+v", got, want)
				}
				wantText, err := encoding.NewValue(args).TaggedJSON()
				if err != nil {
					t.Fatal(err)
				}
				gotText, err := encoding.NewValue(got.Args).TaggedJSON()
				if err != nil {
					t.Fatal(err)
				}
				if string(gotText) != string(wantText) {
					t.Errorf("arguments %s, want %s", gotText, wantText)
				}
				texts, err := got.TaggedArgs()
				if err != nil || len(texts) != len(args) {
					t.Fatalf("%d texts of %d arguments: %v", len(texts), len(args), err)
				}
				for i, text := range texts {
					again, err := encoding.Append(nil, text)
					if err != nil {
						t.Fatal(err)
					}
					direct, err := encoding.Append(nil, encoding.NewValue(got.Args[i]))
					if err != nil {
						t.Fatal(err)
					}
					if string(vectors.SortedKeys(t, again)) != string(vectors.SortedKeys(t, direct)) {
						t.Errorf("argument %d as text is %s", i, text)
					}
				}
			})
		}
	}
}

func checkPythonRequest(t *testing.T, got *Message, v *vectors.Vector) {
	t.Helper()
	want := map[string]Kind{"socketsJoin": KindJoin, "socketsLeave": KindLeave, "disconnectSockets": KindDisconnect}[v.Call.Method]
	if got.Kind != want || !reflect.DeepEqual(append([]encoding.Room{}, got.Rooms...), append([]encoding.Room{}, v.Call.Rooms...)) {
		t.Errorf("%s of %v, want %s of %v", got.Kind, got.Rooms, want, v.Call.Rooms)
	}
	if room := v.Values(t)[0]; want != KindDisconnect && (len(got.Change) != 1 || string(got.Change[0]) != room) {
		t.Errorf("rooms %v, want %v", got.Change, room)
	}
}

// TestPython reads what the vectors do not hold, as servers read it.
func TestPython(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"method":"emit","event":"e","data":[null],"namespace":"/"}`:                                                                      `event e []`,
		`{"method":"emit","event":"e","data":{"b":1,"a":2},"namespace":"/"}`:                                                               `event e [{"a":2,"b":1}]`,
		`{"method":"emit","event":"e","data":[{"b":1,"a":2}],"namespace":"/"}`:                                                             `event e [{"b":1,"a":2}]`,
		`{"method":"emit","event":"e","data":[1],"namespace":"/","callback":["r","/",7],"host_id":"h"}`:                                    `emit-ack e [1]`,
		`{"method":"emit","event":"e","binary":true,"data":[[{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}],"AQ==","Ag=="]}`: `event e [{"$binary":"Ag=="} {"$binary":"AQ=="}]`,
		`{"method":"callback","host_id":"h","sid":"r","namespace":"/","id":7,"args":["yes"]}`:                                              `emit-ack  [] reply 7 of h: ["yes"]`,
		`{"method":"no such","namespace":"/"}`:                                                                                             `unknown  []`,
		`{"method":5}`:                                                                                                                     `error: the method is a number`,
		`{"method":"emit","event":"e","namespace":"/"}`:                                                                                    `error: no data`,
		`{"method":"emit","event":null,"data":[]}`:                                                                                         `error: the event's name is missing or null`,
		`{"method":"emit","event":"e","data":[],"room":{}}`:                                                                                `error: room is an object`,
		`{"method":"emit","event":"e","data":[],"namespace":5}`:                                                                            `error: the namespace is a number`,
		`{"method":"emit","event":"e","binary":true,"data":[[{"_placeholder":true,"num":1}],"AQ=="]}`:                                      `error: a placeholder is for attachment 1 of 1`,
		`{"method":"emit","event":"e","binary":true,"data":[[],"%"]}`:                                                                      `error: attachment 1`,
		`{"method":"emit","event":"e","binary":true,"data":[[],5]}`:                                                                        `error: attachment 1 is a number`,
		`{"method":"emit","event":"e","binary":true,"data":[]}`:                                                                            `error: the data is an array of 0`,
		`{"method":"enter_room","sid":5,"namespace":"/"}`:                                                                                  `error: the room is missing`,
		`{"method":"disconnect","sid":{},"namespace":"/"}`:                                                                                 `error: the sid is an object`,
		`{"method":"callback","namespace":"/","id":{}}`:                                                                                    `error: the id is an object`,
	} {
		m, err := Unmarshal([]byte(text))
		if expected, isError := strings.CutPrefix(want, "error: "); isError {
			if err == nil || !strings.Contains(err.Error(), expected) {
				t.Errorf("%s: %v, want an error that says %s", text, err, expected)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		args, err := m.TaggedArgs()
		if err != nil {
			t.Fatal(err)
		}
		shown := []string{}
		for _, arg := range args {
			shown = append(shown, string(arg))
		}
		got := strings.TrimSpace(strings.Join([]string{string(m.Kind), m.Event, "[" + strings.Join(shown, " ") + "]"}, " "))
		if m.IsReply {
			got += " reply " + m.RequestID + " of " + m.UID + ": " + m.Value.String()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
