package slab

import "github.com/sioemit/sioemit/encoding"

// Memory is what the commands of a pipeline are made of. It comes in pieces,
// because they all live until the pipeline is executed. When a piece is full
// the next one is twice as large.
type Memory struct {
	Messages []byte // the last piece
	Words    []any  // the last piece
	Commands Commands

	MaxMessages, MaxWords int // of a piece, in bytes and in words

	last    int    // size of the last message; most are like the one before
	scratch []byte // for one that may not fit
}

// Large is the size from which on a message is mostly one long string, for which
// append makes room in one step, in bytes.
const Large = 64 << 10

// Message returns the message of an event.
func (m *Memory) Message(t *encoding.Template, event string, args []any) ([]byte, error) {
	used := len(m.Messages)
	rest := m.Messages[used:]
	into := rest
	apart := cap(rest) < m.last && m.last <= Large // to grow out of the rest step by step costs more
	if apart {
		into = m.scratch
	}
	message, err := t.Append(into, event, args)
	if err != nil {
		return nil, err
	}
	n := len(message)
	m.last = n
	if apart {
		if cap(message) <= Large {
			m.scratch = message[:0]
		}
		if n > cap(rest) {
			rest = nil // it gets memory of its own
		}
		message = append(rest, message...)
	}
	switch {
	case rest != nil && n <= cap(rest):
		m.Messages = m.Messages[:used+n]
	case used > 0 || m.Messages == nil: // the message has got memory of its own
		m.Messages = make([]byte, 0, min(max(2*cap(m.Messages), 1<<10), m.MaxMessages))
	}
	return message[:n:n], nil
}

// List returns room for the words of a command.
func (m *Memory) List(n int) []any {
	used := len(m.Words)
	if cap(m.Words)-used < n {
		used = 0
		m.Words = make([]any, 0, max(min(max(2*cap(m.Words), 16), m.MaxWords), n))
	}
	m.Words = m.Words[:used+n]
	return m.Words[used : used+n : used+n]
}

// Forget lets go of what commands that are no longer in the pipeline were made
// of: their words hold their messages.
func (m *Memory) Forget() {
	if len(m.Words) > 0 {
		m.Words = nil
	}
	m.Commands.Forget()
}

// Clear makes the last pieces ready to be used again: nobody holds what is in them.
func (m *Memory) Clear() {
	clear(m.Words) // they hold other memory alive
	m.Commands.Clear()
	m.Messages, m.Words = m.Messages[:0], m.Words[:0]
}
