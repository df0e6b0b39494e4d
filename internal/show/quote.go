package show

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Quote writes one word of a Redis command so that redis-cli reads it back:
// as it is when it is plain, in double quotes when it is simple text, in single
// quotes when it is text with double quotes or backslashes in it, such as
// JSON, and with \x.. when it is binary.
func Quote(word string) string {
	switch {
	case IsBare(word):
		return word
	case IsText(word) && !strings.ContainsAny(word, `"\`):
		return `"` + word + `"`
	case IsText(word) && !strings.ContainsAny(word, `'\`):
		return "'" + word + "'"
	}
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(word) {
		switch c := word[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case ' ' <= c && c <= '~':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, `\x%02x`, c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// IsBare reports whether Quote leaves a word as it is.
func IsBare(word string) bool {
	for i := range len(word) {
		c := word[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("._:/*~=-", c) >= 0) {
			return false
		}
	}
	return word != ""
}

// IsText reports whether a word can be printed as it is.
func IsText(word string) bool {
	if !utf8.ValidString(word) {
		return false
	}
	for _, r := range word {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}
