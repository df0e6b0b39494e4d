package encoding

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
)

// requestCommand makes the words of the command that sends a request.
type requestCommand func(r *Request) ([]string, error)

func classicRequest(c Classic) requestCommand {
	return func(r *Request) ([]string, error) {
		message, err := c.MarshalRequest(r)
		return []string{"PUBLISH", c.RequestChannel(r.Namespace), string(message)}, err
	}
}

// classicServerRequest makes up for the two things in which servers of the
// classic adapter differ from us. They sign also the requests that nobody
// answers; we do as the official emitter. And they send every event with
// acknowledgement as MessagePack; see MarshalRequest for the reason why we do
// not. The message is the same.
func classicServerRequest(r *Request) ([]string, error) {
	words, err := classicRequest(Classic{})(r)
	if err != nil {
		return nil, err
	}
	if rest, ok := strings.CutPrefix(words[2], `{"type":`); ok {
		words[2] = `{"uid":"emitter","type":` + rest
	}
	if r.Kind == EmitWithAck && words[2][0] == '{' {
		message, err := Append(nil, TaggedJSON(words[2]))
		return append(words[:2], string(message)), err
	}
	return words, err
}

func shardedRequest(s Sharded) requestCommand {
	return func(r *Request) ([]string, error) {
		message, err := s.MarshalRequest(r)
		return []string{"SPUBLISH", s.Channel(r.Namespace, nil), string(message)}, err
	}
}

func streamsRequest(s Streams, publish, maxLen string) requestCommand {
	return func(r *Request) ([]string, error) {
		fields, message, err := s.MarshalRequest(r)
		if err != nil || fields == nil {
			return []string{publish, s.Channel(r.Namespace), string(message)}, err
		}
		stream, err := s.Stream(r.Namespace)
		return append([]string{"XADD", stream, "MAXLEN", "~", maxLen, "*"}, fields...), err
	}
}

// TestRequestVectors holds requests to what the official emitter, and servers
// with the official adapters, sent for the same calls, to the byte.
func TestRequestVectors(t *testing.T) {
	t.Parallel()
	formats := map[string]requestCommand{
		"redis-emitter-5.1.0-requests":                  classicRequest(Classic{}),
		"redis-emitter-5.1.0-key":                       classicRequest(Classic{Key: "my key"}),
		"classic-adapter-8.3.0-requests":                classicServerRequest,
		"sharded-adapter-8.3.0-requests":                shardedRequest(Sharded{}),
		"sharded-adapter-8.3.0-prefix":                  shardedRequest(Sharded{ChannelPrefix: "my key"}),
		"streams-adapter-0.3.1-requests":                streamsRequest(Streams{}, "PUBLISH", "10000"),
		"streams-adapter-0.3.1-requests-sharded-pubsub": streamsRequest(Streams{}, "SPUBLISH", "10000"),
		"streams-adapter-0.3.1-options":                 streamsRequest(Streams{StreamName: "my stream", ChannelPrefix: "my key"}, "PUBLISH", "500"),
	}
	files := readClusterVectors(t)
	for name, file := range readVectors(t, "redis-emitter-5.1.0*.json") {
		for _, v := range file.Vectors {
			command := []commandWord{{Text: "PUBLISH"}, {Text: v.Channel}, {Text: string(v.Payload)}}
			files[name] = append(files[name], clusterVector{v, command})
		}
	}
	methods := make(map[string]int)
	for name, file := range files {
		for _, v := range file {
			if v.Call.Method == "" || name == "redis-emitter-5.1.0-parser-json" { // requests do not depend on the parser
				continue
			}
			if formats[name] == nil {
				t.Errorf("the requests of %s are not tested", name)
				continue
			}
			methods[v.Call.Method]++
			t.Run(name+"/"+v.Name, func(t *testing.T) { v.checkRequest(t, formats[name]) })
		}
	}
	for _, method := range []string{
		"socketsJoin", "socketsLeave", "disconnectSockets", "serverSideEmit", "serverSideEmitWithAck", "fetchSockets", "emitWithAck", "allRooms",
	} {
		if methods[method] == 0 {
			t.Errorf("no vectors of %s", method)
		}
	}
}

