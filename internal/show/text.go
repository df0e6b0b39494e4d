package show

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable takes out of text what terminals obey or do not show: names come
// from Redis, where anybody may have chosen them.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return utf8.RuneError
		}
		return r
	}, text)
}

// OneLine is text without line breaks, as stderr gets it.
func OneLine(text string) string { return Printable(strings.Join(strings.Fields(text), " ")) }

// Plural is a number of things.
func Plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// Shorten keeps an error about a value readable.
func Shorten(value []byte) string {
	const most = 40
	if len(value) > most {
		return string(value[:most]) + "..."
	}
	return string(value)
}
