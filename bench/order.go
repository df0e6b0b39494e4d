package main

import (
	"encoding/json"

	"github.com/sioemit/sioemit/encoding"
	"github.com/vmihailenco/msgpack/v5"
)

// order is the argument of the event; node/order.js has the same.
type order struct {
	ID    int      `json:"id" msgpack:"id"`
	Title string   `json:"title" msgpack:"title"`
	Price float64  `json:"price" msgpack:"price"`
	Tags  []string `json:"tags" msgpack:"tags"`
	User  user     `json:"user" msgpack:"user"`
}

type user struct {
	ID   string `json:"id" msgpack:"id"`
	Name string `json:"name" msgpack:"name"`
}

var anOrder = order{12345, "Order shipped", 19.99, []string{"a", "b", "c"}, user{"u_123", "Ada"}}

// aBroadcast is the event of the figures.
func aBroadcast() *encoding.Broadcast {
	return &encoding.Broadcast{Namespace: "/", Event: "order", Args: []any{anOrder}, Rooms: []encoding.Room{"room1"}}
}

// ourMessage is what we publish for it.
func ourMessage() ([]byte, error) { return encoding.Classic{}.Marshal(aBroadcast()) }

// naiveMessage is what somebody with a MessagePack library would write.
func naiveMessage(argument any) ([]byte, error) {
	return msgpack.Marshal([]any{
		"emitter",
		map[string]any{"type": 2, "data": []any{"order", argument}, "nsp": "/"},
		map[string]any{"rooms": []string{"room1"}, "flags": map[string]any{}, "except": []string{}},
	})
}

// orderJSON is the argument as JSON.
func orderJSON() string {
	text, err := json.Marshal(anOrder)
	if err != nil {
		panic(err) // it is the same order every time
	}
	return string(text)
}
