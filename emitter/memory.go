package emitter

import (
	"sync"

	"github.com/sioemit/sioemit/internal/goredis"
	"github.com/sioemit/sioemit/internal/slab"
)

// memory is what the commands of a pipeline are made of.
type memory struct {
	slab.Memory
	route route // of a target that is not kept
}

// newMemory returns memory for a pipeline whose execution we do not see. Its
// pieces are small: each is kept as a whole as long as one command needs it.
func newMemory() *memory {
	return &memory{slab.Memory{MaxMessages: 16 << 10, MaxWords: 256, Commands: slab.NewCommands(64)}, route{texts: new(slab.Texts)}}
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
	return &memory{slab.Memory{MaxMessages: 1 << 20, MaxWords: 16 << 10, Commands: slab.NewCommands(4 << 10)}, route{texts: new(slab.Texts)}}
}

// put takes the memory of a pipeline whose commands Redis has all answered. With
// any other, an attempt to send them might not have ended.
func (p *memories) put(m *memory) {
	if p == nil {
		return
	}
	m.Clear()
	m.route.forget()
	p.pool.Put(m)
}
