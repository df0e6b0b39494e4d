package encoding_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/vectors"
)

// TestPythonVectors holds the format to what python-socketio's own manager
// published for the same calls. Its JSON has spaces and escapes that ours has
// not, so that values are compared.
func TestPythonVectors(t *testing.T) {
	t.Parallel()
	formats := map[string]encoding.Python{
		"python-socketio-5.18.1":          {},
		"python-socketio-5.18.1-channel":  {Channel: "my channel"},
		"python-socketio-5.18.1-binary":   {AllowBinary: true},
		"python-socketio-5.18.1-requests": {},
	}
	files := vectors.Read(t, "python-socketio-*.json")
	for name, file := range files {
		format, ok := formats[name]
		if !ok {
			t.Errorf("%s is not tested", name)
		}
		for _, v := range file.Vectors {
			t.Run(name+"/"+v.Name, func(t *testing.T) {
				if channel := format.RedisChannel(); channel != v.Channel {
					t.Errorf("channel %q, the package used %q", channel, v.Channel)
				}
				var message []byte
				var err error
				if v.Call.Method == "" {
					message, err = format.Marshal(v.Broadcast(v.Values(t)))
				} else {
					command := vectors.Command{Vector: v}
					message, err = format.MarshalRequest(command.Request(t))
				}
				if err != nil {
					t.Fatal(err)
				}
				var got, want any
				if err := json.Unmarshal(message, &got); err != nil {
					t.Fatalf("%v: %s", err, message)
				}
				if err := json.Unmarshal(v.Payload, &want); err != nil {
					t.Fatal(err)
				}
				if !reflect.DeepEqual(got, want) {
					t.Errorf("message\n%s\nthe package published\n%s", message, v.Payload)
				}
			})
		}
	}
}

// TestPythonRoomNumbers refuses what may be another number in Python. A template
// that is used again forgets that it was refused.
func TestPythonRoomNumbers(t *testing.T) {
	t.Parallel()
	var format encoding.Python
	template := new(encoding.Template)
	for n, ok := range map[float64]bool{1<<53 - 1: true, -(1<<53 - 1): true, 1 << 53: false, -(1 << 53): false, 1e300: false, 1.5: true} {
		rooms := []encoding.Room{"a", encoding.NumberRoom(n)}
		format.Retarget(template, &encoding.Broadcast{Namespace: "/", Rooms: rooms})
		message, err := template.Append(nil, "ev", nil)
		if ok != (err == nil) || ok != (message != nil) || !ok && !errors.Is(err, encoding.ErrNoCounterpart) {
			t.Errorf("an event to %v: %s, %v", n, message, err)
		}
		message, err = format.MarshalRequest(&encoding.Request{Kind: encoding.Leave, Broadcast: encoding.Broadcast{Namespace: "/"}, Change: rooms[1:]})
		if ok != (err == nil) || ok != (message != nil) || !ok && !errors.Is(err, encoding.ErrNoCounterpart) {
			t.Errorf("everyone leaves %v: %s, %v", n, message, err)
		}
	}
}
