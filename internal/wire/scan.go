package wire

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Raw is a value that has been found but not decoded. The zero Raw is a value
// that is missing.
type Raw struct {
	Text   string
	IsJSON bool
	Cost   int64 // about how many bytes of memory it takes when it is decoded
}

// NewRaw returns a whole message: JSON when it starts as a JSON array or object
// does, which no MessagePack message can, because there those bytes are numbers.
func NewRaw(message string) Raw {
	return Raw{Text: message, IsJSON: strings.HasPrefix(message, "{") || strings.HasPrefix(message, "[")}
}

// IsMissing reports whether there is no value.
func (r *Raw) IsMissing() bool { return r.Text == "" }

// IsNull reports whether the value is missing or null.
func (r *Raw) IsNull() bool {
	return r.Text == "" || r.IsJSON && r.Text == "null" || !r.IsJSON && r.Text == "\xc0"
}

// IsObject reports whether the value is an object.
func (r *Raw) IsObject() bool { return r.starts('{', 0x80, 0xde) }

// IsArray reports whether the value is an array.
func (r *Raw) IsArray() bool { return r.starts('[', 0x90, 0xdc) }

// starts reports whether the value starts with a byte of JSON, or with one of the
// three forms of such a header of MessagePack.
func (r *Raw) starts(json, fixed, sized byte) bool {
	switch {
	case r.Text == "":
		return false
	case r.IsJSON:
		return r.Text[0] == json
	}
	return r.Text[0]&0xf0 == fixed || r.Text[0] == sized || r.Text[0] == sized+1
}

// Decode decodes the value; one that is missing is nil.
func (r *Raw) Decode() (any, error) {
	switch {
	case r.Text == "":
		return nil, nil
	case r.IsJSON:
		return DecodeJSON([]byte(r.Text))
	}
	return Decode([]byte(r.Text))
}

// What decoded values take, in bytes. A map has room for eight members from its
// first one on.
const (
	objectCost  = 320
	arrayCost   = 48
	elementCost = 64 // of an array or, twice, of an object
)

// CheckCost refuses what would take far more memory than its size justifies, which
// no server's answer does: 64 MiB, and 16 times its size. Real answers take up to
// 14 times their size, and short ones may take more. Made-up ones take up to 200
// times theirs.
func (r *Raw) CheckCost() error {
	if r.Cost < 64<<20+16*int64(len(r.Text)) {
		return nil
	}
	return fmt.Errorf("the %d bytes of the reply would become %d when decoded", len(r.Text), r.Cost)
}

// maxName is how long a name may be, in bytes. Those of official servers have 20
// at most.
const maxName = 1 << 10

// Name decodes a short string.
func (r *Raw) Name() (string, error) {
	if r.IsJSON && len(r.Text) >= 2 && r.Text[0] == '"' && isPlain(r.Text[1:len(r.Text)-1]) {
		return r.Text[1 : len(r.Text)-1], nil
	}
	if len(r.Text) > maxName {
		return "", errors.New("it is too long")
	}
	if decoded, err := r.Decode(); err == nil {
		if name, ok := decoded.(string); ok {
			return name, nil
		}
	}
	return "", errors.New("it is not a string")
}

// isPlain reports whether JSON text stands for itself.
func isPlain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '\\' || c >= 0x80 {
			return false
		}
	}
	return len(text) <= maxName
}

// Int decodes an integer, and reports whether there is one.
func (r *Raw) Int() (int64, bool) {
	if r.IsJSON && len(r.Text) <= 3 {
		if n, err := strconv.ParseUint(r.Text, 10, 16); err == nil {
			return int64(n), true
		}
	}
	if len(r.Text) > maxName {
		return 0, false
	}
	decoded, _ := r.Decode()
	n, ok := decoded.(int64)
	return n, ok
}

// Members walks through an object that takes up its whole text, without building
// anything of it. Whether all is well inside of its values, decoding them tells.
type Members struct {
	Name  string // of the member; empty when it is long
	Value Raw
	Err   error

	object Raw
	at     int // in its text
	left   int // members of MessagePack that follow; in JSON, whether any does
}

var errTooEarly = errors.New("it ends too early")

// Members begins such a walk: as long as Next, there is another member.
func (r *Raw) Members() Members {
	m := Members{object: *r}
	switch {
	case !r.IsObject():
		m.Err = errors.New("it is not an object")
	case r.IsJSON:
		if m.at = skipSpace(r.Text, 1); m.at < len(r.Text) && r.Text[m.at] != '}' {
			m.left = 1
		}
	default:
		var head packHead
		if head, m.Err = readPackHead(r.Text); m.Err == nil {
			m.at, m.left = head.size, head.items/2
		}
	}
	return m
}

// Next walks to the next member, and reports whether there is one. The Err of the
// last call says what is wrong with the object.
func (m *Members) Next() bool {
	if m.Err == nil && m.left > 0 {
		if m.object.IsJSON {
			m.Err = m.nextJSON()
		} else {
			m.Err = m.nextPack()
		}
		return m.Err == nil
	}
	if m.Err == nil {
		m.Err = m.end()
	}
	return false
}

func (m *Members) nextJSON() (err error) {
	text := m.object.Text
	start := m.at
	i, err := skipString(text, start)
	if err != nil {
		return err
	}
	m.setName(Raw{Text: text[start:i], IsJSON: true})
	if i = skipSpace(text, i); i == len(text) || text[i] != ':' {
		return errors.New("a key has no value")
	}
	start = skipSpace(text, i+1)
	i, cost, err := skipJSON(text, start)
	if err != nil {
		return err
	}
	if i == start {
		return errors.New("a key has no value")
	}
	m.Value = Raw{text[start:i], true, cost}
	if m.at = skipSpace(text, i); m.at < len(text) && text[m.at] == ',' {
		m.at = skipSpace(text, m.at+1)
		return nil
	}
	m.left = 0
	return nil
}

func (m *Members) nextPack() error {
	text := m.object.Text
	start := m.at
	i, _, err := skipPack(text, start)
	if err != nil {
		return err
	}
	m.setName(Raw{Text: text[start:i]})
	start = i
	i, cost, err := skipPack(text, start)
	if err != nil {
		return err
	}
	m.Value = Raw{text[start:i], false, cost}
	m.at = i
	m.left--
	return nil
}

func (m *Members) setName(key Raw) {
	m.Name, _ = key.Name() // any other is not looked for
}

// end looks at what comes behind the members.
func (m *Members) end() error {
	text := m.object.Text
	if m.object.IsJSON {
		if m.at >= len(text) || text[m.at] != '}' {
			return errTooEarly
		}
		m.at = skipSpace(text, m.at+1)
	}
	if m.at < len(text) {
		return fmt.Errorf("%d bytes after the value", len(text)-m.at)
	}
	return nil
}
