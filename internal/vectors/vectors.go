// Package vectors reads compat_test/vectors: what official emitters and servers
// published for a call.
package vectors

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/wire"
)

// File is a file of compat_test/vectors: what an official emitter
// published for a call, written by a script from its npm package.
type File struct {
	Package, Version string
	Vectors          []Vector
}

// Vector is a call, and what it made an emitter publish.
type Vector struct {
	Name string
	Call struct {
		Namespace     string
		Rooms, Except []encoding.Room
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

// Read reads the files of a pattern, by their names without .json.
func Read(t *testing.T, pattern string) map[string]File {
	t.Helper()
	paths, err := find(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no vectors %s: %v", pattern, err)
	}
	files := make(map[string]File)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var file File
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

// Values turns the arguments of a Vector into Go values: binary into []byte,
// and {"$repeat":{value,count}} into what it abbreviates.
func (v *Vector) Values(t *testing.T) []any {
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

// Broadcast is the event of the call, with arguments.
func (v *Vector) Broadcast(args []any) *encoding.Broadcast {
	return &encoding.Broadcast{
		Namespace: encoding.Namespace(v.Call.Namespace), Event: v.Call.Event, Args: args,
		Rooms: distinct(v.Call.Rooms), Except: distinct(v.Call.Except), Flags: encoding.Flags{Volatile: v.Call.Flags.Volatile, Compress: v.Call.Flags.Compress},
	}
}

func distinct(list []encoding.Room) []encoding.Room {
	out := []encoding.Room{}
	seen := make(map[encoding.Room]bool)
	for _, s := range list {
		if !seen[s] {
			out, seen[s] = append(out, s), true
		}
	}
	return out
}

// Check compares what was published.
func (v *Vector) Check(t *testing.T, payload []byte) {
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

// SortedKeys writes a value again with the keys of Go maps, so that two values
// can be compared whatever the order of keys they came in.
func SortedKeys(t *testing.T, msgpack []byte) []byte {
	v, err := wire.Decode(msgpack)
	if err != nil {
		t.Fatal(err)
	}
	b, err := encoding.Append(nil, v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// HoldsBinary reports whether binary is anywhere in a value.
func HoldsBinary(v any) bool {
	switch v := v.(type) {
	case []byte:
		return true
	case []any:
		for _, e := range v {
			if HoldsBinary(e) {
				return true
			}
		}
	case map[string]any:
		for _, e := range v {
			if HoldsBinary(e) {
				return true
			}
		}
	}
	return false
}

// find returns the paths of a pattern, wherever the test runs.
func find(pattern string) ([]string, error) {
	_, here, _, _ := runtime.Caller(0)
	return filepath.Glob(filepath.Join(filepath.Dir(here), "../../compat_test/vectors", pattern))
}
