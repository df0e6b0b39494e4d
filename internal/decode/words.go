package decode

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

var errQuotes = errors.New("a quote is not closed, or something follows it without a space")

// maxWords is more than any command of an adapter has.
const maxWords = 1 << 16

var errWords = fmt.Errorf("there are more than %d words in it", maxWords)

// splitWords takes a line apart as redis-cli does: words between spaces, in
// double quotes with \x.., \n and the like, or in single quotes with \'.
func splitWords(line string) ([]string, error) {
	var words []string
	for {
		if len(words) > maxWords {
			return nil, errWords
		}
		line = strings.TrimLeft(line, " \t\r\n")
		if line == "" {
			return words, nil
		}
		if line[0] != '"' && line[0] != '\'' {
			end := strings.IndexAny(line, " \t\r\n")
			if end < 0 {
				end = len(line)
			}
			words, line = append(words, line[:end]), line[end:]
			continue
		}
		var b strings.Builder
		var err error
		line, err = quotedWord(&b, line)
		if err != nil {
			return nil, err
		}
		words = append(words, b.String())
	}
}

// quotedWord writes what the quoted word at the start of line stands for, and
// returns the rest of the line.
func quotedWord(b *strings.Builder, line string) (rest string, err error) {
	quote := line[0]
	for i := 1; i < len(line); {
		switch {
		case line[i] == quote:
			rest = line[i+1:]
			if rest != "" && !strings.ContainsRune(" \t\r\n", rune(rest[0])) {
				return "", errQuotes
			}
			return rest, nil
		case quote == '"' && line[i] == '\\':
			i += writeEscape(b, line[i:])
		case quote == '\'' && strings.HasPrefix(line[i:], `\'`):
			b.WriteByte('\'')
			i += 2
		default:
			b.WriteByte(line[i])
			i++
		}
	}
	return "", errQuotes
}

// writeEscape writes what the escape at the start of text stands for and returns
// its length.
func writeEscape(b *strings.Builder, text string) int {
	if len(text) < 2 {
		b.WriteString(text)
		return len(text)
	}
	if text[1] == 'x' && len(text) >= 4 {
		if n, err := strconv.ParseUint(text[2:4], 16, 8); err == nil {
			b.WriteByte(byte(n))
			return 4
		}
	}
	switch text[1] {
	case 'n':
		b.WriteByte('\n')
	case 'r':
		b.WriteByte('\r')
	case 't':
		b.WriteByte('\t')
	case 'b':
		b.WriteByte('\b')
	case 'a':
		b.WriteByte('\a')
	default:
		b.WriteByte(text[1])
	}
	return 2
}

// unescapeWord reads the escapes of a word that has lost its quotes to a shell.
func unescapeWord(word string) string {
	var b strings.Builder
	for i := 0; i < len(word); {
		if word[i] == '\\' {
			i += writeEscape(&b, word[i:])
			continue
		}
		b.WriteByte(word[i])
		i++
	}
	return b.String()
}
