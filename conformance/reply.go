package main

import (
	"encoding/json"

	"github.com/sioemit/sioemit/internal/scripted"
)

// Answer is one thing that servers do when they are asked.
type Answer struct {
	On          string            `json:"on"`          // the channel of a reply, and one of its three forms:
	JSON        json.RawMessage   `json:"json"`        // as it is written, with its order of keys
	MessagePack json.RawMessage   `json:"messagepack"` // likewise
	Bytes       []json.RawMessage `json:"bytes"`       // one after the other
	Times       int               `json:"times"`       // 0 means once

	Pause int `json:"pause"` // milliseconds, in the middle of the reply
	Rate  int `json:"rate"`  // bytes a second

	Cut   bool              `json:"cut"`   // instead of a reply: end the connection for replies
	Entry []json.RawMessage `json:"entry"` // instead of a reply: names and values of an entry of the stream in On

	Question int    `json:"question"` // only to the question that came as this one, from 1
	Asks     string `json:"asks"`     // only to the question in which this text is
	At       string `json:"at"`       // only to the question that came by this channel
}

// payload is the reply to the question with an id.
func (a *Answer) payload(id string) ([]byte, error) {
	switch {
	case a.JSON != nil:
		return scripted.JSON(a.JSON, id)
	case a.MessagePack != nil:
		return scripted.MessagePack(a.MessagePack, id)
	}
	return scripted.Bytes(a.Bytes, id)
}

// entry is the entry that answers the question with an id: text, and JSON as text.
func (a *Answer) entry(id string) ([]string, error) {
	words := make([]string, len(a.Entry))
	for i, text := range a.Entry {
		if json.Unmarshal(text, &words[i]) == nil {
			continue
		}
		b, err := scripted.JSON(text, id)
		if err != nil {
			return nil, err
		}
		words[i] = string(b)
	}
	return words, nil
}
