package jsontext

import (
	"cmp"
	"slices"

	"github.com/sioemit/sioemit/internal/wire"
)

// fix is what is still wrong with an array or an object of a JSON text when its
// end is read: its header needs more than the one byte that was kept for it, or
// its members are not in the order of JavaScript. Everything behind or in it
// would have to move, again for each level around it; so what is wrong is
// noted, and one pass over the whole text in the end puts it right.
type fix struct {
	start, end int // in the output
	count      int // of elements or members
	object     bool
	kept       span // the members of an object in their order, in kept; empty when they stand in it
}

// span is a part of a slice.
type span struct{ from, to int }

// small is how many bytes may move at once, again for each level: what they
// hold cannot be deep.
const small = 256

// close ends an array or an object; fixes is how many fixes there were when it
// began.
func (r *reader) close(f fix, fixes int) {
	mem := r.mem
	f.end = len(r.buf)
	var room [5]byte
	header := f.header(room[:0])
	inOrder := f.kept.from == f.kept.to
	switch {
	case inOrder && len(header) == 1:
		r.buf[f.start] = header[0]
	case inOrder && f.end-f.start <= small && len(mem.fixes) == fixes:
		r.buf = slices.Insert(r.buf, f.start+1, header[1:]...)
		r.buf[f.start] = header[0]
	default:
		mem.fixes = append(mem.fixes, f)
	}
}

func (f *fix) header(b []byte) []byte {
	if f.object {
		return wire.AppendMapHeader(b, f.count)
	}
	return wire.AppendArrayHeader(b, f.count)
}

// fix puts right what was written from base on.
func (r *reader) fix(base int) {
	mem := r.mem
	slices.SortFunc(mem.fixes, func(a, b fix) int { return cmp.Compare(a.start, b.start) })
	mem.moved = r.fixed(mem.moved[:0], base, len(r.buf))
	r.buf = append(r.buf[:base], mem.moved...)
}

// fixed appends to dst what was written from start to end, put right.
func (r *reader) fixed(dst []byte, start, end int) []byte {
	mem := r.mem
	next := func(from int) int {
		i, _ := slices.BinarySearchFunc(mem.fixes, from, func(f fix, from int) int { return cmp.Compare(f.start, from) })
		return i
	}
	for i := next(start); i < len(mem.fixes) && mem.fixes[i].start < end; {
		f := &mem.fixes[i]
		dst = f.header(append(dst, r.buf[start:f.start]...))
		if f.kept.from == f.kept.to {
			start = f.start + 1
			i++
			continue
		}
		for _, m := range mem.kept[f.kept.from:f.kept.to] {
			dst = append(dst, r.buf[m.key:m.keyEnd]...)
			dst = r.fixed(dst, m.value, m.end)
		}
		start = f.end
		i = next(start)
	}
	return append(dst, r.buf[start:end]...)
}
