package emitter

import (
	"context"
	"fmt"
	"sync"
	"unsafe"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/slab"
)

// route is how broadcasts to one target are sent, but for the event itself.
type route struct {
	adapter  Adapter
	template encoding.Template
	words    []any // of the Redis command, in front of the message

	target encoding.Broadcast // what the others are made of
	texts  *slab.Texts        // of words that are made for it
}

// set makes r the route of a target, in the memory that r has.
func (r *route) set(o *operator) (err error) {
	r.adapter = o.sender.adapter
	r.target.Flags, r.target.MaxAttachments = o.flags, o.sender.maxAttachments
	o.setTarget(&r.target)
	if r.words, err = r.adapter.words(r.words[:0], r.texts, &r.target); err != nil {
		return fmt.Errorf("emitter: %w", err)
	}
	r.adapter.retarget(&r.template, &r.target)
	return nil
}

// command returns the Redis command for a message, with the memory for it and
// for its words.
func (r *route) command(ctx context.Context, commands *slab.Commands, words []any, message []byte) redis.Cmder {
	copy(words, r.words)
	return r.adapter.command(ctx, commands, words, message)
}

// routes are those of targets that are not kept.
var routes = sync.Pool{New: func() any { return new(route) }}

func (r *route) giveBack() {
	r.forget()
	routes.Put(r)
}

// forget keeps nothing of the target but memory, and of that not much. A list has
// room for the duplicates in it as well.
func (r *route) forget() {
	size := len(r.target.Namespace)
	for _, list := range [][]encoding.Room{r.target.Rooms, r.target.Except} {
		size += cap(list) * int(unsafe.Sizeof(encoding.Room("")))
		for _, room := range list {
			size += len(room)
		}
	}
	if size > slab.Large {
		*r = route{texts: r.texts}
		return
	}
	clear(r.words)
	clear(r.target.Rooms)
	clear(r.target.Except)
	r.target = encoding.Broadcast{Rooms: r.target.Rooms[:0], Except: r.target.Except[:0]}
}
