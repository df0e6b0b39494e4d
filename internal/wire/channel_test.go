package wire_test

import (
	"testing"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/wire"
)

// TestChannels takes apart what was put together, and every channel that package
// encoding names.
func TestChannels(t *testing.T) {
	t.Parallel()
	type name struct{ prefix, namespace, part string }
	room := []encoding.Room{"a#b "}
	for channel, want := range map[string]name{
		wire.Channel("k", "/"):                                 {"k", "/", ""},
		wire.Within(wire.Channel("k", "/n"), "r"):              {"k", "/n", "r"},
		encoding.Classic{}.Channel("/", nil):                   {"socket.io", "/", ""},
		encoding.Classic{Key: "k"}.Channel("/n", room):         {"k", "/n", "a#b "},
		encoding.Classic{Key: "k"}.RequestChannel("/n"):        {"k" + wire.RequestSuffix, "/n", ""},
		encoding.Classic{Key: "k"}.ResponseChannel("/"):        {"k" + wire.ResponseSuffix, "/", ""},
		encoding.Sharded{}.Channel("/n", room):                 {"socket.io", "/n", "a#b "},
		encoding.Sharded{}.ResponseChannel("/n"):               {"socket.io", "/n", encoding.UID},
		encoding.Streams{ChannelPrefix: "p"}.Channel("/admin"): {"p", "/admin", ""},
		encoding.Streams{}.ResponseChannel("/"):                {"socket.io", "/", encoding.UID},
	} {
		prefix, namespace, part, ok := wire.SplitChannel(channel)
		if got := (name{prefix, namespace, part}); !ok || got != want {
			t.Errorf("%q: %q, %v, want %q", channel, got, ok, want)
		}
	}
	for _, channel := range []string{"", "socket.io#emitter", "socket.io#/", "socket.io#/#r", "#", "/"} {
		if prefix, namespace, part, ok := wire.SplitChannel(channel); ok {
			t.Errorf("%q: %q, %q, %q", channel, prefix, namespace, part)
		}
	}
}
