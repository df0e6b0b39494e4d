package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sioemit/sioemit/emitter"
)

// skipError is why a call cannot be made in Go.
type skipError string

func (e skipError) Error() string { return string(e) }

// on makes the call of a step.
func (s *step) on(ctx context.Context, io *emitter.Emitter) (any, error) {
	if s.Pipeline != nil {
		_, err := s.pipelined(ctx, io)
		return nil, err
	}
	op := io.Of("/")
	for _, text := range s.Chain {
		var err error
		if op, err = link(op, text); err != nil {
			return nil, err
		}
	}
	if len(s.Call) == 0 {
		return nil, fmt.Errorf("driver: there is no call")
	}
	var name string
	if err := json.Unmarshal(s.Call[0], &name); err != nil {
		return nil, err
	}
	switch name {
	case "emit", "serverSideEmit":
		var event string
		if err := json.Unmarshal(s.Call[1], &event); err != nil {
			return nil, err
		}
		args, err := values(s.Call[2:])
		if err != nil {
			return nil, err
		}
		if name == "emit" {
			return nil, op.Emit(ctx, event, args...)
		}
		return nil, op.ServerSideEmit(ctx, event, args...)
	case "socketsJoin", "socketsLeave":
		names, numbers, err := readRooms(s.Call[1:])
		switch {
		case err != nil:
			return nil, err
		case names != nil && numbers != nil:
			return nil, skipError("Go takes names and numbers in two calls")
		case name == "socketsJoin" && numbers != nil:
			return nil, op.SocketsJoinNumber(ctx, numbers...)
		case name == "socketsJoin":
			return nil, op.SocketsJoin(ctx, names...)
		case numbers != nil:
			return nil, op.SocketsLeaveNumber(ctx, numbers...)
		}
		return nil, op.SocketsLeave(ctx, names...)
	case "disconnectSockets":
		closes, err := readAll[bool](s.Call[1:])
		if err != nil {
			return nil, err
		}
		return nil, op.DisconnectSockets(ctx, closes[0])
	case "serverCount":
		return op.ServerCount(ctx)
	case "confirm":
		servers, err := op.Confirm(ctx)
		if err != nil {
			return nil, err // which holds how many servers there were
		}
		return servers, nil
	case "emitWithAck", "serverSideEmitWithAck", "fetchSockets", "rooms":
		return s.ask(ctx, op, name)
	}
	return nil, skipError("no call " + name)
}

// link applies a word of the chain to a target.
func link(op *emitter.BroadcastOperator, text json.RawMessage) (*emitter.BroadcastOperator, error) {
	var words []json.RawMessage
	if err := json.Unmarshal(text, &words); err != nil {
		return nil, err
	}
	var name string
	if err := json.Unmarshal(words[0], &name); err != nil {
		return nil, err
	}
	words = words[1:]
	switch name {
	case "volatile":
		return op.Volatile(), nil
	case "compress":
		on, err := readAll[bool](words)
		if err != nil {
			return nil, err
		}
		return op.Compress(on[0]), nil
	case "timeout":
		ms, err := readAll[int](words)
		if err != nil {
			return nil, err
		}
		return op.Timeout(time.Duration(ms[0]) * time.Millisecond), nil
	case "of":
		namespace, err := readAll[string](words)
		if err != nil {
			return nil, err
		}
		return op.Of(namespace[0]), nil
	}
	rooms := map[string]func(...string) *emitter.BroadcastOperator{"to": op.To, "in": op.In, "except": op.Except}[name]
	switch {
	case rooms == nil:
		return nil, skipError("no method " + name)
	case len(words) == 0:
		return rooms(), nil
	}
	for _, word := range words { // one by one, so that names and numbers keep their order
		room, number, err := readRooms([]json.RawMessage{word})
		switch {
		case err != nil:
			return nil, err
		case number == nil && name == "to":
			op = op.To(room...)
		case number == nil && name == "in":
			op = op.In(room...)
		case number == nil:
			op = op.Except(room...)
		case name == "except":
			op = op.ExceptNumber(number...)
		default:
			op = op.ToNumber(number...)
		}
	}
	return op, nil
}

// readRooms returns the rooms of a call: names are text, numbers are numbers.
func readRooms(words []json.RawMessage) (names []string, numbers []float64, err error) {
	for _, word := range words {
		if len(word) > 0 && word[0] == '"' {
			var name string
			err = errors.Join(err, json.Unmarshal(word, &name))
			names = append(names, name)
			continue
		}
		var number float64
		err = errors.Join(err, json.Unmarshal(word, &number))
		numbers = append(numbers, number)
	}
	return names, numbers, err
}

func readAll[T any](words []json.RawMessage) ([]T, error) {
	list := make([]T, len(words))
	for i, text := range words {
		if err := json.Unmarshal(text, &list[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}
