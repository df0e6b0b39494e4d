package wire

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

func skipSpace(text string, i int) int {
	for i < len(text) && (text[i] == ' ' || text[i] == '\n' || text[i] == '\r' || text[i] == '\t') {
		i++
	}
	return i
}

// skipString returns the end of the string that starts at i.
func skipString(text string, i int) (end int, err error) {
	if i >= len(text) || text[i] != '"' {
		return 0, errors.New("a key is not a string")
	}
	for i++; i < len(text); i++ {
		n := strings.IndexByte(text[i:], '"')
		if n < 0 {
			break
		}
		i += n
		backslashes := 0
		for text[i-1-backslashes] == '\\' {
			backslashes++
		}
		if backslashes%2 == 0 {
			return i + 1, nil
		}
	}
	return 0, errTooEarly
}

// skipJSON returns the end of the value that starts at i. Whether all is well
// inside of it, decoding finds out.
func skipJSON(text string, i int) (end int, cost int64, err error) {
	depth, start := 0, i
	for i < len(text) {
		switch text[i] {
		case '"':
			if i, err = skipString(text, i); err != nil {
				return 0, 0, err
			}
			if depth == 0 {
				return i, cost + int64(i-start), nil
			}
			continue
		case '{':
			depth++
			cost += objectCost
		case '[':
			depth++
			cost += arrayCost
		case '}', ']':
			if depth--; depth < 0 {
				return i, cost + int64(i-start), nil // a number ends here
			}
			if depth == 0 {
				return i + 1, cost + int64(i-start), nil
			}
		case ',', ':':
			if depth == 0 {
				return i, cost + int64(i-start), nil
			}
			cost += elementCost
		case ' ', '\n', '\r', '\t':
			if depth == 0 {
				return i, cost + int64(i-start), nil
			}
		}
		i++
	}
	return 0, 0, errTooEarly
}

// packHead is the beginning of a MessagePack value.
type packHead struct {
	size  int // with the bytes of a value that is no array or object, in bytes
	items int // that follow, of an object keys and values
	cost  int64
}

func readPackHead(text string) (packHead, error) {
	if text == "" {
		return packHead{}, errTooEarly
	}
	c := text[0]
	switch {
	case c < 0x80, c >= 0xe0:
		return packHead{size: 1}, nil
	case c < 0x90:
		return packHead{1, 2 * int(c&0x0f), objectCost}, nil
	case c < 0xa0:
		return packHead{1, int(c & 0x0f), arrayCost}, nil
	case c < 0xc0:
		return packHead{size: 1 + int(c&0x1f)}, nil
	}
	kind := packKinds[c-0xc0]
	size := 1 + kind.length
	if len(text) < size {
		return packHead{}, errTooEarly
	}
	var n uint64 // a length, in bytes or items
	for i := 1; i < size; i++ {
		n = n<<8 | uint64(text[i])
	}
	n += uint64(kind.more)
	switch {
	case kind.invalid:
		return packHead{}, fmt.Errorf("no value starts with byte %#x", c)
	case n > uint64(len(text)) || n > math.MaxInt32/2:
		return packHead{}, fmt.Errorf("%d bytes or elements are announced where %d bytes follow", n, len(text)-size)
	case kind.items == 0:
		return packHead{size: size + int(n)}, nil
	}
	cost := int64(arrayCost)
	if kind.items == 2 {
		cost = objectCost
	}
	return packHead{size, int(n) * kind.items, cost}, nil
}

// packKinds are the kinds of values from byte 0xc0 to 0xdf: how many bytes their
// length has, how many bytes more follow, and what the length counts.
var packKinds = [...]struct {
	length, more, items int
	invalid             bool
}{
	{}, {invalid: true}, {}, {}, // nil, none, false, true
	{length: 1}, {length: 2}, {length: 4}, // binary
	{length: 1, more: 1}, {length: 2, more: 1}, {length: 4, more: 1}, // extensions
	{more: 4}, {more: 8}, // float
	{more: 1}, {more: 2}, {more: 4}, {more: 8}, // unsigned
	{more: 1}, {more: 2}, {more: 4}, {more: 8}, // signed
	{more: 2}, {more: 3}, {more: 5}, {more: 9}, {more: 17}, // extensions of a fixed size
	{length: 1}, {length: 2}, {length: 4}, // text
	{length: 2, items: 1}, {length: 4, items: 1}, // arrays
	{length: 2, items: 2}, {length: 4, items: 2}, // objects
}

// skipPack returns the end of the value that starts at i.
func skipPack(text string, i int) (end int, cost int64, err error) {
	for left := 1; left > 0; left-- {
		head, err := readPackHead(text[i:])
		if err != nil {
			return 0, 0, err
		}
		i += head.size
		if left += head.items; left-1 > len(text)-i { // each takes a byte at least
			return 0, 0, errTooEarly
		}
		cost += head.cost + elementCost
	}
	return i, cost, nil
}
