package protocol

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/vectors"
	"github.com/sioemit/sioemit/internal/wire"
)

// TestVectorsUnmarshal reads what every generation of official emitters
// publishes.
func TestVectorsUnmarshal(t *testing.T) {
	t.Parallel()
	for name, file := range vectors.Read(t, "*emitter-*.json") {
		for _, v := range file.Vectors {
			if v.Call.Method != "" || v.Payload == nil {
				continue
			}
			t.Run(name+"/"+v.Name, func(t *testing.T) {
				got, err := Unmarshal(v.Payload)
				if err != nil {
					t.Fatal(err)
				}
				args := v.Values(t)
				want := v.Broadcast(args)
				if got.PacketType == wire.PacketBinaryEvent {
					if !vectors.HoldsBinary(args) || !strings.HasPrefix(file.Package, "socket.io-emitter") {
						t.Error("an event without binary came as packet type 5")
					}
				} else if got.PacketType != wire.PacketEvent {
					t.Errorf("packet type %d", got.PacketType)
				}
				if got.UID != encoding.UID || got.Namespace != want.Namespace || got.Event != want.Event || got.Flags.Volatile != want.Flags.Volatile ||
					!reflect.DeepEqual(append([]encoding.Room{}, got.Rooms...), want.Rooms) || !reflect.DeepEqual(append([]encoding.Room{}, got.Except...), want.Except) ||
					!reflect.DeepEqual(got.Flags.Compress, want.Flags.Compress) {
					t.Errorf("%+v, want %+v", got, want)
				}
				gotArgs, err := encoding.Append(nil, got.Args)
				if err != nil {
					t.Fatal(err)
				}
				wantArgs, err := encoding.Append(nil, args)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(vectors.SortedKeys(t, gotArgs), vectors.SortedKeys(t, wantArgs)) {
					t.Errorf("arguments %v, want %v", got.Args, args)
				}
			})
		}
	}
}
