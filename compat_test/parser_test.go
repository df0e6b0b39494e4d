package compat_test

import (
	"errors"
	"testing"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/harness"
)

// Servers that were given the option parser: JSON understand an emitter with that codec, and no other.
func TestParserJSON(t *testing.T) {
	t.Parallel()
	ctx := withDeadline(t)
	r := startRedis(t)
	node := harness.NodeFor(t, harness.NodeConfig{
		Server: harness.V4.Server, Adapter: harness.RedisAdapter8.With("parser", "json"), Redis: r.Conn(),
	})
	clients := harness.ClientsFor(t, harness.V4)
	in, err := clients.Connect(ctx, harness.ConnectOptions{Node: node, Rooms: []string{"a"}})
	if err != nil {
		t.Fatal(err)
	}
	out, err := clients.Connect(ctx, harness.ConnectOptions{Node: node})
	if err != nil {
		t.Fatal(err)
	}

	io := emitter.New(r.Client(), emitter.WithCodec(emitter.JSON))
	args := []any{1, "é😀 <&>\u2028", map[string]any{"a": []any{nil, true, 0.1}}}
	if err := io.To("a").Emit(ctx, "to a", args...); err != nil {
		t.Fatal(err)
	}
	if err := io.To("a").Emit(ctx, "binary", []byte{1}); !errors.Is(err, encoding.ErrBinary) {
		t.Errorf("binary: %v, want ErrBinary", err)
	}
	if err := io.Emit(ctx, "to all", args...); err != nil {
		t.Fatal(err)
	}
	for client, want := range map[*harness.Client][]expectation{
		in:  {expected("to a", args...), expected("to all", args...)},
		out: {expected("to all", args...)},
	} {
		if err := client.Await(ctx, received(len(want))); err != nil {
			t.Error(err)
		}
		if problem := compare(client.Events(), want); problem != "" {
			t.Error(problem)
		}
	}
}
