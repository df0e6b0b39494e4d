package encoding_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/vectors"
)

// clusterCommand makes the words of the command that sends a broadcast.
type clusterCommand func(b *encoding.Broadcast) ([]string, error)

func shardedCommand(s encoding.Sharded) clusterCommand {
	return func(b *encoding.Broadcast) ([]string, error) {
		message, err := s.Marshal(b)
		return []string{"SPUBLISH", s.Channel(b.Namespace, b.Rooms), string(message)}, err
	}
}

func streamsCommand(s encoding.Streams, maxLen string) clusterCommand {
	return func(b *encoding.Broadcast) ([]string, error) {
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
		"sharded-adapter-8.3.0":                 shardedCommand(encoding.Sharded{}),
		"sharded-adapter-8.3.0-static":          shardedCommand(encoding.Sharded{SubscriptionMode: encoding.Static}),
		"sharded-adapter-8.3.0-dynamic-private": shardedCommand(encoding.Sharded{SubscriptionMode: encoding.DynamicPrivate}),
		"sharded-adapter-8.3.0-prefix":          shardedCommand(encoding.Sharded{ChannelPrefix: "my key"}),
		"streams-adapter-0.3.1":                 streamsCommand(encoding.Streams{}, "10000"),
		"streams-adapter-0.3.1-options":         streamsCommand(encoding.Streams{StreamName: "my stream", ChannelPrefix: "my key"}, "500"),
		"streams-adapter-0.3.1-streams-3":       streamsCommand(encoding.Streams{StreamCount: 3}, "10000"),
	}
	files := vectors.ReadCommands(t)
	for name, file := range files {
		// Requests are another matter.
		if formats[name] == nil && slices.ContainsFunc(file, func(v vectors.Command) bool { return v.Call.Method == "" }) {
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
				args := v.Values(t)
				for i, text := range v.Call.Args {
					if !strings.Contains(string(text), `"$repeat"`) {
						args[i] = encoding.TaggedJSON(text)
					}
				}
				got, err := command(v.Broadcast(args))
				if stream := v.Command[1].Text; strings.Contains(stream, "--") {
					// A server writes there, and none reads.
					if !errors.Is(err, encoding.ErrUnreadStream) {
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
					if want, differs := v.Command[i].Differs(got[i]); differs {
						t.Errorf("word %d is\n%.500q\nthe official adapter sent\n%.500q", i+1, got[i], want)
					}
				}
			})
		}
	}
}
