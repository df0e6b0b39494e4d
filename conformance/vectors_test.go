package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"
)

// vectorFiles are the files of compat_test/vectors whose calls an emitter can
// make, with the options that they were recorded with. Those of older emitters
// and of servers that sign as themselves are for decoders.
var vectorFiles = []struct {
	file, prefix, options, level string
}{
	{"redis-emitter-5.1.0", "classic", ``, ""},
	{"redis-emitter-5.1.0-key", "classic with a key", `{"key":"my key"}`, ""},
	{"redis-emitter-5.1.0-parser-json", "classic in JSON", `{"codec":"json"}`, "value"},
	{"redis-emitter-5.1.0-requests", "classic requests", ``, "value"},
	{"sharded-adapter-8.3.0", "sharded", `{"adapter":"sharded"}`, "value"},
	{"sharded-adapter-8.3.0-static", "sharded static", `{"adapter":"sharded","subscriptionMode":"static"}`, "value"},
	{"sharded-adapter-8.3.0-dynamic-private", "sharded dynamic-private", `{"adapter":"sharded","subscriptionMode":"dynamic-private"}`, "value"},
	{"sharded-adapter-8.3.0-prefix", "sharded with a prefix", `{"adapter":"sharded","channelPrefix":"my key"}`, "value"},
	{"sharded-adapter-8.3.0-requests", "sharded requests", `{"adapter":"sharded"}`, "value"},
	{"streams-adapter-0.3.1", "streams", `{"adapter":"streams"}`, "value"},
	{"streams-adapter-0.3.1-options", "streams with options", `{"adapter":"streams","streamName":"my stream","maxLen":500,"channelPrefix":"my key"}`, "value"},
	{"streams-adapter-0.3.1-streams-3", "streams of three", `{"adapter":"streams","streamCount":3}`, "value"},
	{"streams-adapter-0.3.1-requests", "streams requests", `{"adapter":"streams"}`, "value"},
	{"streams-adapter-0.3.1-requests-sharded-pubsub", "streams requests by shard", `{"adapter":"streams","useShardedPubSub":true}`, "value"},
	{"python-socketio-5.18.1", "python", `{"adapter":"python"}`, "value"},
	{"python-socketio-5.18.1-channel", "python with a channel", `{"adapter":"python","channel":"my channel"}`, "value"},
	{"python-socketio-5.18.1-binary", "python with binary", `{"adapter":"python","allowBinary":true}`, "value"},
	{"python-socketio-5.18.1-requests", "python requests", `{"adapter":"python"}`, "value"},
}

// vector is what an official package published for a call.
type vector struct {
	Name string
	Call struct {
		Namespace     string
		Rooms, Except []string
		Flags         struct {
			Volatile bool
			Compress *bool
		}
		Method   string
		Event    *string
		Args     []json.RawMessage
		ArgsJSON string
	}
	Channel       string
	Payload       []byte
	PayloadLength int
	PayloadSHA256 string
	Command       []json.RawMessage
}

// vectorCases makes the lines of a file of cases from the vectors in a folder.
func vectorCases(folder string) ([]byte, error) {
	var out bytes.Buffer
	known := make(map[string]bool)
	for _, f := range vectorFiles {
		text, err := os.ReadFile(filepath.Join(folder, f.file+".json"))
		if err != nil {
			return nil, err
		}
		var file struct{ Vectors []vector }
		if err := json.Unmarshal(text, &file); err != nil {
			return nil, fmt.Errorf("%s: %w", f.file, err)
		}
		for i := range file.Vectors {
			v := &file.Vectors[i]
			id := f.prefix + "/" + v.Name
			if known[id] { // some calls were recorded in two groups
				continue
			}
			known[id] = true
			line, err := v.line(id, f.options, f.level)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", f.file, v.Name, err)
			}
			out.Write(line)
		}
	}
	return out.Bytes(), nil
}

// line returns the case, or nothing for a call that waits for answers, whose
// bytes hold an id, and for one that no server would read.
func (v *vector) line(id, options, level string) ([]byte, error) {
	call, err := v.call()
	if call == nil || err != nil {
		return nil, err
	}
	commands, err := v.commands()
	if err != nil {
		return nil, err
	}
	c := struct {
		ID      string          `json:"id"`
		Level   string          `json:"level,omitempty"`
		Options json.RawMessage `json:"options,omitempty"`
		Chain   [][]any         `json:"chain,omitempty"`
		Call    []any           `json:"call"`
		Want    any             `json:"want"`
	}{ID: id, Level: level, Options: json.RawMessage(options), Chain: v.chain(), Call: call, Want: map[string]any{"commands": []any{commands}}}
	switch { // what the official packages send although no server reads it
	case v.Call.Event != nil && *v.Call.Event == "":
		c.Want = map[string]any{"error": "empty-event"}
	case strings.Contains(fmt.Sprint(commands[1]), "--"): // a stream with a negative number
		c.Want = map[string]any{"error": "unread-stream"}
	}
	var line bytes.Buffer
	e := json.NewEncoder(&line)
	e.SetEscapeHTML(false)
	err = e.Encode(c)
	return line.Bytes(), err
}

