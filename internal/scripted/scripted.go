// Package scripted writes what the servers of a conformance case answer: from the text of
// the case, in which a tag stands for the id of the question.
package scripted

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/vmihailenco/msgpack/v5"
)

// ID stands for the id of the question.
const ID = `{"$id":true}`

// JSON returns a text as it is, with the id.
func JSON(text json.RawMessage, id string) ([]byte, error) {
	quoted, err := json.Marshal(id)
	return bytes.ReplaceAll(text, []byte(ID), quoted), err
}

// MessagePack returns the value of a text, with members in their order.
func MessagePack(text json.RawMessage, id string) ([]byte, error) {
	var out bytes.Buffer
	p := packer{out: &out, id: id}
	err := p.write(text)
	return out.Bytes(), err
}

// Bytes returns parts, one after the other.
func Bytes(parts []json.RawMessage, id string) (out []byte, err error) {
	for _, part := range parts {
		b, err := bytesOf(part, id)
		if err != nil {
			return nil, err
		}
		out = append(out, b...)
	}
	return out, nil
}

// bytesOf reads text, {"$base64":"..."}, {"$repeat":{"value":...,"count":n}} of
// either, or the id.
func bytesOf(text json.RawMessage, id string) ([]byte, error) {
	var plain string
	if json.Unmarshal(text, &plain) == nil {
		return []byte(plain), nil
	}
	var tag struct {
		ID     bool    `json:"$id"`
		Base64 *string `json:"$base64"`
		Repeat *struct {
			Value json.RawMessage
			Count int
		} `json:"$repeat"`
	}
	if err := json.Unmarshal(text, &tag); err != nil {
		return nil, err
	}
	switch {
	case tag.ID:
		return []byte(id), nil
	case tag.Base64 != nil:
		return base64.StdEncoding.DecodeString(*tag.Base64)
	case tag.Repeat != nil:
		part, err := bytesOf(tag.Repeat.Value, id)
		return bytes.Repeat(part, tag.Repeat.Count), err
	}
	return nil, fmt.Errorf("these are not bytes: %s", text)
}

// packer writes a value of a case as MessagePack, members in their order.
type packer struct {
	out *bytes.Buffer
	id  string
}

func (p packer) write(text json.RawMessage) error {
	e := msgpack.NewEncoder(p.out)
	e.UseCompactInts(true)
	text = bytes.TrimSpace(text)
	switch text[0] {
	case '{':
		return p.writeObject(e, text)
	case '[':
		var list []json.RawMessage
		if err := json.Unmarshal(text, &list); err != nil {
			return err
		}
		err := e.EncodeArrayLen(len(list))
		for _, element := range list {
			err = errors.Join(err, p.write(element))
		}
		return err
	}
	if n, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		return e.EncodeInt(n)
	}
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	return e.Encode(v)
}

func (p packer) writeObject(e *msgpack.Encoder, text json.RawMessage) error {
	names, values, err := members(text)
	if err != nil {
		return err
	}
	if len(names) == 1 && names[0][0] == '$' {
		return p.writeTag(e, names[0], text, values[0])
	}
	err = e.EncodeMapLen(len(names))
	for i := range names {
		err = errors.Join(err, e.EncodeString(names[i]), p.write(values[i]))
	}
	return err
}

// writeTag writes the id, binary, text or bytes many times over as text, so many levels
// of arrays, or bytes that are MessagePack already, or are not.
func (p packer) writeTag(e *msgpack.Encoder, tag string, text, value json.RawMessage) error {
	switch tag {
	case "$id":
		return e.EncodeString(p.id)
	case "$binary":
		var b []byte // base64, as encoding/json has it
		if err := json.Unmarshal(value, &b); err != nil {
			return err
		}
		return e.EncodeBytes(b)
	case "$base64":
		b, err := bytesOf(text, p.id)
		p.out.Write(b)
		return err
	case "$repeat":
		var nested struct {
			Nest  string
			Count int
		}
		if err := json.Unmarshal(value, &nested); err != nil {
			return err
		}
		if nested.Nest == "array" {
			p.out.Write(bytes.Repeat([]byte{0x91}, nested.Count))
			return e.EncodeNil()
		}
		b, err := bytesOf(text, p.id)
		return errors.Join(err, e.EncodeString(string(b)))
	}
	return fmt.Errorf("no tag of a reply: %s", tag)
}

// members returns the members of an object in their order.
func members(text json.RawMessage) (names []string, values []json.RawMessage, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	if _, err := d.Token(); err != nil {
		return nil, nil, err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, nil, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, nil, err
		}
		names, values = append(names, name.(string)), append(values, value)
	}
	return names, values, nil
}