func (v *clusterVector) checkRequest(t *testing.T, command requestCommand) {
	got, err := command(v.request(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(v.Command) {
		t.Fatalf("%d words %.200q, the official package sent %d", len(got), got, len(v.Command))
	}
	for i := range got {
		if want, differs := v.Command[i].differs(got[i]); differs {
			t.Errorf("word %d is\n%.500q\nthe official package sent\n%.500q", i+1, got[i], want)
		}
	}
}

// request turns the call of a vector into what the library would ask for.
func (v *clusterVector) request(t *testing.T) *Request {
	t.Helper()
	args := v.values(t)
	r := &Request{Broadcast: Broadcast{Namespace: Namespace(v.Call.Namespace), Rooms: distinct(v.Call.Rooms), Except: distinct(v.Call.Except)}}
	answered := false
	switch v.Call.Method {
	case "socketsJoin", "socketsLeave":
		r.Kind = Join
		if v.Call.Method == "socketsLeave" {
			r.Kind = Leave
		}
		switch rooms := args[0].(type) {
		case string:
			r.Change = []Room{Room(rooms)}
		case []any:
			for _, room := range rooms {
				r.Change = append(r.Change, Room(room.(string)))
			}
		}
	case "disconnectSockets":
		r.Kind = Disconnect
		r.Close = len(args) > 0 && args[0].(bool)
	case "serverSideEmit", "serverSideEmitWithAck", "emitWithAck":
		r.Kind = ServerSideEmit
		if v.Call.Method == "emitWithAck" {
			r.Kind = EmitWithAck
			r.Flags.Timeout = time.Duration(v.Call.Timeout) * time.Millisecond
		}
		r.Event = args[0].(string)
		for _, text := range v.Call.Args[1:] {
			r.Args = append(r.Args, TaggedJSON(text)) // keeps the order of keys
		}
		answered = v.Call.Method != "serverSideEmit"
	case "fetchSockets":
		r.Kind, answered = FetchSockets, true
	case "allRooms":
		r.Kind, answered = AllRooms, true
	default:
		t.Fatalf("no method %q", v.Call.Method)
	}
	if answered {
		r.ID = v.requestID(t)
	}
	return r
}

// requestID finds the id, which is not part of the call, in what was sent.
func (v *clusterVector) requestID(t *testing.T) string {
	t.Helper()
	word := v.Command[len(v.Command)-1]
	decoded, err := decodeMessage(append([]byte(word.Text), word.Binary...))
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

// TestRequestForms names the two forms that the vectors do not have.
func TestRequestForms(t *testing.T) {
	t.Parallel()
	ping := Request{Kind: ServerSideEmit, Broadcast: Broadcast{Namespace: "/", Event: "ping", Args: []any{[]byte{1}}}}
	// Binary in a ServerSideEmit of the classic adapter, which its own servers
	// write as JSON and garble: they read MessagePack all the same.
	message, err := Classic{}.MarshalRequest(&ping)
	if err != nil || message[0] != 0x83 {
		t.Errorf("%q, %v, want a MessagePack map of 3", message, err)
	}
	// An event with acknowledgement is JSON, which harms no server.
	r := Request{Kind: EmitWithAck, ID: "x", Broadcast: Broadcast{Namespace: "/", Event: "e", Flags: Flags{Timeout: time.Second}}}
	for _, codec := range []Codec{MessagePack, JSON} {
		message, err = Classic{Codec: codec}.MarshalRequest(&r)
		want := `{"uid":"emitter","requestId":"x","type":7,"packet":{"type":2,"data":["e"],"nsp":"/"},"opts":{"rooms":[],"except":[],"flags":{"timeout":1000}}}`
		if err != nil || string(message) != want {
			t.Errorf("%s, %v, want %s", message, err, want)
		}
	}
	// Less than a millisecond is not none.
	r.Flags.Timeout = time.Microsecond
	if message, err = (Classic{}).MarshalRequest(&r); err != nil || !strings.Contains(string(message), `"timeout":1}`) {
		t.Errorf("%s, %v, want a timeout of 1", message, err)
	}
	var wrong *ArgumentError
	if message, err = (Classic{Codec: JSON}).MarshalRequest(&ping); !errors.Is(err, ErrBinary) || !errors.As(err, &wrong) || wrong.Index != 0 {
		t.Errorf("binary in JSON became %q, %v", message, err)
	}
}

// TestRequestKinds refuses what an adapter has no message for.
func TestRequestKinds(t *testing.T) {
	t.Parallel()
	for kind := RequestKind(-1); kind <= EmitWithAck+1; kind++ {
		r := &Request{Kind: kind, ID: "x", Broadcast: Broadcast{Namespace: "/", Event: "e"}}
		known := Join <= kind && kind <= EmitWithAck
		if message, err := (Classic{}).MarshalRequest(r); (err == nil) != known {
			t.Errorf("classic, kind %d: %q, %v", kind, message, err)
		}
		known = known && kind != AllRooms
		if message, err := (Sharded{}).MarshalRequest(r); (err == nil) != known {
			t.Errorf("sharded, kind %d: %q, %v", kind, message, err)
		}
		if fields, message, err := (Streams{}).MarshalRequest(r); (err == nil) != known {
			t.Errorf("streams, kind %d: %q, %q, %v", kind, fields, message, err)
		}
	}
}

// TestRequestMemory has a request's message stay as it is while others are made
// in the memory that it was made in.
func TestRequestMemory(t *testing.T) {
	t.Parallel()
	request := func(arg any) *Request {
		return &Request{Kind: ServerSideEmit, ID: "id", Broadcast: Broadcast{Namespace: "/", Event: "e", Args: []any{arg}}}
	}
	for name, marshal := range map[string]func(*Request) ([]byte, error){
		"classic": Classic{}.MarshalRequest,
		"sharded": Sharded{}.MarshalRequest,
		"streams": func(r *Request) ([]byte, error) {
			_, message, err := Streams{}.MarshalRequest(r)
			return message, err
		},
	} {
		for _, args := range [][2]any{{"first", "other"}, {[]byte("first"), []byte("other")}} {
			first, err := marshal(request(args[0]))
			if err != nil {
				t.Fatal(err)
			}
			want := bytes.Clone(first)
			for range 100 {
				if _, err := marshal(request(args[1])); err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.Equal(first, want) {
				t.Errorf("%s: %q became %q", name, want, first)
			}
		}
	}
}
