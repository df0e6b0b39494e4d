package encoding

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// vectorFile is a file of compat_test/vectors: what an official emitter
// published for a call, written by a script from its npm package.
type vectorFile struct {
	Package, Version string
	Vectors          []vector
}

type vector struct {
	Name string
	Call struct {
		Namespace     string
		Rooms, Except []Room
		Flags         struct {
			Volatile bool
			Compress *bool
		}
		Method  string // of a request; the event's name otherwise
		Timeout int    // of emitWithAck, in milliseconds
		Event   string
		Args    []json.RawMessage

		// ArgsJSON is the text that the arguments were parsed from, where the
		// order of keys or the spelling of numbers matters.
		ArgsJSON string
	}
	Channel       string
	Payload       []byte
	PayloadLength int    // instead of a long payload
	PayloadSHA256 string // likewise
}

func readVectors(t *testing.T, pattern string) map[string]vectorFile {
	t.Helper()
	paths, err := filepath.Glob("../compat_test/vectors/" + pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no vectors %s: %v", pattern, err)
	}
	files := make(map[string]vectorFile)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var file vectorFile
		if err := json.Unmarshal(text, &file); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if len(file.Vectors) == 0 {
			t.Fatalf("%s is empty", path)
		}
		for i := range file.Vectors {
			if v := &file.Vectors[i]; v.Call.ArgsJSON != "" {
				if err := json.Unmarshal([]byte(v.Call.ArgsJSON), &v.Call.Args); err != nil {
					t.Fatalf("%s: %s: %v", path, v.Name, err)
				}
			}
		}
		files[strings.TrimSuffix(filepath.Base(path), ".json")] = file
	}
	return files
}

// values turns the arguments of a vector into Go values: binary into []byte,
// and {"$repeat":{value,count}} into what it abbreviates.
func (v *vector) values(t *testing.T) []any {
	args := make([]any, 0, len(v.Call.Args))
	for _, text := range v.Call.Args {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		var arg any
		if err := d.Decode(&arg); err != nil {
			t.Fatal(err)
		}
		args = append(args, expand(t, arg))
	}
	return args
}

func expand(t *testing.T, v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = expand(t, v[i])
		}
	case map[string]any:
		if text, ok := v["$binary"].(string); ok && len(v) == 1 {
			bin, err := base64.StdEncoding.DecodeString(text)
			if err != nil {
				t.Fatal(err)
			}
			return bin
		}
		if repeat, ok := v["$repeat"].(map[string]any); ok {
			count, err := repeat["count"].(json.Number).Int64()
			if err != nil {
				t.Fatal(err)
			}
			switch value := expand(t, repeat["value"]).(type) {
			case string:
				return strings.Repeat(value, int(count))
			case []byte:
				return bytes.Repeat(value, int(count))
			case []any:
				var all []any
				for range count {
					all = append(all, value...)
				}
				return all
			}
		}
		for k := range v {
			v[k] = expand(t, v[k])
		}
	}
	return v
}

func (v *vector) broadcast(args []any) *Broadcast {
	return &Broadcast{
		Type: Event, Namespace: Namespace(v.Call.Namespace), Event: v.Call.Event, Args: args,
		Rooms: distinct(v.Call.Rooms), Except: distinct(v.Call.Except), Flags: Flags{Volatile: v.Call.Flags.Volatile, Compress: v.Call.Flags.Compress},
	}
}

func distinct(list []Room) []Room {
	out := []Room{}
	seen := make(map[Room]bool)
	for _, s := range list {
		if !seen[s] {
			out, seen[s] = append(out, s), true
		}
	}
	return out
}

func (v *vector) check(t *testing.T, payload []byte) {
	t.Helper()
	if v.PayloadLength > 0 {
		sum := sha256.Sum256(payload)
		if len(payload) != v.PayloadLength || hex.EncodeToString(sum[:]) != v.PayloadSHA256 {
			t.Errorf("payload of %d bytes differs from the official one of %d", len(payload), v.PayloadLength)
		}
		return
	}
	if !bytes.Equal(payload, v.Payload) {
		t.Errorf("payload\n%q\nthe official emitter published\n%q", payload, v.Payload)
	}
}

