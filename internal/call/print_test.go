package call

import (
	"bytes"
	"testing"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/show/showtest"
)

// TestHidden shows what clients chose, and nothing that a terminal obeys.
func TestHidden(t *testing.T) {
	t.Parallel()
	const hidden = showtest.Hidden
	value := encoding.NewValue(map[string]any{"a" + hidden: []any{hidden, showtest.Shown}})
	sockets := []emitter.Socket{{ID: "id", Rooms: []string{"id", "r" + hidden}, Data: value, Handshake: emitter.Handshake{Address: hidden, Auth: map[string]any{hidden: hidden}}}}
	for _, asJSON := range []bool{false, true} {
		check := showtest.Check
		if asJSON {
			check = showtest.CheckJSON
		}
		var out bytes.Buffer
		o := options{IO: commandline.IO{Out: &out}, json: asJSON}
		if err := o.printAcks(emitter.Acks{Values: []emitter.Value{value}, Clients: 1, Servers: 1}); err != nil {
			t.Fatal(err)
		}
		check(t, out.String())
		out.Reset()
		if err := printSockets(&out, sockets, asJSON, true); err != nil {
			t.Fatal(err)
		}
		check(t, out.String())
	}
}
