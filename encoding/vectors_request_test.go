package encoding_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/vectors"
)

// requestCommand makes the words of the command that sends a request.
type requestCommand func(r *encoding.Request) ([]string, error)

func classicRequest(c encoding.Classic) requestCommand {
	return func(r *encoding.Request) ([]string, error) {
		message, err := c.MarshalRequest(r)
		return []string{"PUBLISH", c.RequestChannel(r.Namespace), string(message)}, err
	}
}

// classicServerRequest makes up for the two things in which servers of the
// classic adapter differ from us. They sign also the requests that nobody
// answers; we do as the official emitter. And they send every event with
// acknowledgement as MessagePack; see MarshalRequest for the reason why we do
// not. The message is the same.
func classicServerRequest(r *encoding.Request) ([]string, error) {
	words, err := classicRequest(encoding.Classic{})(r)
	if err != nil {
		return nil, err
	}
	if rest, ok := strings.CutPrefix(words[2], `{"type":`); ok {
		words[2] = `{"uid":"emitter","type":` + rest
	}
	if r.Kind == encoding.EmitWithAck && words[2][0] == '{' {
		message, err := encoding.Append(nil, encoding.TaggedJSON(words[2]))
		return append(words[:2], string(message)), err
	}
	return words, err
}

func shardedRequest(s encoding.Sharded) requestCommand {
	return func(r *encoding.Request) ([]string, error) {
		message, err := s.MarshalRequest(r)
		return []string{"SPUBLISH", s.Channel(r.Namespace, nil), string(message)}, err
	}
}

func streamsRequest(s encoding.Streams, publish, maxLen string) requestCommand {
	return func(r *encoding.Request) ([]string, error) {
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
		"redis-emitter-5.1.0-requests":                  classicRequest(encoding.Classic{}),
		"redis-emitter-5.1.0-key":                       classicRequest(encoding.Classic{Key: "my key"}),
		"classic-adapter-8.3.0-requests":                classicServerRequest,
		"sharded-adapter-8.3.0-requests":                shardedRequest(encoding.Sharded{}),
		"sharded-adapter-8.3.0-prefix":                  shardedRequest(encoding.Sharded{ChannelPrefix: "my key"}),
		"streams-adapter-0.3.1-requests":                streamsRequest(encoding.Streams{}, "PUBLISH", "10000"),
		"streams-adapter-0.3.1-requests-sharded-pubsub": streamsRequest(encoding.Streams{}, "SPUBLISH", "10000"),
		"streams-adapter-0.3.1-options":                 streamsRequest(encoding.Streams{StreamName: "my stream", ChannelPrefix: "my key"}, "PUBLISH", "500"),
	}
	files := vectors.ReadCommands(t)
	for name, file := range vectors.Read(t, "redis-emitter-5.1.0*.json") {
		for _, v := range file.Vectors {
			command := []vectors.Word{{Text: "PUBLISH"}, {Text: v.Channel}, {Text: string(v.Payload)}}
			files[name] = append(files[name], vectors.Command{Vector: v, Command: command})
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
			t.Run(name+"/"+v.Name, func(t *testing.T) { checkRequest(t, &v, formats[name]) })
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

func checkRequest(t *testing.T, v *vectors.Command, command requestCommand) {
	got, err := command(v.Request(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(v.Command) {
		t.Fatalf("%d words %.200q, the official package sent %d", len(got), got, len(v.Command))
	}
	for i := range got {
		if want, differs := v.Command[i].Differs(got[i]); differs {
			t.Errorf("word %d is\n%.500q\nthe official package sent\n%.500q", i+1, got[i], want)
		}
	}
}

// TestRequestForms names the two forms that the vectors do not have.
func TestRequestForms(t *testing.T) {
	t.Parallel()
	ping := encoding.Request{Kind: encoding.ServerSideEmit, Broadcast: encoding.Broadcast{Namespace: "/", Event: "ping", Args: []any{[]byte{1}}}}
	// Binary in a ServerSideEmit of the classic adapter, which its own servers
	// write as JSON and garble: they read MessagePack all the same.
	message, err := encoding.Classic{}.MarshalRequest(&ping)
	if err != nil || message[0] != 0x83 {
		t.Errorf("%q, %v, want a MessagePack map of 3", message, err)
	}
	// An event with acknowledgement is JSON, which harms no server.
	r := encoding.Request{Kind: encoding.EmitWithAck, ID: "x", Broadcast: encoding.Broadcast{Namespace: "/", Event: "e", Flags: encoding.Flags{Timeout: time.Second}}}
	for _, codec := range []encoding.Codec{encoding.MessagePack, encoding.JSON} {
		message, err = encoding.Classic{Codec: codec}.MarshalRequest(&r)
		want := `{"uid":"emitter","requestId":"x","type":7,"packet":{"type":2,"data":["e"],"nsp":"/"},"opts":{"rooms":[],"except":[],"flags":{"timeout":1000}}}`
		if err != nil || string(message) != want {
			t.Errorf("%s, %v, want %s", message, err, want)
		}
	}
	// Less than a millisecond is not none.
	r.Flags.Timeout = time.Microsecond
	if message, err = (encoding.Classic{}).MarshalRequest(&r); err != nil || !strings.Contains(string(message), `"timeout":1}`) {
		t.Errorf("%s, %v, want a timeout of 1", message, err)
	}
	var wrong *encoding.ArgumentError
	if message, err = (encoding.Classic{Codec: encoding.JSON}).MarshalRequest(&ping); !errors.Is(err, encoding.ErrBinary) || !errors.As(err, &wrong) || wrong.Index != 0 {
		t.Errorf("binary in JSON became %q, %v", message, err)
	}
}

// TestRequestKinds refuses what an adapter has no message for.
func TestRequestKinds(t *testing.T) {
	t.Parallel()
	for kind := encoding.RequestKind(-1); kind <= encoding.EmitWithAck+1; kind++ {
		r := &encoding.Request{Kind: kind, ID: "x", Broadcast: encoding.Broadcast{Namespace: "/", Event: "e"}}
		known := encoding.Join <= kind && kind <= encoding.EmitWithAck
		if message, err := (encoding.Classic{}).MarshalRequest(r); (err == nil) != known {
			t.Errorf("classic, kind %d: %q, %v", kind, message, err)
		}
		known = known && kind != encoding.AllRooms
		if message, err := (encoding.Sharded{}).MarshalRequest(r); (err == nil) != known {
			t.Errorf("sharded, kind %d: %q, %v", kind, message, err)
		}
		if fields, message, err := (encoding.Streams{}).MarshalRequest(r); (err == nil) != known {
			t.Errorf("streams, kind %d: %q, %q, %v", kind, fields, message, err)
		}
	}
}

// TestRequestMemory has a request's message stay as it is while others are made
// in the memory that it was made in.
func TestRequestMemory(t *testing.T) {
	t.Parallel()
	request := func(arg any) *encoding.Request {
		return &encoding.Request{Kind: encoding.ServerSideEmit, ID: "id", Broadcast: encoding.Broadcast{Namespace: "/", Event: "e", Args: []any{arg}}}
	}
	for name, marshal := range map[string]func(*encoding.Request) ([]byte, error){
		"classic": encoding.Classic{}.MarshalRequest,
		"sharded": encoding.Sharded{}.MarshalRequest,
		"streams": func(r *encoding.Request) ([]byte, error) {
			_, message, err := encoding.Streams{}.MarshalRequest(r)
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
