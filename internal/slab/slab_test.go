package slab

import (
	"bytes"
	"slices"
	"testing"

	"github.com/sioemit/sioemit/encoding"
)

// TestTexts has texts of all sizes stay what they were, and be apart from each
// other.
func TestTexts(t *testing.T) {
	t.Parallel()
	for _, memory := range []*Texts{nil, new(Texts)} {
		var got, want []string
		for i := range 500 {
			b := bytes.Repeat([]byte{byte(i)}, i*i%3000)
			got, want = append(got, memory.Text(b)), append(want, string(b))
			clear(b)
		}
		if !slices.Equal(got, want) {
			t.Error("a text has changed")
		}
	}
}

// TestMemoryPieces fills memory with messages of all sizes: each keeps what it
// holds, and none can be appended to.
func TestMemoryPieces(t *testing.T) {
	t.Parallel()
	template := encoding.Classic{}.Template(&encoding.Broadcast{Namespace: "/"})
	for name, m := range map[string]*Memory{
		"small":  {MaxMessages: 16 << 10, MaxWords: 256, Commands: NewCommands(64)},
		"pooled": {MaxMessages: 1 << 20, MaxWords: 16 << 10, Commands: NewCommands(4 << 10)},
	} {
		var messages, want [][]byte
		for i := range 500 {
			args := []any{bytes.Repeat([]byte{byte(i)}, i*i%(3*m.MaxMessages/2))}
			message, err := m.Message(template, "e", args)
			if err != nil {
				t.Fatal(err)
			}
			plain, err := template.Append(nil, "e", args)
			if err != nil {
				t.Fatal(err)
			}
			messages, want = append(messages, message), append(want, plain)
			if len(message) != cap(message) || cap(m.Messages) > m.MaxMessages {
				t.Fatalf("%s: message %d has %d bytes of %d, in a piece of %d", name, i, len(message), cap(message), cap(m.Messages))
			}
			if words := m.List(1 + i%7); len(words) != 1+i%7 || cap(words) != len(words) || words[0] != nil || cap(m.Words) > m.MaxWords {
				t.Fatalf("%s: words %d: %d of %d, in a piece of %d", name, i, len(words), cap(words), cap(m.Words))
			} else {
				words[0] = i
			}
		}
		for i := range messages {
			if !bytes.Equal(messages[i], want[i]) {
				t.Fatalf("%s: message %d has changed", name, i)
			}
		}
	}
}

// TestMemorySmallBehindLarge has a small message, which comes behind a large one,
// take no more room than it needs: from the piece, where that has enough.
func TestMemorySmallBehindLarge(t *testing.T) {
	t.Parallel()
	template := encoding.Classic{}.Template(&encoding.Broadcast{Namespace: "/"})
	m := &Memory{Messages: make([]byte, 0, 64<<10), MaxMessages: 1 << 20}
	message := func(size int) int {
		t.Helper()
		message, err := m.Message(template, "e", []any{make([]byte, size)})
		if err != nil {
			t.Fatal(err)
		}
		return len(message)
	}
	for range 10 {
		message(20 << 10)
		piece, used := cap(m.Messages), len(m.Messages)
		if n := message(10); cap(m.Messages) != piece || len(m.Messages) != used+n {
			t.Fatalf("a message of %d bytes made of a piece with %d of %d one with %d of %d", n, used, piece, len(m.Messages), cap(m.Messages))
		}
	}
}
