package encoding

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// clusterVector is what a server with the sharded or the streams adapter sent
// to Redis: a whole command, because it is not always PUBLISH.
type clusterVector struct {
	vector
	Command []commandWord
}

// commandWord is a word of a Redis command: text, or {"$binary":"<base64>"}, or
// {"$length":n,"$sha256":"<hex>"} in place of what is long.
type commandWord struct {
	Text           string
	Binary         []byte
	Length         int
	SHA256         string
	binary, digest bool
}

func (w *commandWord) UnmarshalJSON(text []byte) error {
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
		w.digest, w.Length, w.SHA256 = true, object.Length, object.SHA256
		return nil
	}
	w.binary = true
	var err error
	w.Binary, err = base64.StdEncoding.DecodeString(*object.Binary)
	return err
}

// differs returns what the word is when it is not the given one.
func (w *commandWord) differs(got string) (want string, differs bool) {
	switch {
	case w.digest:
		sum := sha256.Sum256([]byte(got))
		return "something else of that length", len(got) != w.Length || hex.EncodeToString(sum[:]) != w.SHA256
	case w.binary:
		return string(w.Binary), got != string(w.Binary)
	}
	return w.Text, got != w.Text
}

// clusterCommand makes the words of the command that sends a broadcast.
type clusterCommand func(b *Broadcast) ([]string, error)

func shardedCommand(s Sharded) clusterCommand {
	return func(b *Broadcast) ([]string, error) {
		message, err := s.Marshal(b)
		return []string{"SPUBLISH", s.Channel(b.Namespace, b.Rooms), string(message)}, err
	}
}

func streamsCommand(s Streams, maxLen string) clusterCommand {
	return func(b *Broadcast) ([]string, error) {
		stream, err := s.Stream(b.Namespace)
		if err != nil {
			return nil, err
		}
		fields, err := s.Marshal(b)
		return append([]string{"XADD", stream, "MAXLEN", "~", maxLen, "*"}, fields...), err
	}
}

// TestClusterVectors holds both formats to what servers with the official
// adapters sent for the same calls. The order of keys in arguments is that of
// the JSON text; Go maps have none.
func TestClusterVectors(t *testing.T) {
	t.Parallel()
	formats := map[string]clusterCommand{
		"sharded-adapter-8.3.0":                 shardedCommand(Sharded{}),
		"sharded-adapter-8.3.0-static":          shardedCommand(Sharded{SubscriptionMode: Static}),
		"sharded-adapter-8.3.0-dynamic-private": shardedCommand(Sharded{SubscriptionMode: DynamicPrivate}),
		"sharded-adapter-8.3.0-prefix":          shardedCommand(Sharded{ChannelPrefix: "my key"}),
		"streams-adapter-0.3.1":                 streamsCommand(Streams{}, "10000"),
		"streams-adapter-0.3.1-options":         streamsCommand(Streams{StreamName: "my stream", ChannelPrefix: "my key"}, "500"),
		"streams-adapter-0.3.1-streams-3":       streamsCommand(Streams{StreamCount: 3}, "10000"),
	}
	files := readClusterVectors(t)
	for name, file := range files {
		// Requests are another matter.
		if formats[name] == nil && slices.ContainsFunc(file, func(v clusterVector) bool { return v.Call.Method == "" }) {
			t.Errorf("the broadcasts of %s are not tested", name)
		}
	}
	for name, command := range formats {
		if len(files[name]) == 0 {
			t.Errorf("no vectors %s", name)
		}
		for _, v := range files[name] {
			if v.Call.Method != "" {
				continue
			}
			t.Run(name+"/"+v.Name, func(t *testing.T) {
				args := v.values(t)
				for i, text := range v.Call.Args {
					if !strings.Contains(string(text), `"$repeat"`) {
						args[i] = TaggedJSON(text)
					}
				}
				got, err := command(v.broadcast(args))
				if stream := v.Command[1].Text; strings.Contains(stream, "--") {
					// A server writes there, and none reads.
					if !errors.Is(err, ErrUnreadStream) {
						t.Errorf("%v for the stream %q, want ErrUnreadStream", err, stream)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if len(got) != len(v.Command) {
					t.Fatalf("%d words %.200q, the official adapter sent %d", len(got), got, len(v.Command))
				}
				for i := range got {
					if want, differs := v.Command[i].differs(got[i]); differs {
						t.Errorf("word %d is\n%.500q\nthe official adapter sent\n%.500q", i+1, got[i], want)
					}
				}
			})
		}
	}
}

func readClusterVectors(t *testing.T) map[string][]clusterVector {
	t.Helper()
	paths, err := filepath.Glob("../compat_test/vectors/*-adapter-*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no vectors of adapters: %v", err)
	}
	files := make(map[string][]clusterVector)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var file struct{ Vectors []clusterVector }
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
