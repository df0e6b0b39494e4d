package compat_test

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/sioemit/sioemit/internal/harness"
)

// A volatile event reaches a client that can take it. One that cannot misses some, but no ordinary event.
func volatile(s *stage) {
	for i := range 3 {
		m := message{event: "tick", args: []any{i}, rooms: []string{roomSocket}, volatile: true}
		s.send(m, inAny(roomSocket))
		s.settle()
	}
	// A client between two polls may miss it, and nobody gets it twice.
	m := message{event: "tick", volatile: true, rooms: []string{roomA}}
	if err := s.via.send(s.ctx, m); err != nil {
		s.Fatal(err)
	}
	s.permit(m, inAny(roomA))
	s.settle()

	if s.row.brief() {
		return
	}
	// More than the kernel keeps for a connection of which nobody reads, also when it is compressed.
	const events, size = 20, 1 << 20
	noise := make([]byte, size)
	for i, random := 0, rand.New(rand.NewPCG(1, 2)); i < size; i++ {
		noise[i] = byte(random.Uint32())
	}
	text := base64.StdEncoding.EncodeToString(noise)
	for _, droppable := range []bool{true, false} {
		// Of an old connection the kernel may have learned to keep more than that.
		room := fmt.Sprintf("slow %t", droppable)
		slow := s.welcome(s.ctx, s.T, room)
		messages := make([]message, events)
		for i := range messages {
			messages[i] = message{
				event: "flood", args: []any{i, text}, rooms: []string{room},
				volatile: droppable,
			}
		}
		got := s.flood(slow, messages, droppable)
		s.Logf("volatile %t: %d of %d events arrived", droppable, got, events)
		if droppable && got >= events {
			s.Errorf("a client that does not read got all %d volatile events", events)
		}
		if !droppable && got != events {
			s.Errorf("a client that does not read for a while got %d ordinary events of %d", got, events)
		}
	}
}

// volatileUnknown proves that servers in Python deliver volatile events as others.
func volatileUnknown(s *stage) {
	for i := range 3 {
		s.send(message{event: "tick", args: []any{i}, rooms: []string{roomA}, volatile: true}, inAny(roomA))
	}
}

// flood sends messages to a client that does not read meanwhile, and returns how many of them it got.
func (s *stage) flood(slow *member, messages []message, droppable bool) int {
	s.Helper()
	if err := s.clients.Pause(); err != nil {
		s.Fatal(err)
	}
	resumed := false
	resume := func() {
		if resumed {
			return
		}
		resumed = true
		if err := s.clients.Resume(); err != nil {
			s.Error(err)
		}
	}
	defer resume()
	if err := s.via.sendAll(s.ctx, messages); err != nil {
		s.Fatal(err)
	}
	for _, m := range messages {
		if droppable {
			s.permit(m, only(slow))
		} else {
			s.expect(m, only(slow))
		}
	}
	// The witnesses live in another process. Once they have this, their servers are done with all of the above.
	last := message{event: "flooded", args: []any{time.Now().UnixNano()}, rooms: []string{roomWitness}}
	s.send(last, inAny(roomWitness))
	for _, witness := range s.some(s.T, inAny(roomWitness)) {
		if err := witness.Await(s.ctx, func(events []harness.Event) bool {
			return len(events) > 0 && same(events[len(events)-1], expected(last.event, last.args...))
		}); err != nil {
			s.Fatal(err)
		}
	}
	resume()
	return s.settle()[slow]
}

// Events of one batch have nothing to do with each other: none goes where the one before it went, or as that did. Each
// comes twice, so that what is kept of a target is used.
func batch(s *stage) {
	inA, admin := s.some(s.T, inAny(roomA)), s.some(s.T, everyone("/admin"))
	type kind struct {
		message
		to func(*member) bool
	}
	kinds := []kind{
		{message{rooms: []string{roomA}}, inAny(roomA)},
		{message{namespace: "/admin"}, everyone("/admin")},
		{message{except: []string{inA[0].ID}, args: []any{[]byte{1, 2}}}, and(everyone("/"), not(only(inA[0])))},
		{message{rooms: []string{roomA, roomB}, compress: new(false), args: []any{"text", 1}}, inAny(roomA, roomB)},
		{message{rooms: []string{roomSocket}, volatile: true}, inAny(roomSocket)},
		{message{args: []any{map[string]any{"file": []byte{3}}, nil}}, everyone("/")},
		{
			message{namespace: "admin", rooms: []string{roomA}, except: []string{admin[0].ID}},
			and(and(everyone("/admin"), not(only(admin[0]))), func(m *member) bool { return m.in(roomA) }),
		},
		{message{rooms: []string{inA[0].ID}, args: []any{"one"}}, only(inA[0])},
		{message{rooms: []string{"nobody", inA[0].ID}}, only(inA[0])},
		{message{rooms: []string{roomB}, args: []any{[]any{}}}, inAny(roomB)},
		{message{}, everyone("/")},
	}
	if s.row.isPython() {
		kinds = slices.DeleteFunc(kinds, func(k kind) bool { return holdsBinary(k.args) })
	}
	if s.row.exceptsRooms() {
		kinds = append(kinds, kind{message{rooms: []string{roomA}, except: []string{roomB}}, and(inAny(roomA), not(inAny(roomB)))})
	}
	kinds = append(kinds, kinds...)
	var messages []message
	for i := range kinds {
		kinds[i].event = fmt.Sprintf("event %d", i)
		messages = append(messages, kinds[i].message)
	}
	if err := s.via.sendAll(s.ctx, messages); err != nil {
		s.Fatal(err)
	}
	for _, kind := range kinds {
		if kind.volatile { // a client that still takes the one before it may miss it
			s.permit(kind.message, kind.to)
		} else {
			s.expect(kind.message, kind.to)
		}
	}
}

// Thousands of events arrive in the order in which they were sent, each of them once.
func order(s *stage) {
	s.gather(s.ctx, s.T, "numbers")
	numbers := func(from, n int) []message {
		messages := make([]message, n)
		for i := range messages {
			messages[i] = message{event: "number", args: []any{from + i}, rooms: []string{"numbers"}}
		}
		return messages
	}
	first, half := 0, s.row.ordered
	if _, ok := s.via.(viaDriver); ok {
		half = min(half, 1000) // there are many of them, which publish by the same rule
	}
	// The command would be a process for each: what it sends by the thousand, it sends with pipe.
	if _, ok := s.via.(library); ok {
		for _, m := range numbers(0, half) {
			s.send(m, inAny("numbers"))
		}
		first = half
	}
	s.sendAll(numbers(first, 2*half-first), inAny("numbers"))
}
