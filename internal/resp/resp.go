// Package resp reads what goes between Redis and its clients, as it comes: words and
// replies are whole, and nothing of them is changed.
package resp

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// maxWord is the longest word that is taken from a client, in bytes.
const maxWord = 64 << 20

// ReadCommand reads a command as all clients send it: an array of bulk strings.
func ReadCommand(in *bufio.Reader) (words [][]byte, raw []byte, err error) {
	n, err := readLength(in, '*', &raw)
	if err != nil {
		return nil, nil, err
	}
	for range n {
		size, err := readLength(in, '$', &raw)
		if err != nil {
			return nil, nil, err
		}
		start := len(raw)
		if err := readBytes(in, size+2, &raw); err != nil {
			return nil, nil, err
		}
		words = append(words, raw[start:start+size:start+size])
	}
	return words, raw, nil
}

func readLength(in *bufio.Reader, kind byte, raw *[]byte) (int, error) {
	line, err := in.ReadBytes('\n')
	if err != nil {
		return 0, err
	}
	*raw = append(*raw, line...)
	text := strings.TrimSuffix(string(line), "\r\n")
	if len(text) < 2 || text[0] != kind {
		return 0, fmt.Errorf("the client sent %.40q where RESP has %c and a number", line, kind)
	}
	n, err := strconv.Atoi(text[1:])
	if err != nil || n < 0 || n > maxWord {
		return 0, fmt.Errorf("the client announced a length of %s", text[1:])
	}
	return n, nil
}

func readBytes(in *bufio.Reader, n int, raw *[]byte) error {
	start := len(*raw)
	*raw = append(*raw, make([]byte, n)...)
	_, err := io.ReadFull(in, (*raw)[start:])
	return err
}

// FirstWords returns up to n of the words with which a reply begins.
func FirstWords(reply []byte, n int) (words []string) {
	_, rest, _ := bytes.Cut(reply, []byte("\r\n"))
	for len(words) < n && len(rest) > 0 && rest[0] == '$' {
		length, after, _ := bytes.Cut(rest[1:], []byte("\r\n"))
		size, err := strconv.Atoi(string(length))
		if err != nil || size < 0 || size+2 > len(after) {
			size, after = 0, []byte("\r\n") // null, in the news that nothing is left to unsubscribe from
		}
		words = append(words, string(after[:size]))
		rest = after[size+2:]
	}
	return words
}

// ReadReply reads one reply of RESP 2 or 3, whole, and returns its type.
func ReadReply(in *bufio.Reader, raw *[]byte) (kind byte, err error) {
	line, err := in.ReadBytes('\n')
	if err != nil {
		return 0, err
	}
	*raw = append(*raw, line...)
	kind = line[0]
	switch kind {
	case '+', '-', ':', '_', ',', '#', '(':
		return kind, nil
	}
	n, err := strconv.Atoi(strings.TrimRight(string(line[1:]), "\r\n"))
	if err != nil {
		return 0, fmt.Errorf("no RESP came from Redis: %.40q", line)
	}
	switch kind {
	case '$', '=', '!':
		if n >= 0 {
			err = readBytes(in, n+2, raw)
		}
		return kind, err
	case '%', '|':
		n *= 2
	case '*', '~', '>':
	default:
		return 0, fmt.Errorf("no RESP came from Redis: %.40q", line)
	}
	for range n {
		if _, err := ReadReply(in, raw); err != nil {
			return 0, err
		}
	}
	return kind, nil
}
