package jsontext

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/sioemit/sioemit/internal/harm"
	"github.com/sioemit/sioemit/internal/wire"
)

// Memory is what Append works in, and may use again.
type Memory struct {
	members []member // stack of the members of objects
	kept    []member // of the objects that are not in order
	fixes   []fix    // what is to move
	moved   []byte   // for a text in which something moves
	sorted  []member // scratch of one object at a time
}

// Trim lets go of bytes beyond most, and reports whether the rest is small enough
// to be kept.
func (m *Memory) Trim(most int) (small bool) {
	if cap(m.moved) > most {
		m.moved = nil
	}
	return max(cap(m.members), cap(m.kept), cap(m.fixes), cap(m.sorted)) <= most/16
}

// Append appends the MessagePack form of JSON text, and counts what is in it; with
// tagged, objects {"$binary":"<base64>"} stand for binary.
func (m *Memory) Append(b, text []byte, tagged bool, t *harm.Tally) ([]byte, error) {
	if !json.Valid(text) {
		if deeperThanJSON(text) {
			return nil, harm.ErrTooDeep
		}
		var discard json.RawMessage
		err := json.Unmarshal(text, &discard) // says where and what
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	m.members, m.fixes, m.kept = m.members[:0], m.fixes[:0], m.kept[:0]
	r := reader{mem: m, t: t, buf: b, text: text, tagged: tagged}
	if err := r.value(); err != nil {
		return nil, err
	}
	if len(m.fixes) > 0 {
		r.fix(len(b))
	}
	return r.buf, nil
}

// deeperThanJSON reports whether the text has more levels than the 10,000 that
// encoding/json reads: for it, such text is not valid.
func deeperThanJSON(text []byte) bool {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '[', '{':
			if depth++; depth > wire.MaxDepth {
				return true
			}
		case ']', '}':
			depth--
		case '"':
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		}
	}
	return false
}

// reader walks through text that json.Valid has accepted, so that it needs
// to check nothing itself and its recursion ends at the depth that json.Valid
// allows.
type reader struct {
	mem    *Memory
	t      *harm.Tally
	buf    []byte // written so far
	text   []byte
	pos    int
	tagged bool
}

// next skips white space and returns the byte that follows it.
func (r *reader) next() byte {
	for r.pos < len(r.text) {
		switch c := r.text[r.pos]; c {
		case ' ', '\t', '\r', '\n':
			r.pos++
		default:
			return c
		}
	}
	return 0
}

func (r *reader) value() error {
	switch r.next() {
	case '{':
		return r.object()
	case '[':
		return r.array()
	case '"':
		r.string()
	case 't':
		r.pos += len("true")
		r.buf = wire.AppendBool(r.buf, true)
	case 'f':
		r.pos += len("false")
		r.buf = wire.AppendBool(r.buf, false)
	case 'n':
		r.pos += len("null")
		r.buf = wire.AppendNil(r.buf)
	default:
		return r.number()
	}
	return nil
}

func (r *reader) array() error {
	mem, t := r.mem, r.t
	if err := t.Descend(); err != nil {
		return err
	}
	start, n, fixes := len(r.buf), 0, len(mem.fixes)
	r.buf = append(r.buf, 0)
	for r.pos++; r.next() != ']'; n++ {
		if n > 0 {
			r.pos++ // the comma
		}
		if err := r.value(); err != nil {
			return err
		}
	}
	r.pos++
	t.Depth--
	r.close(fix{start: start, count: n}, fixes)
	return nil
}

// member is where one member of a JSON object stands in the output, and what it
// has brought.
type member struct{ key, keyEnd, value, end, attachments, special int }

func (r *reader) object() error {
	mem, t := r.mem, r.t
	t.Depth++
	start, base, fixes := len(r.buf), len(mem.members), len(mem.fixes)
	r.buf = append(r.buf, 0)
	for r.pos++; r.next() != '}'; {
		if len(mem.members) > base {
			r.pos++ // the comma
			r.next()
		}
		m := member{key: len(r.buf), attachments: t.Attachments, special: t.Special}
		r.string()
		m.keyEnd, m.value = len(r.buf), len(r.buf)
		r.next()
		r.pos++ // the colon
		starts := r.next()
		if err := r.value(); err != nil {
			return err
		}
		m.end = len(r.buf)
		if key := r.key(m); harm.IsSpecial(key) {
			first := r.buf[m.value]
			if starts == '{' || starts == '[' {
				first = 0x90 // its header may still have to be written
			}
			if err := t.Member(string(key), first); err != nil {
				return err
			}
		}
		m.attachments, m.special = t.Attachments-m.attachments, t.Special-m.special
		mem.members = append(mem.members, m)
	}
	r.pos++
	members := mem.members[base:]
	mem.members = mem.members[:base]
	if r.tagged && len(members) == 1 && string(r.key(members[0])) == "$binary" {
		t.Depth--
		value := r.buf[members[0].value:]
		if !wire.IsString(value[0]) {
			return fmt.Errorf(`{"$binary":…} must hold base64 text`)
		}
		return r.binary(start, wire.StringBody(value))
	}
	if t.Depth > harm.MaxLevels { // not before, because binary is no level
		if err := t.Deeper(); err != nil {
			return err
		}
	}
	t.Depth--
	f := fix{start: start, count: len(members), object: true}
	if !r.inOrder(members) {
		f.kept = r.arrange(members)
		f.count = f.kept.to - f.kept.from
	}
	r.close(f, fixes)
	return nil
}

