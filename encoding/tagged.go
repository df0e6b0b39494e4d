package encoding

import (
	"encoding/json"

	"github.com/sioemit/sioemit/internal/wire"
)

// TaggedJSON is JSON text in which an object {"$binary":"<base64>"}, at any
// depth, stands for binary. It is how files and pipes of JSON lines carry what
// JSON itself cannot. Like json.RawMessage it is null when it is nil, and it
// can be a part of JSON.
type TaggedJSON []byte

// String returns the text as it is.
func (t TaggedJSON) String() string { return string(t) }

// MarshalJSON returns the text as it is, with its tags.
func (t TaggedJSON) MarshalJSON() ([]byte, error) { return json.RawMessage(t).MarshalJSON() }

// UnmarshalJSON keeps a copy of the text.
func (t *TaggedJSON) UnmarshalJSON(text []byte) error {
	*t = append((*t)[:0], text...)
	return nil
}

func (e *encoder) taggedJSON(b []byte, text TaggedJSON) ([]byte, error) {
	if text == nil {
		return wire.AppendNil(b), nil
	}
	return e.parsing.Append(b, text, true, &e.Tally)
}
