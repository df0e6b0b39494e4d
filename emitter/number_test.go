package emitter_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/sioemit/sioemit/emitter"
)

// TestNumbers has rooms that are numbers keep their kind and their place beside
// text. Whether servers find them is a matter of compat_test.
func TestNumbers(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	pubsub := server.Client().PSubscribe(t.Context(), "*")
	defer pubsub.Close()
	if _, err := pubsub.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	io := emitter.New(server.Client(), emitter.WithCodec(emitter.JSON))
	numbers := []float64{1, 2}
	kept := io.ToNumber(numbers...)
	clear(numbers) // the list is the caller's, who may write to it
	event := func(op *emitter.BroadcastOperator) func(context.Context) error {
		return func(ctx context.Context) error { return op.Emit(ctx, "e") }
	}
	for _, test := range []struct {
		do            func(context.Context) error
		channel, want string
	}{
		{event(io.ToNumber(5)), "socket.io#/#", `"rooms":[5],"flags":{},"except":[]`},
		{event(io.To("5")), "socket.io#/#5#", `"rooms":["5"],"flags":{},"except":[]`},
		{event(io.ToNumber(5).To("5")), "socket.io#/#", `"rooms":[5,"5"]`},
		{event(io.To("a").ToNumber(5, -1.5, 5).In("b", "5").ToNumber(5, 1e21)), "socket.io#/#", `"rooms":["a",5,-1.5,"b","5",1e+21]`},
		{event(io.ToNumber(math.Copysign(0, -1), 0)), "socket.io#/#", `"rooms":[0],`},
		{event(io.ToNumber(1 << 53)), "socket.io#/#", `"rooms":[9007199254740992],`},
		{event(kept), "socket.io#/#", `"rooms":[1,2],`},
		{event(io.To("a").Except("5").ExceptNumber(5, 6).ExceptNumber()), "socket.io#/#a#", `"except":["5",5,6]`},
		{func(ctx context.Context) error { return io.ToNumber(1).SocketsJoinNumber(ctx, 2, 3) }, "socket.io-request#/#", `{"type":2,"opts":{"rooms":[1],"except":[]},"rooms":[2,3]}`},
		{func(ctx context.Context) error { return io.ExceptNumber(1).SocketsLeaveNumber(ctx, 2) }, "socket.io-request#/#", `{"type":3,"opts":{"rooms":[],"except":[1]},"rooms":[2]}`},
		{func(ctx context.Context) error { return io.ToNumber(1).DisconnectSockets(ctx, true) }, "socket.io-request#/#", `{"type":4,"opts":{"rooms":[1],"except":[]},"close":true}`},
	} {
		if err := test.do(t.Context()); err != nil {
			t.Errorf("%s: %v", test.want, err)
			continue
		}
		m, err := pubsub.ReceiveMessage(t.Context())
		if err != nil || m.Channel != test.channel || !strings.Contains(m.Payload, test.want) {
			t.Errorf("%s %s, %v, want %s %s", m.Channel, m.Payload, err, test.channel, test.want)
		}
	}
}

func TestNumbersRefused(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	received := subscribe(t, server)
	io := emitter.New(server.Client())
	old := emitter.New(server.Client(), emitter.WithServerVersion(3))
	for name, test := range map[string]struct {
		err  error
		want error
		text string
	}{
		"no rooms":       {io.ToNumber().Emit(t.Context(), "e"), emitter.ErrEmptyRoom, "ToNumber without rooms"},
		"NaN":            {io.ToNumber(1, math.NaN()).Emit(t.Context(), "e"), nil, "NaN is not a finite number"},
		"infinity":       {io.ExceptNumber(math.Inf(-1)).Emit(t.Context(), "e"), nil, "-Inf is not a finite number"},
		"join nothing":   {io.SocketsJoinNumber(t.Context()), emitter.ErrEmptyRoom, "SocketsJoinNumber without rooms"},
		"leave NaN":      {io.SocketsLeaveNumber(t.Context(), math.NaN()), nil, "NaN is not a finite number"},
		"except on 3":    {old.ExceptNumber(5).Emit(t.Context(), "e"), emitter.ErrExceptRoom, "except 5"},
		"join on 3":      {old.SocketsJoinNumber(t.Context(), 5), emitter.ErrNeedsVersion4, "not 3"},
		"targeted rooms": {errorOf(io.ToNumber(5).NumberRooms(t.Context())), emitter.ErrTargeted, ""},
	} {
		if test.err == nil || test.want != nil && !errors.Is(test.err, test.want) || !strings.Contains(test.err.Error(), test.text) {
			t.Errorf("%s: %v", name, test.err)
		}
	}
	if err := old.ExceptNumber().Emit(t.Context(), "end"); err != nil {
		t.Error(err)
	}
	if messages := received.until(t, "end"); len(messages) != 0 {
		t.Errorf("%d messages were sent: %v", len(messages), messages)
	}
}

func errorOf(_ []float64, err error) error { return err }
