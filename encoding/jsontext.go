package encoding

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/sioemit/sioemit/internal/wire"
)

// jsonText appends the MessagePack form of JSON text; with tagged, objects
// {"$binary":"<base64>"} stand for binary.
func (e *encoder) jsonText(b, text []byte, tagged bool) ([]byte, error) {
	if !json.Valid(text) {
		if deeperThanJSON(text) {
			return nil, ErrTooDeep
		}
		var discard json.RawMessage
		err := json.Unmarshal(text, &discard) // says where and what
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	e.fixes, e.kept = e.fixes[:0], e.kept[:0]
	r := jsonReader{e: e, buf: b, text: text, tagged: tagged}
	if err := r.value(); err != nil {
		return nil, err
	}
	if len(e.fixes) > 0 {
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

// jsonReader walks through text that json.Valid has accepted, so that it needs
// to check nothing itself and its recursion ends at the depth that json.Valid
// allows.
type jsonReader struct {
	e      *encoder
	buf    []byte // written so far
	text   []byte
	pos    int
	tagged bool
}

// next skips white space and returns the byte that follows it.
func (r *jsonReader) next() byte {
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

func (r *jsonReader) value() error {
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

func (r *jsonReader) array() error {
	e := r.e
	if err := e.descend(); err != nil {
		return err
	}
	start, n, fixes := len(r.buf), 0, len(e.fixes)
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
	e.depth--
	r.close(fix{start: start, count: n}, fixes)
	return nil
}

// member is where one member of a JSON object stands in the output, and what it
// has brought.
type member struct{ key, keyEnd, value, end, attachments, special int }

func (r *jsonReader) object() error {
	e := r.e
	e.depth++
	start, base, fixes := len(r.buf), len(e.members), len(e.fixes)
	r.buf = append(r.buf, 0)
	for r.pos++; r.next() != '}'; {
		if len(e.members) > base {
			r.pos++ // the comma
			r.next()
		}
		m := member{key: len(r.buf), attachments: e.attachments, special: e.special}
		r.string()
		m.keyEnd, m.value = len(r.buf), len(r.buf)
		r.next()
		r.pos++ // the colon
		starts := r.next()
		if err := r.value(); err != nil {
			return err
		}
		m.end = len(r.buf)
		if key := r.key(m); isSpecial(key) {
			first := r.buf[m.value]
			if starts == '{' || starts == '[' {
				first = 0x90 // its header may still have to be written
			}
			if err := e.member(string(key), first); err != nil {
				return err
			}
		}
		m.attachments, m.special = e.attachments-m.attachments, e.special-m.special
		e.members = append(e.members, m)
	}
	r.pos++
	members := e.members[base:]
	e.members = e.members[:base]
	if r.tagged && len(members) == 1 && string(r.key(members[0])) == "$binary" {
		e.depth--
		value := r.buf[members[0].value:]
		if !wire.IsString(value[0]) {
			return fmt.Errorf(`{"$binary":…} must hold base64 text`)
		}
		return r.binary(start, wire.StringBody(value))
	}
	if e.depth > MaxLevels { // not before, because binary is no level
		if err := e.deeper(); err != nil {
			return err
		}
	}
	e.depth--
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
// where they stand in e.kept.
func (r *jsonReader) arrange(members []member) span {
	e := r.e
	e.sorted = append(e.sorted[:0], members...)
	slices.SortStableFunc(e.sorted, func(a, b member) int { return bytes.Compare(r.key(a), r.key(b)) })
	from := len(e.kept)
	for _, m := range e.sorted {
		if last := len(e.kept) - 1; last >= from && bytes.Equal(r.key(e.kept[last]), r.key(m)) {
			lost := &e.kept[last]
			e.attachments -= lost.attachments
			e.special -= lost.special
			m.key, m.keyEnd = lost.key, lost.keyEnd
			*lost = m
			continue
		}
		e.kept = append(e.kept, m)
	}
	slices.SortFunc(e.kept[from:], func(a, b member) int {
		_, aIsIndex := arrayIndex(r.key(a))
		_, bIsIndex := arrayIndex(r.key(b))
		if aIsIndex || bIsIndex {
			return compareKeys(string(r.key(a)), string(r.key(b)))
		}
		return a.key - b.key
	})
	return span{from, len(e.kept)}
}

// inOrder reports whether the members may stay as they are: no key twice, and
// array indices only in front and in their order. Few members are compared with
// each other; of many, the keys are sorted.
func (r *jsonReader) inOrder(members []member) bool {
	next := int64(0) // the least index that may follow; -1: none
	for _, m := range members {
		index, ok := arrayIndex(r.key(m))
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
	r.e.sorted = append(r.e.sorted[:0], members...)
	slices.SortFunc(r.e.sorted, func(a, b member) int { return bytes.Compare(r.key(a), r.key(b)) })
	for i := range r.e.sorted[1:] {
		if bytes.Equal(r.key(r.e.sorted[i]), r.key(r.e.sorted[i+1])) {
			return false
		}
	}
	return true
}

func (r *jsonReader) key(m member) []byte { return wire.StringBody(r.buf[m.key:m.keyEnd]) }

// binary replaces the object {"$binary":"<base64>"} just written at start by the
// bytes it stands for.
func (r *jsonReader) binary(start int, text []byte) error {
	bin, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil {
		return fmt.Errorf(`{"$binary":…} must hold base64 text: %w`, err)
	}
	r.buf, err = r.e.bytes(r.buf[:start], bin)
	return err
}

// string writes the string literal that starts at the current position.
func (r *jsonReader) string() {
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
func (r *jsonReader) unescape() string {
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

func (r *jsonReader) escape(s []byte) []byte {
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

func (r *jsonReader) hex4() rune {
	n, _ := strconv.ParseUint(string(r.text[r.pos:r.pos+4]), 16, 32)
	r.pos += 4
	return rune(n)
}

func (r *jsonReader) number() error {
	start := r.pos
	for r.pos < len(r.text) && wire.IsNumberByte(r.text[r.pos]) {
		r.pos++
	}
	var err error
	r.buf, err = wire.AppendNumber(r.buf, r.text[start:r.pos])
	return err
}
