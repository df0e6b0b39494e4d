package encoding_test

import (
	"bytes"
	"testing"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/protocol"
	"github.com/sioemit/sioemit/internal/vectors"
	"github.com/sioemit/sioemit/internal/wire"
)

func TestVectorsMarshal(t *testing.T) {
	t.Parallel()
	formats := map[string]encoding.Classic{
		"redis-emitter-5.1.0":             {},
		"redis-emitter-5.1.0-key":         {Key: "my key"},
		"redis-emitter-5.1.0-parser-json": {Codec: encoding.JSON},
	}
	files := vectors.Read(t, "redis-emitter-5.1.0*.json")
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
				args := v.Values(t)
				if v.PayloadLength == 0 {
					// JSON text keeps the order of keys, Go maps do not.
					for i, text := range v.Call.Args {
						value, err := encoding.Append(nil, args[i])
						if err != nil {
							t.Fatal(err)
						}
						args[i] = encoding.TaggedJSON(text)
						fromText, err := encoding.Append(nil, args[i])
						if err != nil {
							t.Fatal(err)
						}
						if !bytes.Equal(value, vectors.SortedKeys(t, fromText)) {
							t.Errorf("argument %d as a Go value becomes %q, as JSON text %q", i, value, fromText)
						}
					}
				}
				b := v.Broadcast(args)
				if got := format.Channel(b.Namespace, b.Rooms); got != v.Channel {
					t.Errorf("channel %q, the official emitter used %q", got, v.Channel)
				}
				payload, err := format.Marshal(b)
				if err != nil {
					t.Fatal(err)
				}
				v.Check(t, payload)
			})
		}
	}
}

func TestLegacyBinary(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		legacy bool
		arg    any
		want   int
	}{
		{false, []byte{1}, wire.PacketEvent},
		{true, []byte{1}, wire.PacketBinaryEvent},
		{true, map[string]any{"deep": []any{encoding.TaggedJSON(`{"$binary":"AQ=="}`)}}, wire.PacketBinaryEvent},
		{true, "text", wire.PacketEvent},
		{true, []byte(nil), wire.PacketEvent},
	} {
		payload, err := encoding.Classic{LegacyBinary: test.legacy}.Marshal(&encoding.Broadcast{Namespace: "/", Event: "e", Args: []any{test.arg}})
		if err != nil {
			t.Fatal(err)
		}
		m, err := protocol.Unmarshal(payload)
		if err != nil {
			t.Fatal(err)
		}
		if m.PacketType != test.want {
			t.Errorf("legacy %v, %v: packet type %d, want %d", test.legacy, test.arg, m.PacketType, test.want)
		}
	}
}