func TestVectorsMarshal(t *testing.T) {
	t.Parallel()
	formats := map[string]Classic{
		"redis-emitter-5.1.0":             {},
		"redis-emitter-5.1.0-key":         {Key: "my key"},
		"redis-emitter-5.1.0-parser-json": {Codec: JSON},
	}
	files := readVectors(t, "redis-emitter-5.1.0*.json")
	for name, format := range formats {
		file, ok := files[name]
		if !ok {
			t.Fatalf("no vectors %s", name)
		}
		for _, v := range file.Vectors {
			if v.Call.Method != "" {
				continue
			}
			t.Run(name+"/"+v.Name, func(t *testing.T) {
				args := v.values(t)
				if v.PayloadLength == 0 {
					// JSON text keeps the order of keys, Go maps do not.
					for i, text := range v.Call.Args {
						value, err := Append(nil, args[i])
						if err != nil {
							t.Fatal(err)
						}
						args[i] = TaggedJSON(text)
						fromText, err := Append(nil, args[i])
						if err != nil {
							t.Fatal(err)
						}
						if !bytes.Equal(value, sortedKeys(t, fromText)) {
							t.Errorf("argument %d as a Go value becomes %q, as JSON text %q", i, value, fromText)
						}
					}
				}
				b := v.broadcast(args)
				if got := format.Channel(b.Namespace, b.Rooms); got != v.Channel {
					t.Errorf("channel %q, the official emitter used %q", got, v.Channel)
				}
				payload, err := format.Marshal(b)
				if err != nil {
					t.Fatal(err)
				}
				v.check(t, payload)
			})
		}
	}
}

// TestVectorsUnmarshal reads what every generation of official emitters
// publishes.
func TestVectorsUnmarshal(t *testing.T) {
	t.Parallel()
	for name, file := range readVectors(t, "*emitter-*.json") {
		for _, v := range file.Vectors {
			if v.Call.Method != "" || v.Payload == nil {
				continue
			}
			t.Run(name+"/"+v.Name, func(t *testing.T) {
				uid, got, err := UnmarshalClassic(v.Payload)
				if err != nil {
					t.Fatal(err)
				}
				args := v.values(t)
				want := v.broadcast(args)
				if got.Type == BinaryEvent {
					if !holdsBinary(args) || !strings.HasPrefix(file.Package, "socket.io-emitter") {
						t.Error("an event without binary came as packet type 5")
					}
				} else if got.Type != Event {
					t.Errorf("packet type %d", got.Type)
				}
				if uid != UID || got.Namespace != want.Namespace || got.Event != want.Event || got.Flags.Volatile != want.Flags.Volatile ||
					!reflect.DeepEqual(append([]Room{}, got.Rooms...), want.Rooms) || !reflect.DeepEqual(append([]Room{}, got.Except...), want.Except) ||
					!reflect.DeepEqual(got.Flags.Compress, want.Flags.Compress) {
					t.Errorf("uid %q, %+v, want %+v", uid, got, want)
				}
				gotArgs, err := Append(nil, got.Args)
				if err != nil {
					t.Fatal(err)
				}
				wantArgs, err := Append(nil, args)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(sortedKeys(t, gotArgs), sortedKeys(t, wantArgs)) {
					t.Errorf("arguments %v, want %v", got.Args, args)
				}
			})
		}
	}
}

// sortedKeys writes a value again with the keys of Go maps, so that two values
// can be compared whatever the order of keys they came in.
func sortedKeys(t *testing.T, msgpack []byte) []byte {
	v, err := Decode(msgpack)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Append(nil, v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func holdsBinary(v any) bool {
	switch v := v.(type) {
	case []byte:
		return true
	case []any:
		for _, e := range v {
			if holdsBinary(e) {
				return true
			}
		}
	case map[string]any:
		for _, e := range v {
			if holdsBinary(e) {
				return true
			}
		}
	}
	return false
}

func TestLegacyBinary(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		legacy bool
		arg    any
		want   PacketType
	}{
		{false, []byte{1}, Event},
		{true, []byte{1}, BinaryEvent},
		{true, map[string]any{"deep": []any{TaggedJSON(`{"$binary":"AQ=="}`)}}, BinaryEvent},
		{true, "text", Event},
		{true, []byte(nil), Event},
	} {
		payload, err := Classic{LegacyBinary: test.legacy}.Marshal(&Broadcast{Namespace: "/", Event: "e", Args: []any{test.arg}})
		if err != nil {
			t.Fatal(err)
		}
		_, b, err := UnmarshalClassic(payload)
		if err != nil {
			t.Fatal(err)
		}
		if b.Type != test.want {
			t.Errorf("legacy %v, %v: packet type %d, want %d", test.legacy, test.arg, b.Type, test.want)
		}
	}
}
