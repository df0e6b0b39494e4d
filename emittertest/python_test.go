package emittertest_test

import (
	"errors"
	"testing"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/emittertest"
)

// TestPython records calls with the adapter for servers in Python, whose messages
// hold no flags.
func TestPython(t *testing.T) {
	t.Parallel()
	r, ctx := emittertest.NewRecorder(), t.Context()
	io := emitter.New(r.Client(), emitter.WithAdapter(emitter.Python(emitter.PythonOptions{AllowBinary: true})))
	if err := errors.Join(
		io.Of("admin").To("a", "b").Except(id).Volatile().Emit(ctx, "order:paid", map[string]int{"id": 7}, nil),
		io.To("a").Emit(ctx, "e", []byte{1, 2}),
		io.To(id).SocketsJoin(ctx, "x"),
		io.SocketsLeave(ctx, "x"),
		io.To(id).DisconnectSockets(ctx, false),
	); err != nil {
		t.Fatal(err)
	}
	check(t, "python", r, []string{
		`Of("/admin").To("a", "b").Except("` + id + `").Emit("order:paid", {"id":7}, null)`,
		`Of("/").To("a").Emit("e", {"$binary":"AQI="})`,
		`Of("/").To("` + id + `").SocketsJoin("x")`,
		`Of("/").SocketsLeave("x")`,
		`Of("/").To("` + id + `").DisconnectSockets(false)`,
	})
}