func (v *vector) chain() [][]any {
	var chain [][]any
	link := func(name string, list []string) {
		words := []any{name}
		for _, word := range list {
			words = append(words, word)
		}
		chain = append(chain, words)
	}
	if v.Call.Namespace != "/" {
		link("of", []string{v.Call.Namespace})
	}
	if len(v.Call.Rooms) > 0 {
		link("to", v.Call.Rooms)
	}
	if len(v.Call.Except) > 0 {
		link("except", v.Call.Except)
	}
	if v.Call.Flags.Volatile {
		chain = append(chain, []any{"volatile"})
	}
	if c := v.Call.Flags.Compress; c != nil {
		chain = append(chain, []any{"compress", *c})
	}
	return chain
}

func (v *vector) call() ([]any, error) {
	args, err := v.args()
	if err != nil {
		return nil, err
	}
	switch method := v.Call.Method; method {
	case "":
		if v.Call.Event == nil {
			return nil, fmt.Errorf("no event")
		}
		return append([]any{"emit", *v.Call.Event}, args...), nil
	case "socketsJoin", "socketsLeave":
		call := []any{method}
		var rooms []string
		if json.Unmarshal(v.Call.Args[0], &rooms) != nil {
			rooms = make([]string, 1)
			if err := json.Unmarshal(v.Call.Args[0], &rooms[0]); err != nil {
				return nil, err
			}
		}
		for _, room := range rooms {
			call = append(call, room)
		}
		return call, nil
	case "disconnectSockets":
		if len(args) == 0 {
			args = []any{false}
		}
		return append([]any{method}, args...), nil
	case "serverSideEmit":
		return append([]any{method}, args...), nil
	}
	return nil, nil
}

// args returns the arguments as a case writes them.
func (v *vector) args() ([]any, error) {
	raw := v.Call.Args
	if v.Call.ArgsJSON != "" {
		raw = nil
		if err := json.Unmarshal([]byte(v.Call.ArgsJSON), &raw); err != nil {
			return nil, err
		}
	}
	args := make([]any, len(raw))
	for i, text := range raw {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		written, err := write(d)
		if err != nil {
			return nil, err
		}
		args[i] = written
	}
	return args, nil
}

// write reads one value and returns it as cases write it: numbers that look
// like floats by $float, objects whose keys are not sorted by $object.
func write(d *json.Decoder) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case json.Number:
		if strings.ContainsAny(string(t), ".eE") && isWhole(string(t)) {
			return map[string]any{"$float": string(t)}, nil
		}
		return t, nil
	case json.Delim:
		if t == '[' {
			list := []any{}
			for d.More() {
				v, err := write(d)
				if err != nil {
					return nil, err
				}
				list = append(list, v)
			}
			_, err := d.Token()
			return list, err
		}
		return writeObject(d)
	}
	return t, nil
}

func isWhole(number string) bool {
	f, err := strconv.ParseFloat(number, 64)
	return err == nil && f == float64(int64(f))
}

func writeObject(d *json.Decoder) (any, error) {
	object := make(map[string]any)
	var pairs [][2]any
	sorted, last := true, ""
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		v, err := write(d)
		if err != nil {
			return nil, err
		}
		name := key.(string)
		sorted = sorted && (len(pairs) == 0 || last < name)
		last = name
		object[name] = v
		pairs = append(pairs, [2]any{name, v})
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	if _, tag := object["count"]; sorted || tag && len(pairs) == 2 { // the second is what $repeat holds
		return object, nil
	}
	return map[string]any{"$object": pairs}, nil
}

// commands returns the one command that was sent, in the words of a case.
func (v *vector) commands() ([]any, error) {
	if v.Command != nil {
		words := make([]any, len(v.Command))
		for i, text := range v.Command {
			var plain string
			if json.Unmarshal(text, &plain) == nil {
				words[i] = plain
				continue
			}
			var object map[string]any
			if err := json.Unmarshal(text, &object); err != nil {
				return nil, err
			}
			if b64, ok := object["$binary"]; ok {
				object = map[string]any{"$base64": b64}
			}
			words[i] = object
		}
		return words, nil
	}
	words := []any{"PUBLISH", v.Channel}
	switch {
	case v.PayloadLength > 0:
		return append(words, map[string]any{"$length": v.PayloadLength, "$sha256": v.PayloadSHA256}), nil
	case v.Payload[0] == '{' || v.Payload[0] == '[' && utf8.Valid(v.Payload):
		return append(words, string(v.Payload)), nil
	}
	return append(words, map[string]any{"$base64": base64.StdEncoding.EncodeToString(v.Payload)}), nil
}
