package show

import (
	"strings"
	"unicode/utf8"
)

// LineWidth is that of the narrowest terminal to be reckoned with. Text is
// wrapped there on wider ones too, and in files: long lines read badly.
const LineWidth = 80

// Wrap breaks text at its spaces where a line that begins behind indent would
// become too long. A word is never broken, so that it can be copied.
func Wrap(text, indent string) string {
	var b strings.Builder
	width := len(indent)
	for i, word := range strings.Split(text, " ") {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case width+1+n > LineWidth:
			b.WriteString("\n" + indent)
			width = len(indent)
		default:
			b.WriteByte(' ')
			width++
		}
		b.WriteString(word)
		width += n
	}
	return b.String()
}