// arrange brings the members of an object into the order in which JavaScript
// would have them after JSON.parse: array indices first, by value; of members
// with one key the place of the first and the value of the last. It returns
// where they stand in kept.
func (r *reader) arrange(members []member) span {
	mem, t := r.mem, r.t
	mem.sorted = append(mem.sorted[:0], members...)
	slices.SortStableFunc(mem.sorted, func(a, b member) int { return bytes.Compare(r.key(a), r.key(b)) })
	from := len(mem.kept)
	for _, m := range mem.sorted {
		if last := len(mem.kept) - 1; last >= from && bytes.Equal(r.key(mem.kept[last]), r.key(m)) {
			lost := &mem.kept[last]
			t.Attachments -= lost.attachments
			t.Special -= lost.special
			m.key, m.keyEnd = lost.key, lost.keyEnd
			*lost = m
			continue
		}
		mem.kept = append(mem.kept, m)
	}
	slices.SortFunc(mem.kept[from:], func(a, b member) int {
		_, aIsIndex := wire.ArrayIndex(r.key(a))
		_, bIsIndex := wire.ArrayIndex(r.key(b))
		if aIsIndex || bIsIndex {
			return wire.CompareKeys(string(r.key(a)), string(r.key(b)))
		}
		return a.key - b.key
	})
	return span{from, len(mem.kept)}
}

// inOrder reports whether the members may stay as they are: no key twice, and
// array indices only in front and in their order. Few members are compared with
// each other; of many, the keys are sorted.
func (r *reader) inOrder(members []member) bool {
	next := int64(0) // the least index that may follow; -1: none
	for _, m := range members {
		index, ok := wire.ArrayIndex(r.key(m))
		switch {
		case !ok:
			next = -1
		case next < 0 || int64(index) < next:
			return false
		default:
			next = int64(index) + 1
		}
	}
	const few = 12
	if len(members) <= few {
		for i, m := range members {
			for _, other := range members[:i] {
				if bytes.Equal(r.key(m), r.key(other)) {
					return false
				}
			}
		}
		return true
	}
	r.mem.sorted = append(r.mem.sorted[:0], members...)
	slices.SortFunc(r.mem.sorted, func(a, b member) int { return bytes.Compare(r.key(a), r.key(b)) })
	for i := range r.mem.sorted[1:] {
		if bytes.Equal(r.key(r.mem.sorted[i]), r.key(r.mem.sorted[i+1])) {
			return false
		}
	}
	return true
}

func (r *reader) key(m member) []byte { return wire.StringBody(r.buf[m.key:m.keyEnd]) }

// binary replaces the object {"$binary":"<base64>"} just written at start by the
// bytes it stands for.
func (r *reader) binary(start int, text []byte) error {
	bin, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil {
		return fmt.Errorf(`{"$binary":…} must hold base64 text: %w`, err)
	}
	r.buf, err = r.t.Binary(r.buf[:start], bin)
	return err
}

// string writes the string literal that starts at the current position.
func (r *reader) string() {
	r.pos++
	rest := r.text[r.pos:]
	end := bytes.IndexByte(rest, '"')
	if plain := rest[:end]; bytes.IndexByte(plain, '\\') < 0 && utf8.Valid(plain) {
		r.buf = append(wire.AppendStringHeader(r.buf, len(plain)), plain...)
		r.pos += end + 1
		return
	}
	r.buf = wire.AppendString(r.buf, r.unescape())
}

// unescape reads the rest of a string literal, past its closing quote. What is
// no valid UTF-8 is left for wire.AppendString to replace.
func (r *reader) unescape() string {
	var s []byte
	for {
		c := r.text[r.pos]
		r.pos++
		switch c {
		case '"':
			return string(s)
		case '\\':
			s = r.escape(s)
		default:
			s = append(s, c)
		}
	}
}

func (r *reader) escape(s []byte) []byte {
	c := r.text[r.pos]
	r.pos++
	switch c {
	case 'b':
		return append(s, '\b')
	case 'f':
		return append(s, '\f')
	case 'n':
		return append(s, '\n')
	case 'r':
		return append(s, '\r')
	case 't':
		return append(s, '\t')
	case 'u':
		u := r.hex4()
		if !utf16.IsSurrogate(u) {
			return utf8.AppendRune(s, u)
		}
		if r.text[r.pos] == '\\' && r.text[r.pos+1] == 'u' {
			back := r.pos
			r.pos += 2
			if pair := utf16.DecodeRune(u, r.hex4()); pair != utf8.RuneError {
				return utf8.AppendRune(s, pair)
			}
			r.pos = back
		}
		return utf8.AppendRune(s, utf8.RuneError)
	}
	return append(s, c) // one of " \ /
}

func (r *reader) hex4() rune {
	n, _ := strconv.ParseUint(string(r.text[r.pos:r.pos+4]), 16, 32)
	r.pos += 4
	return rune(n)
}

func (r *reader) number() error {
	start := r.pos
	for r.pos < len(r.text) && wire.IsNumberByte(r.text[r.pos]) {
		r.pos++
	}
	var err error
	r.buf, err = wire.AppendNumber(r.buf, r.text[start:r.pos])
	return err
}
