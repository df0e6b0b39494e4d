package emitter

import (
	"sync"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/goredis"
	"github.com/sioemit/sioemit/internal/slab"
)

// memory is what the commands of a pipeline are made of. It comes in pieces,
// because they all live until the pipeline is executed. When a piece is full
// the next one is twice as large.
type memory struct {
	messages []byte
	words    []any
	commands slab.Commands
	last     int    // size of the last message; most are like the one before
	scratch  []byte // for one that may not fit
	route    route  // of a target that is not kept

	maxMessages, maxWords int // of a piece, in bytes and in words
}

// large is the size from which on a message is mostly one long string, for which
// append makes room in one step, in bytes.
const large = 64 << 10

// newMemory returns memory for a pipeline whose execution we do not see. Its
// pieces are small: each is kept as a whole as long as one command needs it.
func newMemory() *memory {
	return &memory{route: route{texts: new(slab.Texts)}, maxMessages: 16 << 10, maxWords: 256, commands: slab.NewCommands(64)}
}

// message returns the message of an event.
func (m *memory) message(t *encoding.Template, event string, args []any) ([]byte, error) {
	used := len(m.messages)
	rest := m.messages[used:]
	into := rest
	apart := cap(rest) < m.last && m.last <= large // to grow out of the rest step by step costs more
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
		if cap(message) <= large {
			m.scratch = message[:0]
		}
		if n > cap(rest) {
			rest = nil // it gets memory of its own
		}
		message = append(rest, message...)
	}
	switch {
	case rest != nil && n <= cap(rest):
		m.messages = m.messages[:used+n]
	case used > 0 || m.messages == nil: // the message has got memory of its own
		m.messages = make([]byte, 0, min(max(2*cap(m.messages), 1<<10), m.maxMessages))
	}
	return message[:n:n], nil
}

// list returns room for the words of a command.
func (m *memory) list(n int) []any {
	used := len(m.words)
	if cap(m.words)-used < n {
		used = 0
		m.words = make([]any, 0, max(min(max(2*cap(m.words), 16), m.maxWords), n))
	}
	m.words = m.words[:used+n]
	return m.words[used : used+n : used+n]
}

// forget lets go of what commands that are no longer in the pipeline were made
// of: their words hold their messages.
func (m *memory) forget() {
	if len(m.words) > 0 {
		m.words = nil
	}
	m.commands.Forget()
}

// memories keeps the last, largest pieces of pipelines for the next ones. A nil
// memories keeps none.
type memories struct{ pool sync.Pool }

// newMemories returns nil in a pipeline, and for clients that may still hold
// commands which Redis has answered.
func newMemories(client *goredis.Client) *memories {
	if client == nil || client.Keeps() {
		return nil
	}
	return new(memories)
}

func (p *memories) get() *memory {
	if p == nil {
		return newMemory()
	}
	if m, ok := p.pool.Get().(*memory); ok {
		return m
	}
	return &memory{route: route{texts: new(slab.Texts)}, maxMessages: 1 << 20, maxWords: 16 << 10, commands: slab.NewCommands(4 << 10)}
}

// put takes the memory of a pipeline whose commands Redis has all answered. With
// any other, an attempt to send them might not have ended.
func (p *memories) put(m *memory) {
	if p == nil {
		return
	}
	clear(m.words) // they hold other memory alive
	m.commands.Clear()
	m.messages, m.words = m.messages[:0], m.words[:0]
	m.route.forget()
	p.pool.Put(m)
}
