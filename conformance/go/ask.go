package main

import (
	"context"
	"encoding/json"
	"errors"
	"sync"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
)

// ask makes a call that waits for replies. What came in time is returned beside an error.
func (s *step) ask(ctx context.Context, op *emitter.BroadcastOperator, name string) (any, error) {
	switch name {
	case "fetchSockets":
		found, err := op.FetchSockets(ctx)
		return sockets(found), err
	case "rooms":
		rooms, err := op.Rooms(ctx)
		return append([]string{}, rooms...), err
	}
	var event string
	if err := json.Unmarshal(s.Call[1], &event); err != nil {
		return nil, err
	}
	args, err := values(s.Call[2:])
	if err != nil {
		return nil, err
	}
	if name == "serverSideEmitWithAck" {
		values, err := op.ServerSideEmitWithAck(ctx, event, args...)
		return allTagged(values), err
	}
	acks, err := op.EmitWithAck(ctx, event, args...)
	return map[string]any{
		"values": allTagged(acks.Values), "clients": acks.Clients, "servers": acks.Servers, "perServer": append([]int{}, acks.PerServer...),
	}, err
}

func allTagged(values []emitter.Value) []encoding.TaggedJSON {
	all := make([]encoding.TaggedJSON, len(values))
	for i, v := range values {
		all[i] = encoding.TaggedJSON(v.String())
	}
	return all
}

func sockets(found []emitter.Socket) []any {
	all := make([]any, len(found))
	for i, s := range found {
		all[i] = map[string]any{
			"id": s.ID, "rooms": append([]string{}, s.Rooms...), "numberRooms": append([]float64{}, s.NumberRooms...),
			"data": encoding.TaggedJSON(s.Data.String()), "handshake": s.Handshake,
		}
	}
	return all
}

// together makes calls at the same time.
func together(ctx context.Context, io *emitter.Emitter, steps []step) []answer {
	answers := make([]answer, len(steps))
	var calls sync.WaitGroup
	for i := range steps {
		calls.Go(func() { answers[i] = answerOf(steps[i].on(ctx, io)) })
	}
	calls.Wait()
	return answers
}

// sequence makes calls one after the other.
func sequence(ctx context.Context, io *emitter.Emitter, steps []step) []answer {
	answers := make([]answer, len(steps))
	for i := range steps {
		answers[i] = answerOf(steps[i].on(ctx, io))
	}
	return answers
}

// answerOf says what came of a call.
func answerOf(result any, err error) answer {
	if err == nil {
		return answer{OK: true, Result: result}
	}
	var skip skipError
	if errors.As(err, &skip) {
		return answer{Skip: string(skip)}
	}
	a := answer{Error: nameOf(err), Message: err.Error()}
	var incomplete *emitter.IncompleteError
	if errors.As(err, &incomplete) {
		a.Result = result
		a.Missing = map[string]int{
			"servers": incomplete.Servers, "asked": incomplete.Asked, "clients": incomplete.Clients,
			"expected": incomplete.Expected, "unread": incomplete.Unread,
		}
	}
	return a
}
