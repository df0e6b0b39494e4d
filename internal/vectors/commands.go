package vectors

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/wire"
)

// Command is what a server with the sharded or the streams adapter sent
// to Redis: a whole command, because it is not always PUBLISH.
type Command struct {
	Vector
	Command []Word
}

// Word is a word of a Redis command: text, or {"$binary":"<base64>"}, or
// {"$length":n,"$sha256":"<hex>"} in place of what is long.
type Word struct {
	Text   string
	Binary []byte
	Length int
	SHA256 string
	Digest bool // it is long
	binary bool
}

// UnmarshalJSON reads either form.
func (w *Word) UnmarshalJSON(text []byte) error {
	if text[0] == '"' {
		return json.Unmarshal(text, &w.Text)
	}
	var object struct {
		Binary *string `json:"$binary"`
		Length int     `json:"$length"`
		SHA256 string  `json:"$sha256"`
	}
	if err := json.Unmarshal(text, &object); err != nil {
		return err
	}
	if object.Binary == nil {
		w.Digest, w.Length, w.SHA256 = true, object.Length, object.SHA256
		return nil
	}
	w.binary = true
	var err error
	w.Binary, err = base64.StdEncoding.DecodeString(*object.Binary)
	return err
}

// Differs returns what the word is when it is not the given one.
func (w *Word) Differs(got string) (want string, differs bool) {
	switch {
	case w.Digest:
		sum := sha256.Sum256([]byte(got))
		return "something else of that length", len(got) != w.Length || hex.EncodeToString(sum[:]) != w.SHA256
	case w.binary:
		return string(w.Binary), got != string(w.Binary)
	}
	return w.Text, got != w.Text
}

// ReadCommands reads what servers sent, by the names of the files without .json.
func ReadCommands(t *testing.T) map[string][]Command {
	t.Helper()
	paths, err := find("*-adapter-*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no vectors of adapters: %v", err)
	}
	files := make(map[string][]Command)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var file struct{ Vectors []Command }
		if err := json.Unmarshal(text, &file); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for i := range file.Vectors {
			if v := &file.Vectors[i]; v.Call.ArgsJSON != "" {
				if err := json.Unmarshal([]byte(v.Call.ArgsJSON), &v.Call.Args); err != nil {
					t.Fatalf("%s: %s: %v", path, v.Name, err)
				}
			}
		}
		files[strings.TrimSuffix(filepath.Base(path), ".json")] = file.Vectors
	}
	return files
}

// Request turns the call of a Vector into what the library would ask for.
func (v *Command) Request(t *testing.T) *encoding.Request {
	t.Helper()
	args := v.Values(t)
	r := &encoding.Request{Broadcast: encoding.Broadcast{Namespace: encoding.Namespace(v.Call.Namespace), Rooms: distinct(v.Call.Rooms), Except: distinct(v.Call.Except)}}
	answered := false
	switch v.Call.Method {
	case "socketsJoin", "socketsLeave":
		r.Kind = encoding.Join
		if v.Call.Method == "socketsLeave" {
			r.Kind = encoding.Leave
		}
		switch rooms := args[0].(type) {
		case string:
			r.Change = []encoding.Room{encoding.Room(rooms)}
		case []any:
			for _, room := range rooms {
				r.Change = append(r.Change, encoding.Room(room.(string)))
			}
		}
	case "disconnectSockets":
		r.Kind = encoding.Disconnect
		r.Close = len(args) > 0 && args[0].(bool)
	case "serverSideEmit", "serverSideEmitWithAck", "emitWithAck":
		r.Kind = encoding.ServerSideEmit
		if v.Call.Method == "emitWithAck" {
			r.Kind = encoding.EmitWithAck
			r.Flags.Timeout = time.Duration(v.Call.Timeout) * time.Millisecond
		}
		r.Event = args[0].(string)
		for _, text := range v.Call.Args[1:] {
			r.Args = append(r.Args, encoding.TaggedJSON(text)) // keeps the order of keys
		}
		answered = v.Call.Method != "serverSideEmit"
	case "fetchSockets":
		r.Kind, answered = encoding.FetchSockets, true
	case "allRooms":
		r.Kind, answered = encoding.AllRooms, true
	default:
		t.Fatalf("no method %q", v.Call.Method)
	}
	if answered {
		r.ID = v.requestID(t)
	}
	return r
}

// requestID finds the id, which is not part of the call, in what was sent.
func (v *Command) requestID(t *testing.T) string {
	t.Helper()
	word := v.Command[len(v.Command)-1]
	decoded, err := wire.DecodeMessage(append([]byte(word.Text), word.Binary...))
	if err != nil {
		t.Fatal(err)
	}
	message, _ := decoded.(map[string]any)
	if data, ok := message["data"].(map[string]any); ok {
		message = data
	}
	id, ok := message["requestId"].(string)
	if !ok {
		t.Fatal("no requestId was sent")
	}
	return id
}
